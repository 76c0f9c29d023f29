# hoopctl proxy, an endpoint for what runs for long, and hoopctl run, a program around several targets.
# both paths
# stack: --agent --gateway-config control.toml
. "$(dirname "$0")/lib.sh"
install_driver

# proxy ARGS…: one that runs in the background until the test or `stop_proxy` ends it; what it prints in $T/proxy.json.
proxy() {
  rm -f "$T/proxy.json" "$T/proxy.err"  # those of the proxy before are no answer
  hoopctl --output json proxy $target "$@" >"$T/proxy.json" 2>"$T/proxy.err" </dev/null &
  proxy_pid=$!
  ends_with_test INT $proxy_pid
  eventually 20 grep -q listening "$T/proxy.err" || { OUT=$(cat "$T/proxy.json") ERR=$(cat "$T/proxy.err"); failed "no proxy"; }
}
of_proxy() { jq -r ".$1" "$T/proxy.json"; }
stop_proxy() { kill -s "${1:-INT}" $proxy_pid; STATUS=0; wait $proxy_pid || STATUS=$?; ERR=$(cat "$T/proxy.err"); }
session_says() { hoopctl sessions show "$(of_proxy session)" | grep -q "$1"; }

test_case "programs that nobody started find it by what it prints"
proxy
run psql -XAt "$(of_proxy url)" -c 'select email from customers where id = 7'
status_is 0
out_lacks 'customer7@'
run psql -XAt "$(of_proxy url)" -c 'drop table orders'
status_is 1
err_has 'rule=no-ddl'
PGHOST=$(of_proxy host) PGPORT=$(of_proxy port) PGUSER=$(of_proxy user) PGDATABASE=$(of_proxy database) PGPASSFILE=$(of_proxy password_file)
export PGHOST PGPORT PGUSER PGDATABASE PGPASSFILE
run node "$here/node/pg_driver.js"
status_is 0
holds javac -cp /usr/share/java/postgresql.jar -d "$T/java" "$here/drivers/JdbcDriver.java"
run java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "/usr/share/java/postgresql.jar:$T/java" JdbcDriver
status_is 0
out_has 'all well'
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSFILE
is "$(stat -c %a "$(of_proxy password_file)")" 600

test_case "not without the password, and no other user of this machine"
run psql -XAt "postgresql://hoop:guess@127.0.0.1:$(of_proxy port)/demo" -c 'select 1'
status_is 2
err_has 'password authentication failed'
if [ "$(id -u)" = 0 ]; then
  password=$(cut -d: -f5 "$(of_proxy password_file)")
  (cd / && PGPASSWORD=$password timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups \
    psql -XAt "host=127.0.0.1 port=$(of_proxy port) user=hoop dbname=demo sslmode=disable" -c 'select 1') >"$T/other" 2>&1
  is "$?" 2
  holds grep -q 'belongs to uid 65534' "$T/proxy.err"
else
  echo "(not root: nobody else's process can be made here; the unit tests say the same)"
fi

test_case "Ctrl-C ends it, delivers its log and leaves nothing"
session=$(of_proxy session) file=$(of_proxy password_file)
stop_proxy INT
status_is 0
holds test ! -e "$file"
run hoopctl sessions show "$session"
out_has 'ended'
is "$(spooled)" 0
holds eventually 10 no_roles

test_case "a port and a password file of one's own, twice"
for round in 1 2; do
  port=${port:-$(of_proxy port)}
  proxy --port "$port" --passfile "$T/passwords"
  is "$(of_proxy port)" "$port"
  run psql -XAt "host=127.0.0.1 port=$port user=hoop dbname=demo sslmode=disable passfile=$T/passwords" -c 'select 1'
  out_is 1
  [ $round = 1 ] || break
  # Killed, it leaves the file, which the next may replace; others' files it may not.
  kill -KILL $proxy_pid; wait $proxy_pid 2>/dev/null
  holds test -e "$T/passwords"
done
stop_proxy TERM
status_is 0
holds test ! -e "$T/passwords"
(umask 077; echo 'mine' >"$T/mine")
run hoopctl proxy $target --passfile "$T/mine"
status_is 64
err_has 'exists already'
is "$(cat "$T/mine")" mine

