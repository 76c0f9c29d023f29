# tests/conformance/http/requests.txt, row by row, to a running service: what comes of each request, what of it arrives, and what
# would have if it had gone there straight.
# stack: --with pg,http
# both paths
. "$(dirname "$0")/lib.sh"
path=local
[ "$target" = pg-demo ] || { path=gateway; target=proof-plain; }
table=$here/../conformance/http/requests.txt
replay=$here/../conformance/http/replay.py

# The service once more for each section of the table. Rules and masks of the stack that name no target are not for these.
proof_target() {  # proof_target NAME CREDENTIAL [PATH]
  cat <<TOML

[[target]]
name = "$1"
protocol = "http"
url = "$HOOPCTL_STACK_HTTP${3:-}"
ca_file = "$HOOPCTL_STACK_HTTP_CA"
path = "$path"
$([ $path = local ] && echo 'hand_out = true')
credential = { $2, value = "file:$HOOPCTL_STACK_HTTP_KEY_FILE" }
TOML
}
{
  for name in plain masked ruled json; do proof_target proof-$name 'header = "X-Api-Key"'; done
  proof_target proof-base 'header = "X-Api-Key"' /api
  proof_target proof-bearer 'header = "Authorization"'
  proof_target proof-query 'query = "api_key"'
  cat <<'TOML'

[[rule]]
name = "read-web"
targets = ["http-demo*"]
when = { protocol = "http", verb = "read" }
effect = "allow"

[[rule]]
name = "write-web"
targets = ["http-demo*"]
when = { protocol = "http", verb = "write" }
effect = "allow"

[[mask]]
name = "secrets"
targets = ["http-demo*"]
detectors = ["us_ssn"]
TOML
  cat "$here/../conformance/http/policy.toml"
} >"$HOOPCTL_STACK_GATEWAY/conf.d/70-proof.toml"
holds restart_gateway

for section in $(sed -n 's/^\[\(.*\)\]$/\1/p' "$table"); do
  test_case "$section: each request is passed on or refused as the table says, and nothing that is refused arrives"
  before=$(python3 "$replay" count)
  run hoopctl connect "$section" -- python3 "$replay" endpoint "$table" "$section"
  status_is 0
  out_has "$section: "
  run python3 "$replay" arrived "$table" "$section" "$before"
  status_is 0
  echo "$OUT"
done

test_case "a service that got them straight would have served many"
run python3 "$replay" straight "$table"
status_is 0
out_has malformed
echo "$OUT"

finish
