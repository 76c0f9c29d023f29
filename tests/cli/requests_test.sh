#!/usr/bin/env bash
# hoopctl requests and resume: who may not decide, and what is refused before anybody is asked. Needs no server.
set -uo pipefail
hoopctl=${HOOPCTL_BUILD:?}/hoopctl
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
unset CI HOOPCTL_GATEWAY HOOPCTL_OUTPUT HOOPCTL_WAIT HOOPCTL_TOKEN HOOPCTL_TOKEN_FILE HOOPCTL_AGENT CLAUDECODE CODEX_SANDBOX \
  CODEX_SANDBOX_NETWORK_DISABLED CURSOR_AGENT GEMINI_CLI VSCODE_AGENT AGENT AI_AGENT
id=apr_cjsgj3svsplpf4eygjc5glm6qm
checks=0 failures=0 OUT= ERR= STATUS=0
run() { STATUS=0; env "${with[@]}" "$hoopctl" --output text "$@" >"$work/out" 2>"$work/err" </dev/null || STATUS=$?; OUT=$(<"$work/out") ERR=$(<"$work/err"); }
holds() { checks=$((checks + 1)); "${@:2}" && return; failures=$((failures + 1)); printf 'FAILED %s\n%s\n%s\n%s\n' "$1" "$STATUS" "$OUT" "$ERR"; }
has() { case $1 in *"$2"*) ;; *) return 1 ;; esac; }
# gives STATUS WORDS COMMAND…
gives() {
  local status=$1 words=$2; shift 2
  run "$@"
  holds "${with[*]} hoopctl $* ends with $status" [ "$STATUS" = "$status" ]
  holds "${with[*]} hoopctl $* says '$words'" has "$ERR" "$words"
  holds "${with[*]} hoopctl $* prints nothing" [ -z "$OUT" ]
}

with=(A=1)
gives 64 "--state" requests list --state sometimes
gives 64 "unknown option '--mine'" requests --mine
gives 64 "unknown option '--yes'" requests reject --yes $id
gives 64 "ID" requests show
gives 64 "ID" requests approve
gives 64 "'apr_1/../2' is not a request's id" requests show apr_1/../2
gives 64 "'s_cjsgj3svsplpf4eygjc5glm6qm' is not a request's id" requests wait s_cjsgj3svsplpf4eygjc5glm6qm
gives 64 "--wait 'soon' is not a duration" requests wait $id --wait soon
gives 64 "--wait is longer than an hour" requests wait $id --wait 61m
gives 64 "there is no terminal to ask on" requests approve $id
gives 64 "'x' is not a request's id" requests approve $id x --yes
gives 64 "named twice" requests approve $id $id --yes
gives 64 "--reason is longer than 200 bytes" requests reject $id --reason "$(printf '%201s' x)"
gives 64 "takes no words after '--'" resume $id -- psql
gives 64 "'all' is not a request's id" resume all
gives 64 "--wait '-5' is not a duration" resume $id --wait=-5
gives 64 "--wait 'x' is not a duration" connect pg --wait x
gives 64 "--wait is longer than an hour" run -t pg --wait 2h -- true
gives 64 "--wait 'x' is not a duration" proxy pg --wait x
gives 79 "not logged in" requests approve $id --yes
gives 79 "not logged in" requests reject $id
gives 79 "not logged in" requests wait $id
gives 79 "not logged in" requests
gives 79 "not logged in" resume $id
gives 79 "not logged in" connect pg --wait 0 -- true

with=(HOOPCTL_WAIT=soon)
gives 64 "HOOPCTL_WAIT 'soon' is not a duration" connect pg
gives 79 "not logged in" connect pg --wait 5s

# Before anything else is looked at: nobody is to think that it would have gone with other words.
for agent in CLAUDECODE=1 HOOPCTL_AGENT=some-agent AI_AGENT=x CI=true; do
  with=("$agent")
  gives 77 "requests are decided by people" requests approve $id --yes
  gives 77 "requests are decided by people" requests reject $id
  gives 77 "requests are decided by people" requests approve nonsense
  gives 79 "not logged in" requests show $id
done

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
