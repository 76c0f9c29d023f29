#!/usr/bin/env bash
# ./dev bench ssh: what hoopctl costs between the stock ssh and a host, as ratios inside one interleaved run.
#
# Sides: direct; jump (direct through another sshd by ProxyJump: the usual way to a host that is not reached otherwise); local and
# gateway (hoopctl on either path: policy, masks and record on, in a session that stands). connect is also measured with the session's own
# start ("whole"). What moves is zeros: nobody compresses here, and detectors look at all of it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${1:-}" != inside ]; then exec "$here/../support/stack.sh" --with pg,ssh --policy "$here/ssh.toml" -- "$here/ssh.sh" inside "$@"; fi
rounds=${HOOPCTL_BENCH_ROUNDS:-5} size=${HOOPCTL_BENCH_MIB:-256}
T=$(mktemp -d "$HOOPCTL_STACK_DIR/bench.XXXXXX")
export BENCH_FOLDER=$T
head -c "${size}M" /dev/zero >"$T/file"
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
pids=
trap 'kill $pids 2>/dev/null || true' EXIT
for name in direct jump; do
  ssh-keygen -q -t ed25519 -N '' -f "$T/$name.host"
  for _ in 1 2 3 4 5; do
    port=$(( 20000 + RANDOM % 30000 ))
    /usr/sbin/sshd -D -e -o "ListenAddress 127.0.0.1:$port" -o "HostKey $T/$name.host" -o "AuthorizedKeysFile $T/key.pub" -o 'UsePAM no' \
      -o 'StrictModes no' -o 'PidFile none' -o 'MaxStartups 100' -o 'Subsystem sftp internal-sftp' -f /dev/null >"$T/$name.log" 2>&1 & pid=$!
    sleep 0.5
    if kill -0 $pid 2>/dev/null; then pids="$pids $pid"; break; fi
  done
  printf 'Host %s\n  HostName 127.0.0.1\n  Port %s\n  User %s\n  IdentityFile %s\n  UserKnownHostsFile %s\n' \
    $name $port "$(id -un)" "$T/key" "$T/known" >>"$T/config"
  echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$T/$name.host.pub")" >>"$T/known"
done
# The way through the other: ssh -J of an ssh that reads the same configuration.
sed 's/^Host direct$/Host through/' "$T/config" >"$T/through"
printf 'Host through\n  ProxyCommand ssh -F %s -W %%h:%%p jump\n' "$T/config" >>"$T/through"

timing="python3 $here/ssh_timing.py"
# side SIDE WORKLOAD: its figure.
side() {
  case $1 in
    direct) $timing "$2" "$size" ssh -F "$T/config" direct ;;
    jump) $timing "$2" "$size" ssh -F "$T/through" through ;;
    local) hoopctl --quiet run -t ssh-demo -- $timing "$2" "$size" ssh ssh-demo ;;
    gateway) hoopctl --quiet run -t ssh-demo-gateway -- $timing "$2" "$size" ssh ssh-demo-gateway ;;
  esac
}
median() { sort -n | awk '{v[NR]=$1} END {if (NR) printf "%.4g", NR%2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
row() { printf '%-26s %-10s %12s %10s\n' "$@"; }
sides="direct jump local gateway"
row workload side median "of direct"
measure() {  # measure TITLE WORKLOAD TIMES
  local title=$1 workload=$2 times=$3 file; shift 3
  file=$T/$(tr -c 'a-z0-9\n' - <<<"$workload")
  for _ in $(seq "$times"); do for s in $sides; do side $s "$workload" >>"$file.$s"; done; done
  local base; base=$(median <"$file.direct")
  for s in $sides; do
    local m; m=$(median <"$file.$s")
    row "$title" $s "$m" "$(awk -v a="$m" -v b="$base" 'BEGIN {printf "%.2f", a/b}')"
  done
}
measure "ssh host true (ms)" connect $(( rounds * 3 ))
for path in ssh-demo ssh-demo-gateway; do
  for _ in $(seq $(( rounds * 3 ))); do
    t=$(date +%s%N); hoopctl --quiet connect $path -- true; echo $(( ($(date +%s%N) - t) / 1000000 )) >>"$T/whole.$path"
  done
  m=$(median <"$T/whole.$path")
  row "connect HOST -- true (ms)" "$path" "$m" "$(awk -v a="$m" -v b="$(median <"$T/connect.direct")" 'BEGIN {printf "%.2f", a/b}')"
done
measure "key to echo, p50 (us)" key "$rounds"
measure "key to echo, p99 (us)" key99 "$rounds"
for cipher in aes128-gcm@openssh.com chacha20-poly1305@openssh.com aes256-ctr; do
  measure "down, ${cipher%@*} (MiB/s)" "down $cipher" "$rounds"
  measure "up, ${cipher%@*} (MiB/s)" "up $cipher" "$rounds"
done
measure "sftp get (MiB/s)" get "$rounds"
measure "sftp put (MiB/s)" put "$rounds"

# Memory of the two processes of ours that bulk goes through, at its end.
high() { awk '/VmHWM/ {print $2}' "/proc/$1/status"; }
hoopctl --quiet run -t ssh-demo -- ssh ssh-demo "head -c ${size}M /dev/zero" >/dev/null & pid=$!
most_relay=0 most_client=0
while kill -0 $pid 2>/dev/null; do
  client=$(high $pid 2>/dev/null || true); [ "${client:-0}" -gt $most_client ] && most_client=$client
  for one in $(pgrep -P $pid -x hoopctl-ssh-rel 2>/dev/null || pgrep -f '^hoopctl-ssh-relay' || true); do
    relay=$(high "$one" 2>/dev/null || true); [ "${relay:-0}" -gt $most_relay ] && most_relay=$relay
  done
  sleep 0.1
done
row "memory at bulk (KiB)" client "$most_client" "-"
row "memory at bulk (KiB)" relay "$most_relay" "-"
