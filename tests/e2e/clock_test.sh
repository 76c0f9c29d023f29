# A client whose clock is ten minutes off, under grants of eight seconds: they last as long as they should, not less and not more.
# both paths
# stack: --policy clock_policy.toml
. "$(dirname "$0")/lib.sh"
# The target's certificate is as old as this test; what is checked here is the grant's time.
sed -i 's/^tls = "verify-full"/tls = "disable"/' "$HOOPCTL_STACK_GATEWAY/conf.d/10-stack.toml"
echo 'host all all 127.0.0.1/32 scram-sha-256' >>"$HOOPCTL_STACK_DIR/pg/data/pg_hba.conf"
super 'select pg_reload_conf()' >/dev/null
restart_gateway
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
# at OFFSET COMMAND…: COMMAND, by a clock that is off by so many seconds.
at() { local offset=$1; shift; run env LD_PRELOAD="$HOOPCTL_BUILD/libclock_offset.so" CLOCK_OFFSET="$offset" "$@"; }

test_case "the clock is off"
at 600 date +%s
holds [ $((OUT - $(date +%s))) -gt 590 ]

number=9000000070
for offset in -600 600; do
  number=$((number + 1))
  test_case "by $offset s: work is done, and recorded"
  at $offset hoopctl connect $target -- -X -At -c "update orders set status = 'off by $offset' where id = 3 returning id"
  status_is 0
  out_has 3
  session=$(newest_session)
  run hoopctl sessions verify "$session"
  status_is 0

  test_case "by $offset s: access ends when it should, and not before"
  begun=$(date +%s%N)
  at $offset hoopctl connect $target -- -X -c "select count(*) from (select generate_series(1, $number)) s"
  took=$(( ($(date +%s%N) - begun) / 1000000 ))
  status_is 80
  holds [ $took -ge 7500 ]
  holds [ $took -lt 25000 ]
  holds eventually 5 running $number 0
  holds eventually 10 no_roles
done

finish
