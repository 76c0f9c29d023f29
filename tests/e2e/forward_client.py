#!/usr/bin/env python3
"""forward_client.py PORT [COUNT]: COUNT connections to 127.0.0.1 at once, each of which sends its number, ends its output and reads the
answer; prints "ok" if each is the number turned round. forward_client.py PORT socks HOST PORT: one, by SOCKS 5."""
import socket
import sys
import threading

port = int(sys.argv[1])
answers = {}


def ask(number, through=None):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        if through:
            connection.sendall(b"\5\1\0")
            connection.recv(2)
            host = through[0].encode()
            connection.sendall(b"\5\1\0\3" + bytes([len(host)]) + host + int(through[1]).to_bytes(2, "big"))
            if connection.recv(10)[1:2] != b"\0":
                answers[number] = "refused"
                return
        text = f"number {number}".encode()
        try:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            data = b""
            while piece := connection.recv(65536):
                data += piece
        except OSError:
            data = b""
        answers[number] = "ok" if data == text[::-1] else "refused"


if sys.argv[2:3] == ["socks"]:
    ask(1, sys.argv[3:5])
else:
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(int((sys.argv[2:3] or ["1"])[0]))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
print(" ".join(sorted(set(answers.values()))))
