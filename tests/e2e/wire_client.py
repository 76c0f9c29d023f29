"""Speaks PostgreSQL's wire protocol by hand through hoopctl's endpoint, whole and in pieces, and compares the answers.

    hoopctl connect TARGET -- python3 wire_client.py TRANSCRIPT [PIECE…]

The answers to one conversation sent whole go to the file TRANSCRIPT, one line a message. For each PIECE the conversation is
held again on a new connection, sent PIECE bytes at a time; a piece is sent only when the one before has been read, so that
with 1 every message arrives cut at each of its offsets. Fails if an answer differs from the unbroken conversation's.
"""
import base64
import fcntl
import hashlib
import os
import re
import socket
import struct
import sys
import time

UNREAD = 0x5411  # SIOCOUTQ: on a Unix socket, what the peer has not read yet
PATIENCE = 20


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac(key, data):  # Python's own module is not in every installation
    key = key.ljust(64, b'\0')
    return sha256(bytes(b ^ 0x5C for b in key) + sha256(bytes(b ^ 0x36 for b in key) + data))


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def message(tag, body=b''):
    return tag + struct.pack('!I', len(body) + 4) + body


def text(value):
    return value.encode() + b'\0'


def query(sql):
    return message(b'Q', text(sql))


def parse(name, sql):
    return message(b'P', text(name) + text(sql) + struct.pack('!H', 0))


def bind(statement, values, result_format=0):
    body = text('') + text(statement) + struct.pack('!HH', 0, len(values))
    for value in values:
        body += struct.pack('!I', len(value)) + value.encode()
    return message(b'B', body + struct.pack('!HH', 1, result_format))


DESCRIBE = message(b'D', b'P\0')
EXECUTE = message(b'E', b'\0' + struct.pack('!I', 0))
SYNC = message(b'S')


def run(statement, values, result_format=0):
    return bind(statement, values, result_format) + DESCRIBE + EXECUTE


class Connection:
    def __init__(self, piece):
        self.piece = piece
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(os.path.join(os.environ['PGHOST'], '.s.PGSQL.' + os.environ['PGPORT']))
        self.held = b''
        self.log_in()

    def send(self, data):
        size = self.piece or len(data)
        for start in range(0, len(data), size):
            self.socket.sendall(data[start:start + size])
            if self.piece:
                self.wait_until_read()

    def wait_until_read(self):
        end = time.monotonic() + PATIENCE
        while struct.unpack('i', fcntl.ioctl(self.socket, UNREAD, b'\0' * 4))[0]:
            if time.monotonic() > end:
                raise TimeoutError('the endpoint does not read')
            time.sleep(0)

    def receive(self):
        while len(self.held) < 5 or len(self.held) < 1 + struct.unpack('!I', self.held[1:5])[0]:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError('the endpoint closed the connection')
            self.held += data
        size = 1 + struct.unpack('!I', self.held[1:5])[0]
        one, self.held = self.held[:size], self.held[size:]
        return one[:1], one[5:]

    def until(self, last):
        out = []
        while not out or out[-1][0] != last:
            out.append(self.receive())
        return out

    def expect(self, tag, kind):
        got, body = self.receive()
        if got != tag or struct.unpack('!I', body[:4])[0] != kind:
            raise ValueError('login: %r %r' % (got, body))
        return body[4:]

    def log_in(self):
        with open(os.environ['PGPASSFILE']) as file:
            password = file.readline().rstrip('\n').split(':')[-1].encode()
        names = {'user': os.environ['PGUSER'], 'database': os.environ['PGDATABASE'], 'application_name': 'wire'}
        body = struct.pack('!I', 196608) + b''.join(text(k) + text(v) for k, v in names.items()) + b'\0'
        self.send(struct.pack('!I', len(body) + 4) + body)
        self.expect(b'R', 10)
        first = b'n=,r=' + base64.b64encode(os.urandom(18))
        self.send(message(b'p', text('SCRAM-SHA-256') + struct.pack('!I', len(first) + 3) + b'n,,' + first))
        challenge = self.expect(b'R', 11)
        fields = dict(part.split(b'=', 1) for part in challenge.split(b','))
        block = hmac(password, base64.b64decode(fields[b's']) + struct.pack('!I', 1))
        salted = block
        for _ in range(int(fields[b'i']) - 1):
            block = hmac(password, block)
            salted = xor(salted, block)
        final = b'c=biws,r=' + fields[b'r']
        signed = b','.join([first, challenge, final])
        key = hmac(salted, b'Client Key')
        proof = xor(key, hmac(sha256(key), signed))
        self.send(message(b'p', final + b',p=' + base64.b64encode(proof)))
        server = dict(part.split(b'=', 1) for part in self.expect(b'R', 12).split(b','))
        if base64.b64decode(server[b'v']) != hmac(hmac(salted, b'Server Key'), signed):
            raise ValueError('login: the endpoint does not know the password')
        self.expect(b'R', 0)
        self.greeting = self.until(b'Z')

    def ask(self, data):
        self.send(data)
        return self.until(b'Z')

    def copy_in(self, sql, data):
        self.send(query(sql))
        answer = self.until(b'G')
        self.send(data)
        return answer + self.until(b'Z')


