// SPDX-License-Identifier: Apache-2.0
// A private PostgreSQL for one test program: its own data directory and port, gone with the object.
// PostgreSQL refuses to run as root, so under root it runs as the user postgres. Throws, which
// fails the test, when PostgreSQL is missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hoop::test {

class PostgresServer {
 public:
  /// Trust on the Unix socket (for the test's own superuser), SCRAM on 127.0.0.1. settings are
  /// lines of postgresql.conf; a server certificate, when given, turns TLS on.
  struct Options {
    std::vector<std::string> settings;
    std::string certificate_pem;
    std::string key_pem;
  };
  PostgresServer() : PostgresServer(Options{}) {}
  explicit PostgresServer(const Options& options);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string host() const { return "127.0.0.1"; }
  const std::filesystem::path& socket_directory() const { return directory_; }
  /// Superuser over the Unix socket: "host=… port=… user=postgres dbname=…".
  std::string superuser_conninfo(const std::string& database = "postgres") const;

  /// psql as the superuser; answers the unaligned, tuples-only output without its last newline.
  /// Throws when psql fails.
  std::string sql(const std::string& text, const std::string& database = "postgres") const;
  void stop();
  void start();

 private:
  void initialise(const Options& options);
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t server_ = -1;
};

}  // namespace hoop::test
