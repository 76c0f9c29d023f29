// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_store.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "core/identity/private_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::identity;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr const char* kUrl = "https://localhost:8443";

StoredTokens tokens(const std::string& access) {
  const SystemTime now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)};
  return {SecretText(access), SecretText("refresh \"1\""), now, now + 300s, "alice", kUrl};
}

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("tokens come back as they were stored, in files that nobody else reads") {
  const test::TempDir dir;
  const fs::path state = dir / "a/b/hoopctl";
  TokenStore store = TokenStore::open(state).value();
  CHECK_FALSE(store.load_tokens(kUrl).value());
  {
    const TokenLock lock = store.lock(kUrl, 1s).value();
    REQUIRE(store.save_tokens(lock, tokens("at")));
  }
  const auto loaded = store.load_tokens("https://LOCALHOST:8443/").value();
  REQUIRE(loaded);
  CHECK(loaded->access.reveal() == "at");
  CHECK(loaded->refresh.reveal() == "refresh \"1\"");
  CHECK(loaded->subject == "alice");
  CHECK(loaded->expires_at == tokens("").expires_at);
  const fs::path own = state / "gateways/localhost_8443";
  CHECK(mode_of(state) == 0700);
  CHECK(mode_of(own) == 0700);
  CHECK(mode_of(own / "tokens.json") == 0600);
  CHECK(mode_of(own / "lock") == 0600);
  const TokenLock lock = store.lock(kUrl, 1s).value();
  CHECK(store.remove_tokens(lock).value());
  CHECK_FALSE(store.remove_tokens(lock).value());
  CHECK_FALSE(store.load_tokens(lock).value());
  CHECK(std::distance(fs::directory_iterator(own), fs::directory_iterator()) == 1);
}

TEST_CASE("a token is refreshed at two thirds of its life, or when the clock went back") {
  const StoredTokens t = tokens("at");
  CHECK_FALSE(t.wants_refresh(t.obtained_at));
  CHECK_FALSE(t.wants_refresh(t.obtained_at + 199s));
  CHECK(t.wants_refresh(t.obtained_at + 200s));
  CHECK(t.wants_refresh(t.obtained_at - 1s));
  CHECK_FALSE(t.expired(t.obtained_at + 299s));
  CHECK(t.expired(t.obtained_at + 300s));
}

TEST_CASE("the lock keeps every other process out until it is let go") {
  const test::TempDir dir;
  TokenStore store = TokenStore::open(dir / "s").value();
  {
    const TokenLock held = store.lock(kUrl, 1s).value();
    CHECK_FALSE(store.try_lock(kUrl).value());
    CHECK(store.lock(kUrl, 120ms).error().code == ErrorCode::timeout);
    CHECK(store.try_lock("https://other:8443").value());
  }
  CHECK(store.try_lock(kUrl).value());
}

TEST_CASE("twenty processes that refresh at once lose no update") {
  const test::TempDir dir;
  TokenStore store = TokenStore::open(dir / "s").value();
  {
    const TokenLock lock = store.lock(kUrl, 1s).value();
    REQUIRE(store.save_tokens(lock, tokens("0")));
  }
  std::vector<pid_t> children;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto lock = store.lock(kUrl, 30s);
      if (!lock) ::_exit(1);
      auto before = store.load_tokens(*lock);
      if (!before || !*before) ::_exit(2);
      const auto saved = store.save_tokens(
          *lock, tokens(std::to_string(std::stoi((*before)->access.reveal()) + 1)));
      ::_exit(saved ? 0 : 3);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(store.load_tokens(kUrl).value()->access.reveal() == "20");
}

