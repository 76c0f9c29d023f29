// SPDX-License-Identifier: Apache-2.0
#include "cmd/request_document.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/words.h"
#include "core/base/clock.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostIdBytes = 64;

/// The members of a document. After one that is not what it must be, the document is not whole.
class DocumentMembers {
 public:
  explicit DocumentMembers(const identity::Json& document) : document_(document) {}

  bool are_whole() const { return whole_; }
  void want(bool holds) { whole_ = whole_ && holds; }

  std::string text(std::string_view key) {
    const std::string* value = document_.text(key);
    want(value != nullptr);
    return value != nullptr ? *value : std::string();
  }
  std::string text_if_set(std::string_view key) { return is_set(key) ? text(key) : std::string(); }
  bool flag(std::string_view key) {
    const identity::Json* member = document_.find(key);
    const bool* value = member != nullptr ? member->boolean() : nullptr;
    want(value != nullptr);
    return value != nullptr && *value;
  }
  SystemTime time(std::string_view key) {
    const auto value = parse_rfc3339(text(key));
    want(value.has_value());
    return value.value_or(SystemTime{});
  }
  std::optional<SystemTime> time_if_set(std::string_view key) {
    if (!is_set(key)) return std::nullopt;
    return time(key);
  }
  std::vector<std::string> texts(std::string_view key) {
    const identity::Json* member = document_.find(key);
    const identity::Json::Array* array = member != nullptr ? member->array() : nullptr;
    want(array != nullptr);
    std::vector<std::string> out;
    if (array == nullptr) return out;
    for (const identity::Json& item : *array) {
      want(item.text() != nullptr);
      if (item.text() != nullptr) out.push_back(*item.text());
    }
    return out;
  }
  template <class Enum, std::size_t N>
  Enum word(std::string_view key, const std::array<Enum, N>& all) {
    const auto value = access::from_word(all, text(key));
    want(value.has_value());
    return value.value_or(all.front());
  }
  crypto::Digest256 digest(std::string_view key) {
    crypto::Digest256 out{};
    const auto bytes = from_hex(text(key));
    const bool fits = bytes && bytes->size() == out.size();
    want(fits);
    if (fits) std::ranges::copy(*bytes, out.begin());
    return out;
  }

 private:
  bool is_set(std::string_view key) const {
    const identity::Json* member = document_.find(key);
    return member != nullptr && !std::holds_alternative<std::nullptr_t>(member->value);
  }

  const identity::Json& document_;
  bool whole_ = true;
};

std::unexpected<Error> odd_document(std::string_view what) {
  return fail(ErrorCode::malformed, fmt::format("the gateway's {} cannot be read", what),
              "are hoopctl and the gateway of the same version?");
}

}  // namespace

bool is_request_id(std::string_view text) {
  constexpr std::string_view kPrefix = "apr_";
  return text.starts_with(kPrefix) && text.size() > kPrefix.size() && text.size() <= kMostIdBytes &&
         std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

Result<RequestDocument> read_request(const identity::Json& document) {
  DocumentMembers members(document);
  RequestDocument out;
  out.approval = {members.text("id"), members.word("state", access::kApprovalStates),
                  members.text_if_set("decided_by"), members.text_if_set("decision_reason"),
                  members.time("expires_at")};
  members.want(is_request_id(out.approval.id));
  out.subject = members.text("subject");
  out.kind = members.word("kind", access::kIdentityKinds);
  out.claimed_agent = members.text_if_set("claimed_agent");
  out.session = members.text("session");
  out.target = members.text("target");
  out.protocol = members.text("protocol");
  out.verb = members.text("verb");
  out.place = members.text("place");
  out.text = members.text("text");
  out.digest = members.digest("digest");
  out.exact = members.flag("exact");
  out.rule = members.text("rule");
  out.message = members.text_if_set("message");
  out.reason = members.text_if_set("reason");
  out.requested_at = members.time("requested_at");
  out.decided_at = members.time_if_set("decided_at");
  out.spent_at = members.time_if_set("spent_at");
  out.spent_by = members.text_if_set("spent_by");
  out.approvers = members.texts("approvers");
  out.may_decide = members.flag("may_decide");
  // What people read and what is run by it is this text: the gateway's word is not enough.
  members.want(!out.exact || crypto::sha256(as_bytes(out.text)) == out.digest);
  if (!members.are_whole()) return odd_document("request for an approval");
  return out;
}

Result<std::vector<RequestDocument>> read_requests(const identity::Json& answer) {
  const identity::Json* requests = answer.find("requests");
  if (requests == nullptr || requests->array() == nullptr)
    return odd_document("list of requests for approvals");
  std::vector<RequestDocument> out;
  for (const identity::Json& document : *requests->array()) {
    HOOP_TRY(RequestDocument request, read_request(document));
    out.push_back(std::move(request));
  }
  return out;
}

}  // namespace hoop::cmd
