#!/usr/bin/env bash
# --help, the man pages and the completions say the same; wrong words give 64 and one clear line. Needs no server.
set -uo pipefail
cd "$(dirname "$0")/../.."
hoopctl=${HOOPCTL_BUILD:?}/hoopctl
home=$(mktemp -d); trap 'rm -rf "$home"' EXIT
export XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config
unset HOOPCTL_GATEWAY HOOPCTL_OUTPUT
checks=0 failures=0
same() {  # same WHAT LEFT RIGHT
  checks=$((checks + 1))
  [ "$2" = "$3" ] && return
  failures=$((failures + 1))
  printf 'FAILED %s\n' "$1"
  diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/  /'
}
words() { tr ' ' '\n' | grep . | sort -u; }

# help_options COMMAND…, help_commands COMMAND…: what --help lists.
help_options() { "$hoopctl" "$@" --help | sed -n '/^Options:/,/^$/p' | grep -oE '^  [^ ]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }
help_commands() { "$hoopctl" "$@" --help | sed -n '/^Subcommands:/,/^$/p' | sed -n 's/^  \([a-z-]*\)  .*/\1/p' | sort -u; }

all=()
walk() {
  all+=("$*")
  local command
  for command in $(help_commands "$@"); do walk "$@" "$command"; done
}
walk
same "commands were found" "$([ ${#all[@]} -ge 15 ] && echo yes)" yes

# --- man pages: each page lists the options of its command and of all below it -------------------------------------------------
man_options() { grep -E '^\.It (.* )?Fl -' "$1" | grep -oE 'Fl -[a-z0-9-]+' | sed 's/^Fl /-/' | sort -u; }
for command in $(help_commands); do
  page=man/hoopctl-$command.1
  [ -f "$page" ] || page=man/hoopctl-$command.8
  wanted=$(for path in "${all[@]}"; do
    case $path in "$command" | "$command "*) help_options $path ;; esac
  done | grep -vx -- --help | sort -u)
  same "$page has the options of 'hoopctl $command --help'" "$wanted" "$(man_options "$page")"
  checks=$((checks + 1))
  grep -q "hoopctl-$command" man/hoopctl.1 || { failures=$((failures + 1)); echo "FAILED man/hoopctl.1 does not name $command"; }
  for below in $(help_commands "$command"); do
    grep -qE "^\.(Nm hoopctl $command $below|Op Ic $below)" "$page" || { failures=$((failures + 1)); echo "FAILED $page does not name '$command $below'"; }
  done
done
same "man/hoopctl.1 has the global options" "$(help_options)" "$(man_options man/hoopctl.1)"
if command -v mandoc >/dev/null; then
  for page in man/*; do
    same "$page is well-formed" "" "$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'referenced manual not found')"
  done
fi

# --- exit statuses --------------------------------------------------------------------------------------------------------------
same "the exit statuses of man and --help" \
  "$("$hoopctl" --help | sed -n 's/^  \([0-9]\{2,3\}\) *\(.*\)/\1 \2/p')" \
  "$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' man/hoopctl.1 | sed -n '/^\.It/{s/^\.It //;N;s/\n/ /;p}')"

zsh_arm() { sed -n "/^    '$1')/,\$p" completions/_hoopctl | sed '/;;$/q'; }
# --- completions ----------------------------------------------------------------------------------------------------------------
. completions/hoopctl.bash
for path in "${all[@]}"; do
  same "bash: options of '$path'" "$(help_options $path)" "$(_hoopctl_options "$path" | words)"
  same "bash: commands of '$path'" "$(help_commands $path)" "$(_hoopctl_commands "$path" | words)"
  own=$(help_options $path | grep -vx -- --help)
  [ -n "$path" ] || continue
  same "fish: options of '$path'" "$own" "$(sed -n "s/^complete -c hoopctl -n '__hoopctl_at $path' .*-l \([a-z0-9-]*\).*/--\1/p" completions/hoopctl.fish | sort -u)"
  same "fish: commands of '$path'" "$(help_commands $path)" "$(sed -n "s/^complete -c hoopctl -n '__hoopctl_at $path' -a \([a-z-]*\) .*/\1/p" completions/hoopctl.fish | sort -u)"
  same "zsh: options of '$path'" "$own" "$(zsh_arm "$path" | grep -oE "'\*?--[a-z0-9-]+" | grep -oE -- '--[a-z0-9-]+' | sort -u)"
