// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ssh_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace hoop::test {
namespace {

constexpr int kConnects = 10'000;  // milliseconds

std::string whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

pid_t fork_with_parent() {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

int status_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct SshClient::State {
  TempDir folder;
  Descriptor listener;
  pid_t id = -1;
};

SshClient::SshClient(const Options& options) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.listener = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(state.listener.get(), generic, size) != 0 || ::listen(state.listener.get(), 4) != 0 ||
      ::getsockname(state.listener.get(), generic, &size) != 0)
    throw std::runtime_error("no loopback listener");
  const std::string port = std::to_string(ntohs(address.sin_port));
  std::ofstream(state.folder / "known")
      << "[127.0.0.1]:" << port << " " << options.host_key << "\n";
  std::ofstream(state.folder / "in", std::ios::binary) << options.input;
  std::vector<std::string> words{options.program, "-F", "/dev/null"};
  for (const std::string& setting :
       {"UserKnownHostsFile=" + (state.folder / "known"),
        std::string("GlobalKnownHostsFile=/dev/null"), std::string("StrictHostKeyChecking=yes"),
        std::string("BatchMode=yes"), std::string("LogLevel=INFO"), "Port=" + port}) {
    words.push_back("-o");
    words.push_back(setting);
  }
  words.insert(words.end(), options.words.begin(), options.words.end());
  state.id = start_process([&] {
    ::dup2(::open((state.folder / "in").c_str(), O_RDONLY), 0);
    ::dup2(::open((state.folder / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::dup2(::open((state.folder / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
  });
}

SshClient::~SshClient() {
  if (state_->id < 0) return;
  ::kill(state_->id, SIGKILL);
  status_of(state_->id);
}

Descriptor SshClient::accept() {
  pollfd comes{state_->listener.get(), POLLIN, 0};
  if (::poll(&comes, 1, kConnects) != 1) throw std::runtime_error("ssh does not connect");
  return Descriptor(::accept4(state_->listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

void SshClient::leave() { ::kill(state_->id, SIGTERM); }

SshRan SshClient::wait() {
  SshRan out;
  out.status = status_of(std::exchange(state_->id, -1));
  out.out = whole(state_->folder / "out");
  out.err = whole(state_->folder / "err");
  return out;
}

}  // namespace hoop::test
