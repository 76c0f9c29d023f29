#!/usr/bin/python3
"""An SSH client that ignores the other side's window: ssh_flooder.py SSH-OPTIONS… WHERE COMMAND.

Prints how many bytes were taken before the connection was cut, or "all".
"""
import socket
import sys

import paramiko

most = 64 << 20
settings, rest = {}, []
words = sys.argv[1:]
while words:
    word = words.pop(0)
    if word == "-o":
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    elif word == "-F":
        words.pop(0)
    else:
        rest.append(word)
user = rest[0].partition("@")[0]
transport = paramiko.Transport(socket.create_connection(("127.0.0.1", int(settings["Port"])), 10))
transport.start_client(timeout=10)
transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(settings["IdentityFile"]))
channel = transport.open_session(timeout=10)
channel.exec_command(rest[1])
channel.settimeout(20)
piece = b"x" * 32000
sent = 0
try:
    while sent < most:
        with channel.lock:
            channel.out_window_size = 1 << 31  # whatever was said
        taken = channel.send(piece)
        if taken == 0:  # it is closed
            raise EOFError
        sent += taken
    # What was put on the way is not yet taken: an answer says so.
    transport.global_request("keepalive@openssh.com", wait=True)
    print("all" if transport.is_active() else sent)
except Exception as error:  # the connection was cut in the middle of whatever
    print(sent, type(error).__name__, file=sys.stderr)
    print(sent)
transport.close()
