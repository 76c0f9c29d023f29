# PostgreSQL 16, 17 and 18: what psql, masks and drivers show must be what they show before 15. Each server gets a stack of its own.
. "$(dirname "$0")/lib.sh"

if [ "$(uname -m)" != x86_64 ]; then
  echo "the packages with these servers are for x86_64"
  exit 77
fi
servers=$here/servers
install_servers() {
  cd "$servers" && { cmp -s package-lock.json node_modules/.installed ||
    { npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.installed; }; }
}
(install_servers) >"$T/npm" 2>&1 || cat "$T/npm"

# The packages leave out the links between libraries, and say which there are.
link_libraries() {
  node -e '
    const fs = require("fs"), path = require("path"), root = process.argv[1];
    for (const { source, target } of JSON.parse(fs.readFileSync(path.join(root, "native/pg-symlinks.json")))) {
      const link = path.join(root, target);
      if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    }' "$1"
}

for version in 16 17 18; do
  package=$servers/node_modules/postgres-$version
  link_libraries "$package"
  for run in "psql_test.sh pg-demo" "masking_test.sh pg-demo" "drivers_test.sh pg-demo-gateway" "operations_test.sh pg-demo-gateway"; do
    # shellcheck disable=SC2086
    set -- $run
    test_case "PostgreSQL $version: $1 on $2"
    options=$(sed -n 's/^# stack: //p' "$here/$1" | head -n 1)
    # shellcheck disable=SC2086
    OUT=$(cd "$here" && timeout -k 10 120 "$here/../support/stack.sh" --postgres "$package/native" $options -- \
      env HOOPCTL_E2E_TARGET="$2" bash "$here/$1" 2>&1); STATUS=$?
    status_is 0
    out_has ' 0 failed'
  done
  test_case "PostgreSQL $version: TLS that begins at once"
  OUT=$(cd "$here" && timeout -k 10 120 "$here/../support/stack.sh" --postgres "$package/native" -- env HOOPCTL_E2E_TARGET=pg-demo bash "$here/direct_tls.sh" "$version" 2>&1); STATUS=$?
  status_is 0
  out_has ' 0 failed'
  test_case "PostgreSQL $version is what was asked"
  OUT=$("$here/../support/stack.sh" --postgres "$package/native" -- hoopctl connect pg-demo -- -X -At -c 'show server_version_num' 2>&1); STATUS=$?
  status_is 0
  out_has "$version"
done

finish
