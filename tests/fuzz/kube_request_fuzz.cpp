// SPDX-License-Identifier: Apache-2.0
// A request to the API server: what goes on reads as it was judged, and stays what it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocols/kubernetes/accepted_types.h"
#include "protocols/kubernetes/policy_verb.h"
#include "protocols/kubernetes/request_info.h"

namespace {

using hoop::kubernetes::RequestInfo;

bool reads_the_same(const RequestInfo& a, const RequestInfo& b) {
  return a.is_resource == b.is_resource && a.verb == b.verb && a.group == b.group &&
         a.version == b.version && a.resource == b.resource && a.subresource == b.subresource &&
         a.space == b.space && a.name == b.name && a.rest == b.rest &&
         policy_verb(a) == policy_verb(b);
}

}  // namespace

/// "METHOD target", and behind a line's end what it accepts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view line = input.substr(0, input.find('\n'));
  const std::size_t blank = std::min(line.find(' '), line.size());
  const auto info = hoop::kubernetes::read_request_info(
      line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
  if (info) {
    const std::string text = info->text();
    const std::string path = text.substr(0, text.find('?'));
    if (path.find("//") != std::string::npos || path.find("/../") != std::string::npos ||
        path.find("%2F") != std::string::npos || text.find(';') != std::string::npos)
      __builtin_trap();
    const auto again = hoop::kubernetes::read_request_info(info->method, text);
    if (!again || again->text() != text || !reads_the_same(*info, *again)) __builtin_trap();
  }
  if (line.size() == input.size()) return 0;
  const std::string accept(input.substr(line.size() + 1));
  const std::string types = hoop::kubernetes::accepted_types({{"Accept", accept}});
  if (hoop::kubernetes::accepted_types({{"Accept", types}}) != types) __builtin_trap();
  return 0;
}
