# Files and whatever else runs ssh: scp, sftp, rsync, git, many channels at once; every byte as it was, with bounded memory.
# stack: --with pg,ssh --policy ssh_files.toml
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/ssh}
sum() { sha256sum <"$1" | cut -d' ' -f1; }
far=$T/far; mkdir "$far"
head -c 60000000 /dev/urandom >"$T/big"
mkdir -p "$T/tree/a/b"; for i in 1 2 3; do head -c $((i * 70000)) /dev/urandom >"$T/tree/a/b/file $i"; done

test_case "scp, by sftp and by its own protocol, there and back"
run hoopctl run -t $target -- scp "$T/big" $target:"$far/big"
status_is 0
is "$(sum "$far/big")" "$(sum "$T/big")"
run hoopctl run -t $target -- scp -O $target:"$far/big" "$T/back"
status_is 0
is "$(sum "$T/back")" "$(sum "$T/big")"
run hoopctl run -t $target -- scp -r "$T/tree" $target:"$far/"
status_is 0
holds diff -r "$T/tree" "$far/tree"

test_case "sftp with commands of its own"
run hoopctl run -t $target -- sh -c "printf 'mkdir $far/new\nput $T/tree/a/b/*1 $far/new/one\nrename $far/new/one $far/new/two\nls $far/new\nrm $far/new/two\nrmdir $far/new\n' | sftp -b - $target"
status_is 0
out_has two
holds [ ! -e "$far/new" ]

test_case "rsync"
run hoopctl run -t $target -- rsync -a "$T/tree/" $target:"$far/synced/"
status_is 0
holds diff -r "$T/tree" "$far/synced"
echo changed >"$far/synced/a/b/file 1"
run hoopctl run -t $target -- rsync -ac $target:"$far/synced/" "$T/tree2/"
status_is 0
holds diff -r "$far/synced" "$T/tree2"

test_case "git"
git init -q --bare "$far/repo.git"
git init -q "$T/work"
git -C "$T/work" -c user.name=demo -c user.email=demo@mail.example.net commit -q --allow-empty -m one
run hoopctl run -t $target -- git -C "$T/work" push -q "$target:$far/repo.git" HEAD:main
status_is 0
run hoopctl run -t $target -- git clone -q -b main "$target:$far/repo.git" "$T/clone"
status_is 0
is "$(git -C "$T/clone" log --format=%s)" one

test_case "an agent brings no files, and takes them"
run env HOOPCTL_AGENT=robot hoopctl run -t $target -- scp -O "$T/tree/a/b/file 1" $target:"$far/agent"
holds [ "$STATUS" != 0 ]
err_has 'agents bring no files'
holds [ ! -e "$far/agent" ]
run env HOOPCTL_AGENT=robot hoopctl run -t $target -- scp -O $target:"$far/big" "$T/agent"
status_is 0
is "$(sum "$T/agent")" "$(sum "$T/big")"
run env HOOPCTL_AGENT=robot hoopctl run -t $target -- git clone -q -b main "$target:$far/repo.git" "$T/agent-clone"
status_is 0

test_case "ten channels of one connection, and bulk both ways at once"
cat >"$T/channels.sh" <<SH
ssh -fNM -o ControlPersist=yes $target || exit 1
for i in 1 2 3 4 5 6 7 8 9 10; do ssh $target "sleep 0.2; echo \$i" >"$T/channel.\$i" & pids="\$pids \$!"; done
ssh $target "cat >'$far/up'" <"$T/big" & pids="\$pids \$!"
ssh $target "cat '$far/big'" >"$T/down" & pids="\$pids \$!"
code=0; number=0; for pid in \$pids; do number=\$((number + 1)); wait \$pid || { code=\$?; echo "program \$number: \$code" >&2; }; done
ssh -O exit $target 2>/dev/null
exit \$code
SH
run hoopctl run -t $target -- sh "$T/channels.sh"
status_is 0
is "$(cat "$T"/channel.* | sort -n | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 10 '
is "$(sum "$far/up")" "$(sum "$T/big")"
is "$(sum "$T/down")" "$(sum "$T/big")"

test_case "a status that comes after the end of the output, through a shared connection"
cat >"$T/late.sh" <<SH
ssh -fNM -o ControlPersist=yes $target || exit 1
for i in 1 2 3; do ssh $target 'exec >&- 2>&-; sleep 0.2; exit 5' </dev/null; echo \$?; done
ssh -O exit $target 2>/dev/null
SH
run hoopctl run -t $target -- sh "$T/late.sh"
out_is '5
5
5'

test_case "keys are exchanged anew on the way, by either side"
run hoopctl run -t $target -- sh -c "ssh -o RekeyLimit=1M $target \"cat '$far/big'\" | sha256sum | cut -d' ' -f1"
out_is "$(sum "$T/big")"
run hoopctl run -t $target -- sh -c "ssh -o RekeyLimit=1M $target 'sha256sum | cut -d\" \" -f1' <'$T/big'"
out_is "$(sum "$T/big")"

test_case "an end of input goes through, and output goes on behind it"
run hoopctl run -t $target -- sh -c "printf 'a\nb\n' | ssh $target 'wc -l; sleep 0.3; echo behind'"
out_is '2
behind'
run hoopctl run -t $target -- sh -c "ssh $target 'exec >&- 2>&-; sleep 0.3; exit 5'"
status_is 5

test_case "two hosts around one program"
other=${target/demo/plain}
if [ "$HOOPCTL_STACK_LOGIN" = root ]; then
  run hoopctl run -t $target -t $other -- sh -c "ssh $target 'id -un'; ssh $other 'id -un'; echo \$HOOPCTL_TARGETS"
  status_is 0
  out_is "root
postgres
$target $other"
else
  echo "$NAME: not looked at, since only root's stack has two"
fi

finish
