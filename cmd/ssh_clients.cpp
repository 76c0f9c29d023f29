// SPDX-License-Identifier: Apache-2.0
#include "cmd/ssh_clients.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "core/base/descriptor.h"
#include "core/base/encoding.h"
#include "core/identity/private_file.h"

namespace hoop::cmd {
namespace {

constexpr std::string_view kConfiguration = "ssh.config";
constexpr std::array<std::string_view, 3> kPrograms{"ssh", "scp", "sftp"};
constexpr const char* kStreamKeyFile = "ssh_endpoint.key";
constexpr std::size_t kMaxStreamKey = 1024;
constexpr int kSpeaks = 40'000;  // milliseconds: a target that is dialled takes fifteen seconds

/// A word of a shell.
std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

/// In a value of ssh's configuration '%' begins a token.
std::string without_tokens(std::string text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string::npos; at += 2)
    text.insert(at, 1, '%');
  return text;
}

/// A value of ssh's configuration that may hold blanks. It knows no escape for '"'.
Result<std::string> setting(const std::string& path) {
  if (path.find_first_of("\"\n") != std::string::npos)
    return fail(ErrorCode::config, fmt::format("ssh cannot be told the path '{}'", path),
                "set XDG_RUNTIME_DIR or TMPDIR to a folder without such letters");
  return "\"" + without_tokens(path) + "\"";
}

Result<std::string> own_program() {
  std::error_code failure;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure) return fail(ErrorCode::internal, "hoopctl cannot find its own program");
  return path.string();
}

// Of two settings ssh takes the first: whatever stands in the user's own configuration, nothing of
// the user's other keys goes through the connection, and it leads to what it is for.
constexpr std::string_view kSettings =
    "  HostKeyAlgorithms ssh-ed25519\n  GlobalKnownHostsFile /dev/null\n"
    "  KnownHostsCommand none\n  StrictHostKeyChecking yes\n  CheckHostIP no\n"
    "  UpdateHostKeys no\n  VerifyHostKeyDNS no\n  CanonicalizeHostname no\n"
    "  IdentitiesOnly yes\n  IdentityAgent none\n  AddKeysToAgent no\n"
    "  PreferredAuthentications publickey\n  PubkeyAcceptedAlgorithms ssh-ed25519\n"
    "  GSSAPIAuthentication no\n  HostbasedAuthentication no\n  Compression no\n"
    "  ForwardAgent no\n  ForwardX11 no\n";

/// How ssh connects.
Result<std::string> connection(const TargetEndpoint& endpoint) {
  if (!endpoint.is_unix())
    return fmt::format("  HostName {}\n  Port {}\n  ProxyCommand none\n  ProxyJump none\n",
                       endpoint.host(), endpoint.port());
  HOOP_TRY(const std::string program, own_program());
  return fmt::format("  ProxyCommand {} {} {}\n  ProxyUseFdpass yes\n",
                     without_tokens(shell_word(program)), kPassSshSocket,
                     without_tokens(shell_word(endpoint.socket_path())));
}

Result<std::string> host_block(const TargetEndpoint& endpoint) {
  const process::RuntimeDir& folder = endpoint.folder();
  HOOP_TRY(const std::string how, connection(endpoint));
  HOOP_TRY(const std::string key, setting(folder.path_of(SshEntry::kKeyFile)));
  HOOP_TRY(const std::string known, setting(folder.path_of(SshEntry::kKnownHostsFile)));
  // Its name is short: ssh puts a temporary one of 17 letters more beside it.
  HOOP_TRY(const std::string folder_setting, setting(folder.path()));
  std::string control = folder_setting;
  control.insert(control.size() - 1, "/m%r");
  if (endpoint.is_isolated()) control = "none";  // where there are no Unix sockets
  const std::string login =
      endpoint.logins().empty() ? "" : fmt::format("  User {}\n", endpoint.logins().front());
  return fmt::format(
      "Host {}\n{}{}  HostKeyAlias {}\n  UserKnownHostsFile {}\n  IdentityFile {}\n"
      "  ControlPath {}\n{}",
      endpoint.target().name, how, login, SshEntry::kHostKeyAlias, known, key, control, kSettings);
}

