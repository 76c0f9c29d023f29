// SPDX-License-Identifier: Apache-2.0
#include "gateway/secret_reference.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/base/descriptor.h"

extern char** environ;

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxSecretBytes =
    64U << 10;  // a password or a PEM key; anything longer is the wrong file
constexpr std::chrono::seconds kProgramTime{10};
constexpr std::string_view kHint =
    "write it as file:/path, env:NAME or exec:/path/to/program argument";

/// Blanks part words; single and double quotes hold them together; nothing else is special. Empty
/// if a quote is not closed.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      inside = true;
    } else if (c == ' ' || c == '\t') {
      if (inside) words.push_back(std::exchange(word, {}));
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (quote != 0) return {};
  if (inside) words.push_back(std::move(word));
  return words;
}

Result<SecretText> trimmed(std::string text, std::string_view what) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  SecretText secret(std::move(text));
  if (secret.empty())
    return fail(ErrorCode::config, fmt::format("{} is empty", what),
                "put the secret there, on one line");
  if (secret.reveal().find('\0') != std::string::npos)
    return fail(ErrorCode::config, fmt::format("{} holds a NUL byte", what),
                "a secret is one line of text");
  return secret;
}

/// Reads to the end or to the cap; false on an error or above the cap.
bool read_all(int descriptor, std::string& out) {
  out.reserve(kMaxSecretBytes + 1);  // one allocation: no copy of a secret is left behind by growth
  char chunk[4096];
  for (;;) {
    const ssize_t count = ::read(descriptor, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    out.append(chunk, static_cast<std::size_t>(count));
    if (out.size() > kMaxSecretBytes) return false;
  }
  wipe(chunk, sizeof chunk);
  return true;
}

Result<SecretText> from_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0)
    return fail(ErrorCode::io, fmt::format("cannot read secret file '{}'", path.string()));
  if (S_ISREG(facts.st_mode) && (facts.st_mode & S_IRWXO) != 0)
    return fail(ErrorCode::config,
                fmt::format("secret file '{}' is open to every user", path.string()),
                "chmod 600 it");
  std::string text;
  if (!read_all(file.get(), text))
    return fail(ErrorCode::io, fmt::format("cannot read secret file '{}'", path.string()));
  return trimmed(std::move(text), fmt::format("secret file '{}'", path.string()));
}

/// Reads what the program writes until its end or the deadline. Answers nullopt on a timeout or too
/// much.
std::optional<std::string> read_until(int descriptor,
                                      std::chrono::steady_clock::time_point deadline) {
  std::string out;
  out.reserve(kMaxSecretBytes + 1);
  char chunk[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd ready{descriptor, POLLIN, 0};
    const int answer = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (answer < 0 && errno == EINTR) continue;
    if (answer <= 0) return std::nullopt;
    const ssize_t count = ::read(descriptor, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    out.append(chunk, static_cast<std::size_t>(count));
    if (out.size() > kMaxSecretBytes) return std::nullopt;
  }
  wipe(chunk, sizeof chunk);
  return out;
}

/// The exit status, or nullopt if the program had to be killed.
std::optional<int> wait_until(pid_t child, std::chrono::steady_clock::time_point deadline) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(-child, SIGKILL);  // the group: a program's children must not outlive it
      ::waitpid(child, &status, 0);
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<SecretText> from_program(std::string_view command) {
  std::vector<std::string> words = split_words(command);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorCode::io, "cannot make a pipe");
  Descriptor read_end(ends[0]), write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return fail(ErrorCode::config, fmt::format("secret program '{}' cannot be run", words[0]),
                "is it there, and executable for the user of the gateway?");
  write_end.reset();
  const auto deadline = std::chrono::steady_clock::now() + kProgramTime;
  auto text = read_until(read_end.get(), deadline);
  const auto status = wait_until(child, text ? deadline : std::chrono::steady_clock::now());
  if (!text || !status)
    return fail(ErrorCode::timeout,
                fmt::format("secret program '{}' did not end in {} s, or wrote too much", words[0],
                            kProgramTime.count()));
  SecretText secret(std::move(*text));
  if (*status != 0)
    return fail(ErrorCode::config, fmt::format("secret program '{}' exited {}", words[0], *status),
                "run it by hand as the user of the gateway");
  return trimmed(std::string(secret.reveal()),
                 fmt::format("what secret program '{}' wrote", words[0]));
}

}  // namespace

Result<void> check_secret_reference(std::string_view reference) {
  if (reference.starts_with("file:") && reference.size() > 5) return {};
  if (reference.starts_with("env:") && reference.size() > 4) {
    if (reference.find('=') != std::string_view::npos)
      return fail(ErrorCode::config, "a variable's name has no '='", std::string(kHint));
    return {};
  }
  if (reference.starts_with("exec:")) {
    const std::vector<std::string> words = split_words(reference.substr(5));
    if (words.empty())
      return fail(ErrorCode::config, "exec: needs a program, and every quote closed",
                  std::string(kHint));
    if (!words[0].starts_with('/'))
      return fail(ErrorCode::config, "exec: needs the absolute path of a program",
                  std::string(kHint));
    return {};
  }
  return fail(ErrorCode::config, "a secret must not stand in the configuration itself",
              std::string(kHint));
}

Result<SecretText> resolve_secret(std::string_view reference,
                                  const std::filesystem::path& directory) {
  HOOP_CHECK(check_secret_reference(reference));
  if (reference.starts_with("file:"))
    return from_file(directory / std::filesystem::path(reference.substr(5)));
  if (reference.starts_with("exec:")) return from_program(reference.substr(5));
  const std::string name(reference.substr(4));
  const char* value = std::getenv(
      name.c_str());  // the gateway changes its environment before its threads start, never after
  if (value == nullptr)
    return fail(ErrorCode::config, fmt::format("environment variable '{}' is not set", name),
                "set it where the gateway is started, as in EnvironmentFile= of its unit");
  return trimmed(value, fmt::format("environment variable '{}'", name));
}

}  // namespace hoop::gateway
