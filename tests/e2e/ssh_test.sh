# A host by SSH: the stock ssh, what policy refuses, what masks hide, terminals, logins, and how a session ends.
# stack: --with pg,ssh --policy ssh.toml
# every path
. "$(dirname "$0")/lib.sh"
target=${target/pg/ssh}
me=$HOOPCTL_STACK_LOGIN
# Of an ordinary user's sshd; root's passes no signal on.
plain=$target; [ "$me" = root ] && plain=${target/demo/plain}
on() { run hoopctl connect $target -- "$@"; }
processes() { [ "$(pgrep -fc "^$1\$")" = "$2" ]; }

test_case "a command: its output, its errors, its status"
on 'echo out; echo err >&2; exit 3'
status_is 3
out_is out
err_has err
on uptime
status_is 0
out_has 'load average'
on -T 'id -un'
out_is "$me"
input <<<'one line'
on cat
out_is 'one line'
on 'kill -TERM $$'
status_is 255

test_case "a refusal is a line and the status 77; what masks know is hidden"
input <<<'echo typed'
run hoopctl connect $target
status_is 77
err_has 'hoopctl: commands are run one by one here'
out_is ''
on 'printf "card 41111111"; printf "11111111\n"; echo 4111111111111111 >&2'
status_is 0
out_is 'card [redacted]'
err_has '[redacted]'
on 'echo the card 4111111111111111'
out_is 'the card [redacted]'
err_has '1 value was masked'

test_case "a command is judged by its words, whatever it is wrapped in"
for line in 'shutdown -h now' '/sbin/shutdown now' 'sudo -n reboot' "sh -c 'shutdown now'" 'echo $(shutdown now)' 'true; "shut"down'; do
  on "$line"
  status_is 77
  err_has 'hoopctl: hosts are not shut down from here (rule '"'no-shutdown'"')'
done
run hoopctl connect $target --fail-on-deny -- 'shutdown now || true'
status_is 77
run env HOOPCTL_AGENT=robot hoopctl connect $target -- "python3 -c 'print(1)'"
status_is 77
err_has 'what this would run cannot be told'
run env HOOPCTL_AGENT=robot hoopctl connect $target -- uptime
status_is 0
on "echo 'shutdown now'"
out_is 'shutdown now'

test_case "variables: those that a rule allows"
run env GREETING=hello SECRETIVE=x hoopctl connect $target -- -o 'SendEnv=GREETING SECRETIVE' 'echo $GREETING-$SECRETIVE'
out_is 'hello-'

test_case "what is read of a file does not go past the masks; forwards and agents are refused"
run hoopctl run -t $target -- scp $target:/etc/hostname "$T/hostname"
holds [ "$STATUS" != 0 ]
err_has 'files of this target are not read'
run hoopctl connect $target -- -o ExitOnForwardFailure=yes -R 127.0.0.1:0:127.0.0.1:9 true
holds [ "$STATUS" != 0 ]
run env SSH_AUTH_SOCK="$T/agent" hoopctl connect $target -- -A 'echo "x$SSH_AUTH_SOCK"'
out_is x

test_case "logins: the default, and nobody else's"
run hoopctl connect $target -- -l somebody id
status_is 255
err_has "hoopctl: you may not log in here as 'somebody', but as: $me"
run hoopctl run -t $target -- ssh $me@$target 'id -un'
out_is "$me"

