# A cluster, with a real API server and kubectl: how it is found, what policy refuses, what masks hide, by whose rights sessions work.
# stack: --with pg,kube
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/k8s}
PATH=$(dirname "$HOOPCTL_STACK_KUBECTL"):$PATH
token=$(cat "$HOOPCTL_STACK_KUBE_TOKEN_FILE")
minor=$(kubectl --kubeconfig "$HOOPCTL_STACK_KUBE_ADMIN" version -o json | jq -r '.serverVersion.minor | tonumber')
# k ARGS…: kubectl in a session; admin ARGS…: straight to the cluster, with every right.
k() { run hoopctl connect "${at:-$target}" -- kubectl "$@"; }
admin() { kubectl --kubeconfig "$HOOPCTL_STACK_KUBE_ADMIN" "$@"; }
admin_token() { admin create -f - --raw "/api/v1/namespaces/$1/serviceaccounts/$2/token" <<<'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}' | jq -r .status.token; }
member() { jq -r "$1" <<<"$OUT"; }
# arrived VERB RESOURCE NAMESPACE: how many such requests of sessions the API server has had.
arrived() { jq -s --arg v "$1" --arg r "$2" --arg n "$3" '[.[] | select(.verb == $v and .objectRef.resource == $r and .objectRef.namespace == $n and (.user.username | startswith("system:serviceaccount:")))] | length' "$HOOPCTL_STACK_KUBE_AUDIT"; }
holds [ "$minor" -ge 20 ]

