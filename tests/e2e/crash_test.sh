# kill -9 of gateway, agent, client and program at random moments, while statements run on every path. At the end every statement that
# reached the target stands in a log at the gateway, every log's chain holds, and no role has outlived its grant.
#
# With HOOPCTL_CRASH_CUT the network goes, too, for up to three seconds: only in a network namespace of the test's own, as root
# (unshare -n sh -c 'ip link set lo up && …').
#
# HOOPCTL_CRASH_ROUNDS (20) rounds. HOOPCTL_CRASH_SEED repeats the choices of a run: who is killed, after how long, on which path.
# stack: --policy crash_policy.toml --agent
. "$(dirname "$0")/lib.sh"
rounds=${HOOPCTL_CRASH_ROUNDS:-20} seed=${HOOPCTL_CRASH_SEED:-$(( $(date +%s) % 32768 ))}
RANDOM=$seed
echo "HOOPCTL_CRASH_SEED=$seed HOOPCTL_CRASH_ROUNDS=$rounds"
STATEMENTS=1600   # of a client: about what it comes to before its round's kill

super 'create table acts (id bigserial primary key, tag text not null, who text not null default session_user)' >/dev/null
super 'create index on acts (tag)' >/dev/null
# What the server itself has seen, with the role that sent it: the other side of the comparison.
super "alter system set log_statement = 'all'" >/dev/null
super "alter system set log_line_prefix = '%u '" >/dev/null
super 'select pg_reload_conf()' >/dev/null

# write_statements CLIENT: inserts that answer, selects, and now and then a transaction; or the like for pgbench, prepared.
write_statements() {
  awk -v tag="$1" -v count=$STATEMENTS 'BEGIN {
    for (n = 1; n <= count; ++n) {
      if (n % 7 == 0) print "begin;"
      printf "insert into acts (tag) values (\047%s-%d\047) returning tag;\n", tag, n
      printf "select tag from acts where tag = \047%s-%d\047;\n", tag, n
      if (n % 7 == 0) print "commit;"
    }
  }' >"$T/$1.sql"
  printf '\\set n random(1, 9999)\ninsert into acts (tag) values (%s || :n::int::text);\nselect count(*) from acts where tag = %s || :n::int::text;\n' \
    "'$1-'" "'$1-'" >"$T/$1.pgbench"
}

clients=()
# start_client NAME TARGET psql|pgbench
start_client() {
  local program=(psql -X -q -At -f "$T/$1.sql")
  [ "$3" = pgbench ] && program=(pgbench -n -M prepared -c 2 -j 1 -t $((STATEMENTS / 2)) -f "$T/$1.pgbench")
  write_statements "$1"
  hoopctl connect "$2" -- "${program[@]}" >"$T/$1.out" 2>"$T/$1.err" </dev/null &
  clients+=($!)
  ends_with_test KILL $!
}

kills=0
kill_now() { [ -n "$1" ] && kill -9 "$1" 2>/dev/null && kills=$((kills + 1)); }
pause() { sleep "$(printf '0.%03d' "$1")"; }
# Milliseconds below 1,000, from the seed.
random_pause() { pause $((RANDOM % 1000)); }

# roles_of ROUND: how many of the roles still exist by which clients of the gateway path did something in it.
no_gateway_roles_of() {
  [ "$(super "select count(*) from pg_roles where rolname in (select who from acts where tag ~ '^r$1-(gateway|agent)-')")" = 0 ]
}

agent_pid=$HOOPCTL_STACK_AGENT_PID
connections() { grep -c event=agent.connected "$HOOPCTL_STACK_DIR/gateway.log"; }
came_back() { [ "$(connections)" -gt "$1" ]; }
# By the key that it keeps; once the gateway has it again.
start_agent() {
  local before; before=$(connections)
  hoopctl agent serve --state "$HOOPCTL_STACK_DIR/agent" --allow "127.0.0.1:$pg_port" >>"$HOOPCTL_STACK_DIR/agent.log" 2>&1 </dev/null &
  agent_pid=$!
  ends_with_test KILL $agent_pid
  eventually 30 came_back "$before"
}
pg_port=$(sed 's/.*port=\([0-9]*\).*/\1/' <<<"$HOOPCTL_STACK_PG")

victims=4 cuts=0
if [ -n "${HOOPCTL_CRASH_CUT:-}" ]; then
  # Nobody else's network.
  [ "$(ip -o link show up | wc -l)" = 1 ] && [ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/1/ns/net)" ] || { echo "HOOPCTL_CRASH_CUT: not in a network namespace of its own"; exit 1; }
  victims=5
fi
cut_network() {
  ip link set lo down
  random_pause; random_pause; random_pause
  ip link set lo up
  cuts=$((cuts + 1))
}

