# Files by path: what policy says of sftp and of the scp that is built on it, whatever links and ".." say; limits; the record.
# stack: --with pg,ssh --policy sftp.toml
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/ssh}
sum() { sha256sum <"$1" | cut -d' ' -f1; }
shown=$T/shown up=$T/up hidden=$T/hidden
mkdir "$shown" "$up" "$hidden" "$shown/.ssh"
head -c 1000000 /dev/urandom >"$shown/data"; echo secret >"$hidden/file"; echo key >"$shown/.ssh/id"
ln -s "$hidden" "$shown/way"; ln -s "$hidden/file" "$shown/link"; ln -s "$hidden" "$up/out"
# ftp COMMANDS: one a line; goes on after one that fails only where it begins with '-'.
ftp() { printf '%s\n' "$@" >"$T/batch"; run hoopctl run -t $target -- sftp -b "$T/batch" $target; }
copy() { run hoopctl run -t $target -- scp "$@"; }
exported() { hoopctl sessions export --format jsonl "$(newest_session)" | jq -c .record; }

test_case "what may be read is read, with its digest in the record"
copy $target:"$shown/data" "$T/data"
status_is 0
is "$(sum "$T/data")" "$(sum "$shown/data")"
exported >"$T/log"
is "$(jq -r 'select(.event=="file") | "\(.direction) \(.path) \(.bytes) \(.whole) \(.sha256)"' "$T/log")" \
  "download $shown/data 1000000 yes $(sum "$shown/data")"
is "$(jq -r 'select(.verb=="read_file") | .resources[0].name' "$T/log")" "$shown/data"

test_case "what may be written is written, and not read again"
copy -r "$shown/data" $target:"$up/new"
status_is 0
is "$(sum "$up/new")" "$(sum "$shown/data")"
is "$(exported | jq -r 'select(.event=="file") | "\(.direction) \(.path) \(.bytes) \(.sha256)"')" "upload $up/new 1000000 $(sum "$shown/data")"
copy $target:"$up/new" "$T/again"
holds [ "$STATUS" != 0 ]
err_has "no rule allows 'read_file' on this target (rule 'default')"
holds [ ! -e "$T/again" ]

test_case "no other way to write a path leads past a rule"
for way in "$hidden/file" "$shown/../hidden/file" "$shown/way/file" "$shown/link" "$shown/way/./file" "$up/out/file"; do
  ftp "get $way $T/got"
  holds [ "$STATUS" != 0 ]
  err_has "(rule 'default')"
  holds [ ! -e "$T/got" ]
done
ftp "cd $shown" "get way/file $T/got"
holds [ "$STATUS" != 0 ]
holds [ ! -e "$T/got" ]
ftp "get $shown/.ssh/id $T/got"
holds [ "$STATUS" != 0 ]
err_has "keys are nobody's here"
ftp "put $T/data $up/out/planted"
holds [ "$STATUS" != 0 ]
holds [ ! -e "$hidden/planted" ]
ftp "put $T/data $shown/planted"
holds [ "$STATUS" != 0 ]
holds [ ! -e "$shown/planted" ]

test_case "links are made only to what may be written, and renamed only where both ends may be"
ftp "symlink $hidden/file $up/mine"
holds [ "$STATUS" != 0 ]
holds [ ! -L "$up/mine" ]
ftp "symlink new $up/mine" "ln $up/new $up/hard"
status_is 0
is "$(readlink "$up/mine")" new
ftp "rename $up/hard $hidden/stolen"
holds [ "$STATUS" != 0 ]
ftp "ln $hidden/file $up/stolen"
holds [ "$STATUS" != 0 ]
holds [ ! -e "$up/stolen" ]
cp "$up/new" "$up/kept"
ftp "rename $up/hard $up/soft" "-rm $up/kept" "-rename $up/kept $up/gone" "mkdir $up/folder" "chmod 700 $up/folder" "rmdir $up/folder" "rm $up/mine"
status_is 0
err_has 'what is called kept stays'
holds [ -e "$up/kept" ]
holds [ ! -e "$up/folder" ]
is "$(exported | jq -r 'select(.verb=="setstat") | .attributes.mode')" 0700

test_case "folders are listed, and what may not be looked at is not"
ftp "ls -l $shown"
status_is 0
out_has "data"
ftp "ls $hidden"
holds [ "$STATUS" != 0 ]
out_lacks file
ftp "cd $hidden"
holds [ "$STATUS" != 0 ]

test_case "what a path in the dark means is not told, and whether it is there"
ftp "-get $hidden/none $T/got"
err_has "(rule 'default')"
err_lacks "No such file"

test_case "limits hold for each file, either way"
head -c 4000000 /dev/urandom >"$shown/large"
copy $target:"$shown/large" "$T/large"
holds [ "$STATUS" != 0 ]
err_has "hoopctl: the limit of 3000000 bytes is reached (rule 'limits')"
holds [ "$(stat -c %s "$T/large")" -le 3000000 ]
copy "$shown/large" $target:"$up/large"
holds [ "$STATUS" != 0 ]
err_has "the limit of 3000000 bytes is reached"
# scp makes a file of full length of what it could not bring: what stands behind is a hole.
holds [ $(( $(stat -c %b "$up/large") * 512 )) -le 3000000 ]
exported >"$T/log"
is "$(jq -r 'select(.event=="limit_reached") | .reason' "$T/log")" "the limit of 3000000 bytes is reached (rule 'limits')"

test_case "limits hold for what a command says"
run hoopctl connect $target -- "head -c 4000000 /dev/zero; echo behind"
status_is 77
err_has "hoopctl: the limit of 3000000 bytes is reached (rule 'limits')"
holds [ "$(stat -c %s "$T/out")" -le 3000000 ]
run hoopctl connect $target -- "head -c 2000000 /dev/zero; exit 3"
status_is 3
is "$(stat -c %s "$T/out")" 2000000

test_case "a protocol that is not SFTP ends the connection, in words"
input <<<'this is no packet at all'
run hoopctl connect $target -- -s sftp
status_is 77
err_has "hoopctl: a packet of SFTP is"

test_case "many files at once"
mkdir "$T/many"; for i in $(seq 200); do echo "$i" >"$T/many/$i"; done
copy -rp "$T/many" $target:"$up/"
status_is 0
holds diff -r "$T/many" "$up/many"

finish