test_case "kubectl finds it, and nothing else"
run env KUBECONFIG=/nowhere KUBERNETES_SERVICE_HOST=10.0.0.1 KUBERNETES_MASTER=https://elsewhere.example hoopctl connect $target -- -n shop get pods
status_is 0
out_has web-1
run hoopctl connect $target -- kubectl config current-context
out_is "$target"
run env KUBECONFIG=/nowhere KUBERNETES_SERVICE_HOST=10.0.0.1 KUBECTL_COMMAND_HEADERS=1 hoopctl connect $target -- sh -c 'env | grep -o "^KUBE[A-Z_]*" | sort; stat -c %a "$KUBECONFIG"; echo "$no_proxy"'
out_is 'KUBECACHEDIR
KUBECONFIG
600
127.0.0.1,localhost'
input <<<'kubectl -n shop get pods -o name; exit 5'
run hoopctl connect $target
status_is 5
out_has pod/web-1
run hoopctl connect $target -- sh -c 'cat "$KUBECONFIG"; env; ls "$(dirname "$KUBECONFIG")"'
out_lacks "$token"
out_lacks PRIVATE
run hoopctl connect $target -- get pods
status_is 127
err_has "hoopctl connect $target -- kubectl get"
# What kubectl has learned of the cluster the next session knows, whatever its port.
k -n shop get pods
is "$(find "$XDG_STATE_HOME/hoopctl/kube-cache" -path "*/$target/discovery/*" -name servergroups.json | wc -l)" 1
is "$(find "$XDG_STATE_HOME/hoopctl/kube-cache" -perm /077 -type d | wc -l)" 0

test_case "the values of Secrets are hidden, and stay what base64 gives back"
k -n shop get secret db-cred -o json
status_is 0
is "$(member '[.data[] | @base64d] | unique | join(" ")')" '[redacted]'
is "$(member '.data | keys | join(" ")')" 'password url username'
err_has 'values were masked by policy'
run hoopctl connect $target -- sh -c 'for form in yaml json "jsonpath={.data}" "go-template={{.data.password}}"; do kubectl -n shop get secrets db-cred -o "$form"; done
  kubectl -n shop describe secret db-cred'
status_is 0
out_has 'password:  10 bytes'
out_lacks "$(printf secret-db-password-4 | base64)"
out_lacks secret-db-password
k -n shop get secrets -o json
is "$(member '[.items[].data // {} | .[] | @base64d] | unique | join(" ")')" '[redacted]'
k -n shop get secrets
status_is 0
out_has db-cred
k -n shop get secret payment -o json
out_lacks applied-payment-key-13
is "$(member '.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] | fromjson | .stringData.key')" '[redacted]'
k -n shop get secret payment -o yaml $([ "$minor" -ge 21 ] && echo --show-managed-fields)
out_has managedFields
out_lacks applied-payment-key
k get --raw '/api/v1/namespaces/shop/secrets?watch=true&resourceVersion=0&timeoutSeconds=2'
status_is 0
is "$(member '.object.data // {} | .[] | @base64d' | sort -u)" '[redacted]'
out_lacks applied-payment-key
run hoopctl connect $target -- sh -c 'timeout 4 kubectl -n shop get secrets -w -o json; true'
out_has db-cred
out_lacks "$(printf secret-db-password-4 | base64)"

test_case "ConfigMaps, containers, custom resources and events: what masks name, and what detectors find"
admin -n shop create configmap mail --from-literal=smtp_password=cm-plain-word-20 >/dev/null
k -n shop get configmaps -o json
status_is 0
for hidden in cm-db-password-1 cm-plain-word-20 applied-hook-password-14; do out_lacks $hidden; done
is "$(member '.items[] | select(.metadata.name == "settings") | .data.LOG_LEVEL')" info
k -n shop get pods,deployments -o json
for hidden in pod-env-password-9 pod-env-token-10 pod-env-password-11 deployment-env-password-8; do out_lacks $hidden; done
is "$(member '[.items[] | select(.metadata.name == "web-1") | .spec.containers[].env // [] | .[] | select(.name == "LOG_LEVEL") | .value] | join(" ")')" info
k -n shop describe pod web-1
out_has registry.internal/shop/web:1.4
out_lacks pod-env-token-10
k -n shop get databases orders -o yaml
out_lacks custom-admin-password-16
out_lacks custom-url-password-15
k -n shop get events -o yaml
status_is 0
out_has 'Readiness probe failed'
out_lacks event-password-12
k -n shop get pods
out_has web-1

test_case "a cluster is worked with as before: apply, create, patch, scale, delete"
cat >"$T/apply.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: { name: colours, namespace: shop }
data: { sky: blue }
YAML
k apply -f "$T/apply.yaml"
status_is 0
out_has 'configmap/colours created'
sed -i s/blue/grey/ "$T/apply.yaml"
k apply -f "$T/apply.yaml"
out_has 'configmap/colours configured'
k apply --server-side --force-conflicts -f "$T/apply.yaml"
status_is 0
run hoopctl connect $target -- sh -c 'kubectl diff -f "$0"; echo $?' "$T/apply.yaml"
out_is 0
is "$(admin -n shop get cm colours -o 'jsonpath={.data.sky}')" grey
k -n shop create configmap made --from-literal=a=b
status_is 0
k -n shop patch configmap made -p '{"data":{"a":"c"}}'
status_is 0
k -n shop label configmap made kept=no
status_is 0
is "$(admin -n shop get cm made -o 'jsonpath={.data.a}{.metadata.labels.kept}')" cno
k -n shop scale deployment web --replicas 3
status_is 0
is "$(admin -n shop get deployment web -o 'jsonpath={.spec.replicas}')" 3
k -n shop create deployment second --image=registry.internal/shop/second:1
status_is 0
k -n shop delete deployment second --wait=false
status_is 0
k -n shop delete configmap made colours
status_is 0
is "$(admin -n shop get cm made colours --ignore-not-found -o name)" ''

test_case "a denial is what kubectl prints, and nothing arrives"
k -n ops delete pod backup-1
status_is 1
err_has 'nothing is deleted in namespace ops by hand'
err_has Forbidden
k -n ops delete secrets --all
status_is 1
err_has 'nothing is deleted in namespace ops by hand'
is "$(arrived delete pods ops) $(arrived deletecollection secrets ops)" '0 0'
k get pods -A
status_is 1
err_has Forbidden
k -n kube-system get secrets
status_is 1
if [ "$minor" -ge 24 ]; then  # of kubectl's
  k -n shop create token default
  status_is 1
  err_has hoopctl
fi
k -n shop create role all --verb='*' --resource='*'
status_is 1
k get --raw /metrics
status_is 1
is "$(arrived list secrets kube-system) $(arrived create roles shop)" '0 0'
run hoopctl connect $target --fail-on-deny -- sh -c 'kubectl -n ops delete pod backup-1 2>/dev/null; true'
status_is 77
run env HOOPCTL_AGENT=robot hoopctl --output json connect $target -- kubectl -n ops delete pod backup-1
err_has '"status":"denied"'
err_has '"rule":"keep-ops"'

test_case "what is hidden does not come back in the place of the value"
run hoopctl connect $target -- sh -c 'kubectl -n shop get secret db-cred -o yaml | kubectl replace -f -'
status_is 1
err_has mask
run hoopctl connect $target -- sh -c 'kubectl -n shop get configmap settings -o json | kubectl replace -f -'
status_is 1
run hoopctl connect $target -- sh -c 'kubectl -n shop get secret payment -o yaml | kubectl apply -f -'
holds [ "$STATUS" != 0 ]
is "$(admin -n shop get secret db-cred -o 'jsonpath={.data.password}' | base64 -d)" secret-db-password-4
is "$(admin -n shop get secret payment -o 'jsonpath={.data.key}' | base64 -d)" applied-payment-key-13
# What does not speak of the value may be written.
k -n shop annotate secret db-cred seen=yes
status_is 0
is "$(admin -n shop get secret db-cred -o 'jsonpath={.data.password}' | base64 -d)" secret-db-password-4

test_case "what a server has, and what one may do there"
k api-resources
status_is 0
out_has databases
out_has deployments
k version
status_is 0
out_has 'Server Version'
k explain databases.spec.engine
status_is 0
k -n shop auth can-i get pods
status_is 0
out_has yes
k get namespaces
out_has shop

test_case "nobody is taken for somebody else, and what no rule names is refused in words"
k --as=admin -n shop get pods
status_is 1
err_has 'nobody can be taken for somebody else'
k --as=system:admin --as-group=system:masters -n shop get pods
status_is 1
k -n shop exec web-1 -c web -- id
holds [ "$STATUS" != 0 ]
err_has hoopctl:
k -n shop port-forward pod/web-1 :80
holds [ "$STATUS" != 0 ]
err_has hoopctl:

test_case "requests of the program's own: with the session's token, by paths that can be read in one way"
run hoopctl connect $target -- sh -c '
  conf() { kubectl config view --raw -o "jsonpath=$1"; }
  server=$(conf "{.clusters[0].cluster.server}") token=$(conf "{.users[0].user.token}")
  conf "{.clusters[0].cluster.certificate-authority-data}" | base64 -d >"$0.ca"
  ask() { curl -sS --max-time 20 --cacert "$0.ca" -o "$0.body" -w "%{http_code} " "$@"; }
  ask "$server/version"; jq -r .reason "$0.body"
  ask -H "Authorization: Bearer another" "$server/version"; jq -r .kind "$0.body"
  ask -H "Authorization: Bearer $token" "$server/version"; jq -r .kind "$0.body"
  with() { ask -H "Authorization: Bearer $token" "$@"; echo; }
  with -H "Impersonate-User: admin" "$server/version"
  with -H "Host: cluster.example" "$server/version"
  with -H "Upgrade: websocket" -H "Connection: Upgrade" "$server/api/v1/namespaces/shop/pods?watch=1"
  with -X POST -H "X-HTTP-Method-Override: DELETE" "$server/api/v1/namespaces/shop/pods"
  for path in /api/v1/namespaces/shop/%73ecrets/db-cred /api/v1/namespaces%2fshop/secrets/db-cred /api/v1/watch/namespaces/shop/secrets/db-cred?timeoutSeconds=1 \
    //api/v1/namespaces/shop/secrets/db-cred /api/v1/namespaces/ops/../shop/secrets/db-cred; do
    with --path-as-is "$server$path"; cat "$0.body" >>"$0.bodies"
  done
  with -H "Accept: application/vnd.kubernetes.protobuf" "$server/api/v1/namespaces/shop/secrets/db-cred"; jq -r ".data.password | @base64d" "$0.body"
  curl -sS --max-time 5 "http://127.0.0.1:${server##*:}/version" >"$0.plain" 2>/dev/null && echo answered
  rm "$0.ca"' "$T/raw"
status_is 0
is "$(sed -n 1,3p <<<"$OUT")" "401 Unauthorized
401 Status
200 null"
is "$(sed -n 4,7p <<<"$OUT" | tr -d '\n')" '403 421 501 400 '
is "$(tail -n 1 <<<"$OUT")" '[redacted]'
out_lacks answered
check; if grep -q "$(printf secret-db-password-4 | base64)" "$T/raw.bodies"; then failed "a path has led around the masks"; fi
holds [ ! -s "$T/raw.plain" ]

test_case "only the program and its children get in, whoever else has the token"
hoopctl connect $target -- sh -c 'cp "$KUBECONFIG" "$0.new" && mv "$0.new" "$0"; while [ ! -e "$0.over" ]; do sleep 0.1; done; kubectl -n shop get pods' "$T/stolen" \
  >"$T/inside" 2>"$T/refusals" </dev/null & pid=$!
ends_with_test TERM $pid
holds eventually 20 test -s "$T/stolen"
run kubectl --kubeconfig "$T/stolen" --request-timeout=10s -n shop get pods
holds [ "$STATUS" != 0 ]
out_lacks web-1
holds eventually 10 grep -q 'is not the program' "$T/refusals"
touch "$T/stolen.over"
code=0; wait $pid || code=$?
is $code 0
holds grep -q web-1 "$T/inside"

test_case "logs pass the detectors"
if [ "$(find "$(dirname "$HOOPCTL_STACK_KUBE_ADMIN")" -name node.port | wc -l)" = 1 ]; then
  k -n shop logs web-1 -c web
  status_is 0
  out_has 'line 1 of shop/web-1/web'
  out_lacks log-password-17
  k -n shop logs web-1 -c web --tail=1
  is "$(wc -l <<<"$OUT")" 1
  k -n kube-system logs nothing
  status_is 1
  err_has Forbidden
fi

test_case "the session log says verb, resource, namespace and name"
run hoopctl connect $target -- sh -c 'kubectl -n shop get secret db-cred >/dev/null; kubectl -n ops delete pod backup-1; kubectl -n shop create configmap logged --from-literal=a=$0; true' planted-in-a-body
session=$(newest_session)
run hoopctl sessions show "$session"
status_is 0
out_has 'get allow by rule read-namespaces'
out_has 'get secrets db-cred in shop'
out_has 'delete deny by rule keep-ops'
out_has 'create configmaps in shop'
run hoopctl sessions export --format jsonl "$session"
is "$(jq -rs '[.[] | select(.type == "action" and .record.verb == "delete") | .record.resources[] | select(.kind == "namespace" or .kind == "name" or .kind == "resource") | .name] | sort | join(" ")' <<<"$OUT")" 'backup-1 ops pods'
out_lacks "$token"
out_lacks "$(printf secret-db-password-4 | base64)"
run hoopctl sessions export "$session"
status_is 0
out_lacks "$(printf secret-db-password-4 | base64)"
run hoopctl sessions verify "$session"
status_is 0
admin -n shop delete cm logged >/dev/null

test_case "beside a database, and isolated"
run hoopctl run -t pg-demo -t $target -- sh -c 'psql -XAt -c "select 41 + 1"; kubectl -n shop get pods -o name'
status_is 0
out_has 42
out_has pod/web-1
if unshare -Urn true 2>/dev/null; then
  run hoopctl connect $target --isolate -- sh -c 'kubectl -n shop get pods -o name; curl -sSk --max-time 5 '"$HOOPCTL_STACK_KUBE"'/version >/dev/null 2>&1 && echo reached'
  out_has pod/web-1
  out_lacks reached
fi

test_case "a proxy for whatever else the user runs"
hoopctl --output json proxy $target >"$T/proxy.json" 2>"$T/proxy.err" </dev/null & pid=$!
ends_with_test INT $pid
holds eventually 20 grep -q listening "$T/proxy.err"
conf=$(jq -r .kubeconfig "$T/proxy.json")
is "$(stat -c %a "$conf")" 600
is "$(jq -r '.url == "https://127.0.0.1:\(.port)"' "$T/proxy.json")" true
run kubectl --kubeconfig "$conf" -n shop get secret db-cred -o json
is "$(member '[.data[] | @base64d] | unique | join(" ")')" '[redacted]'
run sh -c "$(jq -r .command "$T/proxy.json")"
status_is 0
if [ "$(id -u)" = 0 ]; then
  cp "$conf" "$T/other"; chmod 755 "$T" "$HOOPCTL_STACK_DIR"; chmod 644 "$T/other"
  (cd / && HOME=/nonexistent exec timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v curl)" -sSk --max-time 10 "$(jq -r .url "$T/proxy.json")/version") >"$T/other.out" 2>&1
  holds [ $? != 0 ]
  holds eventually 10 grep -q 'belongs to uid 65534' "$T/proxy.err"
  rm "$T/other"
fi
kill -INT $pid; code=0; wait $pid || code=$?
is $code 0
holds [ ! -e "$conf" ]
mkdir -m 700 "$T/socket"
run hoopctl proxy $target --socket "$T/socket"
status_is 64
err_has 'none for a Unix socket'

test_case "a token of a service account for each session, gone with it"
admin apply -f - >/dev/null <<'YAML'
{ apiVersion: v1, kind: Namespace, metadata: { name: hoopctl } }
---
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: gateway, namespace: hoopctl } }
---
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: developers, namespace: hoopctl } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: gateway, namespace: hoopctl }
rules:
  - { apiGroups: [""], resources: [secrets], verbs: [create, delete, list] }
  - { apiGroups: [""], resources: [serviceaccounts/token], resourceNames: [developers], verbs: [create] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: gateway, namespace: hoopctl }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: gateway }
subjects: [{ kind: ServiceAccount, name: gateway, namespace: hoopctl }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: hoopctl-impersonator }
rules:
  - { apiGroups: [""], resources: [users, groups], verbs: [impersonate] }
  - { apiGroups: [authentication.k8s.io], resources: [userextras/hoopctl-session], verbs: [impersonate] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: hoopctl-impersonator }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hoopctl-impersonator }
subjects: [{ kind: ServiceAccount, name: gateway, namespace: hoopctl }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: pods, namespace: shop }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: pods, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods }
subjects:
  - { kind: ServiceAccount, name: developers, namespace: hoopctl }
  - { kind: Group, name: "hoopctl:developers", apiGroup: rbac.authorization.k8s.io }
YAML
(umask 077; admin_token hoopctl gateway >"$HOOPCTL_STACK_GATEWAY/keys/k8s-own.token")
path=local; [ "$target" = k8s-demo ] || path=gateway
own() { # own NAME LINE…
  sed -n "/^name = \"$target\"$/,/^credential/p" "$HOOPCTL_STACK_GATEWAY/conf.d/20-k8s-demo.toml" |
    sed -e "1i [[target]]" -e "s/^name = .*/name = \"$1\"/; s|file:.*token\"|file:keys/k8s-own.token\"|"
  printf '%s\n' "${@:2}"
  [ "${target%-agent}" = "$target" ] || echo 'via = "agent"'
}
{
  own k8s-demo-account 'service_account = "hoopctl/developers"' "path = \"$path\""
  own k8s-demo-person 'impersonate = true'
} >"$HOOPCTL_STACK_GATEWAY/conf.d/70-own.toml"
# One that a gateway has left, and one that is somebody else's.
id=$(hoopctl --output json doctor 2>/dev/null >/dev/null; sed -n 's/^id = "\([^"]*\)".*/\1/p' "$HOOPCTL_STACK_GATEWAY/gateway.toml")
for name in hoopctl-left hoopctl-other; do admin -n hoopctl create secret generic $name >/dev/null; done
admin -n hoopctl label secret hoopctl-left app.kubernetes.io/managed-by=hoopctl "hoopctl/gateway=$id" >/dev/null
admin -n hoopctl label secret hoopctl-other app.kubernetes.io/managed-by=hoopctl hoopctl/gateway=gw_other >/dev/null
holds restart_gateway
secrets() { admin -n hoopctl get secrets -o name | grep -v hoopctl-other | grep -c hoopctl-; }
no_secrets() { [ "$(secrets)" = 0 ]; }
holds eventually 30 no_secrets
run hoopctl gateway target check "$HOOPCTL_STACK_GATEWAY" k8s-demo-account
status_is 0
[ "${target%-agent}" != "$target" ] || out_has "a token of 'hoopctl/developers' was made"
at=k8s-demo-account k -n shop get pods -o name
status_is 0
out_has pod/web-1
at=k8s-demo-account k -n shop get configmaps
status_is 1
err_has 'system:serviceaccount:hoopctl:developers'
hoopctl connect k8s-demo-account -- sh -c 'kubectl -n shop get pods; touch "$0"; while [ ! -e "$0.over" ]; do sleep 0.1; done' "$T/held" >/dev/null 2>&1 </dev/null & pid=$!
ends_with_test TERM $pid
holds eventually 20 test -e "$T/held"
is "$(secrets)" 1
is "$(admin -n hoopctl get secrets -l "hoopctl/gateway=$id" -o 'jsonpath={.items[0].metadata.annotations.hoopctl/subject}')" demo
touch "$T/held.over"; wait $pid
holds eventually 20 no_secrets
is "$(admin -n hoopctl get secret hoopctl-other -o name)" secret/hoopctl-other

