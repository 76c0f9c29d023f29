#!/usr/bin/env bash
# The systemd unit: each hardening line stands in it, systemd reads it without a complaint, and the man page's directory is its.
set -uo pipefail
cd "$(dirname "$0")/../.."
unit=packaging/hoopctl-gateway.service man=man/hoopctl-gateway.8
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

while read -r line; do
  holds "the unit says $line" in_service "$line"
done <<'LINES'
Type=exec
User=hoopctl
StateDirectory=hoopctl
StateDirectoryMode=0700
UMask=0077
Restart=on-failure
RestartPreventExitStatus=64 78
LimitCORE=0
ProtectSystem=strict
ReadOnlyPaths=/var/lib/hoopctl
ReadWritePaths=/var/lib/hoopctl/state
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
holds "no directive stands twice" [ -z "$(grep -E '^[A-Za-z]+=' "$unit" | cut -d= -f1 | sort | uniq -d | grep -vx After)" ]
stop=$(sed -n 's/^TimeoutStopSec=//p' "$unit")
# Time to tell the programs (3 s), for a database that does not answer (10 s) and for answers under way (5 s).
holds "the drain fits into TimeoutStopSec" [ "$stop" -ge 30 ]
holds "the man page installs what the unit runs" grep -q "hoopctl gateway init /var/lib/hoopctl" "$man"
holds "the unit runs the gateway" grep -q '^ExecStart=/usr/bin/hoopctl gateway serve /var/lib/hoopctl$' "$unit"

if command -v systemd-analyze >/dev/null; then
  # It wants the program to be there; which one it is makes no difference to the rest.
  sed 's#^ExecStart=/usr/bin/hoopctl #ExecStart=/bin/true #' "$unit" >"$work/hoopctl-gateway.service"
  complaints=$(timeout 60 systemd-analyze verify --man=no "$work/hoopctl-gateway.service" 2>&1 | grep -F hoopctl-gateway)
  holds "systemd reads it: $complaints" [ -z "$complaints" ]
else
  echo "systemd-analyze is not here: the unit was not read by systemd"
fi

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
