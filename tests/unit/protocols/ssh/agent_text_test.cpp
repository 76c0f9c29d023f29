// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/agent_text.h"

#include "protocols/ssh/command_line.h"
#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

std::string read(std::string_view text) {
  AgentText reader;
  Bytes out = reader.take(as_bytes(text));
  const Bytes rest = reader.finish();
  out.insert(out.end(), rest.begin(), rest.end());
  return to_text(out);
}

}  // namespace

TEST_CASE("agent text: what nobody sees is written out") {
  CHECK(read("plain\r\n\ttext \xc3\xa9 \xe2\x94\x80 \xf0\x9f\x99\x82") ==
        "plain\r\n\ttext \xc3\xa9 \xe2\x94\x80 \xf0\x9f\x99\x82");
  CHECK(read("a\xe2\x80\x8b"
             "b") == "a\\u200bb");
  CHECK(read("a\xe2\x80\xae"
             "b") == "a\\u202eb");
  CHECK(read("\x1b[8mhidden\x1b[0m") == "\\u001b[8mhidden\\u001b[0m");
  CHECK(read("a\bb") == "a\\u0008b");
  CHECK(read("\xf3\xa0\x81\x81") == "\\ue0041");  // a tag character
  for (const char* nothing :
       {"\xf3\xa0\x84\x80", "\xef\xb8\x81", "\xcd\x8f", "\xe3\x85\xa4", "\xe2\xa0\x80"})
    CHECK(read(nothing).starts_with("\\u"));
  CHECK(read("a\x9b"
             "6n") == "a\\x9b6n");  // in eight bits
  CHECK(read("\xc2\x9b"
             "m") == "\\u009bm");
}

TEST_CASE("agent text: what is no UTF-8 stays") {
  const std::string bytes =
      "\xff\xfe"
      "a\xe2\x28\xa1\xc3";
  CHECK(read(bytes) == bytes);
  CHECK(read("\xf5\xa0\xa0\xa0") == "\xf5\xa0\xa0\xa0");
}

TEST_CASE("agent text: pieces of any size are the same") {
  const std::string text =
      "a\xe2\x80\x8b"
      "b\xf3\xa0\x81\x81\xff\xc3\xa9\x1b[m\xf0\x9f\x99\x82\xe2\x80";
  for (std::size_t size = 1; size < 9; ++size) {
    AgentText reader;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size)
      out += to_text(reader.take(as_bytes(std::string_view(text).substr(at, size))));
    out += to_text(reader.finish());
    CHECK(out == read(text));
    CHECK(reader.changed() == 3);
  }
}

TEST_CASE("commands whose output is for programs") {
  for (const char* line :
       {"scp -t /srv/x", "scp -f x", "rsync --server --sender -logDtpre.iLsfxC . x",
        "git-upload-pack 'repo.git'", "scp -f ~/x", "rsync --server --sender -e.L . /var/log/*.log",
        "git-receive-pack '/r'"})
    CHECK(is_for_programs(line));
  for (const char* line :
       {"cat x", "scp -t x; cat y", "git-upload-pack x | cat", "sudo scp -f x", "sh -c 'scp -f x'",
        "git upload-pack x", "", "$(scp -f x)", "scp -f x | tee y"})
    CHECK_FALSE(is_for_programs(line));
}

}  // namespace hoop::ssh
