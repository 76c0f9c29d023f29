#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays requests.txt against a running stack.

  replay.py endpoint TABLE SECTION   each request of the section to the endpoint at HOOPCTL_URL, and what must come of it
  replay.py count                    how many requests have come to the service
  replay.py arrived TABLE SECTION N  whether those that came behind the first N are the ones that may pass, and no others
  replay.py straight TABLE           those that are refused, to the service itself: how many it would have served

The service is the one at HOOPCTL_STACK_HTTP, with its key in HOOPCTL_STACK_HTTP_KEY_FILE. What is not as the table says is a
line on stdout, and the status 1.
"""
import collections
import http.client
import json
import os
import re
import socket
import ssl
import sys
import urllib.parse

KEY_IN_TABLE = 'key-0123456789abcdef'
PATIENCE = 20  # seconds
Row = collections.namedtuple('Row', 'line section name request verdict what')


def unescaped(text):
    """\\r \\n \\t \\0 \\\\ and \\xNN, and \\{3*ab} for ababab."""
    plain = {'r': b'\r', 'n': b'\n', 't': b'\t', '0': b'\0', '\\': b'\\'}

    def one(match):
        escape = match.group(0)
        if escape.startswith('\\x'):
            return bytes([int(escape[2:], 16)])
        if escape.startswith('\\{'):
            count, repeated = escape[2:-1].split('*', 1)
            return unescaped(repeated) * int(count)
        return plain[escape[1]]

    out, at = b'', 0
    for match in re.finditer(r'\\\{\d+\*[^}]*\}|\\x[0-9a-f]{2}|\\[rnt0\\]', text):
        out += text[at:match.start()].encode() + one(match)
        at = match.end()
    return out + text[at:].encode()


def rows_of(table):
    section = ''
    with open(table, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip('\n')
            if not line or line.startswith('#'):
                continue
            if line.startswith('['):
                section = line[1:-1]
                continue
            fields = (line + ' ' if line.endswith(' |') else line).split(' | ')
            if len(fields) != 4:
                raise SystemExit(f'{table}:{number}: there are {len(fields)} fields')
            name, request, verdict, what = fields
            yield Row(number, section, name, unescaped(request), verdict, what)


def exchange(connection, request):
    """Sends it and answers the status and the body of the reply; None where there is none."""
    connection.settimeout(PATIENCE)
    try:
        connection.sendall(request)
    except OSError:
        pass  # refused before it was whole
    method = request.split(b' ', 1)[0].decode('latin-1')
    reply = http.client.HTTPResponse(connection, method=method)
    try:
        reply.begin()
        return reply.status, reply.getheader('Content-Type', ''), reply.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        reply.close()
        connection.close()


def as_verdict(reply):
    """What has come of a request, in the words of the table."""
    if reply is None:
        return 'no reply'
    status, media_type, body = reply
    if media_type != 'application/problem+json':
        return 'pass'
    problem = json.loads(body)
    return f"{status} {problem['code']}"


def endpoint(table, section):
    where = urllib.parse.urlsplit(os.environ['HOOPCTL_URL'])
    wrong = count = 0
    for row in rows_of(table):
        if row.section != section:
            continue
        count += 1
        got = as_verdict(exchange(socket.create_connection((where.hostname, where.port), PATIENCE), row.request))
        if got != row.verdict:
            wrong += 1
            print(f'line {row.line}: {row.name}: {got} and not {row.verdict}')
    print(f'{section}: {count} requests')
    return wrong == 0 and count > 0


def service():
    """A connection to the service itself, and its key."""
    where = urllib.parse.urlsplit(os.environ['HOOPCTL_STACK_HTTP'])
    with open(os.environ['HOOPCTL_STACK_HTTP_KEY_FILE'], encoding='utf-8') as file:
        key = file.read().strip()
    trust = ssl.create_default_context(cafile=os.environ['HOOPCTL_STACK_HTTP_CA'])
    plain = socket.create_connection((where.hostname, where.port), PATIENCE)
    return trust.wrap_socket(plain, server_hostname=where.hostname), key


def log():
    connection, key = service()
    request = f'GET /log HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\nConnection: close\r\n\r\n'
    _, _, body = exchange(connection, request.encode())
    return [f"{one['method']} {one['url']}" for one in json.loads(body)]


def line_at_service(row, key):
    """The request line as the service sees it: of a row that passes the first part of the last field says it."""
    text = unescaped(row.what.split(' & ')[0]) if row.verdict == 'pass' else row.request
    return text.split(b' HTTP/')[0].decode('latin-1').replace(KEY_IN_TABLE, key)


def arrived(table, section, skipped):
    key = service()[1]
    rows = [row for row in rows_of(table) if row.section == section]
    wanted = [line_at_service(row, key) for row in rows if row.verdict == 'pass']
    got = log()[int(skipped):]
    # Where a mask is found in a body that streams, the head has gone before; its body never comes whole.
    broken_off = [line_at_service(row, key) for row in rows if row.name.startswith('write-back') and row.verdict != 'pass']
    if section == 'proof-masked':
        missing = collections.Counter(wanted) - collections.Counter(got)
        extra = collections.Counter(got) - collections.Counter(wanted + broken_off)
    else:
        missing = collections.Counter(wanted) - collections.Counter(got)
        extra = collections.Counter(got) - collections.Counter(wanted)
        if not missing and not extra and got != wanted:
            print('they have come in another order')
            return False
    for line in missing:
        print(f'has not arrived: {line}')
    for line in extra:
        print(f'has arrived: {line}')
    print(f'{section}: {len(got)} of {len(rows)} have arrived')
    return not missing and not extra and bool(wanted)


def straight(table):
    kinds = {'malformed': [], 'of policy': []}
    before = len(log())
    for row in rows_of(table):
        if row.verdict == 'pass':
            continue
        connection, key = service()
        line, end, rest = row.request.partition(b'\r\n')
        exchange(connection, line + end + b'X-Api-Key: ' + key.encode() + b'\r\nConnection: close\r\n' + rest)
        now = len(log())
        kind = 'of policy' if row.verdict.split()[0] in ('403', '404', '421') else 'malformed'
        kinds[kind].append(now - before)
        before = now
    for kind, counts in kinds.items():
        served = sum(1 for count in counts if count > 0)
        print(f'{kind}: {served} of {len(counts)} refused requests would have been served, '
              f'{sum(1 for count in counts if count > 1)} of them as more than one')
    return any(count > 0 for count in kinds['malformed'])


def main(arguments):
    commands = {'endpoint': endpoint, 'arrived': arrived, 'straight': straight, 'count': lambda: print(len(log())) or True}
    if not arguments or arguments[0] not in commands:
        raise SystemExit(__doc__)
    return 0 if commands[arguments[0]](*arguments[1:]) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
