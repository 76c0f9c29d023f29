// SPDX-License-Identifier: Apache-2.0
#include "cmd/body_text.h"

#include <vector>

#include "tests/support/catch.h"

namespace hoop::cmd {
namespace {

using Shown = std::vector<std::string>;

/// In pieces of that many bytes.
Shown shown_of(std::string_view body, std::size_t piece) {
  Shown out;
  const auto take = [&out](std::string line) { out.push_back(std::move(line)); };
  BodyText text;
  for (std::size_t at = 0; at < body.size(); at += piece)
    text.feed(as_bytes(body.substr(at, piece)), take);
  text.finish(take);
  return out;
}

}  // namespace

TEST_CASE("a body that is text is shown line by line, however it came") {
  const std::string_view body = "{\"name\": \"Ren\xc3\xa9\"}\r\nsecond\n\nlast";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    INFO(piece);
    CHECK(shown_of(body, piece) == Shown{"{\"name\": \"Ren\xc3\xa9\"}", "second", "", "last"});
  }
  CHECK(shown_of("", 1).empty());
}

TEST_CASE("no terminal obeys what stands in a body") {
  CHECK(shown_of("a\x1b[2J\xe2\x80\xae\nb", 3) == Shown{"a\\u001b[2J\\u202e", "b"});
}

TEST_CASE("of what is no text it is told how much there is") {
  const std::string_view picture("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  for (std::size_t piece = 1; piece <= picture.size(); ++piece) {
    INFO(piece);
    CHECK(shown_of(picture, piece) == Shown{"[16 bytes]"});
  }
  // Text, as far as it is.
  CHECK(shown_of(std::string_view("text\nabc\0de\nf\n", 14), 4) == Shown{"text", "[9 bytes]"});
  CHECK(shown_of("caf\xe9", 2) == Shown{"[4 bytes]"});
}

TEST_CASE("a long line becomes several, and no character two") {
  const std::string ascii(10'000, 'x');
  CHECK(shown_of(ascii, 777) ==
        Shown{std::string(4096, 'x'), std::string(4096, 'x'), std::string(1808, 'x')});
  for (std::size_t before = 0; before < 5; ++before) {
    INFO(before);
    std::string body(before, 'x');
    while (body.size() < 9000) body += "\xe2\x82\xac";
    std::string joined;
    const Shown lines = shown_of(body, 100);
    for (const std::string& line : lines) joined += line;
    CHECK(lines.size() == 3);
    CHECK(joined == body);
  }
}

TEST_CASE("what only continues characters is no text") {
  CHECK(shown_of(std::string(5000, '\x80'), 1000) == Shown{"[5000 bytes]"});
}

}  // namespace hoop::cmd
