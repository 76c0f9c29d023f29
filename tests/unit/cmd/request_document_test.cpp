// SPDX-License-Identifier: Apache-2.0
#include "cmd/request_document.h"

#include "core/base/encoding.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::cmd;

namespace {

constexpr std::string_view kSql = "update orders set paid = true where id = 7";

std::map<std::string, std::string> members() {
  return {{"id", R"("apr_cjsgj3svsplpf4eygjc5glm6qm")"},
          {"state", R"("pending")"},
          {"subject", R"("alice")"},
          {"kind", R"("person")"},
          {"claimed_agent", R"("claude-code")"},
          {"session", R"("s_aaaaaaaaaaaaaaaaaaaaaaaaaa")"},
          {"target", R"("pg-prod")"},
          {"protocol", R"("postgres")"},
          {"verb", R"("update public.orders")"},
          {"place", R"("app")"},
          {"text", '"' + std::string(kSql) + '"'},
          {"digest", '"' + to_hex(crypto::sha256(as_bytes(kSql))) + '"'},
          {"exact", "true"},
          {"rule", R"("writes")"},
          {"message", "null"},
          {"reason", R"("ticket 4711")"},
          {"requested_at", R"("2026-11-20T10:00:00.000Z")"},
          {"expires_at", R"("2026-11-20T11:00:00.000Z")"},
          {"decided_at", "null"},
          {"decided_by", "null"},
          {"decision_reason", "null"},
          {"spent_at", "null"},
          {"spent_by", "null"},
          {"approvers", R"(["group:dba","user:bob"])"},
          {"may_decide", "true"}};
}

Result<RequestDocument> read(const std::map<std::string, std::string>& from) {
  std::string text;
  for (const auto& [name, value] : from)
    text += (text.empty() ? "{\"" : ",\"") + name + "\":" + value;
  const auto json = identity::parse_json(text + "}");
  REQUIRE(json);
  return read_request(*json);
}

Result<RequestDocument> read_with(const std::string& name, const std::string& value) {
  auto changed = members();
  changed[name] = value;
  return read(changed);
}

}  // namespace

TEST_CASE("a request is read as the gateway has told it") {
  const auto request = read(members());
  REQUIRE(request);
  CHECK(request->approval.id == "apr_cjsgj3svsplpf4eygjc5glm6qm");
  CHECK(request->approval.state == access::ApprovalState::pending);
  CHECK(request->approval.by.empty());
  CHECK(request->approval.expires_at - request->requested_at == std::chrono::hours(1));
  CHECK(request->kind == access::IdentityKind::person);
  CHECK(request->verb == "update public.orders");
  CHECK(request->place == "app");
  CHECK(request->text == kSql);
  CHECK(request->approvers == std::vector<std::string>{"group:dba", "user:bob"});
  CHECK(request->may_decide);
  CHECK_FALSE(request->decided_at);

  auto later = members();
  later["state"] = R"("spent")";
  later["decided_by"] = R"("bob")";
  later["decision_reason"] = R"("fine")";
  later["decided_at"] = R"("2026-11-20T10:01:00.000Z")";
  later["spent_at"] = R"("2026-11-20T10:02:00.000Z")";
  later["spent_by"] = R"("s_bbbbbbbbbbbbbbbbbbbbbbbbbb")";
  later["one_of_a_newer_gateway"] = "1";
  const auto spent = read(later);
  REQUIRE(spent);
  CHECK(spent->approval.by == "bob");
  CHECK(spent->approval.words == "fine");
  CHECK(*spent->spent_at - *spent->decided_at == std::chrono::minutes(1));
  CHECK(spent->spent_by == "s_bbbbbbbbbbbbbbbbbbbbbbbbbb");
}

TEST_CASE("a request of which anything is missing or odd is not read at all") {
  for (const auto& [name, value] : members()) {
    INFO(name);
    auto changed = members();
    changed[name] = "{}";
    CHECK(read(changed).error().code == ErrorCode::malformed);
    changed[name] = "7";
    CHECK(read(changed).error().code == ErrorCode::malformed);
    changed.erase(name);
    const bool may_be_unset = value == "null" || name == "claimed_agent" || name == "reason";
    CHECK(read(changed).has_value() == may_be_unset);
  }
  CHECK(read_with("place", R"("")")->place.empty());
  CHECK_FALSE(read_with("place", "null"));
  CHECK_FALSE(read_with("id", R"("s_aaaa")"));
  CHECK_FALSE(read_with("id", R"("apr_../../whoami")"));
  CHECK_FALSE(read_with("state", R"("perhaps")"));
  CHECK_FALSE(read_with("kind", R"("robot")"));
  CHECK_FALSE(read_with("digest", R"("abcd")"));
  CHECK_FALSE(read_with("expires_at", R"("tomorrow")"));
  CHECK_FALSE(read_with("approvers", R"(["bob",7])"));
  CHECK_FALSE(read_with("may_decide", R"("true")"));
}

TEST_CASE("a text that is said to be all of it has the digest") {
  CHECK(read_with("text", R"("drop table orders")").error().code == ErrorCode::malformed);
  auto cleaned = members();
  cleaned["text"] = R"("update customers set ssn = '[redacted]'")";
  cleaned["exact"] = "false";
  CHECK(read(cleaned));
}

TEST_CASE("a list is as whole as each of its requests") {
  CHECK_FALSE(read_requests(*identity::parse_json("{}")));
  CHECK_FALSE(read_requests(*identity::parse_json(R"({"requests":[{}]})")));
  const auto none = read_requests(*identity::parse_json(R"({"requests":[]})"));
  REQUIRE(none);
  CHECK(none->empty());
}

TEST_CASE("an id is what may stand in a path") {
  CHECK(is_request_id("apr_cjsgj3svsplpf4eygjc5glm6qm"));
  for (const char* text : {"", "apr_", "apr", "s_cjsgj3svsplpf4eygjc5glm6qm", "apr_a/b", "apr_a b",
                           "apr_a?wait=1", "apr_%2e"}) {
    INFO(text);
    CHECK_FALSE(is_request_id(text));
  }
  CHECK_FALSE(is_request_id("apr_" + std::string(61, 'a')));
}
