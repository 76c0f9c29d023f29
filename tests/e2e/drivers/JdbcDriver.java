// PostgreSQL's JDBC driver through hoopctl: named statements after five runs, fetch size, batches, generated keys, COPY, errors.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import org.postgresql.PGConnection;

public class JdbcDriver {
  static void check(boolean condition, String words) {
    if (!condition) throw new AssertionError(words);
  }

  static void refused(Statement statement, String sql, String state) throws SQLException {
    try {
      statement.execute(sql);
    } catch (SQLException e) {
      check(state.equals(e.getSQLState()), sql + ": " + e.getSQLState() + " " + e.getMessage());
      return;
    }
    throw new AssertionError("passed: " + sql);
  }

  public static void main(String[] args) throws Exception {
    String url = "jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE")
        + "?user=" + System.getenv("PGUSER") + "&sslmode=disable&gssEncMode=disable";
    try (Connection connection = DriverManager.getConnection(url); Statement statement = connection.createStatement()) {
      try (PreparedStatement byId = connection.prepareStatement("select id, email, ssn from customers where id = ?")) {
        for (int i = 1; i <= 50; i++) {
          byId.setInt(1, i);
          try (ResultSet rows = byId.executeQuery()) {
            check(rows.next() && rows.getInt(1) == i, "row " + i);
            check(!rows.getString(2).contains("customer" + i + "@"), rows.getString(2));
            check(rows.getString(3).equals("[redacted]"), rows.getString(3));
          }
        }
      }
      refused(statement, "drop table orders", "42501");
      refused(statement, "select upper(email) from customers where id = 1", "42501");

      connection.setAutoCommit(false);
      try (PreparedStatement pieces = connection.prepareStatement("select id, email from customers where id > 0 order by id")) {
        pieces.setFetchSize(90);
        int seen = 0;
        try (ResultSet rows = pieces.executeQuery()) {
          while (rows.next()) {
            seen++;
            check(rows.getInt(1) == seen && !rows.getString(2).contains("customer" + seen + "@"), rows.getString(2));
          }
        }
        check(seen == 1000, "rows " + seen);
      }
      statement.executeUpdate("update orders set status = 'open' where id = 1");
      refused(statement, "truncate orders", "42501");
      refused(statement, "select 1", "25P02");
      connection.rollback();
      connection.setAutoCommit(true);

      try (PreparedStatement batch = connection.prepareStatement("insert into events values (?, now(), ?, '{}')")) {
        for (int i = 0; i < 1000; i++) {
          batch.setInt(1, 730000 + i);
          batch.setString(2, "bulk");
          batch.addBatch();
        }
        int sum = 0;
        for (int count : batch.executeBatch()) sum += count;
        check(sum == 1000, "inserted " + sum);
      }
      try (PreparedStatement keys = connection.prepareStatement("delete from events where id between ? and ?", new String[] {"id"})) {
        keys.setInt(1, 730000);
        keys.setInt(2, 730999);
        check(keys.executeUpdate() == 1000, "deleted");
        int returned = 0;
        try (ResultSet rows = keys.getGeneratedKeys()) {
          while (rows.next()) returned++;
        }
        check(returned == 1000, "returned " + returned);
      }
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      check(copy.copyIn("copy events from stdin", new StringReader("740000\t2026-11-01\tbulk\t{}\n")) == 1, "copied in");
      StringWriter out = new StringWriter();
      copy.copyOut("copy (select kind from events where id = 740000) to stdout", out);
      check(out.toString().equals("bulk\n"), out.toString());
      statement.executeUpdate("delete from events where id = 740000");
      try (ResultSet columns = connection.getMetaData().getColumns(null, "public", "customers", null)) {
        int count = 0;
        while (columns.next()) count++;
        check(count == 9, "columns " + count);
      }
    }
    System.out.println("JDBC: all well");
  }
}
