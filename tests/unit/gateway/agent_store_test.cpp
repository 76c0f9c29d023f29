// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/agent_store.h"

#include "core/crypto/digest.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace std::chrono_literals;

namespace {

const SystemTime kNow{std::chrono::milliseconds(1'700'000'000'000)};

struct StoreFixture {
  Database database = Database::open_in_memory().value();
  AgentStore store = AgentStore::open(database).value();
  crypto::SystemRandom random;
  SecretText add(const std::string& name) {
    return store.add(name, {{"site", "berlin"}}, 1h, random, kNow).value();
  }
};

crypto::Ed25519PublicKey key(std::uint8_t n) {
  crypto::Ed25519PublicKey out{};
  out[0] = n;
  return out;
}

}  // namespace

TEST_CASE("agent store: a join token is good for one key, until it expires") {
  StoreFixture f;
  const SecretText token = f.add("berlin");
  f.add("munich");
  CHECK_THAT(token.reveal(), Catch::Matchers::StartsWith("hoopjoin_"));
  CHECK_FALSE(f.store.join({SecretText("hoopjoin_x"), key(1)}, kNow));
  CHECK_FALSE(f.store.join({token.clone(), key(1)}, kNow + 1h));
  CHECK(f.store.join({token.clone(), key(1)}, kNow + 59min) == "berlin");
  const auto other = f.store.join({token.clone(), key(2)}, kNow + 59min);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::unauthenticated);
  // An answer that was lost.
  CHECK(f.store.join({token.clone(), key(1)}, kNow + 59min) == "berlin");
  CHECK_FALSE(f.store.join({token.clone(), key(1)}, kNow + 2h));
  const auto known = f.store.list().value();
  REQUIRE(known.size() == 2);
  CHECK(known[0].key == key(1));
  CHECK(known[0].joined_at == kNow + 59min);
  CHECK_FALSE(known[1].key);
}

TEST_CASE("agent store: the token itself is nowhere") {
  StoreFixture f;
  const SecretText token = f.add("berlin");
  const auto row = f.database.find("SELECT token_digest FROM agents").value();
  const auto digest = crypto::sha256(as_bytes(token.reveal()));
  CHECK(row->blob(0) == Bytes(digest.begin(), digest.end()));
}

TEST_CASE("agent store: a new key counts from its first use, the old one until then") {
  StoreFixture f;
  const SecretText token = f.add("berlin");
  REQUIRE(f.store.join({token.clone(), key(1)}, kNow));
  CHECK_FALSE(f.store.register_key("berlin", key(9), key(2)));
  CHECK_FALSE(f.store.promote_key("berlin", key(2)));
  REQUIRE(f.store.register_key("berlin", key(1), key(2)));
  CHECK(f.store.list().value()[0].key == key(1));
  CHECK(f.store.list().value()[0].next_key == key(2));
  REQUIRE(f.store.register_key("berlin", key(1), key(3)));
  CHECK_FALSE(f.store.promote_key("berlin", key(2)));
  REQUIRE(f.store.promote_key("berlin", key(3)));
  CHECK(f.store.list().value()[0].key == key(3));
  CHECK_FALSE(f.store.list().value()[0].next_key);
  CHECK_FALSE(f.store.register_key("berlin", key(1), key(4)));
  CHECK_FALSE(f.store.join({token.clone(), key(1)}, kNow));
}

TEST_CASE("agent store: names and labels are checked, and a name is taken once") {
  StoreFixture f;
  f.add("berlin");
  for (const char* name : {"", "-a", ".a", "A", "a/b", "a b", "ä"}) {
    INFO(name);
    CHECK_FALSE(f.store.add(name, {}, 1h, f.random, kNow));
  }
  CHECK_FALSE(f.store.add("berlin", {}, 1h, f.random, kNow));
  CHECK_FALSE(f.store.add("b", {{"a\nb", "c"}}, 1h, f.random, kNow));
  CHECK_FALSE(f.store.add("b", {{"a", "c\nd=e"}}, 1h, f.random, kNow));
  CHECK(f.store.remove("berlin"));
  const auto again = f.store.remove("berlin");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::not_found);
  const Labels serves{{"env", ""}, {"site", "a=b"}};
  REQUIRE(f.store.add("b", serves, 1h, f.random, kNow));
  CHECK(f.store.list().value()[0].serves == serves);
}

TEST_CASE("agent store: all labels of an agent must be the target's, and none serve nothing") {
  const Labels target{{"site", "berlin"}, {"env", "prod"}};
  CHECK(serves_target({{"site", "berlin"}}, target));
  CHECK(serves_target(target, target));
  CHECK_FALSE(serves_target({}, target));
  CHECK_FALSE(serves_target({{"site", "munich"}}, target));
  CHECK_FALSE(serves_target({{"site", "berlin"}, {"x", ""}}, target));
  CHECK_FALSE(serves_target({{"site", "berlin"}}, {}));
}