test_case "a person's own name in the cluster's RBAC and in its audit log"
run hoopctl gateway target check "$HOOPCTL_STACK_GATEWAY" k8s-demo-person
status_is 0
[ "${target%-agent}" != "$target" ] || out_has 'it may speak for others'
at=k8s-demo-person k -n shop get pods -o name
status_is 0
out_has pod/web-1
at=k8s-demo-person k -n shop get configmaps
status_is 1
err_has 'hoopctl:demo'
session=$(newest_session)
is "$(jq -rs '[.[] | select(.impersonatedUser.username == "hoopctl:demo" and .objectRef.resource == "configmaps")][0].impersonatedUser | [.groups[0], .extra["hoopctl-session"][0]] | join(" ")' "$HOOPCTL_STACK_KUBE_AUDIT")" "hoopctl:developers $session"
if [ "$minor" -ge 28 ]; then
  at=k8s-demo-person k auth whoami
  out_has hoopctl:demo
fi
is "$(hoopctl --output json gateway target list "$HOOPCTL_STACK_GATEWAY" | jq -r 'select(.protocol == "kubernetes" and (.name | test("account|person"))) | .name + " " + .credential + " " + .path + " " + .login' | tr '\n' ',')" \
  "k8s-demo-account session_token $path hoopctl/developers,k8s-demo-person impersonation gateway ,"
is "$(spooled)" 0

finish
