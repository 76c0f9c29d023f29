# The issuer's password, the session role's and the user's tokens appear in no argv, environment, file, log or the program's memory.
. "$(dirname "$0")/lib.sh"

admin=$(cat "$HOOPCTL_STACK_GATEWAY/keys/pg-demo.password")
refresh=$(jq -r '.refresh // .refresh_token // empty' "$(find "$XDG_STATE_HOME/hoopctl/gateways" -name tokens.json)")
holds [ ${#admin} -ge 16 ]
holds [ ${#refresh} -ge 16 ]

# A program that looks around from inside, then waits.
cat >"$T/look.sh" <<'LOOK'
env >"$1/env"
psql -X -At -c 'select session_user' >"$1/user"
timeout 40 psql -X -At -c 'select count(*) from (select generate_series(1, 9000000008)) s' >/dev/null 2>&1 &
sleep 1
touch "$1/ready"
wait
LOOK
hoopctl connect pg-demo -- sh "$T/look.sh" "$T" >"$T/o" 2>&1 &
pid=$!
holds eventually 20 test -e "$T/ready"

test_case "argv and environment of every process"
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >"$T/argv"
cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -v '^HOOPCTL_STACK' >"$T/environ"
for secret in "$admin" "$refresh"; do
  holds sh -c "! grep -aqF -- '$secret' '$T/argv'"
  holds sh -c "! grep -aqF -- '$secret' '$T/environ'"
done
holds sh -c "! grep -aq 'eyJ' '$T/argv'"
holds grep -q '^PGPASSFILE=' "$T/env"
holds sh -c "! grep -q '^PGPASSWORD=' '$T/env'"

test_case "hoopctl cannot be read or traced by its own user"
if [ "$(id -u)" = 0 ]; then holds grep -q . "/proc/$pid/status"; fi
is "$(awk '/^CoreDumping|^Seccomp:/ {next} /^Max core file size/ {print $5}' /proc/$pid/limits)" 0

test_case "the program's memory holds no credential of the target or of the user"
program=$(pgrep -f "sh $T/look.sh" | head -n 1)
client=$(pgrep -f '[b]in/psql -X -At -c select .*9000000008' | head -n 1)
holds [ -n "$program" ]
holds [ -n "$client" ]
cat >"$T/scan.py" <<'PY'
import re, sys
pid, secrets = sys.argv[1], [s.encode() for s in sys.argv[2:]]
found = 0
with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as mem:
    for line in maps:
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) r', line)
        if not m or '[v' in line: continue
        start, end = int(m[1], 16), int(m[2], 16)
        try:
            mem.seek(start); data = mem.read(end - start)
        except OSError: continue
        found += sum(data.count(s) for s in secrets)
sys.exit(1 if found else 0)
PY
for p in $program $client; do holds python3 "$T/scan.py" "$p" "$admin" "$refresh"; done

test_case "files, logs and the session log"
pkill -f '[b]in/psql -X -At -c select .*9000000008'
wait $pid
user=$(cat "$T/user")
holds [ -n "$user" ]
holds sh -c "! grep -raqF -- '$admin' '$XDG_STATE_HOME' '$XDG_RUNTIME_DIR' '$HOOPCTL_STACK_GATEWAY/state' '$HOOPCTL_STACK_DIR/gateway.log' '$HOOPCTL_STACK_DIR/pg.log' '$T'"
holds sh -c "! grep -raqF -- '$refresh' '$HOOPCTL_STACK_GATEWAY/state' '$HOOPCTL_STACK_DIR/gateway.log' '$XDG_RUNTIME_DIR' '$T/o' '$T/env'"
holds sh -c "! grep -raq 'eyJhbGci' '$HOOPCTL_STACK_DIR/gateway.log' '$HOOPCTL_STACK_GATEWAY/state/logs' '$T/o' '$T/env'"

test_case "files are the user's alone, and the runtime folder is gone"
is "$(find "$XDG_STATE_HOME/hoopctl" "$HOOPCTL_STACK_GATEWAY" -type f -perm /077 | wc -l)" 0
is "$(find "$XDG_RUNTIME_DIR" -mindepth 1 | wc -l)" 0

finish
