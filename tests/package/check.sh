#!/usr/bin/env bash
# check.sh FILE.deb: installs it, looks at what came, runs the demo with it, removes it, and looks at what stayed. As root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deb=$1
die() { printf 'package: %s\n' "$*" >&2; exit 1; }
dpkg-query -W -f '${Status}' hoopctl 2>/dev/null | grep -q 'ok installed' && die "hoopctl is installed here already: not touched"
log=$(mktemp)
removed=
cleanup() { [ -n "$removed" ] || dpkg --purge hoopctl >/dev/null 2>&1 || true; rm -f "$log"; }
trap cleanup EXIT

export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends "$deb" >"$log" 2>&1 || { cat "$log" >&2; die "apt-get could not install it"; }
files=$(dpkg -L hoopctl)
has() { grep -qx "$1" <<<"$files" || die "it lacks $1"; }
has /usr/bin/hoopctl
has /lib/systemd/system/hoopctl-gateway.service
has /lib/systemd/system/hoopctl-agent.service
has /usr/share/bash-completion/completions/hoopctl
for page in "$here"/../../man/*; do has "/usr/share/man/man${page##*.}/${page##*/}.gz"; done
stray=$(grep -vE '^/(\.|usr|lib|lib/systemd(/.*)?|usr/.*)$' <<<"$files" || true)
[ -z "$stray" ] || die "files where none belong: $stray"
[ -z "$(find /usr/bin/hoopctl -perm /022)" ] || die "others may write the program"
[ "$(/usr/bin/hoopctl --version)" = "hoopctl $(dpkg-query -W -f '${Version}' hoopctl)" ] || die "the version is not the package's"
dpkg-query -W -f '${Depends}' hoopctl | grep -q libpq5 || die "it does not depend on libpq5"
gzip -dc /usr/share/man/man1/hoopctl.1.gz | mandoc -T ascii >/dev/null || die "hoopctl(1) cannot be read"
for example in /usr/share/doc/hoopctl/examples/policy.toml; do
  /usr/bin/hoopctl policy check "$example" >"$log" 2>&1 || { cat "$log" >&2; die "$example is no policy"; }
done
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify --man=no /lib/systemd/system/hoopctl-gateway.service /lib/systemd/system/hoopctl-agent.service || die "a unit is wrong"
else
  echo "(no systemd-analyze here: the units were not looked at)"
fi
if command -v systemd-sysusers >/dev/null; then
  getent passwd hoopctl >/dev/null || die "there is no user hoopctl"
else
  echo "(no systemd-sysusers here: the package makes no users)"
fi

HOOPCTL_BUILD=/usr/bin "$here/../support/demo.sh" >"$log" 2>&1 || { cat "$log" >&2; die "the demo fails with it"; }

apt-get purge -qq -y hoopctl >"$log" 2>&1 || { cat "$log" >&2; die "it cannot be removed"; }
removed=1
left=$(find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /var/lib/dpkg -o -path "$(realpath "$here/../..")" \) -prune -o -name '*hoopctl*' -print 2>/dev/null |
  grep -vE '^/(var/(log|cache|lib/systemd)|root|home)/' || true)
[ -z "$left" ] || die "left behind: $left"
echo "the package installs, works and goes"
