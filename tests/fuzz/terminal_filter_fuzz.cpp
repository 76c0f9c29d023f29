// SPDX-License-Identifier: Apache-2.0
// A stream for a terminal, in two pieces.
#include <cstddef>
#include <cstdint>

#include "core/base/terminal_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hoop::TerminalFilter;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t cut = std::min<std::size_t>(data[0], text.size());
  const std::string whole = TerminalFilter().take(text);
  TerminalFilter pieces;
  std::string out = pieces.take(text.substr(0, cut));
  out += pieces.take(text.substr(cut));
  if (out != whole) __builtin_trap();
  // What it lets through it lets through again, and nothing in it makes a terminal answer.
  if (TerminalFilter().take(whole) != whole) __builtin_trap();
  for (const char* bad : {"\x1b]", "\x1bP", "\x1b_", "\x1b[6n", "\x1b[c", "\x05"})
    if (whole.find(bad) != std::string::npos) __builtin_trap();
  return 0;
}
