"""Counts what a marker shows up in on an interface: packets of one port, and all others.

    python3 capture.py INTERFACE PORT MARKER READY OUT

READY is there once it listens. It ends with a packet that holds "hoop-capture-ends", or after 12 s without any, and writes to OUT:
whether much went to or from PORT, how many packets of it hold MARKER, whether another one does (so that the search is known to find).
"""
import socket
import struct
import sys

interface, port, marker, ready, out = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4], sys.argv[5]
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0003))
raw.bind((interface, 0))
raw.settimeout(12)
raw.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
open(ready, 'w').close()
seen = clear = elsewhere = 0
try:
    while True:
        packet = raw.recv(1 << 17)[14:]
        if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] not in (6, 17):  # TCP and UDP over IPv4
            continue
        segment = packet[(packet[0] & 15) * 4:]
        if b'hoop-capture-ends' in segment:
            break
        if port in struct.unpack('!HH', segment[:4]):
            seen += len(segment)
            clear += marker in segment
        else:
            elsewhere += marker in segment
except TimeoutError:
    pass
with open(out, 'w') as file:
    file.write(f'{seen > 4000} {clear} {elsewhere > 0}')
