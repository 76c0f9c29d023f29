#!/usr/bin/env bash
# Runs one end-to-end test inside a stack: run.sh psql_test.sh [TARGET]. A line "# stack: OPTIONS" in it gives the stack's options.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
test=$here/$1
options=$(sed -n 's/^# stack: //p' "$test" | head -n 1)
[ "${2:-}" = pg-demo-agent ] && options+=" --agent"
# What the tests say of who calls is theirs alone: where they run may be a CI job or an agent's tool call.
unset CI AI_AGENT AGENT CLAUDECODE CODEX_SANDBOX CODEX_SANDBOX_NETWORK_DISABLED CURSOR_AGENT GEMINI_CLI VSCODE_AGENT HOOPCTL_AGENT
cd "$here"
# shellcheck disable=SC2086
exec "$here/../support/stack.sh" $options -- env HOOPCTL_E2E_TARGET="${2:-pg-demo}" bash "$test"
