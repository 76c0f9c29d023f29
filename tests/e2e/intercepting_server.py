"""Stands where a PostgreSQL server is expected, with certificates of the tester's choice, and notes what clients tell it.

    python3 intercepting_server.py FOLDER PORT

FOLDER/mode says, for each new connection, what it meets: "forward" is the server at PORT, untouched; any other word W is a TLS
server with FOLDER/W.pem and FOLDER/W.key. FOLDER/record gets a line for each connection of the second kind: how the handshake
went, and how many bytes the client sent after it. The port listened on is written to FOLDER/port.
"""
import os
import socket
import ssl
import struct
import sys
import threading

FOLDER = sys.argv[1]
SSL_REQUEST = struct.pack('!II', 8, 80877103)


def note(line):
    with open(os.path.join(FOLDER, 'record'), 'a') as file:
        file.write(line + '\n')


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def intercept(client, name):
    client.settimeout(10)
    asked = client.recv(8, socket.MSG_WAITALL)
    if asked != SSL_REQUEST:
        note('%s: sent %d bytes in clear' % (name, len(asked)))
        return
    client.sendall(b'S')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    base = os.path.join(FOLDER, name)
    context.load_cert_chain(base + '.pem', base + '.key')
    told = 0
    try:
        with context.wrap_socket(client, server_side=True) as secured:
            while True:
                data = secured.recv(65536)
                if not data:
                    break
                told += len(data)
    except OSError:  # refused by the client: an alert, or a hang-up
        pass
    note('%s: sent %d bytes after the handshake' % (name, told))


def serve(client):
    with open(os.path.join(FOLDER, 'mode')) as file:
        mode = file.read().strip()
    if mode != 'forward':
        with client:
            intercept(client, mode)
        return
    server = socket.create_connection(('127.0.0.1', int(sys.argv[2])))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


def main():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(64)
    path = os.path.join(FOLDER, 'port')
    with open(path + '.new', 'w') as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(path + '.new', path)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
