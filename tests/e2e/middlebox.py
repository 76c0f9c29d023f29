"""Stands between a client and the gateway, as the boxes do that people have on their networks.

    python3 middlebox.py FOLDER LISTEN GATEWAY CERTIFICATE KEY

Listens on port LISTEN of 127.0.0.1 and hands on to port GATEWAY. FOLDER/mode says what each new connection meets:

    forward      nothing
    idle N       the end, without a word, once nothing has gone through for N seconds
    apart        TLS that ends here and begins anew: a proxy that reads along
    garbage      the same, but what asks for a tunnel gets noise behind a 101 of ours

FOLDER/ready is there once it listens. FOLDER/record gets a line for each connection that was cut for being idle, or fed with noise.
"""
import os
import select
import socket
import ssl
import sys
import threading

FOLDER, LISTEN, GATEWAY, CERTIFICATE, KEY = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
SWITCHED = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hoopctl-tunnel/1\r\n\r\n'


def note(line):
    with open(os.path.join(FOLDER, 'record'), 'a') as file:
        file.write(line + '\n')


def forward(client, server, patience):
    peers = {client: server, server: client}
    reading = set(peers)
    while reading:
        ready = select.select(list(reading), [], [], patience)[0]
        if not ready:
            note('idle: cut')
            return
        for source in ready:
            data = source.recv(65536)
            if data:
                peers[source].sendall(data)
            else:
                reading.discard(source)
                peers[source].shutdown(socket.SHUT_WR)


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.close()
    except OSError:
        sink.close()


def head_of(client):
    head = b''
    while b'\r\n\r\n' not in head and len(head) < 65536:
        data = client.recv(4096)
        if not data:
            break
        head += data
    return head


def take_apart(client, server, garbage):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    near = context.wrap_socket(client, server_side=True)
    head = head_of(near)
    if garbage and b'hoopctl-tunnel' in head:
        near.sendall(SWITCHED)
        near.sendall(os.urandom(4096))
        note('garbage: sent')
        while near.recv(65536):
            pass
        return
    far = trusting.wrap_socket(server)
    far.sendall(head)
    threading.Thread(target=pump, args=(far, near), daemon=True).start()
    pump(near, far)


def serve(client):
    with open(os.path.join(FOLDER, 'mode')) as file:
        mode = file.read().split()
    try:
        with client, socket.create_connection(('127.0.0.1', GATEWAY)) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if mode[0] in ('apart', 'garbage'):
                take_apart(client, server, mode[0] == 'garbage')
            else:
                forward(client, server, float(mode[1]) if mode[0] == 'idle' else None)
    except OSError:  # either side may hang up at any time
        pass


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', LISTEN))
    listener.listen(64)
    open(os.path.join(FOLDER, 'ready'), 'w').close()
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
