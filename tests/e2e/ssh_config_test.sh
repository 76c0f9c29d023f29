# Plain ssh, without hoopctl in front: what `hoopctl ssh-config` prints, and `proxy --stdio` behind it.
# stack: --with pg,ssh --policy ssh_files.toml
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/ssh}
me=$HOOPCTL_STACK_LOGIN
live() { [ "$(hoopctl --output json sessions list --live | jq -s length)" = "$1" ]; }

test_case "the block has every host, and nothing else"
run hoopctl ssh-config
status_is 0
out_has "Host $target.hoop"
out_has "proxy --stdio $target"
out_has "User $me"
out_lacks pg-demo
printf '%s\n' "$OUT" >"$T/config"
run hoopctl ssh-config --suffix .prod
out_has "Host $target.prod"
run hoopctl ssh-config --suffix 'x y'
status_is 64
run ssh -G -F "$T/config" $target.hoop
status_is 0

test_case "ssh, its status, its terminal, scp and rsync"
run ssh -F "$T/config" $target.hoop 'echo out; echo err >&2; exit 3'
status_is 3
out_is out
err_is err
run ssh -F "$T/config" -tt $target.hoop 'tty >/dev/null && echo a terminal'
status_is 0
out_has 'a terminal'
head -c 3000000 /dev/urandom >"$T/big"
run scp -q -F "$T/config" "$T/big" $target.hoop:"$T/there"
status_is 0
holds cmp "$T/big" "$T/there"
run rsync -e "ssh -F $T/config" $target.hoop:"$T/there" "$T/back"
status_is 0
holds cmp "$T/big" "$T/back"

test_case "each is a session with a record, and none is left"
session=$(newest_session)
run hoopctl sessions export --format jsonl "$session"
out_has '"command":["hoopctl","proxy","--stdio"]'
run hoopctl sessions verify "$session"
status_is 0
holds eventually 10 live 0
is "$(spooled)" 0

test_case "many at once, and one for many"
for i in 1 2 3 4 5; do ssh -F "$T/config" $target.hoop "echo $i" >"$T/at.$i" 2>/dev/null & done; wait
is "$(cat "$T"/at.* | tr '\n' ' ')" '1 2 3 4 5 '

test_case "a refusal and a login that is not one's own are told"
run ssh -F "$T/config" somebody@$target.hoop id
status_is 255
err_has "you may not log in here as 'somebody'"
sed "s/--stdio $target/--stdio nothing-there/" "$T/config" >"$T/wrong"
run ssh -F "$T/wrong" $target.hoop id
status_is 255
err_has "no target 'nothing-there' that you may open"

test_case "an ssh that is killed takes its session along; one whose session is killed is told"
nap=$(( 100000 + RANDOM ))
ssh -F "$T/config" $target.hoop "exec sleep $nap" >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 live 1
kill -KILL $pid; wait $pid 2>/dev/null
holds eventually 15 live 0
nap=$(( nap + 100000 ))  # of no other: root's sshd lets the first one sleep on
ssh -F "$T/config" $target.hoop "exec sleep $nap" >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 pgrep -f "^sleep $nap\$"
run hoopctl sessions kill "$(newest_session)" --reason 'enough now'
status_is 0
code=0; wait $pid || code=$?
is $code 255
holds grep -q 'hoopctl: .*enough now' "$T/e"
pkill -f "^sleep ($nap|$(( nap - 100000 )))\$"

test_case "not for databases, nor for a person at a terminal"
run script -qec "hoopctl proxy --stdio $target" /dev/null
status_is 64
out_has '--stdio is for ssh'
run hoopctl proxy --stdio pg-demo
status_is 64
err_has '--stdio is for hosts'
run hoopctl proxy --stdio --port 4000 $target
status_is 64
holds eventually 10 live 0

finish
