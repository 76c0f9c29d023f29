// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ssh_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace hoop::test {
namespace {

/// Each of standard input and output to both; errors to the end of file errors.
pid_t start(std::vector<std::string> words, int both, const std::string& errors) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int log = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(both >= 0 ? both : nothing, 0);
  ::dup2(both >= 0 ? both : nothing, 1);
  ::dup2(log, 2);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string read_all(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

SshServer::SshServer(const std::string& authority, const std::vector<std::string>& settings) {
  std::string name = (std::filesystem::temp_directory_path() / "hoop-sshd-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  directory_ = name;
  // Where sshd as root locks in what has not logged in yet; a package makes it at boot.
  if (::geteuid() == 0) ::mkdir("/run/sshd", 0755);
  for (const char* kind : {"ed25519", "rsa"}) {
    const int status = end_of(start({"/usr/bin/ssh-keygen", "-q", "-t", kind, "-N", "", "-f",
                                     directory_ / (std::string("host_") + kind)},
                                    -1, directory_ / "keygen.log"));
    if (status != 0) throw std::runtime_error("OpenSSH is missing: ssh-keygen");
  }
  std::ofstream(directory_ / "ca.pub") << authority << "\n";
  std::ofstream config(directory_ / "sshd_config");
  // First: of two settings sshd takes the first.
  for (const std::string& line : settings) config << line << "\n";
  config << "HostKey " << (directory_ / "host_ed25519").string() << "\nHostKey "
         << (directory_ / "host_rsa").string() << "\nTrustedUserCAKeys "
         << (directory_ / "ca.pub").string()
         << "\nAuthorizedKeysFile none\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nUsePAM no\nPidFile none\nStrictModes no\n"
            "LogLevel VERBOSE\nPermitRootLogin prohibit-password\n";
}

SshServer::~SshServer() {
  for (const pid_t server : servers_) ::kill(server, SIGKILL);
  for (const pid_t server : servers_) end_of(server);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Descriptor SshServer::connect() {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), generic, &size) != 0 ||
      ::connect(client.get(), generic, size) != 0)
    throw std::runtime_error("no loopback connection");
  const Descriptor server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  servers_.push_back(start({"/usr/sbin/sshd", "-i", "-e", "-f", directory_ / "sshd_config"},
                           server.get(), directory_ / "sshd.log"));
  return client;
}

std::string SshServer::host_key(const std::string& kind) const {
  const auto out = directory_ / "fingerprint";
  const Descriptor file(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  end_of(start({"/usr/bin/ssh-keygen", "-l", "-f", directory_ / ("host_" + kind + ".pub")},
               file.get(), directory_ / "keygen.log"));
  std::istringstream words(read_all(out));
  std::string bits, found;
  words >> bits >> found;
  return found;
}

std::string SshServer::user() {
  const passwd* who = ::getpwuid(::geteuid());
  if (who == nullptr) throw std::runtime_error("who runs this has no name");
  return who->pw_name;
}

std::string SshServer::log() const { return read_all(directory_ / "sshd.log"); }

}  // namespace hoop::test
