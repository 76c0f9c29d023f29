// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_file.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::agent;

namespace {

KeyPtr new_key() {
  return std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
}

AgentIdentity somebody() {
  AgentIdentity out;
  out.gateway = "https://gw.example";
  out.name = "berlin";
  out.key = new_key();
  out.key_since = SystemTime(std::chrono::milliseconds(1'700'000'000'123));
  return out;
}

}  // namespace

TEST_CASE("agent file: what is kept is what was saved, and nobody else's to read") {
  test::TempDir dir;
  auto file = AgentFile::open(dir / "state");
  REQUIRE(file);
  CHECK_FALSE(file->load().value());
  AgentIdentity own = somebody();
  own.trust.ca_pem = "-----BEGIN CERTIFICATE-----\nx\n";
  own.trust.ca_sha256 = std::string(64, 'a');
  REQUIRE(file->save(own));
  struct stat status{};
  REQUIRE(::stat((dir / "state/agent.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  auto read = file->load();
  REQUIRE((read && *read));
  CHECK((*read)->gateway == own.gateway);
  CHECK((*read)->name == own.name);
  CHECK((*read)->key_since == own.key_since);
  CHECK((*read)->trust == own.trust);
  CHECK((*read)->key->public_key() == own.key->public_key());
  CHECK((*read)->next_key == nullptr);
  own.next_key = new_key();
  REQUIRE(file->save(own));
  CHECK(file->load().value()->next_key->public_key() == own.next_key->public_key());
}

TEST_CASE("agent file: one agent at a time") {
  test::TempDir dir;
  auto first = AgentFile::open(dir / "state");
  REQUIRE(first);
  const auto second = AgentFile::open(dir / "state");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::config);
}

TEST_CASE("agent file: one that others can read, a link and garbage are refused") {
  test::TempDir dir;
  auto file = AgentFile::open(dir / "state");
  REQUIRE(file);
  const std::string path = dir / "state/agent.json";
  REQUIRE(file->save(somebody()));
  ::chmod(path.c_str(), 0644);
  CHECK_FALSE(file->load());
  std::filesystem::rename(path, dir / "elsewhere");
  ::chmod((dir / "elsewhere").c_str(), 0600);
  std::filesystem::create_symlink(dir / "elsewhere", path);
  CHECK_FALSE(file->load());
  std::filesystem::remove(path);
  for (const char* text : {"", "{}", "[]", R"({"gateway":"https://a","agent":"b","key":"AAAA"})"}) {
    INFO(text);
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    CHECK_FALSE(file->load());
  }
}
