"""A forward proxy as companies have one: CONNECT, and nothing else.

    python3 connect_proxy.py FOLDER ADDRESS PORT CERTIFICATE KEY

FOLDER/mode says what each new connection meets:

    forward      a tunnel
    idle N       a tunnel, cut without a word once nothing has gone through it for N seconds
    deny         403 Forbidden
    login        407 Proxy Authentication Required, unless user and password are "office" and "pass word"
    apart        a tunnel in which TLS ends here and begins anew
    silent       no answer at all

FOLDER/ready is there once it listens. FOLDER/record gets a line for each request, and for each connection that was cut.
"""
import base64
import os
import select
import socket
import ssl
import sys
import threading

FOLDER, ADDRESS, PORT, CERTIFICATE, KEY = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
LOGIN = 'Basic ' + base64.b64encode(b'office:pass word').decode()


def note(line):
    with open(os.path.join(FOLDER, 'record'), 'a') as file:
        file.write(line + '\n')


def forward(near, far, patience):
    peers = {near: far, far: near}
    reading = set(peers)
    while reading:
        pending = [each for each in reading if isinstance(each, ssl.SSLSocket) and each.pending()]
        ready = pending or select.select(list(reading), [], [], patience)[0]
        if not ready:
            note('cut')
            return
        for source in ready:
            data = source.recv(65536)
            if data:
                peers[source].sendall(data)
            else:
                reading.discard(source)
                try:
                    peers[source].shutdown(socket.SHUT_WR)
                except OSError:
                    return


def head_of(near):
    head = b''
    while b'\r\n\r\n' not in head and len(head) < 65536:
        data = near.recv(4096)
        if not data:
            break
        head += data
    return head.decode('latin-1')


def answer(near, line):
    near.sendall(('HTTP/1.1 ' + line + '\r\nContent-Length: 0\r\nConnection: close\r\n\r\n').encode())


def serve(near):
    with open(os.path.join(FOLDER, 'mode')) as file:
        mode = file.read().split()
    with near:
        lines = head_of(near).split('\r\n')
        note(mode[0] + ' ' + lines[0])
        words = lines[0].split()
        if mode[0] == 'silent':
            near.recv(1)
            return
        if len(words) != 3 or words[0] != 'CONNECT' or mode[0] == 'deny':
            answer(near, '403 Forbidden')
            return
        if mode[0] == 'login' and 'Proxy-Authorization: ' + LOGIN not in lines:
            answer(near, '407 Proxy Authentication Required')
            return
        host, port = words[1].rsplit(':', 1)
        with socket.create_connection((host, int(port)), 10) as far:
            far.settimeout(None)
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            near.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            if mode[0] == 'apart':
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(CERTIFICATE, KEY)
                trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                trusting.check_hostname = False
                trusting.verify_mode = ssl.CERT_NONE
                near, far = context.wrap_socket(near, server_side=True), trusting.wrap_socket(far)
            forward(near, far, float(mode[1]) if mode[0] == 'idle' else None)


def guarded(near):
    try:
        serve(near)
    except OSError:  # either side may hang up at any time
        pass


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ADDRESS, PORT))
    listener.listen(64)
    open(os.path.join(FOLDER, 'ready'), 'w').close()
    while True:
        threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()


main()
