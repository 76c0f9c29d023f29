// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/typed_lines.h"

#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

using Lines = std::vector<std::string>;

/// A person at a terminal of 20 columns and 5 rows.
struct Desk {
  TypedLines lines{20, 5};
  SteadyTime now{};
  Desk& shows(std::string_view text) {
    lines.show(as_bytes(text), now);
    return *this;
  }
  Desk& types(std::string_view keys) {
    lines.type(as_bytes(keys), now);
    return *this;
  }
  Desk& waits(int span) {
    now += std::chrono::seconds(span);
    return *this;
  }
  Lines has() { return lines.take(); }
};

}  // namespace

TEST_CASE("typed lines: what stands behind the prompt when it is sent") {
  Desk desk;
  desk.shows("$ ").types("l").shows("l").types("s").shows("s").types("\r").shows("\r\nfile\r\n$ ");
  CHECK(desk.has() == Lines{"ls"});
  desk.types("\r").shows("\r\n$ ");
  CHECK(desk.has().empty());
  desk.types("id\r").shows("id\r\nuid=0\r\n$ ");  // pasted, and shown later
  CHECK(desk.has() == Lines{"id"});
}

TEST_CASE("typed lines: corrected, from the history, and completed") {
  Desk desk;
  desk.shows("$ ")
      .types("lx")
      .shows("lx")
      .types("\x7f")
      .shows("\b\x1b[K")
      .types("s\r")
      .shows("s\r\n$ ");
  CHECK(desk.has() == Lines{"ls"});
  desk.types("\x1b[A").shows("systemctl status").types("\r").shows("\r\n$ ");
  CHECK(desk.has() == Lines{"systemctl status"});
  desk.types("cat /et").shows("cat /et").types("\t").shows("c/").types("\r").shows("\r\n$ ");
  CHECK(desk.has() == Lines{"cat /etc/"});
  // A character in the middle: readline inserts, or writes the rest anew.
  desk.types("ac")
      .shows("ac")
      .types("\x1b[D")
      .shows("\b")
      .types("b")
      .shows("\x1b[1@b")
      .types("\r")
      .shows("\r\n$ ");
  CHECK(desk.has() == Lines{"abc"});
  desk.types("ac")
      .shows("ac")
      .types("\x1b[D")
      .shows("\b")
      .types("b")
      .shows("bc\b")
      .types("\r")
      .shows("\r\n$ ");
  CHECK(desk.has() == Lines{"abc"});
}

TEST_CASE("typed lines: what is not shown is not there") {
  Desk desk;
  desk.shows("Password: ").types("hunter2").types("\r").shows("\r\nwelcome\r\n$ ");
  CHECK(desk.has().empty());
  desk.types("read -s x\r").shows("read -s x\r\n").types("secret\r").shows("\r\n$ ");
  CHECK(desk.has() == Lines{"read -s x"});
}

TEST_CASE("typed lines: longer than the terminal is wide") {
  Desk desk;
  desk.shows("$ ").types("echo 1234567890 1234567890");
  desk.shows("echo 1234567890 12\r34567890").types("\r").shows("\r\n$ ");
  // Where the terminal itself goes on in the next line, and where a program returns by itself.
  CHECK(desk.has().size() == 1);
  desk.types("echo abcdefghijklmnopqrstuvw")
      .shows("echo abcdefghijklmnopqrstuvw")
      .types("\r")
      .shows("\r\n$ ");
  CHECK(desk.has() == Lines{"echo abcdefghijklmnopqrstuvw"});
}

TEST_CASE("typed lines: at the foot of the screen") {
  Desk desk;
  desk.shows("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n$ ")
      .types("pwd")
      .shows("pwd")
      .types("\r")
      .shows("\r\n/root\r\n$ ");
  CHECK(desk.has() == Lines{"pwd"});
  desk.types("echo abcdefghijklmnopqrstuvw")
      .shows("echo abcdefghijklmnopqrstuvw")
      .types("\r")
      .shows("\r\n$ ");
  CHECK(desk.has() == Lines{"echo abcdefghijklmnopqrstuvw"});
}

TEST_CASE("typed lines: several at once") {
  Desk desk;
  desk.shows("$ ").types("a\rb\rc\r").shows("a\r\n").shows("$ b\r\n$ c\r\n$ ");
  const Lines lines = desk.has();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "a");
  CHECK(lines[1] == "$ b");  // where the prompt ends nobody has seen
}

TEST_CASE("typed lines: programs that draw, and returns that they take") {
  Desk desk;
  desk.shows("$ ").types("vi\r").shows("vi\r\n\x1b[?1049h\x1b[2J").types("ihello\r\x1b:wq\r");
  desk.shows("hello\r\n\x1b[?1049l\r\n$ ");
  CHECK(desk.has() == Lines{"vi"});
  desk.types("\r").waits(3).shows("late\r\n");
  CHECK(desk.has().empty());
  desk.shows("\x1b]0;title\x07\x1b[1;32m$\x1b[0m ")
      .types("ls")
      .shows("\x1b[1mls\x1b[0m")
      .types("\r")
      .shows("\r\n");
  CHECK(desk.has() == Lines{"ls"});
}

TEST_CASE("typed lines: letters beyond ASCII, sizes that are none, sequences that go far") {
  Desk desk;
  desk.shows("$ ")
      .types("gr\xc3\xbc\xc3\x9f")
      .shows("gr\xc3\xbc")
      .shows("\xc3")
      .shows("\x9f")
      .types("\r")
      .shows("\r\n");
  CHECK(desk.has() == Lines{"gr\xc3\xbc\xc3\x9f"});
  desk.lines.resize(0, 0);
  desk.lines.resize(100000, 100000);
  desk.lines.resize(5, 2);
  desk.shows(
      "\x1b[999999A\x1b[999999B\x1b[999999C\x1b[999999Dx\x1b[999999;999999Hy\x1b[99999P\x1b[99999@"
      "\x1b[99999X\r\n\x1b[;H\x1b[2J\x1b[1J\x1b[u");
  desk.shows("$ ").types("a").shows("a").types("\r").shows("\r\n");
  CHECK(desk.has() == Lines{"a"});
}

}  // namespace hoop::ssh
