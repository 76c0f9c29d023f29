# The wrapped program is what the user started: its streams are its own, its terminal works, and whatever it does the session ends.
# both paths
. "$(dirname "$0")/lib.sh"
session_of() { jq -r .session "$T/result"; }
ended_as() { hoopctl --output json sessions export "$1" --format jsonl | jq -r 'select(.type == "session_end").record | "\(.cause) \(.program_status)"'; }

test_case "stdin, stdout and stderr are the program's, byte for byte"
head -c 20000000 /dev/urandom >"$T/random"
STATUS=0
hoopctl connect $target -- sh -c 'cat; cat "$1" >&2' sh "$T/random" <"$T/random" >"$T/copy" 2>"$T/copy.err" || STATUS=$?
status_is 0
holds cmp "$T/random" "$T/copy"
holds cmp "$T/random" "$T/copy.err"

test_case "exit statuses and signals pass through"
for status in 0 1 2 63 64 79 80 125 128 137 254 255; do
  run hoopctl connect $target --result-fd 3 -- sh -c "exit $status" 3>"$T/result"
  status_is $status
done
is "$(ended_as "$(session_of)")" 'program_exit 255'
for signal in HUP INT KILL SEGV TERM; do
  run hoopctl connect $target --result-fd 3 -- sh -c "kill -$signal \$\$" 3>"$T/result"
  status_is $((128 + $(kill -l $signal)))
done
is "$(ended_as "$(session_of)")" 'program_exit 143'

test_case "a program that is not there, or cannot be run"
run hoopctl connect $target -- nosuchprogram
status_is 127
err_has nosuchprogram
: >"$T/plain"
run hoopctl connect $target -- "$T/plain"
status_is 126

test_case "a program that closes its descriptors"
run hoopctl connect $target --result-fd 3 -- sh -c 'exec 0<&- 1>&- 2>&-; psql -XAtc "select 1" >/dev/null 2>&1; exit 9' 3>"$T/result"
status_is 9
is "$(jq -r .allowed "$T/result")" 1

test_case "a program whose reader goes away"
run sh -c "hoopctl connect $target -- psql -XAt -c 'select * from generate_series(1, 300000)' | head -n 1"
status_is 0
out_is 1

test_case "children that outlive the program neither keep the session nor have it"
begun=$(date +%s)
run hoopctl connect $target --result-fd 3 -- sh -c '
  (setsid sh -c "sleep 3; psql -XAtc \"select 1\" >'"$T"'/late 2>&1; echo \$? >'"$T"'/late.status" </dev/null >/dev/null 2>&1 &)
  psql -XAtc "select 2"' 3>"$T/result"
status_is 0
out_is 2
holds [ $(($(date +%s) - begun)) -lt 3 ]
holds eventually 10 test -s "$T/late.status"
is "$(cat "$T/late.status")" 2
is "$(jq -r .allowed "$T/result")" 1
is "$(ended_as "$(session_of)")" 'program_exit 0'

test_case "a program in the background of a program is one of its own while that runs"
run hoopctl connect $target -- sh -c 'psql -XAtc "select 3" & wait; psql -XAtc "select 4"'
out_is "3
4"

test_case "SIGTERM to hoopctl ends the program, and the log says who"
hoopctl connect $target --result-fd 3 -- sh -c 'psql -XAtc "select count(*) from generate_series(1, 9000000061)"' 3>"$T/result" 2>"$T/err" &
client=$!
ends_with_test KILL $client
holds eventually 20 sh -c "[ \"\$(psql -XAt '$HOOPCTL_STACK_PG' -c \"select count(*) from pg_stat_activity where query like '%9000000061%' and usename like 'hoop%'\")\" = 1 ]"
kill -TERM $client
STATUS=0; wait $client || STATUS=$?
status_is 143
is "$(ended_as "$(session_of)" | cut -d' ' -f1)" client_killed
holds eventually 10 no_roles

test_case "off a terminal the program ends with who started hoopctl, unless told otherwise"
for keep in '' --keep; do
  rm -f "$T/pid"
  sh -c "hoopctl connect $keep $target -- sh -c 'echo \$\$ >$T/pid; exec sleep 6' </dev/null >/dev/null 2>&1 & exec sleep 30" &
  parent=$!
  ends_with_test KILL $parent
  holds eventually 20 test -s "$T/pid"
  kill -KILL $parent; wait $parent 2>/dev/null
  if [ -z "$keep" ]; then
    holds eventually 4 gone "$(cat "$T/pid")"
  else
    sleep 2
    holds kill -0 "$(cat "$T/pid")"
    holds eventually 10 gone "$(cat "$T/pid")"
  fi
done

test_case "under a terminal: Ctrl-Z and fg, the size of the window, Ctrl-C, and modes as they were"
cat >"$T/terminal.exp" <<'EXP'
set timeout 20
proc want {pattern words} {
  expect -re $pattern { send_error "step: $words\n" } timeout { send_error "NO: $words\n"; exit 1 } eof { send_error "EOF: $words\n"; exit 1 }
}
set env(PS1) "shell> "
set env(PAGER) ""
spawn bash --norc --noprofile -i
want {shell> } "a shell"
send "stty -a | grep -c 'echo '; stty rows 33 cols 101\r"
want {shell> } "a size"
send "hoopctl --quiet connect $env(target) -- -X\r"
want {demo=>} "psql's prompt"
send "\\! stty size\r"
want {33 101} "the size of the window"
send "select 'before' || '-stop';\r"
want {before-stop} "a row"
send "\032"
want {Stopped} "stopped"
want {shell> } "the shell again"
send "echo between-both\r"
want {between-both\r} "the shell works"
send "fg\r"
want {hoopctl} "in front again"
send "\r"
want {demo=>} "psql's prompt after fg"
send "select 'after' || '-stop';\r"
want {after-stop} "a row after fg"
send "select count(*) from generate_series(1, 9000000062);\r"
sleep 1
send "\003"
want {canceling statement} "Ctrl-C cancels the statement"
send "select 'still' || '-here';\r"
want {still-here} "and not the session"
send "\\q\r"
want {shell> } "the shell at the end"
send "hoopctl --quiet connect $env(target) -- sh -c 'stty raw -echo; kill -KILL \$\$'\r"
want {shell> } "the shell after a crash in raw mode"
send "echo modes-\$(stty -a | tr ' ' '\\n' | grep -cx -e icanon -e echo)\r"
want {modes-2} "a terminal that works"
send "exit\r"
expect eof
EXP
run expect "$T/terminal.exp"
status_is 0
err_has 'a terminal that works'

test_case "nothing stays"
holds eventually 20 no_roles
is "$(spooled)" 0

finish
