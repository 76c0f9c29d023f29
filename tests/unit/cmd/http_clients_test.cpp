// SPDX-License-Identifier: Apache-2.0
#include "cmd/http_clients.h"

#include <algorithm>

#include "cmd/endpoint_entry.h"
#include "tests/support/catch.h"

namespace hoop::cmd {
namespace {

using User = std::map<std::string, std::string>;

const HttpService kBilling{"billing-api", "http://127.0.0.1:4100/api", "BILLING_URL"};
const HttpService kStock{"stock", "http://127.0.0.1:4200", ""};

std::string value_of(const Variables& variables, std::string_view name) {
  const auto found = std::ranges::find(variables, name, &Variables::value_type::first);
  return found == variables.end() ? std::string("(none)") : found->second;
}

access::Target a_service() {
  access::Target target;
  target.name = "billing-api";
  target.protocol = "http";
  return target;
}

}  // namespace

TEST_CASE("a program finds the one service by the plain variable and by the target's") {
  const auto variables = http_variables({kBilling}, true);
  REQUIRE(variables);
  CHECK(value_of(*variables, "HOOPCTL_URL") == "http://127.0.0.1:4100/api");
  CHECK(value_of(*variables, "BILLING_URL") == "http://127.0.0.1:4100/api");
  CHECK(value_of(*variables, "HOOPCTL_URL_BILLING_API") == "(none)");
  // Whatever the user has there leads elsewhere.
  const auto out = program_environment({{"BILLING_URL", "https://billing.example"}}, *variables);
  CHECK(std::ranges::count(out, "BILLING_URL=http://127.0.0.1:4100/api") == 1);
  CHECK(std::ranges::count(out, "BILLING_URL=https://billing.example") == 0);
}

TEST_CASE(
    "of several targets each service has a variable of its own, and the first the plain one") {
  const auto variables = http_variables({kBilling, kStock}, false);
  REQUIRE(variables);
  CHECK(value_of(*variables, "HOOPCTL_URL") == kBilling.url);
  CHECK(value_of(*variables, "HOOPCTL_URL_BILLING_API") == kBilling.url);
  CHECK(value_of(*variables, "HOOPCTL_URL_STOCK") == kStock.url);
  // One service beside a database.
  CHECK(value_of(*http_variables({kStock}, false), "HOOPCTL_URL_STOCK") == kStock.url);
}

TEST_CASE("one variable is not for two services") {
  HttpService other = kStock;
  other.variable = kBilling.variable;
  const auto refused = http_variables({kBilling, other}, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::usage);
  CHECK_THAT(refused.error().message, Catch::Matchers::ContainsSubstring("'billing-api'") &&
                                          Catch::Matchers::ContainsSubstring("'stock'"));
}

TEST_CASE("no proxy of the user's is asked for the endpoint") {
  const auto both = [](const User& user) {
    const auto variables = variables_without_proxy(user);
    return value_of(variables, "NO_PROXY") + " " + value_of(variables, "no_proxy");
  };
  const std::string ours = "127.0.0.1,localhost";
  CHECK(both({}) == ours + " " + ours);
  CHECK(both({{"NO_PROXY", ""}}) == ours + " " + ours);
  CHECK(both({{"no_proxy", ".corp"}, {"NO_PROXY", "other"}}) == "other," + ours + " .corp," + ours);
  // curl reads the small one first, and would not see what stands in the other any more.
  CHECK(both({{"NO_PROXY", ".corp"}}) == ".corp," + ours + " .corp," + ours);
  CHECK(both({{"no_proxy", "*"}}) == "* *");
}

TEST_CASE("a target names no variable that is another's, and no path that is none") {
  access::Target target = a_service();
  CHECK(check_http_target(target));
  target.base_path = "/api/v1";
  for (const char* fine : {"BILLING_URL", "API", "_API_2"}) {
    INFO(fine);
    target.url_variable = fine;
    CHECK(check_http_target(target));
  }
  for (const char* taken :
       {"PATH",       "HOME",        "SHELL",      "IFS",          "ENV",         "BASH_ENV",
        "LD_PRELOAD", "DYLD_X",      "PYTHONPATH", "NODE_OPTIONS", "PERL5OPT",    "RUBYOPT",
        "GIT_SSH",    "SSH_ASKPASS", "PGHOST",     "HOOPCTL_URL",  "HTTPS_PROXY", "NO_PROXY",
        "RSYNC_RSH",  "http_proxy",  "lower",      "2ND",          "A-B",         "A=B",
        "A B",        "A\n"}) {
    INFO(taken);
    target.url_variable = taken;
    const auto refused = check_http_target(target);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::config);
  }
  target.url_variable.clear();
  for (const char* path : {"api", "/", "/a b", "/a\n", "/$(id)", "/a'b", "/../x", "/a?b", "/a#b"}) {
    INFO(path);
    target.base_path = path;
    CHECK_FALSE(check_http_target(target));
  }
}

TEST_CASE("programs that speak HTTP prove nothing to a door: their endpoint must know them") {
  struct Zero final : Random {
    void fill(MutableByteSpan bytes) override { std::ranges::fill(bytes, std::uint8_t{0}); }
  } random;
  CHECK_FALSE(make_entry("http", random)->wants_proof());
  CHECK_FALSE(make_entry("kubernetes", random)->wants_proof());
  CHECK(make_entry("http", random)->socket_name() == "http.sock");
  CHECK(make_entry("postgres", random)->wants_proof());
  CHECK(make_entry("ssh", random)->wants_proof());
  CHECK(make_entry("gopher", random) == nullptr);
}

}  // namespace hoop::cmd
