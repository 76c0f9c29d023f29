// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/target_cache.h"

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

Catalog read(const test::CatalogAnswers& answers, std::vector<std::string> masked) {
  auto built = Catalog::build(answers.answers, {test::column_mask("m", std::move(masked))});
  REQUIRE(built);
  return std::move(*built);
}

}  // namespace

TEST_CASE("target cache: equal catalogs are kept once, as long as somebody holds them") {
  TargetCache cache;
  const auto first = cache.share(read(test::demo_answers(), {"public.customers.email"}));
  const auto again = cache.share(read(test::demo_answers(), {"public.customers.email"}));
  CHECK(first == again);
  // What differs in a mask, or in a table that came, is another one.
  const auto other = cache.share(read(test::demo_answers(), {"public.customers.ssn"}));
  CHECK(other != first);
  auto more = test::demo_answers();
  more.relation(9000, "public", "late", 'r', {});
  const auto grown = cache.share(read(more, {"public.customers.email"}));
  CHECK(grown != first);
  CHECK_FALSE(*grown == *first);
  std::weak_ptr<const Catalog> gone;
  {
    const auto held = cache.share(read(more, {"public.customers.ssn"}));
    gone = held;
  }
  CHECK(gone.expired());
  CHECK(cache.share(read(more, {"public.customers.ssn"})) != nullptr);
}

TEST_CASE("target cache: threads that share at once get catalogs that say the same") {
  TargetCache cache;
  std::vector<std::shared_ptr<const Catalog>> got(4);
  std::vector<std::thread> threads;
  for (auto& one : got)
    threads.emplace_back([&cache, &one] {
      auto built = Catalog::build(test::demo_answers().answers,
                                  {test::column_mask("m", {"public.customers.email"})});
      if (built) one = cache.share(std::move(*built));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& one : got) {
    REQUIRE(one);
    CHECK(*one == *got[0]);
  }
}

TEST_CASE("target cache: TLS settings are made once for what a target trusts") {
  TargetCache cache;
  const auto pki = net::generate_pki("a", {"db"}), other = net::generate_pki("b", {"db"});
  access::Target target;
  target.tls = access::TlsMode::verify_full;
  target.tls_ca_pem = pki.ca_pem;
  const auto first = cache.tls_for(target);
  REQUIRE(first);
  CHECK(*cache.tls_for(target) == *first);
  target.tls = access::TlsMode::verify_ca;
  CHECK(*cache.tls_for(target) != *first);
  target.tls = access::TlsMode::verify_full;
  target.tls_ca_pem = other.ca_pem;
  CHECK(*cache.tls_for(target) != *first);
  target.tls_ca_pem = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
  const auto bad = cache.tls_for(target);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::config);
}