round() {
  local round=$1 path paths=() victim=$((RANDOM % victims)) chosen=$((RANDOM % 3)) pid code child
  for _ in 1 2 3; do paths+=($((RANDOM % 3))); done
  clients=()
  for n in 0 1 2; do
    path=local name=pg-demo kind=psql
    [ ${paths[n]} = 1 ] && path=gateway name=pg-demo-gateway
    [ ${paths[n]} = 2 ] && path=agent name=pg-demo-agent
    [ $n = 2 ] && kind=pgbench
    start_client "r$round-$path-$n" $name $kind
  done
  random_pause
  case $victim in
    0) kill_now "$gateway_pid"; wait "$gateway_pid" 2>/dev/null; random_pause; holds start_gateway ;;
    1) kill_now "${clients[chosen]}" ;;
    3) kill_now "$agent_pid"; wait "$agent_pid" 2>/dev/null; random_pause; holds start_agent ;;
    4) cut_network ;;
    2) child=$(pgrep -P "${clients[chosen]}" | head -n 1); kill_now "$child" ;;
  esac
  for pid in "${clients[@]}"; do
    eventually 60 gone "$pid" || { failed "a client hangs"; kill -9 "$pid"; }
    code=0; wait "$pid" 2>/dev/null || code=$?
    # Whatever happened to it: never an error of its own, nor a record that could not be kept.
    holds [ $code != 70 ]
    holds [ $code != 74 ]
  done
  if [ $victim = 0 ]; then holds eventually 40 no_gateway_roles_of "$round"; fi
}

test_case "$rounds rounds: nobody hangs, and a gateway that starts again ends the roles of before"
eventually 5 sh -c "[ \"\$(psql -X -At \"\$HOOPCTL_STACK_PG\" -c 'show log_statement')\" = all ]"
for i in $(seq "$rounds"); do
  NAME="round $i, seed $seed"
  round "$i"
done
NAME="after $rounds rounds, seed $seed"
holds [ $(( (kills + cuts) * 4)) -ge $((rounds * 3)) ]
[ $victims = 4 ] || holds [ $cuts -gt 0 ]

test_case "no log is lost: what waited has been delivered, on either side, and nothing was refused (seed $seed)"
run hoopctl sessions upload
status_is 0
is "$(spooled)" 0
# Sessions on the gateway path whose client was killed end with their grant.
gateway_spool_is_empty() { [ -z "$(find "$HOOPCTL_STACK_GATEWAY/state/spool" -name '*.hslog')" ]; }
holds eventually 40 gateway_spool_is_empty
holds eventually 30 no_roles

test_case "every log's chain holds up to its last commit (seed $seed)"
hoopctl --output json sessions list --limit 1000 2>/dev/null | jq -r .session >"$T/sessions"
sealed=0 unsealed=0 empty=0
while read -r session; do
  holds hoopctl --output json sessions show "$session" >"$T/shown" 2>"$T/said" </dev/null
  jq -r --arg s "$session" 'select(.type == "action") | [$s, .record.text] | @tsv' <"$T/shown" >>"$T/recorded"
  if grep -q no_log "$T/said"; then empty=$((empty + 1)); continue; fi
  run hoopctl sessions verify "$session"
  if [ "$STATUS" = 0 ]; then
    sealed=$((sealed + 1))
  else
    unsealed=$((unsealed + 1))
    status_is 74
    err_has 'no seal'
  fi
  holds grep -q '^chain *ok ' "$T/out"
done <"$T/sessions"
holds [ $sealed -gt 0 ]

test_case "every statement that reached the target is in its session's log (seed $seed)"
sed -nE 's/^hoop_([a-z2-7]{26}) LOG:  (statement|execute [^:]+): (.* acts .*)$/s_\1\t\3/p' "$HOOPCTL_STACK_DIR/pg.log" >"$T/reached"
holds [ "$(wc -l <"$T/reached")" -gt "$rounds" ]
LC_ALL=C sort "$T/reached" >"$T/reached.sorted"
LC_ALL=C sort "$T/recorded" >"$T/recorded.sorted"
OUT=$(LC_ALL=C comm -23 "$T/reached.sorted" "$T/recorded.sorted" | head -n 20)
is "$OUT" ''
# The rows say the same of what was committed.
is "$(super "select count(*) from acts where who !~ '^hoop_[a-z2-7]{26}$'")" 0
super 'select distinct who from acts' | sed 's/^hoop_/s_/' | LC_ALL=C sort >"$T/wrote"
is "$(cut -f 1 "$T/recorded.sorted" | LC_ALL=C sort -u | LC_ALL=C comm -23 "$T/wrote" -)" ''
echo "$kills kills, $cuts cuts of the network; $sealed sealed logs, $unsealed unsealed, $empty sessions without one; $(wc -l <"$T/reached") statements reached the target, $(wc -l <"$T/recorded") are recorded"

finish
