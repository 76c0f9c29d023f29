#!/usr/bin/env bash
# hoopctl policy check says what a gateway would. Needs no server.
set -uo pipefail
hoopctl=${HOOPCTL_BUILD:?}/hoopctl
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
cd "$work" || exit 1
checks=0 failures=0 OUT= ERR= STATUS=0
run() { STATUS=0; "$hoopctl" --output json policy check "$@" >"$work/out" 2>"$work/err" </dev/null || STATUS=$?; OUT=$(<"$work/out") ERR=$(<"$work/err"); }
holds() { checks=$((checks + 1)); "${@:2}" && return; failures=$((failures + 1)); printf 'FAILED %s\n%s\n%s\n%s\n' "$1" "$STATUS" "$OUT" "$ERR"; }
has() { case $1 in *"$2"*) ;; *) return 1 ;; esac; }

cat >sound.toml <<'T'
[[role]]
name = "dev"
members = ["group:developers"]
targets = ["pg-*"]
[[rule]]
name = "reads"
effect = "allow"
when = { verb = ["select"] }
[[mask]]
columns = ["*.email"]
T
run sound.toml
holds "a sound policy is summed up" [ "$STATUS" = 0 ]
holds "its counts" has "$OUT" '"roles":1,"rules":1,"masks":1,"warnings":0,"version":"'
version=$OUT

cat >more.toml <<'T'
[[rule]]
name = "reads"
effect = "deny"
when = { verb = ["select"] }
[[rule]]
name = "writes"
effect = "deny"
when = { verb = ["update"] }
T
run sound.toml more.toml
holds "a later file replaces by name" has "$OUT" '"roles":1,"rules":2,'
holds "another policy has another version" [ "${OUT##*version}" != "${version##*version}" ]

# refused LINE MESSAGE < TEXT
refused() {
  cat >bad.toml
  run bad.toml
  holds "refused with 78: $2" [ "$STATUS" = 78 ]
  holds "where it stands: $2" has "$ERR" "bad.toml:$1:"
  holds "what it is: $2" has "$ERR" "$2"
  holds "nothing on stdout: $2" [ -z "$OUT" ]
}
refused 3 'verb' <<'T'
[[rule]]
name = "typo"
when = { verb = ["selekt"] }
effect = "deny"
T
refused 1 'nobody could approve' <<'T'
[[rule]]
name = "ask"
effect = "require_approval"
when = { verb = ["delete"] }
T
refused 1 'rulez' <<'T'
[[rulez]]
name = "x"
T
refused 2 'config' <<'T'
[[rule]]
name = "unfinished
T

printf '[[target]]\nname = "pg-one"\n' | cat - sound.toml >mixed.toml
run mixed.toml
holds "what is the gateway's own may stand beside it" [ "$STATUS" = 0 ]
run missing.toml
holds "a file that is not there is 64" [ "$STATUS" = 64 ]
run sound.toml "$work"
holds "a directory among files is 64" [ "$STATUS" = 64 ]

"$hoopctl" gateway init "$work/gw" --name localhost >"$work/init" 2>&1 || cat "$work/init"
cp sound.toml "$work/gw/policy.toml"
run "$work/gw"
holds "a directory is a gateway's" [ "$STATUS" = 0 ]
holds "a pattern that no target matches is a warning" has "$ERR" "role 'dev' names target 'pg-*', and there is none"
holds "it is counted" has "$OUT" '"targets":0,"warnings":1'
mkdir -p "$work/gw/conf.d"
(umask 077; echo secret >"$work/gw/keys/one")
cat >"$work/gw/conf.d/one.toml" <<T
[[target]]
name = "pg-one"
protocol = "postgres"
host = "127.0.0.1"
port = 5432
databases = ["demo"]
admin = { user = "a", password = "file:$work/gw/keys/one", database = "demo" }
T
run "$work/gw"
holds "a target that there is, is none" has "$OUT" '"targets":1,"warnings":0'
echo 'labels = { env = "prod" }' >>"$work/gw/conf.d/one.toml"
printf '[[rule]]\nname = "odd"\nwhen = { label = ["env=pro*", "env=test"] }\neffect = "deny"\n' >"$work/gw/conf.d/two.toml"
run "$work/gw"
holds "a label that no target has is a warning" has "$ERR" "rule 'odd' asks for label 'env=test', and no target has it"
holds "one that fits is none" has "$OUT" '"targets":1,"warnings":1'
printf '[gateway]\nlisten = 5\n' >"$work/gw/conf.d/two.toml"
run "$work/gw"
holds "the whole configuration is read" [ "$STATUS" = 78 ]
holds "and its mistake told" has "$ERR" "conf.d/two.toml:2:"
rm "$work/gw/conf.d/two.toml"

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
