# Ports that are forwarded, either way: only where a rule names where they lead.
# stack: --with pg,ssh --policy forwards.toml
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/ssh}
mkfifo "$T/hold"; sleep 600 >"$T/hold" & ends_with_test TERM $!
python3 "$here/forward_server.py" <"$T/hold" >"$T/port" & ends_with_test TERM $!
holds eventually 10 test -s "$T/port"
service=$(cat "$T/port")
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
exported() { hoopctl sessions export --format jsonl "$(newest_session)" | jq -c .record; }
# open OPTION…: an ssh that does nothing but forward, until `shut`.
open() {
  hoopctl connect $target -- -N -o ExitOnForwardFailure=yes "$@" >"$T/open.out" 2>"$T/open.err" </dev/null &
  opened=$!
  ends_with_test TERM $opened
}
shut() { kill -TERM $opened; wait $opened 2>/dev/null; ERR=$(cat "$T/open.err"); }
ask() { run python3 "$here/forward_client.py" "$@"; }
listens() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1" 2>/dev/null; }
silent() { ! listens "$1"; }

test_case "a port of the host's side here (-L), twenty at once"
here_port=$(free)
open -L $here_port:localhost:$service
holds eventually 15 listens $here_port
ask $here_port 20
out_is ok
shut
exported >"$T/log"
is "$(jq -r 'select(.event=="forward") | "\(.destination) \(.sent > "0")"' "$T/log" | sort | uniq -c | awk '$1 >= 20 {print $2}' | head -n 1)" "localhost:$service"
is "$(jq -r 'select(.verb=="forward" and .effect=="allow") | .rule' "$T/log" | sort -u)" to-services

test_case "where no rule leads, and where one forbids"
here_port=$(free)
open -L $here_port:10.255.0.1:80 
holds eventually 15 listens $here_port
ask $here_port
out_is refused
shut
err_has "no rule allows 'forward'"
here_port=$(free)
open -L $here_port:0x7f000001:9
holds eventually 15 listens $here_port
ask $here_port
out_is refused
shut
err_has "that one is nobody's"
is "$(exported | jq -r 'select(.verb=="forward") | .attributes.destination' | sort -u)" "127.0.0.1:9"

test_case "by SOCKS (-D) each connection is judged by itself"
here_port=$(free)
open -D $here_port
holds eventually 15 listens $here_port
ask $here_port socks localhost $service
out_is ok
ask $here_port socks LOCALHOST $service
out_is ok
ask $here_port socks localhost 9
out_is refused
shut

test_case "the standard streams of ssh (-W)"
run sh -c "printf abc | hoopctl connect $target -- -W localhost:$service"
out_is cba
run hoopctl connect $target -- -W 10.255.0.1:80
holds [ "$STATUS" != 0 ]

test_case "a port here at the host (-R), and one that the host chooses"
far_port=$(free)
open -R $far_port:127.0.0.1:$service
holds eventually 15 listens $far_port
ask $far_port 5
out_is ok
shut
holds eventually 10 silent $far_port
exported >"$T/log"
is "$(jq -r 'select(.verb=="listen") | .text' "$T/log" | head -n 1)" "listen at localhost:$far_port"
holds grep -q "connects to localhost:$far_port" "$T/log"
hoopctl connect $target -- -N -v -o ExitOnForwardFailure=yes -R 0:127.0.0.1:$service >"$T/open.out" 2>"$T/open.err" </dev/null & opened=$!
ends_with_test TERM $opened
holds eventually 15 grep -q 'Allocated port' "$T/open.err"
far_port=$(sed -n 's/.*Allocated port \([0-9]*\).*/\1/p' "$T/open.err" | head -n 1)
ask $far_port
out_is ok
shut

test_case "the host does not listen for others, nor where no rule says so"
run hoopctl connect $target -- -o ExitOnForwardFailure=yes -R '0.0.0.0:0:127.0.0.1:9' true
holds [ "$STATUS" != 0 ]
err_has "no rule allows 'listen'"
run hoopctl connect $target -- -o ExitOnForwardFailure=yes -R 127.0.0.1:0:127.0.0.1:9 true
holds [ "$STATUS" != 0 ]

test_case "many bytes, with bounded memory, and a reader that is slow"
here_port=$(free)
open -L $here_port:localhost:$service
holds eventually 15 listens $here_port
run sh -c "python3 - $here_port <<'PY'
import socket, sys, time
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
    s.sendall(b'send 100000000\n')
    total, pauses = 0, 0
    while piece := s.recv(1 << 20):
        total += len(piece)
        if pauses < 20: pauses += 1; time.sleep(0.05)
    print(total)
PY"
out_is 100000000
most=0; for pid in $(pgrep -f 'hoopctl-ssh-relay|ssh-relay' || true); do
  size=$(awk '/VmHWM/ {print $2}' "/proc/$pid/status" 2>/dev/null || echo 0); [ "${size:-0}" -gt $most ] && most=$size; done
holds [ "$most" -gt 0 ]
[ -n "${HOOPCTL_SANITIZED:-}" ] || holds [ "$most" -lt 60000 ]  # a sanitizer keeps what was freed
shut
is "$(exported | jq -r 'select(.event=="forward") | .received' | sort -n | tail -n 1)" 100000000

test_case "a command beside forwards; the connection ends with the session"
here_port=$(free)
hoopctl connect $target -- -L $here_port:localhost:$service 'sleep 30' >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
holds eventually 15 listens $here_port
ask $here_port
out_is ok
run hoopctl sessions kill "$(newest_session)" --reason 'no more'
status_is 0
code=0; wait $pid || code=$?
is $code 80
holds silent $here_port

test_case "other kinds stay shut: sockets by name, agents, X11"
run hoopctl connect $target -- -o ExitOnForwardFailure=yes -R "$T/s:127.0.0.1:9" true
holds [ "$STATUS" != 0 ]
run env SSH_AUTH_SOCK="$T/agent" hoopctl connect $target -- -A 'echo "x$SSH_AUTH_SOCK"'
out_is x

finish
