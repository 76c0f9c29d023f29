# kill -9 of the gateway at random moments while grants are asked for and given back: no role outlives the reaper's period.
#
# HOOPCTL_KILL_ROUNDS (15) rounds; HOOPCTL_KILL_SEED repeats the choices of a run.
# one path: a stack of its own with targets on both
. "$(dirname "$0")/lib.sh"
rounds=${HOOPCTL_KILL_ROUNDS:-15} seed=${HOOPCTL_KILL_SEED:-$(( $(date +%s) % 32768 ))}
RANDOM=$seed
echo "HOOPCTL_KILL_SEED=$seed HOOPCTL_KILL_ROUNDS=$rounds"
printf '[gateway]\nheartbeat = 10\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/91-heartbeat.toml"
holds restart_gateway
all_targets=(pg-demo pg-demo-gateway)

test_case "$rounds rounds (seed $seed)"
reached=0
for i in $(seq "$rounds"); do
  NAME="round $i, seed $seed"
  clients=()
  for n in 0 1 2; do
    hoopctl connect "${all_targets[RANDOM % 2]}" -- psql -X -q -At -c 'select 1' >"$T/out.$n" 2>"$T/err.$n" </dev/null &
    clients+=($!)
    ends_with_test KILL $!
  done
  sleep "$(printf '0.%03d' $((RANDOM % 450)))"
  kill -9 "$gateway_pid"; wait "$gateway_pid" 2>/dev/null || true
  holds start_gateway
  for n in 0 1 2; do
    eventually 60 gone "${clients[n]}" || { failed "a client hangs"; kill -9 "${clients[n]}"; }
    code=0; wait "${clients[n]}" 2>/dev/null || code=$?
    holds [ $code != 70 ]
    [ $code != 0 ] || reached=$((reached + 1))
  done
done
NAME="after $rounds rounds, seed $seed"
# Logs that could not be delivered, and grants that could not be given back.
run hoopctl sessions upload
status_is 0
# What a gateway could not end before it was killed, the next one does: when it starts, or by the reaper; and whose client never got the
# answer with its grant is silent for a heartbeat.
holds eventually 90 no_roles
made=$(grep -c 'event=grant.issued' "$HOOPCTL_STACK_DIR/gateway.log")
holds [ "$made" -gt 0 ]
echo "$rounds kills; $made grants were made, $reached clients got their answer"

finish
