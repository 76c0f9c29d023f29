// SPDX-License-Identifier: Apache-2.0
#include "core/access/command_pattern.h"

#include <chrono>

#include "tests/support/catch.h"

namespace hoop::access {
namespace {

using Fit = Pattern::Fit;

Fit fit(std::string_view pattern, const std::vector<CommandWord>& words) {
  const auto parsed = CommandPattern::parse(pattern);
  REQUIRE(parsed);
  return parsed->fit(words);
}

TEST_CASE("command words: one line, and back") {
  const std::vector<CommandWord> words{{"ls"}, {""},      {"a b"},       {"it's"},
                                       {"\\"}, {"\"q\""}, {"$X", false}, {"\"$Y\" \\", false}};
  const std::string line = join_command(words);
  CHECK(line == R"(ls '' 'a b' 'it\'s' '\\' '"q"' "$X" "\"$Y\" \\")");
  const auto back = split_command(line);
  REQUIRE(back);
  CHECK(*back == words);
  for (const char* wrong : {"a  b", " a", "a ", "'a", "\"a", "a'b'", "a;b", "'a\\"}) {
    INFO(wrong);
    CHECK_FALSE(split_command(wrong));
  }
  CHECK(split_command("")->empty());
}

TEST_CASE("command patterns: words, and nothing but them") {
  CHECK(fit("systemctl status *", {{"systemctl"}, {"status"}, {"nginx"}}) == Fit::yes);
  CHECK(fit("systemctl  status\t*", {{"systemctl"}, {"status"}, {"a b;c"}}) == Fit::yes);
  CHECK(fit("systemctl status *", {{"systemctl"}, {"status"}}) == Fit::no);
  CHECK(fit("systemctl status *", {{"systemctl"}, {"status"}, {"a"}, {"b"}}) == Fit::no);
  CHECK(fit("systemctl status **", {{"systemctl"}, {"status"}}) == Fit::yes);
  CHECK(fit("systemctl status **", {{"systemctl"}, {"status"}, {"-x"}, {"b"}}) == Fit::yes);
  CHECK(fit("echo 'a b'", {{"echo"}, {"a b"}}) == Fit::yes);
  CHECK(fit("echo 'a b'", {{"echo"}, {"a"}, {"b"}}) == Fit::no);
}

TEST_CASE("command patterns: what a star stands for") {
  CHECK(fit("cat *", {{"cat"}, {"-n"}}) == Fit::unknown);
  CHECK(fit("cat -*", {{"cat"}, {"-n"}}) == Fit::yes);
  CHECK(fit("cat /var/log/*", {{"cat"}, {"/var/log/a"}}) == Fit::yes);
  CHECK(fit("cat /var/log/*", {{"cat"}, {"/var/log/a/b"}}) == Fit::no);
  CHECK(fit("cat /var/log/**", {{"cat"}, {"/var/log/a/b"}}) == Fit::yes);
  CHECK(fit("cat /var/log/**", {{"cat"}, {"/var/log/../../etc/shadow"}}) == Fit::unknown);
  CHECK(fit("cat /var/**.log", {{"cat"}, {"/var/a/b.log"}}) == Fit::yes);
  CHECK(fit("cat /var/*/b.log", {{"cat"}, {"/var/a/b.log"}}) == Fit::yes);
  CHECK(fit("cat /var/*/b.log", {{"cat"}, {"/var/a/c/b.log"}}) == Fit::no);
  CHECK(fit("x --file=*", {{"x"}, {"--file=../y"}}) == Fit::unknown);
  CHECK(fit("x --file=*", {{"x"}, {"--file=a..b"}}) == Fit::yes);
  CHECK(fit("x *", {{"x"}, {"a:.."}}) == Fit::unknown);
}

TEST_CASE("command patterns: other ways to write the same") {
  CHECK(fit("rm **", {{"/bin/rm"}, {"x"}}) == Fit::unknown);
  CHECK(fit("/bin/rm **", {{"rm"}, {"x"}}) == Fit::no);
  CHECK(fit("cat /etc/shadow", {{"cat"}, {"/etc//./x/../shadow"}}) == Fit::unknown);
  CHECK(fit("cat /etc/shadow", {{"cat"}, {"/etc/passwd"}}) == Fit::no);
}

TEST_CASE("command patterns: words that nobody knows") {
  CHECK(fit("rm *", {{"rm"}, {"$X", false}}) == Fit::unknown);
  CHECK(fit("rm", {{"rm"}, {"$X", false}}) == Fit::unknown);
  CHECK(fit("rm", {{"rm"}, {"x"}, {"$X", false}}) == Fit::no);
  CHECK(fit("rm", {{"$X", false}}) == Fit::unknown);
  CHECK(fit("systemctl stop *", {{"systemctl"}, {"status"}, {"$X", false}}) == Fit::no);
  CHECK(fit("cat /etc/shadow", {{"cat"}, {"/var/log/*", false}}) == Fit::no);
  CHECK(fit("cat /etc/shadow", {{"cat"}, {"/etc/*", false}}) == Fit::unknown);
  CHECK(fit("cat /etc/shadow", {{"cat"}, {"/var/../etc/*", false}}) == Fit::unknown);
}

TEST_CASE("command patterns: no word makes them slow") {
  const std::string path = "/" + std::string(20'000, 'a');
  std::string pattern = "x /";
  for (int i = 0; i < 40; ++i) pattern += i % 2 == 0 ? "a*" : "a**";
  const auto begun = std::chrono::steady_clock::now();
  CHECK(fit(pattern + "b", {{"x"}, {path}}) == Fit::no);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
}

}  // namespace
}  // namespace hoop::access
