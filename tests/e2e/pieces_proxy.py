"""Forwards TCP to a PostgreSQL server that speaks without TLS, and hands its answers on in pieces.

    python3 pieces_proxy.py PORT PORTFILE

What comes in one go and is short (a query's answer) goes on byte by byte, each sent when the one before has been read;
what is long (the catalog) in pieces of a prime number of bytes. The gateway's own login is handed on whole: it has five
seconds, whatever else the machine does. The port listened on is written to PORTFILE.
"""
import os
import socket
import sys
import threading
import time

SHORT = 600
PIECE = 509
PATIENCE = 20


def unread(client):
    """Bytes that wait in the client's receive queue, or None when its socket is gone."""
    ours, theirs = client.getsockname()[1], client.getpeername()[1]
    with open('/proc/net/tcp') as table:
        for line in table:
            fields = line.split()
            if fields[1].endswith(':%04X' % theirs) and fields[2].endswith(':%04X' % ours):
                return int(fields[4].split(':')[1], 16)
    return None


def hand_on(server, client, whole):
    while True:
        data = server.recv(65536)
        if not data:
            break
        size = len(data) if whole.is_set() else 1 if len(data) <= SHORT else PIECE
        for start in range(0, len(data), size):
            client.sendall(data[start:start + size])
            end = time.monotonic() + PATIENCE
            while unread(client) and time.monotonic() < end:
                time.sleep(0)
    client.shutdown(socket.SHUT_WR)


def forward(client, server, whole):
    while True:
        data = client.recv(65536)
        if not data:
            break
        if b'user\0hoop_admin\0' in data:
            whole.set()
        server.sendall(data)
    server.shutdown(socket.SHUT_WR)


def quietly(work, whole, *sockets):
    try:
        work(*sockets, whole)
    except OSError:  # either side may hang up at any time
        for each in sockets:
            each.close()


def main():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(64)
    with open(sys.argv[2] + '.new', 'w') as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(sys.argv[2] + '.new', sys.argv[2])
    while True:
        client = listener.accept()[0]
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
        whole = threading.Event()
        for work, sockets in ((hand_on, (server, client)), (forward, (client, server))):
            threading.Thread(target=quietly, args=(work, whole, *sockets), daemon=True).start()


main()
