// SPDX-License-Identifier: Apache-2.0
// A command line that somebody sends to a host, and a pattern that it is held against.
#include <cstddef>
#include <cstdint>

#include "protocols/ssh/command_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The first line is the pattern.
  const std::size_t end = text.find('\n');
  const auto pattern = access::CommandPattern::parse(text.substr(0, end));
  const ssh::CommandLine line =
      ssh::read_command_line(end == std::string_view::npos ? text : text.substr(end + 1));
  for (const auto* commands : {&line.commands, &line.inner}) {
    for (const auto& words : *commands) {
      if (words.empty()) __builtin_trap();
      // What policy is given is what was read.
      const auto again = access::split_command(access::join_command(words));
      if (!again || *again != words) __builtin_trap();
      if (pattern) static_cast<void>(pattern->fit(words));
      if (line.form != ssh::CommandForm::plain || commands == &line.inner) continue;
      for (const auto& word : words)
        if (!word.known) __builtin_trap();
    }
  }
  return 0;
}
