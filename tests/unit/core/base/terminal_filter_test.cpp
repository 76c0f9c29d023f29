// SPDX-License-Identifier: Apache-2.0
#include "core/base/terminal_filter.h"

#include "tests/support/catch.h"

namespace hoop {
namespace {

std::string filtered(std::string_view text) { return TerminalFilter().take(text); }

}  // namespace

TEST_CASE("terminal filter: what draws goes through") {
  for (const std::string text :
       {"plain\r\n\ttext\b", "\x1b[1;31mred\x1b[0m", "\x1b[38:5:208mx", "\x1b[2J\x1b[H",
        "\x1b[10;20H", "\x1b[?1049h\x1b[?25l", "\x1b[?1049;25l", "\x1b[4h",
        "\x1b"
        "7\x1b"
        "8",
        "\x1b(0lqk\x1b(B", "\x1b[1;24r", "\xc3\xa9\xe2\x94\x80\xf0\x9f\x99\x82",
        "\x1b[K\x1b[2K\x1bM\x1b[2J", "\x0e\x0f"}) {
    CAPTURE(text);
    CHECK(filtered(text) == text);
  }
}

TEST_CASE("terminal filter: what does something to whoever looks on does not") {
  struct Case {
    std::string text, rest;
  };
  for (const Case& one :
       std::vector<Case>{{"a\x1b]0;title\x07z", "az"},
                         {"a\x1b]52;c;cm0gLXJm\x1b\\z", "az"},  // the clipboard
                         {"a\x1bP$q\"p\x1b\\z", "az"},          // asks what is set
                         {"a\x1b[6nz", "az"},                   // where the cursor is
                         {"a\x1b[cz", "az"},                    // what the terminal is
                         {"a\x1b[>cz", "az"},
                         {"a\x1b[21tz", "az"},     // its title, as if typed
                         {"a\x1b[?1000hz", "az"},  // a mouse that types
                         {"a\x1b[?2004hz", "az"},
                         {"a\x1b[?25;1003hz", "az"},
                         {"a\x1b[!pz", "az"},
                         {"a\x1b[5iz", "az"},  // a printer
                         {"a\x1b_payload\x1b\\z", "az"},
                         {"a\x1b^payload\x07z", "az"},
                         {"a\x1bXpayload\x1b\\z", "az"},
                         {"a\x1bkname\x1b\\z", "anamez"},  // which is none for many
                         {"a\x1b]0;x\x1b[mtext", "a\x1b[mtext"},
                         {"a\x1b[3Jz\x1b[2;3Jz", "azz"},
                         {"a\x1b"
                          "cz\x1b[20hz\x1b[3gz\x1bHz",
                          "azzzz"},
                         {"a\x1b[99999Sz", "az"},
                         {"a\x1b[1;99999999999999999999rz", "az"},
                         {"a\x1b#8z", "az"},
                         {"a\x1b%Gz", "az"},
                         {"a\x07\x05z", "az"},  // rings, asks
                         {"a\xc2\x9b"
                          "6nz",
                          "a6nz"},  // the same in 8 bits
                         {"a\x9d"
                          "0;t\x07z",
                          "a0;tz"},
                         {"a\xe2\x80\xaez", "az"},  // draws backwards
                         {"a\xe2\x80\x8bz", "az"},  // draws nothing
                         {"a\xffz", "az"},
                         {"a\xe2\x28z", "a(z"},
                         {"a\x1b[6\x18z", "az"},
                         {"a\x1b[6\x1b[1mz", "a\x1b[1mz"},
                         {"a\x1b" + std::string("[") + std::string(100, '1') + "mz", "az"}}) {
    CAPTURE(one.text);
    CHECK(filtered(one.text) == one.rest);
  }
}

TEST_CASE("terminal filter: pieces of any size are the same") {
  const std::string text =
      "a\x1b[1;31mred\x1b]0;t\x1b\\\xe2\x94\x80\x1b(0q\x1b(B\x1b[6n\x1b[?1049hz\xf0\x9f\x99\x82";
  const std::string whole = filtered(text);
  for (std::size_t size = 1; size < 7; ++size) {
    TerminalFilter filter;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size)
      out += filter.take(text.substr(at, size));
    CHECK(out == whole);
  }
}

}  // namespace hoop
