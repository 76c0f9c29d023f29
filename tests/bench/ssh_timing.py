#!/usr/bin/env python3
"""ssh_timing.py WORKLOAD MEBIBYTES SSH…: one figure of the host that the command SSH… reaches, with the stock client.

connect: milliseconds of "true". down CIPHER, up CIPHER: MiB/s. put, get: MiB/s of a file by sftp. key: microseconds from a key to its
echo, at the median; key99: of the slowest in a hundred."""
import os
import pty
import select
import subprocess
import sys
import termios
import time
import tty

workload, size, ssh = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
name, _, cipher = workload.partition(" ")


def timed(*arguments, options=(), **streams):
    begin = time.monotonic()
    subprocess.run([*ssh[:1], *options, *ssh[1:], *arguments], check=True, **streams)
    return time.monotonic() - begin


def moved(*arguments, options=(), **streams):
    return f"{size / timed(*arguments, options=options, **streams):.1f}"


def echoes():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(ssh[0], [ssh[0], "-e", "none", *ssh[1:], "-tt", "stty raw -echo; echo ready; exec cat"])
    tty.setraw(terminal, termios.TCSANOW)
    seen = b""
    while b"ready" not in seen:
        if not select.select([terminal], [], [], 30)[0]:
            raise SystemExit("no terminal")
        seen += os.read(terminal, 4096)
    time.sleep(0.3)
    spans = []
    for i in range(300):
        key = bytes([97 + i % 26])
        begin = time.monotonic()
        os.write(terminal, key)
        while key not in os.read(terminal, 4096):
            pass
        spans.append((time.monotonic() - begin) * 1e6)
        time.sleep(0.002)
    os.close(terminal)
    os.waitpid(pid, 0)
    return sorted(spans)


if name == "connect":
    print(f"{timed('true') * 1000:.1f}")
elif name == "down":
    print(moved(f"head -c {size}M /dev/zero", options=["-c", cipher], stdout=subprocess.DEVNULL))
elif name == "up":
    zeros = subprocess.Popen(["head", "-c", f"{size}M", "/dev/zero"], stdout=subprocess.PIPE)
    print(moved("cat >/dev/null", options=["-c", cipher], stdin=zeros.stdout))
    zeros.wait()
elif name in ("put", "get"):
    # As ssh: the program's name first.
    place = os.environ["BENCH_FOLDER"]
    batch = f"put {place}/file {place}/there\n" if name == "put" else f"get {place}/file {place}/here\n"
    begin = time.monotonic()
    subprocess.run(["sftp", "-q", "-b", "-", *ssh[1:]], input=batch.encode(), check=True, stdout=subprocess.DEVNULL)
    print(f"{size / (time.monotonic() - begin):.1f}")
elif name == "key":
    print(f"{echoes()[150]:.0f}")
elif name == "key99":
    print(f"{echoes()[297]:.0f}")
else:
    raise SystemExit(f"no workload {workload}")
