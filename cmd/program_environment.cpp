// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_environment.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hoop::cmd {
namespace {

constexpr std::array<std::string_view, 3> kHarmless{"PGAPPNAME", "PGTZ", "PGDATESTYLE"};
constexpr std::array<std::string_view, 3> kSecretWords{"TOKEN", "SECRET", "PASSWORD"};
constexpr std::array<std::string_view, 6> kWaysOfSsh{
    "SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "RSYNC_RSH"};
constexpr std::size_t kMaxWord = 128;
constexpr std::size_t kMaxWords = 100;  // a log's header holds 64 KiB

}  // namespace

bool is_withheld(std::string_view name) {
  if (name.starts_with("PG")) return std::ranges::find(kHarmless, name) == kHarmless.end();
  if (!name.starts_with("HOOPCTL_")) return false;
  return std::ranges::any_of(kSecretWords, [&](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  });
}

bool is_withheld_from_ssh(std::string_view name) {
  return std::ranges::find(kWaysOfSsh, name) != kWaysOfSsh.end();
}

bool is_withheld_from_kubectl(std::string_view name) { return name.starts_with("KUBE"); }

std::vector<std::string> program_environment(const std::map<std::string, std::string>& user,
                                             const Variables& ours, Reached reached) {
  std::vector<std::string> out;
  for (const auto& [name, value] : user) {
    const bool replaced =
        std::ranges::any_of(ours, [&](const auto& pair) { return pair.first == name; });
    const bool withheld = is_withheld(name) || (reached.hosts && is_withheld_from_ssh(name)) ||
                          (reached.clusters && is_withheld_from_kubectl(name));
    if (!replaced && !withheld) out.push_back(name + "=" + value);
  }
  for (const auto& [name, value] : ours) out.push_back(name + "=" + value);
  return out;
}

std::string url_variable(std::string_view target) {
  std::string out = "HOOPCTL_URL_";
  for (const char c : target) {
    const bool small = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += small ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return out;
}

std::vector<std::string> recorded_command(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    if (out.size() == kMaxWords) {
      out.push_back(fmt::format("[{} more words]", words.size() - out.size()));
      break;
    }
    const bool plain =
        word.size() <= kMaxWord && word.find_first_of(" \t\n'\"$;") == std::string::npos;
    out.push_back(plain ? word : fmt::format("[{} bytes]", word.size()));
  }
  return out;
}

}  // namespace hoop::cmd
