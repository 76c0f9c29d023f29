#!/usr/bin/env python3
"""forward_server.py: listens on a free port of 127.0.0.1, prints it, and answers each connection: what it was sent, turned round, or
for "send N" N bytes. Ends with its standard input."""
import socket
import sys
import threading


def serve(connection):
    with connection:
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
            if data.startswith(b"send ") and data.endswith(b"\n"):
                connection.sendall(b"x" * int(data[5:]))
                return
        connection.sendall(data[::-1])


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
sys.stdin.read()