/// Where PATH has it; only folders that do not change with the folder that a program stands in.
std::string find_program(const Environment& environment, std::string_view name) {
  const std::string path = environment.variable("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = fmt::format("{}/{}", path.substr(begin, end - begin), name);
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

}  // namespace

Result<std::string> ssh_configuration(const Endpoints& endpoints) {
  // Newer clients are told more than older ones know; this must stand before all hosts, and it
  // takes the place of the user's own.
  std::string out = "# Made by hoopctl for one session.\nIgnoreUnknown *\n";
  for (const TargetEndpoint* endpoint : endpoints) {
    HOOP_TRY(const std::string block, host_block(*endpoint));
    out += block + "  WarnWeakCrypto no\n";
  }
  return out + "Match all\n  Include ~/.ssh/config\n  Include /etc/ssh/ssh_config\n";
}

Result<Variables> ssh_variables(const Environment& environment, const Endpoints& endpoints) {
  const TargetEndpoint& first = *endpoints.front();
  HOOP_TRY(std::string text, ssh_configuration(endpoints));
  HOOP_TRY(const std::string file, first.keep(kConfiguration, SecretText(std::move(text))));
  const process::RuntimeDir& folder = first.folder();
  for (const std::string_view name : kPrograms) {
    const std::string program = find_program(environment, name);
    if (program.empty() && name == "ssh")
      return fail(ErrorCode::not_found, "program 'ssh' is not found",
                  "install OpenSSH's client: apt-get install openssh-client");
    if (program.empty()) continue;
    HOOP_CHECK(folder.write_program(name, fmt::format("#!/bin/sh\nexec {} -F {} \"$@\"\n",
                                                      shell_word(program), shell_word(file))));
  }
  const std::string own = shell_word(folder.path_of("ssh"));
  const std::string path = environment.variable("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  return Variables{{"PATH", folder.path() + ":" + path},
                   {"GIT_SSH_COMMAND", own},
                   {"RSYNC_RSH", own},
                   {"HOOPCTL_SSH_CONFIG", file}};
}

Result<crypto::Ed25519Key> stream_host_key(const Environment& environment) {
  HOOP_TRY(const std::string folder, environment.state_folder());
  const std::filesystem::path file = std::filesystem::path(folder) / kStreamKeyFile;
  HOOP_TRY(const auto text, identity::read_private_file(file, kMaxStreamKey));
  if (text) {
    auto seed = from_base64url(text->reveal());
    if (!seed)
      return fail(ErrorCode::config, fmt::format("'{}' is no key", file.string()),
                  "remove it, and run hoopctl ssh-config again");
    return crypto::Ed25519Key::from_seed(SecretBytes(std::move(*seed)));
  }
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  HOOP_CHECK(identity::make_private_directory(folder));
  const SecretText text_of_key(to_base64url(key.seed().reveal()));
  HOOP_CHECK(identity::write_private_file(file, text_of_key.reveal()));
  return key;
}

Result<std::string> keep_stream_host_key(const Environment& environment) {
  HOOP_TRY(const crypto::Ed25519Key key, stream_host_key(environment));
  HOOP_TRY(const std::string folder, environment.state_folder());
  const std::string file = (std::filesystem::path(folder) / SshEntry::kKnownHostsFile).string();
  HOOP_CHECK(identity::write_private_file(
      file, fmt::format("{} {}\n", SshEntry::kHostKeyAlias,
                        ssh::to_line(ssh::public_key(key.public_key())))));
  return file;
}

Result<std::string> stream_host_block(const std::string& gateway, const std::string& target,
                                      const std::string& host, const std::string& login,
                                      const std::string& known_hosts) {
  HOOP_TRY(const std::string program, own_program());
  HOOP_TRY(const std::string known, setting(known_hosts));
  return fmt::format(
      "Host {}\n  ProxyCommand {} --quiet --gateway {} proxy --stdio {}\n  ProxyUseFdpass no\n"
      "  User {}\n  HostKeyAlias {}\n  UserKnownHostsFile {}\n  IdentityFile none\n{}",
      host, without_tokens(shell_word(program)), without_tokens(shell_word(gateway)), target, login,
      SshEntry::kHostKeyAlias, known, kSettings);
}

int pass_ssh_socket(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return 64;
  std::strcpy(address.sun_path, path);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    static constexpr std::string_view kGone = "hoopctl: this session has ended\n";
    static_cast<void>(!::write(STDERR_FILENO, kGone.data(), kGone.size()));
    return 69;
  }
  // As ssh_config(5) has it, ProxyUseFdpass: one byte, and the descriptor beside it.
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = beside.data();
  message.msg_controllen = beside.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = socket.get();
  std::memcpy(CMSG_DATA(header), &number, sizeof number);
  if (::sendmsg(STDOUT_FILENO, &message, MSG_NOSIGNAL) != 1) return 70;
  pollfd speaks{number, POLLIN, 0};
  ::poll(&speaks, 1, kSpeaks);
  return 0;
}

}  // namespace hoop::cmd
