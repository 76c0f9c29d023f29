// SPDX-License-Identifier: Apache-2.0
#include "core/access/client_words.h"

namespace hoop::access {

std::vector<std::string> connect_words(std::string_view protocol, const std::string& target,
                                       std::vector<std::string> after_mark) {
  std::vector<std::string> out;
  if (protocol == "ssh") {
    out = {"ssh", target};
  } else if (after_mark.empty() || after_mark.front().starts_with('-')) {
    out = {"psql"};
  }
  for (std::string& word : after_mark) out.push_back(std::move(word));
  return out;
}

}  // namespace hoop::access
