// SPDX-License-Identifier: Apache-2.0
#include "core/access/client_words.h"

#include <fmt/format.h>

namespace hoop::access {

std::vector<std::string> connect_words(std::string_view protocol, const std::string& target,
                                       std::vector<std::string> after_mark) {
  std::vector<std::string> out;
  if (protocol == "ssh") {
    out = {"ssh", target};
  } else if (protocol == "http") {
    if (after_mark.empty()) out = {"sh"};
  } else if (protocol == "kubernetes") {
    if (after_mark.empty()) {
      out = {"sh"};
    } else if (after_mark.front().starts_with('-')) {
      out = {"kubectl"};
    }
  } else if (after_mark.empty() || after_mark.front().starts_with('-')) {
    out = {"psql"};
  }
  for (std::string& word : after_mark) out.push_back(std::move(word));
  return out;
}

Result<void> check_connect_words(std::string_view protocol, const std::string& target,
                                 const std::vector<std::string>& after_mark) {
  if (protocol != "http" || after_mark.empty() || !after_mark.front().starts_with('-')) return {};
  return fail(ErrorCode::usage, "what stands after '--' is the program to run, and there is none",
              fmt::format("hoopctl connect {} -- sh -c 'curl \"$HOOPCTL_URL/\"'", target));
}

}  // namespace hoop::access