def converse(piece):
    c = Connection(piece)
    out = [m for m in c.greeting if m[0] != b'K']
    c.ask(query('delete from users where id >= 700000'))
    for sql in ('select id, city from customers where id <= 3 order by id',
                "select 1; select repeat('long ', 300); select 2", '',
                'select id, email, ssn, credit_card from customers where id between 40 and 44 order by id',
                'select secret from api_keys order by id', 'drop table orders', 'select 1/0',
                "begin; update users set login = 'torn' where id = 1", 'truncate orders', 'select 1', 'rollback',
                'copy (select id, city from customers where id <= 5 order by id) to stdout', 'copy api_keys to stdout',
                'copy customers to stdout'):
        out += c.ask(query(sql))
    # Several statements and results between two Syncs; binary and text; then the same with a refused one in the middle.
    out += c.ask(parse('by_id', 'select id, email, city from customers where id = $1') + run('by_id', ['7']) +
                 run('by_id', ['8'], 1) + parse('', "insert into users values (700001, 'piped', 'support', null)") +
                 run('', []) + parse('', 'select login from users where id = 700001') + run('', []) + SYNC)
    out += c.ask(run('by_id', ['9']) + parse('', 'update users set login = \'torn\' where id = 700001') + run('', []) +
                 parse('', 'drop table orders') + run('', []) + run('by_id', ['10']) + SYNC)
    out += c.ask(query('select login from users where id in (1, 700001) order by id'))
    rows = [b'700002\tcopied\tsup', b'port\t\\N\n700003\tcopied too\tengineer\t\\N\n', b'700004\tlast\tanalyst\t\\N\n']
    data = b''.join(message(b'd', row) for row in rows)
    out += c.copy_in('copy users from stdin', data + message(b'c'))
    out += c.copy_in('copy users from stdin', message(b'd', b'700005\tnever\tsupport\t\\N\n') + message(b'f', text('no')))
    out += c.ask(query('select * from users where id >= 700000 order by id'))
    c.send(message(b'X'))
    while c.socket.recv(65536):
        raise ValueError('an answer to Terminate')
    # The role is the session's, and the number of a refused action counts over the whole session.
    def same(body):
        return re.sub(rb'hoop_[a-z2-7]{26}', b'hoop_ROLE', re.sub(rb'action=\d+', b'action=N', body))
    return ['%s %r' % (tag.decode(), same(body)) for tag, body in out]


def main():
    whole = converse(0)
    with open(sys.argv[1], 'w') as file:
        file.write('\n'.join(whole) + '\n')
    for piece in map(int, sys.argv[2:]):
        split = converse(piece)
        for number, (one, other) in enumerate(zip(whole, split)):
            if one != other:
                sys.exit('in pieces of %d bytes answer %d differs:\n%s\n%s' % (piece, number, one, other))
        if len(whole) != len(split):
            sys.exit('in pieces of %d bytes there are %d answers, not %d' % (piece, len(split), len(whole)))
        print('pieces of %d: %d answers' % (piece, len(split)))


main()
