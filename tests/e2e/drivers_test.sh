# Drivers that people use, each by its own habits: psycopg 2 and 3, asyncpg, postgres.js, JDBC.
# every path
. "$(dirname "$0")/lib.sh"

# Debian's own interpreter has Debian's packages.
python=/usr/bin/python3

test_case "psycopg 2"
run hoopctl connect $target -- $python "$here/drivers/psycopg2_driver.py"
status_is 0
out_has 'all well'

test_case "psycopg 3"
run hoopctl connect $target -- $python "$here/drivers/psycopg_driver.py"
status_is 0
out_has 'all well'

test_case "asyncpg"
run hoopctl connect $target -- $python "$here/drivers/asyncpg_driver.py"
status_is 0
out_has 'all well'

test_case "postgres.js"
install_driver
run hoopctl connect $target -- node "$here/node/postgres_js_driver.js"
status_is 0
out_has 'all well'

test_case "JDBC"
holds javac -cp /usr/share/java/postgresql.jar -d "$T/java" "$here/drivers/JdbcDriver.java"
run hoopctl connect --tcp $target -- java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "/usr/share/java/postgresql.jar:$T/java" JdbcDriver
status_is 0
out_has 'all well'

test_case "nothing stays"
holds eventually 10 no_roles
is "$(super 'select count(*) from events where id >= 700000')" 0
is "$(super 'select status from orders where id = 1')" shipped

finish