TEST_CASE("tokens that others could read or plant are not taken") {
  const test::TempDir dir;
  TokenStore store = TokenStore::open(dir / "s").value();
  {
    const TokenLock lock = store.lock(kUrl, 1s).value();
    REQUIRE(store.save_tokens(lock, tokens("at")));
  }
  const fs::path own = fs::path(dir / "s") / "gateways/localhost_8443";
  const fs::path file = own / "tokens.json";
  SECTION("a file open to the group") {
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    const auto loaded = store.load_tokens(kUrl);
    CHECK(loaded.error().code == ErrorCode::storage);
    CHECK(loaded.error().hint.find("chmod") != std::string::npos);
  }
  SECTION("a symbolic link") {
    fs::rename(file, own / "real");
    fs::create_symlink(own / "real", file);
    CHECK(store.load_tokens(kUrl).error().code == ErrorCode::storage);
  }
  SECTION("a fifo") {
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(store.load_tokens(kUrl).error().code == ErrorCode::storage);
  }
  SECTION("a directory open to others") {
    REQUIRE(::chmod((dir / "s").c_str(), 0755) == 0);
    CHECK(TokenStore::open(dir / "s").error().code == ErrorCode::storage);
  }
  SECTION("a link where the directory should be") {
    fs::create_symlink(dir / "s", dir / "link");
    CHECK(TokenStore::open(dir / "link").error().code == ErrorCode::storage);
  }
  SECTION("rubbish") {
    for (const char* text : {"", "{", "{}", R"({"access":1})", R"({"access":"a","access":"b"})"}) {
      std::ofstream(file) << text;
      const auto loaded = store.load_tokens(kUrl);
      CHECK(loaded.error().code == ErrorCode::storage);
    }
  }
  SECTION("a file without end") {
    fs::resize_file(file, 100 << 20);
    CHECK(store.load_tokens(kUrl).error().code == ErrorCode::too_large);
  }
}

TEST_CASE("a gateway is remembered with the way it is trusted, and the last one is current") {
  const test::TempDir dir;
  TokenStore store = TokenStore::open(dir / "s").value();
  CHECK_FALSE(store.current_gateway().value());
  CHECK(store.load_gateway(kUrl).error().code == ErrorCode::not_found);
  GatewayRecord record{kUrl, "-----BEGIN\nx\n", "ab12", "https://idp", "hoopctl", kUrl, "gw_1"};
  record.login_parameters = {{"resource", "https://gw \"x\""}, {"scope", "openid"}};
  record.issuer_ca_pem = "-----BEGIN\ny\n";
  record.approving_scope = "gw:approve";
  REQUIRE(store.save_gateway(record));
  REQUIRE(store.set_current_gateway(kUrl));
  CHECK(store.load_gateway(kUrl).value() == record);
  CHECK(store.current_gateway().value() == kUrl);
  record.login_parameters.clear();
  record.issuer_ca_pem.clear();
  REQUIRE(store.save_gateway(record));
  CHECK(store.load_gateway(kUrl).value() == record);
  CHECK_FALSE(store.set_current_gateway("http://x"));
  CHECK_FALSE(store.load_gateway("https://x/path"));
}

TEST_CASE("a login of before there were approvals goes on to be used") {
  const test::TempDir dir;
  TokenStore store = TokenStore::open(dir / "s").value();
  const GatewayRecord record{kUrl, "", "ab12", "https://idp", "hoopctl", kUrl, "gw_1"};
  REQUIRE(store.save_gateway(record));
  const fs::path file = fs::path(dir / "s") / "gateways/localhost_8443/gateway.json";
  std::string text = read_private_file(file, 4096).value()->reveal();
  const std::string member = R"(,"approving_scope":"approve")";
  REQUIRE(text.find(member) != text.npos);
  text.erase(text.find(member), member.size());
  REQUIRE(write_private_file(file, text));
  CHECK(store.load_gateway(kUrl).value() == record);
}

TEST_CASE("a private file is replaced whole and leaves nothing beside it") {
  const test::TempDir dir;
  const fs::path file = dir / "f";
  REQUIRE(write_private_file(file, "one"));
  REQUIRE(write_private_file(file, "two"));
  CHECK(read_private_file(file, 10).value()->reveal() == "two");
  CHECK(mode_of(file) == 0600);
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
  CHECK(write_private_file(dir / "no/f", "x").error().code == ErrorCode::storage);
}
