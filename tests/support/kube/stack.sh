# A Kubernetes cluster of the stack's own: an etcd, a real API server, and one node that only seems to be one. Sourced by
# ../stack.sh, whose functions and variables it uses.
#
# Nothing schedules and nothing reconciles: a Deployment makes no pods, a namespace that is deleted stays. What ./build.sh made by
# Debian's source (HOOPCTL_STACK_KUBE_DEBIAN=1 takes it where both are there) has no node, so that there are no logs and no exec.

# kube_certificate NAME SUBJECT [EXTENSIONS]: NAME.pem and NAME.key, by the cluster's authority.
kube_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$kube_dir/$1.key" -out "$kube_dir/$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$kube_dir/$1.csr" -CA "$kube_dir/ca.pem" -CAkey "$kube_dir/ca.key" -CAcreateserial -days 2 -out "$kube_dir/$1.pem" 2>/dev/null
}

# etcd listens on sockets in its own folder, which is where its scheme for them wants it: host and port are the file's name.
kube_start_etcd() {
  mkdir -m 700 "$kube_dir/etcd"
  (cd "$kube_dir/etcd" && exec etcd --name=stack --data-dir=data --listen-client-urls=unix://client:0 --advertise-client-urls=unix://client:0 \
    --listen-peer-urls=unix://peer:0 --initial-advertise-peer-urls=unix://peer:0 --initial-cluster=stack=unix://peer:0 \
    --unsafe-no-fsync --logger=zap --log-level=error --log-outputs=stderr) >"$kube_dir/etcd.log" 2>&1 </dev/null &
  kube_pids+=("$!")
  kube_wait_for "$!" "$kube_dir/etcd.log" etcd test -S "$kube_dir/etcd/client:0"
}

# kube_wait_for PID LOG NAME COMMAND…: until COMMAND succeeds, half a minute at most.
kube_wait_for() {
  local pid=$1 log=$2 name=$3
  shift 3
  for _ in $(seq 600); do
    "$@" >/dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 30 "$log" >&2
  die "$name did not start"
}

kube_admin_curl() {  # kube_admin_curl PATH [CURL-OPTION…]
  curl -sS -f --http1.1 --max-time 10 --noproxy '*' --cacert "$kube_dir/ca.pem" --cert "$kube_dir/admin.pem" --key "$kube_dir/admin.key" "${@:2}" "https://127.0.0.1:$kube_port$1"
}

kube_start_apiserver() {
  kube_port=$(( 20000 + RANDOM % 30000 ))
  GOMEMLIMIT=${HOOPCTL_STACK_KUBE_MEMORY:-384MiB} "$kube_bin/kube-apiserver" --bind-address=127.0.0.1 --secure-port=$kube_port --advertise-address=127.0.0.1 \
    --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/24 --etcd-servers="unix:///${kube_dir#/}/etcd/client:0" \
    --tls-cert-file="$kube_dir/server.pem" --tls-private-key-file="$kube_dir/server.key" --client-ca-file="$kube_dir/ca.pem" \
    --kubelet-certificate-authority="$kube_dir/ca.pem" --kubelet-client-certificate="$kube_dir/kubelet-client.pem" \
    --kubelet-client-key="$kube_dir/kubelet-client.key" --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$kube_dir/accounts.pub" \
    --service-account-signing-key-file="$kube_dir/accounts.key" --authorization-mode=RBAC --anonymous-auth=false --allow-privileged=true \
    --profiling=false --audit-policy-file="$kube_dir/audit.yaml" --audit-log-path="$kube_dir/audit.log" "${kube_flags[@]}" \
    >"$kube_dir/apiserver.log" 2>&1 </dev/null &
  kube_pid=$!
  kube_pids+=("$kube_pid")
}

# Until it is ready, a minute and a half at most; once more with another port where somebody else has had that one.
kube_await_apiserver() {
  local tries=8
  for _ in $(seq 900); do
    kube_admin_curl /readyz >/dev/null 2>&1 && return
    if ! kill -0 "$kube_pid" 2>/dev/null; then
      [ $(( tries -= 1 )) -gt 0 ] && grep -q 'address already in use' "$kube_dir/apiserver.log" || break
      kube_start_apiserver
    fi
    sleep 0.1
  done
  tail -n 30 "$kube_dir/apiserver.log" >&2
  die "kube-apiserver did not start"
}

kube_start_node() {
  local log pid container
  for container in shop/web-1/web shop/web-1/metrics shop/worker-1/worker ops/backup-1/backup; do
    mkdir -p "$kube_dir/node/$container"
    log=$kube_dir/node/$container.log
    printf 'line %s of %s\n' 1 "$container" 2 "$container" 3 "$container" >"$log"
    printf 'connecting to postgres://shop:log-password-17@orders-db.internal:5432/orders for log.owner@example.com\n' >>"$log"
  done
  "$kube_bin/kubelet" "$kube_dir/server.pem" "$kube_dir/server.key" "$kube_dir/ca.pem" "$kube_dir/node" >"$kube_dir/node.port" 2>"$kube_dir/node.log" </dev/null &
  pid=$!
  kube_pids+=("$pid")
  kube_wait_for "$pid" "$kube_dir/node.log" "the node" test -s "$kube_dir/node.port"
}

# kube_patch_status PATH JSON: what a kubelet would say of itself and of its pods.
kube_patch_status() {
  kube_admin_curl "$1/status" -X PATCH -H 'Content-Type: application/merge-patch+json' -d "$2" >/dev/null
}

