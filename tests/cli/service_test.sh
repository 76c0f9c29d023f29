#!/usr/bin/env bash
# The systemd units: each hardening line stands in them, systemd reads them without a complaint, and the man pages' directories are
# theirs.
set -uo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
checks=0 failures=0
holds() {  # holds WHAT COMMAND…
  checks=$((checks + 1))
  "${@:2}" && return
  failures=$((failures + 1))
  printf 'FAILED %s\n' "$1"
}
section_of() { awk -v line="$1" '/^\[/ { section = $0 } $0 == line { print section; exit }' "$unit"; }
in_service() { [ "$(section_of "$1")" = '[Service]' ]; }
says() { while read -r line; do holds "$unit says $line" in_service "$line"; done; }

# well_kept UNIT LEAST: what holds for both; LEAST seconds to stop.
well_kept() {
  unit=$1
  says <<'LINES'
Type=exec
StateDirectoryMode=0700
UMask=0077
Restart=on-failure
LimitCORE=0
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
LINES
  # A mistyped directive is ignored by systemd with a warning: none may stand twice or be empty by accident.
  holds "no directive of $unit stands twice" [ -z "$(grep -E '^[A-Za-z]+=' "$unit" | cut -d= -f1 | sort | uniq -d | grep -vx After)" ]
  holds "the drain fits into TimeoutStopSec of $unit" [ "$(sed -n 's/^TimeoutStopSec=//p' "$unit")" -ge "$2" ]
  if command -v systemd-analyze >/dev/null; then
    # It wants the program to be there; which one it is makes no difference to the rest.
    sed 's#^ExecStart=/usr/bin/hoopctl #ExecStart=/bin/true #' "$unit" >"$work/${unit##*/}"
    complaints=$(timeout 60 systemd-analyze verify --man=no "$work/${unit##*/}" 2>&1 | grep -F hoopctl-)
    holds "systemd reads $unit: $complaints" [ -z "$complaints" ]
  else
    echo "systemd-analyze is not here: $unit was not read by systemd"
  fi
}

# Time to tell the programs (3 s), for a database that does not answer (10 s) and for answers under way (5 s).
well_kept packaging/hoopctl-gateway.service 30
says <<'LINES'
User=hoopctl
StateDirectory=hoopctl
RestartPreventExitStatus=64 78
ReadOnlyPaths=/var/lib/hoopctl
ReadWritePaths=/var/lib/hoopctl/state
ExecStart=/usr/bin/hoopctl gateway serve /var/lib/hoopctl
LINES
holds "the man page installs what the unit runs" grep -q "hoopctl gateway init /var/lib/hoopctl" man/hoopctl-gateway.8

# 30 s for streams, and a second for what is said last.
well_kept packaging/hoopctl-agent.service 35
says <<'LINES'
User=hoopctl-agent
StateDirectory=hoopctl-agent
RestartPreventExitStatus=64 78 79
ReadWritePaths=/var/lib/hoopctl-agent
EnvironmentFile=/etc/hoopctl-agent.conf
LINES
holds "the unit runs the agent" grep -q '^ExecStart=/usr/bin/hoopctl agent serve --state /var/lib/hoopctl-agent ' packaging/hoopctl-agent.service
holds "the man page makes the agent's directory" grep -q -- '-m 0700 /var/lib/hoopctl-agent$' man/hoopctl-agent.8

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
