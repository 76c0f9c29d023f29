# --isolate: the program reaches its targets, and nothing else.
# both paths
. "$(dirname "$0")/lib.sh"
if ! unshare -Urn true 2>/dev/null; then
  echo "no program can be isolated where nobody may make namespaces: only the refusal is tested"
  run hoopctl connect $target --isolate -- true
  status_is 126
  err_has 'cannot be isolated'
  finish
  exit
fi
isolated() { run hoopctl connect $target --isolate -- "$@"; }

test_case "the stock client, and any program"
isolated -XAtc 'select 1'
status_is 0
out_is 1
isolated sh -c 'psql -XAtc "select email from customers where id = 1"; /usr/bin/python3 -c "
import os, psycopg
with psycopg.connect(\"\") as c: print(c.execute(\"select 2\").fetchone()[0])"'
status_is 0
out_lacks customer1@
out_has 2
# How the program was kept stands in the log's header.
last() { run hoopctl --output json sessions list --limit 1; session=$(jq -r .session <<<"$OUT"); run hoopctl --output json sessions show "$session"; }
last
out_has '"confinement":"isolated"'
run hoopctl connect $target -- true
last
out_has '"confinement":"none"'
isolated -XAtc 'drop table orders'
status_is 1
err_has no-ddl

test_case "several targets"
run hoopctl run -t pg-demo -t pg-demo-gateway --isolate -- sh -c 'psql -XAtc "select 1" service=pg-demo; psql -XAtc "select 2" service=pg-demo-gateway; psql -XAtc "select 3" "$HOOPCTL_URL_PG_DEMO_GATEWAY"'
status_is 0
out_is '1
2
3'

test_case "no network: not this machine's, and not through a socket file"
isolated curl -sS -m 5 --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$HOOPCTL_STACK_URL/healthz"
status_is 7
direct=$(printf '%s\n' "$HOOPCTL_STACK_PG" | tr ' ' '\n' | sed -n 's/^port=//p')
holds psql -XAtc 'select 1' "$HOOPCTL_STACK_PG"
isolated psql -XAtc 'select 1' "$HOOPCTL_STACK_PG"
holds [ "$STATUS" != 0 ]
holds [ -n "$direct" ]
# Whatever family it is, what is not our listener's is refused; a socket file would lead out of any network.
cat >"$T/sockets.py" <<'PY'
import ctypes, socket, sys
for name in ('AF_UNIX', 'AF_NETLINK', 'AF_PACKET', 'AF_VSOCK', 'AF_ALG'):
    try:
        socket.socket(getattr(socket, name), socket.SOCK_RAW if name in ('AF_NETLINK', 'AF_PACKET') else socket.SOCK_STREAM)
        print(name, 'is there')
    except OSError as error:
        print(name, error.errno)
a, b = socket.socketpair()
a.send(b'x')
print('pair', b.recv(1))
libc = ctypes.CDLL(None, use_errno=True)
for name, call in (('io_uring_setup', 425), ('clone3', 435), ('ptrace', 101), ('mount', 165), ('unshare', 272), ('setns', 308)):
    print(name, libc.syscall(call, 0, 0, 0, 0), ctypes.get_errno())
PY
isolated python3 "$T/sockets.py"
status_is 0
if [ "$(uname -m)" = x86_64 ]; then
  out_is "AF_UNIX 97
AF_NETLINK 97
AF_PACKET 97
AF_VSOCK 97
AF_ALG 97
pair b'x'
io_uring_setup -1 38
clone3 -1 38
ptrace -1 1
mount -1 1
unshare -1 1
setns -1 1"
else
  echo "the numbers of the refused system calls are those of x86_64: not compared on $(uname -m)"
fi
isolated unshare -Ur true
holds [ "$STATUS" != 0 ]
isolated sh -c 'grep -E "^Cap(Prm|Eff|Bnd|Amb)" /proc/self/status | sort -u -k2'
is "$(printf '%s\n' "$OUT" | awk '{print $2}' | sort -u)" 0000000000000000

test_case "its listener is in its own network, and nobody else's"
isolated sh -c 'python3 -c "
import os, socket
print(os.environ[\"PGHOST\"], os.environ[\"PGPORT\"])
socket.create_connection((\"127.0.0.1\", int(os.environ[\"PGPORT\"])), 5).close()"; : >'"$T/there"'; sleep 2' &
pid=$!
holds eventually 10 test -e "$T/there"
holds sh -c "! python3 -c \"import socket; socket.create_connection(('127.0.0.1', 5432), 2)\" 2>/dev/null"
wait $pid

test_case "the login's tokens are not there to be read"
tokens=$(ls "$XDG_STATE_HOME"/hoopctl/gateways/*/tokens.json)
isolated sh -c "cat '$tokens'; ls -A '$XDG_STATE_HOME/hoopctl' | wc -l"
out_is 0
holds test -s "$tokens"

test_case "other processes of the user are out of reach"
sleep 60 & other=$!
ends_with_test KILL $other
isolated sh -c "cat /proc/$other/environ /proc/$other/root/etc/passwd /proc/$other/mem | wc -c"
out_is 0

test_case "statuses and signals pass; a program that is not there"
isolated sh -c 'exit 37'
status_is 37
isolated sh -c 'kill -TERM $$'
status_is 143
isolated nosuchprogram
status_is 127
err_has nosuchprogram
: >"$T/plain"
isolated "$T/plain"
status_is 126

holds eventually 5 no_roles

test_case "it does not outlive hoopctl"
hoopctl connect $target --isolate -- sh -c "echo \$\$ >'$T/child'; exec sleep 60" & pid=$!
ends_with_test KILL $pid
holds eventually 10 test -s "$T/child"
kill -KILL $pid
wait $pid 2>/dev/null
holds eventually 5 gone "$(cat "$T/child")"

test_case "never less than was asked for"
run unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec hoopctl connect "$0" --isolate -- sh -c ": >\"$1\"" ran "$2"' $target x "$T/ran"
status_is 126
err_has 'cannot be isolated'
holds sh -c "! test -e '$T/ran'"
run unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec hoopctl doctor'
out_has 'cannot be isolated'
finish