kube_kubectl() {
  "$kubectl" --kubeconfig "$kube_dir/admin.kubeconfig" "$@" >"$kube_dir/fill.log" 2>&1 ||
    { cat "$kube_dir/fill.log" >&2; die "the cluster could not be filled"; }
}

# What may come to be while the gateway starts. A new resource's first object takes the API server two seconds.
kube_fill_more() {
  local pod port
  port=$(cat "$kube_dir/node.port" 2>/dev/null || echo 10250)
  kube_patch_status /api/v1/nodes/node-1 '{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"},{"type":"Hostname","address":"node-1"}],
    "daemonEndpoints":{"kubeletEndpoint":{"Port":'"$port"'}},"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}}'
  for pod in shop/pods/web-1 shop/pods/worker-1 ops/pods/backup-1; do
    kube_patch_status "/api/v1/namespaces/$pod" '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}'
  done
  kube_kubectl wait --for=condition=Established --timeout=20s crd/databases.shop.example.com
  kube_kubectl apply -f "$here/kube/applied.yaml"
}

# The target's credential: a token of service account hoopctl for a day.
kube_token() {
  kube_admin_curl /api/v1/namespaces/kube-system/serviceaccounts/hoopctl/token -H 'Content-Type: application/json' \
    -d '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":86400}}' | jq -r .status.token
}

kube_admin_kubeconfig() {
  cat <<CONF
apiVersion: v1
kind: Config
clusters: [{ name: stack, cluster: { server: "https://127.0.0.1:$kube_port", certificate-authority-data: $(base64 -w 0 "$kube_dir/ca.pem") } }]
users: [{ name: admin, user: { client-certificate-data: $(base64 -w 0 "$kube_dir/admin.pem"), client-key-data: $(base64 -w 0 "$kube_dir/admin.key") } }]
contexts: [{ name: stack, context: { cluster: stack, user: admin } }]
current-context: stack
CONF
}

kube_target() {  # kube_target NAME DESCRIPTION LINE…
  cat <<CONF

[[target]]
name = "$1"
protocol = "kubernetes"
description = "$2"
url = "https://127.0.0.1:$kube_port"
ca_file = "$kube_dir/ca.pem"
server_name = "localhost"
labels = { env = "demo" }
credential = { bearer = "file:$gw/keys/k8s-demo.token" }
CONF
  printf '%s\n' "${@:3}"
}

# First of the stack, and then left alone while the rest begins.
launch_kube() {
  kube_dir=$dir/kube
  mkdir -m 700 "$kube_dir"
  pki "$kube_dir"
  kube_certificate admin /O=system:masters/CN=stack-admin
  kube_certificate kubelet-client /O=system:masters/CN=kube-apiserver
  openssl ecparam -genkey -name prime256v1 -noout -out "$kube_dir/accounts.key"
  openssl ec -in "$kube_dir/accounts.key" -pubout -out "$kube_dir/accounts.pub" 2>/dev/null
  printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{ level: Metadata }]\n' >"$kube_dir/audit.yaml"
  kube_start_etcd
  if [ -x "$kube_bin/kubelet" ]; then kube_start_node; fi
  kube_start_apiserver
}

# Before the gateway is started: its targets.
configure_kube() {
  kube_await_apiserver
  kube_admin_kubeconfig >"$kube_dir/admin.kubeconfig"
  kube_kubectl create -f "$here/kube/objects.yaml"
  kube_token >"$gw/keys/k8s-demo.token"
  grep -q '^ey' "$gw/keys/k8s-demo.token" || die "the cluster gave no token"
  (kube_fill_more) &
  kube_fill_pid=$!
  peer_ports+=("$kube_port")
  {
    kube_target k8s-demo "a cluster" 'path = "local"' 'hand_out = true'
    kube_target k8s-demo-gateway "a cluster, by the gateway path" 'path = "gateway"'
    if [ -n "$agent" ]; then kube_target k8s-demo-agent "a cluster, through an agent" 'via = "agent"'; fi
  } >"$gw/conf.d/20-k8s-demo.toml"
  cp "$here/stack_kube_policy.toml" "$gw/conf.d/40-kube-policy.toml"
  export HOOPCTL_STACK_KUBE=https://127.0.0.1:$kube_port HOOPCTL_STACK_KUBE_CA=$kube_dir/ca.pem HOOPCTL_STACK_KUBE_ADMIN=$kube_dir/admin.kubeconfig
  export HOOPCTL_STACK_KUBECTL=$kubectl HOOPCTL_STACK_KUBE_TOKEN_FILE=$gw/keys/k8s-demo.token HOOPCTL_STACK_KUBE_AUDIT=$kube_dir/audit.log
}

# Before the command.
await_kube() { wait "$kube_fill_pid" || die "the cluster could not be filled"; }

# Before anything is started: exit status 77, by which a test runner knows a test that was left out, where there is no cluster to be had.
kube_bin=$("$here/kube/build.sh" --check ${HOOPCTL_STACK_KUBE_DEBIAN:+--debian}) || { printf 'stack: left out: no kube-apiserver is built here; ./dev kube builds one\n' >&2; exit 77; }
kubectl=$kube_bin/kubectl
[ -x "$kubectl" ] || kubectl=$(command -v kubectl || true)
[ -n "$kubectl" ] && command -v etcd >/dev/null || { printf 'stack: left out: no etcd or no kubectl; ./dev kube installs them\n' >&2; exit 77; }
# Debian's 1.20 would listen without TLS, too.
case $("$kube_bin/kube-apiserver" --version) in *' v1.20.'*) kube_flags=(--insecure-port=0) ;; *) kube_flags=() ;; esac
