// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace hoop::test {
namespace {

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin/";

/// Forks and execs; the child's output goes to output (a descriptor) or nowhere.
pid_t spawn(const std::vector<std::string>& words, int output) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const passwd* user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
  if (geteuid() == 0 && user == nullptr)
    throw std::runtime_error("PostgreSQL is missing: no user postgres");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (user != nullptr &&
      (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // setuid cleared it
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, 0);
  dup2(output >= 0 ? output : nothing, 1);
  dup2(nothing, 2);
  if (chdir("/") != 0) _exit(126);
  setenv("LC_ALL", "C.UTF-8", 1);
  unsetenv("PGOPTIONS");
  execv(argv[0], argv.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void give_to_postgres(const std::filesystem::path& path) {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("PostgreSQL is missing: no user postgres");
}

std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  close(probe);
  return ntohs(address.sin_port);
}

void write_private(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0600);
  give_to_postgres(path);
}

}  // namespace

PostgresServer::PostgresServer(const Options& options) {
  std::string pattern = "/tmp/hoop-pg-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  directory_ = pattern;
  give_to_postgres(directory_);
  try {
    initialise(options);
    start();
  } catch (...) {
    stop();
    std::filesystem::remove_all(directory_);
    throw;
  }
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void PostgresServer::initialise(const Options& options) {
  const std::string data = (directory_ / "data").string();
  const int status =
      wait_for(spawn({std::string(kBinaries) + "initdb", "-D", data, "-U", "postgres",
                      "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
                      "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"},
                     -1));
  if (status != 0)
    throw std::runtime_error(
        fmt::format("PostgreSQL is missing or broken: initdb exited {}", status));
  std::ofstream settings(directory_ / "data/postgresql.conf", std::ios::app);
  settings
      << "listen_addresses = '127.0.0.1'\nunix_socket_directories = '" << directory_.string()
      << "'\nfsync = off\nmax_connections = 40\nshared_buffers = 16MB\nlog_min_messages = fatal\n";
  for (const std::string& line : options.settings) settings << line << '\n';
  if (!options.certificate_pem.empty()) {
    write_private(directory_ / "server.pem", options.certificate_pem);
    write_private(directory_ / "server.key", options.key_pem);
    settings << "ssl = on\nssl_cert_file = '" << (directory_ / "server.pem").string()
             << "'\nssl_key_file = '" << (directory_ / "server.key").string() << "'\n";
  }
}

void PostgresServer::start() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (port_ == 0) port_ = free_port();
    server_ = spawn({std::string(kBinaries) + "postgres", "-D", (directory_ / "data").string(),
                     "-p", std::to_string(port_)},
                    -1);
    for (int look = 0; look < 600; ++look) {
      const int ready = wait_for(spawn({std::string(kBinaries) + "pg_isready", "-q", "-h",
                                        directory_.string(), "-p", std::to_string(port_)},
                                       -1));
      if (ready == 0) return;
      if (waitpid(server_, nullptr, WNOHANG) == server_) {
        server_ = -1;
        break;  // most likely somebody took the port between our look and now
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    stop();
    port_ = 0;
  }
  throw std::runtime_error("PostgreSQL does not start");
}

void PostgresServer::stop() {
  if (server_ <= 0) return;
  kill(server_, SIGINT);
  wait_for(server_);
  server_ = -1;
}

std::string PostgresServer::superuser_conninfo(const std::string& database) const {
  return fmt::format("host={} port={} user=postgres dbname={}", directory_.string(), port_,
                     database);
}

std::string PostgresServer::sql(const std::string& text, const std::string& database) const {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = spawn({std::string(kBinaries) + "psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1",
                             "-d", superuser_conninfo(database), "-c", text},
                            ends[1]);
  close(ends[1]);
  std::string out;
  char chunk[4096];
  for (ssize_t count = 0; (count = read(ends[0], chunk, sizeof chunk)) > 0;)
    out.append(chunk, static_cast<std::size_t>(count));
  close(ends[0]);
  if (wait_for(child) != 0) throw std::runtime_error("psql failed: " + text);
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace hoop::test
