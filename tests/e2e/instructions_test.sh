# What a short statement costs in instructions of our own: unlike a time, a busy machine does not change it. A change that makes it
# dearer fails here; one that makes it cheaper lowers the figures below in the same commit.
. "$(dirname "$0")/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
"$bin/pgbench" -i -q "$HOOPCTL_STACK_PG" >/dev/null 2>&1
super 'grant all on all tables in schema public to demo_app' >/dev/null
program=$(command -v hoopctl)

# counted MODE STATEMENTS: instructions of a whole run of hoopctl around that many statements on each of two connections.
# OpenSSL takes the same code on every processor.
counted() {
  OPENSSL_ia32cap=0x0:0x0 timeout 240 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --quiet connect pg-demo -- \
    "$bin/pgbench" -n -S -M "$1" -c 2 -j 1 -t "$2" --random-seed 1 dbname=demo 2>&1 | sed -n 's/.*Collected : //p'
}
# costs MODE INSTRUCTIONS: the difference of two lengths is what the statements cost, and the start and the end are not in it.
costs() {
  local few many each
  few=$(counted "$1" 100) many=$(counted "$1" 600)
  each=$(( (many - few) / 1000 ))
  echo "$1: $each instructions a statement ($2 when it was last set)"
  holds [ "$each" -gt $(( $2 / 2 )) ]
  holds [ "$each" -lt $(( $2 * 106 / 100 )) ]
}

if [ "$(basename "$HOOPCTL_BUILD")" != dev ]; then
  echo "(the figures are those of the preset dev)"
elif ! "$program" --version >/dev/null || ! command -v valgrind >/dev/null; then
  echo "(no valgrind here)"; holds false
else
  test_case "prepared statements"
  costs prepared 294500
  test_case "simple statements"
  costs simple 324000
fi

finish