test_case "a port that is taken, and folders in which others may write"
proxy
run hoopctl proxy $target --port "$(of_proxy port)"
status_is 70
err_has 'in use'
mkdir -m 777 "$T/open"
run hoopctl proxy $target --socket "$T/open"
status_is 64
err_has 'others may write'
run hoopctl proxy $target --socket "$T/nothing"
status_is 64
stop_proxy
status_is 0

test_case "a Unix socket where programs look for one"
mkdir -m 700 "$T/socket"
(cd "$T" && exec hoopctl --output json proxy $target --socket socket >"$T/proxy.json" 2>"$T/proxy.err" </dev/null) &
proxy_pid=$!
ends_with_test INT $proxy_pid
holds eventually 20 grep -q listening "$T/proxy.err"
run env PGPASSFILE="$(of_proxy password_file)" psql -XAt "host=$T/socket user=hoop dbname=demo" -c 'select 2'
out_is 2
stop_proxy HUP
status_is 0
holds test ! -e "$T/socket/.s.PGSQL.5432"

test_case "a session that is killed ends its proxy, with the reason and 80"
proxy
run psql -XAt "$(of_proxy url)" -c 'select 1'  # the gateway has its line to the client by then
out_is 1
run hoopctl sessions kill "$(of_proxy session)" --reason 'lunch'
status_is 0
STATUS=0; wait $proxy_pid || STATUS=$?
ERR=$(cat "$T/proxy.err")
status_is 80
err_has 'lunch'

test_case "several targets around one program: services, URLs, and the first by the plain variables"
run hoopctl run -t $target -t pg-demo-agent -- sh -c '
  psql -XAt -c "select 1" && psql -XAt service='$target' -c "select 2" && psql -XAt service=pg-demo-agent -c "select 3" &&
  psql -XAt "$HOOPCTL_URL_PG_DEMO_AGENT" -c "select 4"; echo "$HOOPCTL_TARGETS"; exit 5'
status_is 5
out_is "1
2
3
4
$target pg-demo-agent"
run hoopctl --output json sessions list --limit 2
is "$(printf '%s\n' "$OUT" | jq -r '.target + " " + (.actions | tostring)' | sort)" "$(printf '%s\n' "$target 2" 'pg-demo-agent 2' | sort)"
run hoopctl run -t $target -t pg-demo-agent --tcp --result-fd 3 -- \
  sh -c 'psql -XAt service=pg-demo-agent -c "select 3" && psql -XAt "$HOOPCTL_URL_PG_DEMO_AGENT" -c "select 4"' 3>"$T/result"
status_is 0
out_is "3
4"
is "$(jq -r '.target + " " + (.allowed | tostring) + " " + .upload' "$T/result")" "$target 0 receipted
pg-demo-agent 2 receipted"

test_case "rows from one target into another"
super 'create table moved (id int, city text); grant all on moved to demo_app' >/dev/null
run hoopctl run -t pg-demo-agent -t $target -- sh -c \
  'psql -XAtq service=pg-demo-agent -c "copy (select id, status from orders where id <= 20) to stdout" | psql -XAtq service='$target' -c "copy moved from stdin"'
status_is 0
is "$(super 'select count(*) from moved')" 20
super 'drop table moved' >/dev/null

test_case "what any of the targets refuses counts"
run hoopctl run -t $target -t pg-demo-agent --fail-on-deny -- sh -c 'psql -XAt service=pg-demo-agent -c "drop table orders"; true'
status_is 77

test_case "nothing runs unless all targets can be opened"
run hoopctl run -t $target -t nosuch -- touch "$T/ran"
status_is 77
holds test ! -e "$T/ran"
run hoopctl run -t $target -t $target -- touch "$T/ran"
status_is 64
run hoopctl run $(printf -- '-t pg-%s ' $(seq 17)) -- touch "$T/ran"
status_is 64
err_has 'more than 16'
run hoopctl run -t $target
status_is 64
err_has 'needs a program'
holds test ! -e "$T/ran"
holds eventually 30 no_roles  # the one that was killed has its gateway's heartbeat of time
is "$(spooled)" 0

finish
