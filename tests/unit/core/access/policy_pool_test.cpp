// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_pool.h"

#include "tests/support/catch.h"

using namespace hoop::access;

namespace {

PolicyDocument part_of(std::string version) {
  PolicyDocument part;
  part.version = std::move(version);
  part.rules = {Rule{"r", {{"verb", {"select"}}}, {}, {}, Effect::allow, {}, {}, {}}};
  return part;
}

}  // namespace

TEST_CASE("policy_pool: equal parts are one engine, others are not, and nobody's is forgotten") {
  PolicyPool pool;
  const auto first = pool.share(part_of("1")), again = pool.share(part_of("1"));
  CHECK(first == again);
  const auto other = pool.share(part_of("2"));
  CHECK(other != first);
  CHECK(other->document() == part_of("2"));
  PolicyDocument stricter = part_of("1");
  stricter.rules[0].effect = Effect::deny;
  CHECK(pool.share(stricter) != first);
  std::weak_ptr<const PolicyEngine> gone;
  {
    const auto alone = pool.share(part_of("3"));
    gone = alone;
  }
  CHECK(gone.expired());
  CHECK(pool.share(part_of("3"))->document() == part_of("3"));
}