done
same "fish: global options" "$(help_options)" "$(sed -n 's/^complete -c hoopctl -l \([a-z0-9-]*\).*/--\1/p' completions/hoopctl.fish | sort -u)"
same "fish: commands" "$(help_commands)" "$(sed -n "s/^complete -c hoopctl -n '__hoopctl_at' -a \([a-z-]*\) .*/\1/p" completions/hoopctl.fish | sort -u)"
same "zsh: global options" "$(help_options)" "$(sed -n '/^  global=(/,/^  )/p' completions/_hoopctl | grep -oE -- '--[a-z]+' | sort -u)"
same "zsh: commands" "$(help_commands)" "$(sed -n '/^      commands=(/,/^      )/p' completions/_hoopctl | sed -n "s/^ *'\([a-z-]*\):.*/\1/p" | sort -u)"
for shell in bash zsh fish; do
  command -v $shell >/dev/null || continue
  case $shell in bash) file=hoopctl.bash ;; zsh) file=_hoopctl ;; fish) file=hoopctl.fish ;; esac
  same "$shell reads completions/$file" "" "$($shell -n "completions/$file" 2>&1)"
done
COMP_WORDS=(hoopctl sess) COMP_CWORD=1; _hoopctl
same "bash completes a command" "sessions" "${COMPREPLY[*]}"
COMP_WORDS=(hoopctl --quiet sessions ver) COMP_CWORD=3; _hoopctl
same "bash completes below an option" "verify" "${COMPREPLY[*]}"

# --- every command has examples -------------------------------------------------------------------------------------------------
for path in "${all[@]}"; do
  checks=$((checks + 1))
  [ -n "$(help_commands $path)" ] && [ "$path" != "" ] && continue
  "$hoopctl" $path --help | grep -q '^Examples:' || { failures=$((failures + 1)); echo "FAILED 'hoopctl $path --help' has no examples"; }
done

# --- wrong words ------------------------------------------------------------------------------------------------------------------
wrong() {  # wrong WANTED_IN_MESSAGE WORDS…
  local wanted=$1 out status=0; shift
  out=$("$hoopctl" --output text "$@" 2>&1 >/dev/null </dev/null) || status=$?
  same "status of: hoopctl $*" 64 "$status"
  same "lines of: hoopctl $*" "hoopctl: hoopctl: hint:" "$(printf '%s\n' "$out" | sed 's/^hoopctl: hint:.*/hoopctl: hint:/; s/^hoopctl: [^h].*/hoopctl:/; s/^hoopctl: h[^i].*/hoopctl:/' | tr '\n' ' ' | sed 's/ $//')"
  case $out in *"$wanted"*) ;; *) same "message of: hoopctl $*" "…$wanted…" "$out" ;; esac
}
wrong "a command is missing"
wrong "unknown command 'sesions'" sesions
wrong "did you mean 'sessions'" sesions
wrong "unknown option '--ouput'" targets --ouput json
wrong "did you mean '--reason'" connect pg --reson x
wrong "needs a command" sessions
wrong "TARGET" connect
wrong "unexpected word 'b'" connect a b
wrong "'hoopctl whoami' takes no words after '--'" whoami -- psql
wrong "--limit" sessions list --limit many
wrong "--limit" sessions list --limit 0
wrong "--result-fd" connect pg --result-fd 999
wrong "--ca" login --gateway https://localhost:1 --ca "$home/nothing"
wrong "--ca-sha256" login --gateway https://localhost:1 --ca-sha256 12
wrong "not a gateway's URL" --gateway http://plain targets
status=0; "$hoopctl" --output yaml targets >/dev/null 2>&1 || status=$?
same "status of --output yaml" 64 "$status"
same "--version" "hoopctl 0.1.0" "$("$hoopctl" --version)"
out=$("$hoopctl" nonsense 2>&1 >/dev/null </dev/null)
same "a message off a terminal is one JSON object" '{"hoopctl":1,"status":"error"' "$(printf '%s' "$out" | cut -c1-29)"

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
