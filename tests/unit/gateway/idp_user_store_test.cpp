// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/user_store.h"

#include "core/crypto/digest.h"
#include "gateway/idp/password_hash.h"
#include "gateway/idp/try_limiter.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::idp;
using namespace std::chrono_literals;

TEST_CASE("users are added once, listed by name, and removed") {
  crypto::SystemRandom random;
  Database database = Database::open_in_memory().value();
  UserStore users = UserStore::open(database).value();
  const SecretText password("long enough");
  REQUIRE(users.add_user("bob@example.com", password, {"ops", "dba"}, random, SystemTime(5ms)));
  REQUIRE(users.add_user("alice", password, {}, random, SystemTime(7ms)));
  CHECK(users.add_user("alice", password, {}, random, SystemTime(7ms)).error().code ==
        ErrorCode::usage);
  const auto list = users.list_users().value();
  REQUIRE(list.size() == 2);
  CHECK(list[0] == User{"alice", {}, false, SystemTime(7ms)});
  CHECK(list[1] == User{"bob@example.com", {"ops", "dba"}, false, SystemTime(5ms)});
  REQUIRE(users.remove_user("alice"));
  CHECK(users.remove_user("alice").error().code == ErrorCode::not_found);
  CHECK_FALSE(users.find_user("alice").value());
  CHECK(users.set_password("alice", password, random).error().code == ErrorCode::not_found);
}

TEST_CASE("names that would need quoting and short passwords are refused") {
  crypto::SystemRandom random;
  Database database = Database::open_in_memory().value();
  UserStore users = UserStore::open(database).value();
  for (const char* bad : {"", "a b", "a\nb", "a:b", "*", "a\"", "\xc3\xa9", "../x"}) {
    INFO(bad);
    CHECK(users.add_user(bad, SecretText("long enough"), {}, random, {}).error().code ==
          ErrorCode::usage);
    CHECK(users.add_user("ok", SecretText("long enough"), {bad}, random, {}).error().code ==
          ErrorCode::usage);
  }
  CHECK_FALSE(users.add_user("ok", SecretText("short"), {}, random, {}));
  CHECK_FALSE(users.add_user("ok", SecretText(std::string(1025, 'x')), {}, random, {}));
  CHECK(users.list_users().value().empty());
}

TEST_CASE("a password matches its hash alone, and hashes of one password differ") {
  crypto::SystemRandom random;
  const std::string hash = hash_password(SecretText("sesame open"), random);
  CHECK(hash.starts_with("$scrypt$ln=15,r=8,p=1$"));
  CHECK(password_matches(SecretText("sesame open"), hash));
  CHECK_FALSE(password_matches(SecretText("sesame opeN"), hash));
  CHECK_FALSE(password_matches(SecretText(""), hash));
  CHECK(hash_password(SecretText("sesame open"), random) != hash);
  CHECK_FALSE(password_matches(SecretText("x"), unmatchable_hash(random)));
  for (const char* broken :
       {"", "sesame open", "$scrypt$ln=1,r=8,p=1$AA$AA", "$scrypt$ln=15,r=8,p=1$",
        "$scrypt$ln=15,r=8,p=1$$", "$scrypt$ln=15,r=8,p=1$AA$", "$scrypt$ln=15,r=8,p=1$A$A"}) {
    INFO(broken);
    CHECK_FALSE(password_matches(SecretText("sesame open"), broken));
  }
}

TEST_CASE("delays double up to the longest, and quiet forgives") {
  TryLimiter limiter({.free_tries = 2,
                      .first_delay = 1s,
                      .longest_delay = 8s,
                      .forget_after = 100s,
                      .max_keys = 2});
  SteadyTime now{};
  std::vector<long> waits;
  for (int i = 0; i < 8; ++i) {
    limiter.failed("a", now);
    waits.push_back(static_cast<long>(limiter.wait_for("a", now).count()));
    now += limiter.wait_for("a", now);
  }
  CHECK(waits == std::vector<long>{0, 0, 1, 2, 4, 8, 8, 8});
  CHECK(limiter.wait_for("b", now) == 0s);
  now += 101s;
  limiter.failed("a", now);
  CHECK(limiter.wait_for("a", now) == 0s);
}

TEST_CASE("a limiter forgets the quietest key rather than grow") {
  TryLimiter limiter({.free_tries = 0,
                      .first_delay = 50s,
                      .longest_delay = 50s,
                      .forget_after = 100s,
                      .max_keys = 2});
  SteadyTime now{};
  for (const char* key : {"a", "b", "c"}) {
    limiter.failed(key, now);
    now += 1s;
  }
  CHECK(limiter.wait_for("a", now) == 0s);
  CHECK(limiter.wait_for("b", now) > 0s);
  CHECK(limiter.wait_for("c", now) > 0s);
}

TEST_CASE("a window counts to its limit and then starts anew") {
  WindowLimiter limiter(2, 60s);
  SteadyTime now{};
  for (int i = 0; i < 2; ++i) {
    CHECK(limiter.allows("a", now));
    limiter.count("a", now);
  }
  CHECK_FALSE(limiter.allows("a", now + 59s));
  CHECK(limiter.allows("b", now));
  CHECK(limiter.allows("a", now + 60s));
}
