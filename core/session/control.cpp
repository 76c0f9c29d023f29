// SPDX-License-Identifier: Apache-2.0
#include "core/session/control.h"

#include "core/access/json_forms.h"
#include "core/access/policy_parser.h"
#include "core/access/words.h"
#include "core/base/encoding.h"
#include "core/session/approvals.h"

namespace hoop::session {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
}

std::string line_of(const ControlAlive& alive) {
  return "{\"type\":\"alive\",\"number\":" + std::to_string(alive.number) + "}\n";
}

std::string line_of(const ControlEnd& end) {
  std::string out = R"({"type":"end")";
  append_member(out, "cause", end.cause);
  append_member(out, "reason", end.reason);
  append_member(out, "by", end.by);
  append_member(out, "words", end.words);
  return out + "}\n";
}

std::string line_of(const ControlPolicy& control) {
  return R"({"type":"policy","policy":)" + access::policy_to_json(control.policy) + "}\n";
}

std::string line_of(const ControlDenied& denied) {
  std::string out = R"({"type":"denied")";
  append_member(out, "rule", denied.rule);
  append_member(out, "message", denied.message);
  append_member(out, "hint", denied.hint);
  append_member(out, "verb", denied.verb);
  return out + "}\n";
}

std::string line_of(const ControlApproval& news) {
  std::string out = R"({"type":"approval")";
  append_member(out, "request", news.request);
  append_member(out, "state", access::to_string(news.state));
  out += news.waits ? R"(,"waits":true)" : R"(,"waits":false)";
  out += news.resumes ? R"(,"resumes":true)" : R"(,"resumes":false)";
  append_member(out, "rule", news.rule);
  append_member(out, "message", news.message);
  append_member(out, "hint", news.hint);
  append_member(out, "verb", news.verb);
  append_member(out, "summary", news.summary);
  append_member(out, "by", news.by);
  append_member(out, "expires_at", to_rfc3339(news.expires_at));
  return out + "}\n";
}

std::string line_of(const ControlEnded&) { return "{\"type\":\"ended\"}\n"; }

template <class Message>
Result<Message> checked(const access::JsonObject& root, Message message) {
  HOOP_CHECK(root.finish());
  return message;
}

Result<FromGateway> read_approval(const access::JsonObject& root) {
  ControlApproval out;
  out.request = root.text("request");
  const auto state = access::from_word(access::kApprovalStates, root.text("state"));
  if (!state) root.complain("state", "is not one that we know");
  out.state = state.value_or(access::ApprovalState::pending);
  out.waits = root.flag("waits");
  out.resumes = root.flag("resumes");
  out.rule = root.text("rule");
  out.message = root.text("message");
  out.hint = root.text("hint");
  out.verb = root.text("verb");
  out.summary = root.text("summary");
  out.by = root.text("by");
  out.expires_at = root.time("expires_at");
  return checked<FromGateway>(root, std::move(out));
}

std::unexpected<Error> unknown_type() {
  return fail(ErrorCode::malformed, "a control message of a type that we do not know");
}

}  // namespace

ControlApproval approval_news(const access::Action& action, const access::Decision& decision,
                              bool waits) {
  constexpr std::size_t kMostSummary = 200;
  const access::Approval& approval = *decision.approval;
  ControlApproval out;
  out.request = approval.id;
  out.state = approval.state;
  out.waits = waits;
  out.resumes = can_be_resumed(action);
  out.rule = decision.rule;
  out.message = decision.message;
  out.hint = decision.hint;
  out.verb = action.verb;
  out.summary = neutralise(shown_text(action), kMostSummary, Lines::escape);
  out.by = approval.by;
  out.expires_at = approval.expires_at;
  return out;
}

std::string encode(const FromGateway& message) {
  return std::visit([](const auto& one) { return line_of(one); }, message);
}

std::string encode(const FromClient& message) {
  return std::visit([](const auto& one) { return line_of(one); }, message);
}

Result<FromGateway> decode_from_gateway(std::string_view line) {
  HOOP_TRY(const auto root, access::JsonObject::parse(line, kMaxLineOfGateway));
  const std::string type = root.text("type");
  if (type == "alive") return checked<FromGateway>(root, ControlAlive{root.number("number")});
  if (type == "end")
    return checked<FromGateway>(root, ControlEnd{root.text("cause"), root.text("reason"),
                                                 root.text("by"), root.text("words")});
  if (type == "denied")
    return checked<FromGateway>(root, ControlDenied{root.text("rule"), root.text("message"),
                                                    root.text("hint"), root.text("verb")});
  if (type == "approval") return read_approval(root);
  if (type == "policy")
    return checked<FromGateway>(root, ControlPolicy{access::read_policy(root.object("policy"))});
  return unknown_type();
}

Result<FromClient> decode_from_client(std::string_view line) {
  HOOP_TRY(const auto root, access::JsonObject::parse(line, kMaxLineOfClient));
  const std::string type = root.text("type");
  if (type == "alive") return checked<FromClient>(root, ControlAlive{root.number("number")});
  if (type == "ended") return checked<FromClient>(root, ControlEnded{});
  return unknown_type();
}

Result<std::optional<std::string>> LineSplitter::next() {
  const std::size_t end = held_.find('\n', searched_);
  if (end == std::string::npos ? held_.size() > longest_ : end > longest_)
    return fail(ErrorCode::too_large, "a control message is too long");
  if (end == std::string::npos) {
    searched_ = held_.size();
    return std::nullopt;
  }
  std::string line = held_.substr(0, end);
  held_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

}  // namespace hoop::session