test_case "a terminal: its size, Ctrl-C, and a prompt that is not held back"
cat >"$T/terminal.exp" <<EXPECT
set timeout 15
set stty_init "rows 31 columns 97"
proc want {pattern} { expect -re \$pattern {} timeout { puts "no \$pattern"; exit 99 } eof { puts "no \$pattern, but the end"; exit 98 } }
spawn hoopctl connect $target -- -t sh
want {[#\$] \$}
send "stty size; tty >/dev/null && echo is''-a-tty\r"
want {31 97.*is-a-tty.*[#\$] \$}
send "sleep 70\r"
sleep 0.5
send "\003"
want {[#\$] \$}
exec stty -F \$spawn_out(slave,name) rows 20 cols 60
sleep 0.3
send "stty size\r"
want {20 60.*[#\$] \$}
send "printf '\\\\033\]0;evil\\\\007\\\\033\[1mbo''ld\\\\033\[0m 4111111111111111\\\\n'\r"
want {bold.*[#\$] \$}
send "stty -echo; read word; stty echo; echo go''ne\r"
sleep 0.3
send "not-to-be-seen\r"
want {gone.*[#\$] \$}
send "exit 5\r"
expect eof
lassign [wait] pid spawn_id os status
exit \$status
EXPECT
run expect -f "$T/terminal.exp"
status_is 5

test_case "what a terminal has shown is kept whole, for players and for a look"
session=$(newest_session)
run hoopctl sessions export --format asciicast "$session"
status_is 0
holds jq -es 'all(.[1:][]; length == 3)' "$T/out" >/dev/null
is "$(head -n 1 "$T/out" | jq -c '[.version, .width, .height, (.timestamp > 1700000000)]')" '[2,97,31,true]'
is "$(jq -rs '[.[1:][] | select(.[1] == "r") | .[2]] | last' "$T/out")" 60x20
is "$(jq -s '[.[1:][] | .[0]] | . == sort' "$T/out")" true
jq -js '[.[1:][] | select(.[1] == "o") | .[2]] | add' "$T/out" >"$T/shown"
holds grep -q 'is-a-tty' "$T/shown"
holds grep -q "$(printf '\033\\[1mbold')" "$T/shown"
holds sh -c "! grep -q '$(printf '\\033\\\\]0')' '$T/shown'"
holds sh -c "! grep -q 4111111111111111 '$T/shown'"
since=$(date +%s)
run hoopctl sessions replay --terminal "$session"
status_is 0
holds grep -q "$(printf '\033\\[1mbold')" "$T/out"
holds sh -c "! grep -q '$(printf '\033\\]0')' '$T/out'"
run hoopctl sessions show "$session"
out_has "typed, as the screen has it: stty size; tty"
out_has "typed, as the screen has it: sleep 70"
out_has "typed, as the screen has it: stty -echo; read word"
run hoopctl sessions export --format jsonl "$session"
out_lacks not-to-be-seen
out_lacks 4111111111111111
on uptime
run hoopctl sessions export --format asciicast "$(newest_session)"
status_is 77
err_has 'no program of this session had a terminal'

test_case "either side asks whether the other is there, for longer than an answer may take"
run hoopctl connect $target -- -o ServerAliveInterval=1 -o ServerAliveCountMax=2 'sleep 5; echo still here'
status_is 0
out_is 'still here'

test_case "a program that nobody reads any more ends"
since=$(date +%s)
run sh -c "hoopctl connect $target -- yes | head -n 1"
out_is y
holds [ $(( $(date +%s) - since )) -lt 15 ]

test_case "the record has commands, decisions and what was seen, and nothing that was hidden"
on 'echo seen 4111111111111111; exit 4'
session=$(newest_session)
run hoopctl sessions show "$session"
status_is 0
out_has 'exec'
out_has 'seen'
out_lacks 4111111111111111
run hoopctl sessions export "$session"
out_has '| seen [redacted]'
run hoopctl sessions export --format jsonl "$session"
out_has '"login":"'"$me"'"'
out_has '"status":"exit 4"'
out_has '"host_key":"SHA256:'
out_has '"command":["ssh","'$target'"'
out_lacks 4111111111111111
run hoopctl sessions verify "$session"
status_is 0
holds grep -q "ID $session demo" "$HOOPCTL_STACK_DIR/ssh-demo/sshd.log"

# Of no other run.
nap=$(( 100000 + RANDOM ))
test_case "a session that is killed ends its command, and says why"
hoopctl connect $plain -- "exec sleep $nap" >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
holds eventually 15 processes "sleep $nap" 1
session=$(newest_session)
run hoopctl sessions kill "$session" --reason 'it sleeps'
status_is 0
code=0; wait $pid || code=$?
is $code 80
holds grep -q 'hoopctl: .*it sleeps' "$T/e"
holds eventually 10 processes "sleep $nap" 0

test_case "hoopctl that is killed takes its command along"
hoopctl connect $plain -- "exec sleep 1$nap" >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 processes "sleep 1$nap" 1
kill -KILL $pid; wait $pid 2>/dev/null
holds eventually 20 processes "sleep 1$nap" 0

test_case "no private file is left, and no relay"
hoopctl connect $target -- true
holds eventually 10 sh -c "[ -z \"\$(ls '$XDG_RUNTIME_DIR')\" ]"
# Those of other tests are other gateways'.
holds eventually 10 sh -c "! pgrep -P $gateway_pid -f '^hoopctl-ssh-relay ' >/dev/null"

test_case "--tcp, and a program that reaches nothing else"
run hoopctl connect $target --tcp -- 'echo by tcp'
out_is 'by tcp'
if hoopctl --output json doctor 2>/dev/null | grep '"check":"isolation"' | grep -q '"state":"ok"'; then
  run hoopctl connect $target --isolate -- 'echo shut in'
  out_is 'shut in'
else
  echo "$NAME: not isolated, since this machine does not let us"
fi

test_case "proxy: an endpoint for other programs of the user"
hoopctl --output json proxy $target >"$T/proxy" 2>"$T/proxy-err" & proxy=$!
ends_with_test TERM $proxy
holds eventually 15 test -s "$T/proxy"
run ssh -F "$(jq -r .ssh_config "$T/proxy")" $target 'echo by proxy'
out_is 'by proxy'
port=$(jq -r .port "$T/proxy")
run ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p "$port" $me@127.0.0.1 true
status_is 255
err_has 'Permission denied'
kill -TERM $proxy; wait $proxy
is $? 0

mkdir -m 700 "$T/folder"
hoopctl --output json proxy --socket "$T/folder" $target >"$T/proxy" 2>"$T/proxy-err" & proxy=$!
ends_with_test TERM $proxy
holds eventually 15 test -s "$T/proxy"
holds [ -S "$T/folder/ssh.sock" ]
run ssh -F "$(jq -r .ssh_config "$T/proxy")" $target 'echo by socket'
out_is 'by socket'
kill -TERM $proxy; wait $proxy
is $? 0
run hoopctl proxy --passfile "$T/pass" $target
status_is 64
err_has '--passfile is for databases'

test_case "a host that shows another key, and one that is not there"
conf=$HOOPCTL_STACK_GATEWAY/conf.d/20-ssh-demo.toml
ssh-keygen -q -t ed25519 -N '' -f "$T/other"
cp "$conf" "$T/right.toml"
sed "s|^host_keys = .*|host_keys = [\"$(ssh-keygen -lf "$T/other.pub" | cut -d' ' -f2)\"]|" "$T/right.toml" >"$conf"
restart_gateway
on true
status_is 255
err_has 'hoopctl: the target shows the host key'
run hoopctl gateway target check "$HOOPCTL_STACK_GATEWAY" ssh-demo
holds [ "$STATUS" != 0 ]
out_has 'none of which is pinned'
sed 's/^port = .*/port = 1/' "$T/right.toml" >"$conf"
restart_gateway
on true
status_is 255
err_has 'hoopctl: '
cp "$T/right.toml" "$conf"
restart_gateway
on true
status_is 0

test_case "slips of the command line"
run hoopctl connect $target -- scp a $target:b
status_is 64
err_has "hoopctl run -t $target -- scp"
run hoopctl gateway ssh-ca create "$HOOPCTL_STACK_GATEWAY"
status_is 78
err_has 'is there already'
run hoopctl gateway target scan-host-key "$HOOPCTL_STACK_SSH"
status_is 0
out_has 'ssh-ed25519'
run hoopctl gateway target scan-host-key '127.0.0.1:1'
status_is 69
err_has 'nothing answers at 127.0.0.1:1'
run hoopctl gateway target scan-host-key 'a b'
status_is 64

finish
