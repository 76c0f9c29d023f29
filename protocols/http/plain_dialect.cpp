// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/plain_dialect.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/http/field_syntax.h"
#include "core/mask/body_masker.h"
#include "protocols/http/media_type.h"
#include "protocols/http/request_action.h"
#include "protocols/http/request_fields.h"
#include "protocols/http/returned_masks.h"

namespace hoop::http_target {
namespace {

/// What all requests of a session share.
struct PlainSession {
  PlainSession(SessionShared& of, mask::FieldMasks masks) : shared(of), fields(std::move(masks)) {}
  bool has_masks() const { return !fields.empty() || shared.context.masker.has_detectors(); }
  const Asked& asked() {
    const access::PolicyEngine* policy = &shared.context.gate.policy();
    // A later one may be where an earlier one was.
    if (policy != asked_of || policy->document().version != asked_version) {
      asked_ = what_rules_ask(policy->document());
      asked_of = policy;
      asked_version = policy->document().version;
    }
    return asked_;
  }

  SessionShared& shared;
  mask::FieldMasks fields;
  const access::PolicyEngine* asked_of = nullptr;
  std::string asked_version;
  Asked asked_;
};

class DocumentFilter final : public BodyFilter {
 public:
  DocumentFilter(PlainSession& session, mask::BodyForm form)
      : masker_(session.shared.context.masker, session.fields, form) {}
  Result<void> take(ByteSpan piece, Bytes& out) override { return masker_.take(piece, out); }
  Result<void> finish(Bytes& out) override { return masker_.finish(out); }
  const mask::HiddenCounts& hidden() const override { return masker_.hidden(); }
  std::uint64_t rows() const override { return masker_.rows(); }

 private:
  mask::BodyMasker masker_;
};

std::optional<Problem> check_method(const http::Request& head) {
  if (head.method == "CONNECT" || head.method == "TRACE")
    return Problem{501, "unsupported_method",
                   fmt::format("{} does not lead through this endpoint", head.method)};
  if (head.target == "*") return malformed("the request target is '*', which asks of no path");
  if (head.headers.find("upgrade") && head.headers.lists("connection", "upgrade") &&
      !head.headers.lists("upgrade", "h2c"))
    return Problem{501, "upgrade_refused", "another protocol cannot be asked for on this endpoint"};
  return std::nullopt;
}

/// By this parameter of a POST some frameworks judge another method.
std::optional<Problem> check_parameters(const http::Request& head, const RequestTarget& target) {
  const bool overrides =
      head.method == "POST" && std::ranges::any_of(target.parameters, [](const auto& one) {
        return http::equal_ignoring_case(one.name, "_method");
      });
  if (!overrides) return std::nullopt;
  return malformed("the parameter '_method' would have the target do something else",
                   "send the method that is meant");
}

class PlainReading final : public RequestReading {
 public:
  PlainReading(PlainSession& session, const http::Request& head, RequestTarget target)
      : session_(session),
        head_(head),
        target_(std::move(target)),
        watch_(head.headers.find("content-type").value_or("")) {
    const access::Grant& grant = session.shared.context.grant;
    // A program's own parameter by the credential's name is not the target's to see.
    std::erase_if(target_.parameters, [&](const RequestTarget::Parameter& one) {
      return injects_parameter(grant, one.name);
    });
    const bool reads = session.has_masks() || !session.shared.secrets.empty();
    fields_ = forwarded_fields(head, grant, {reads, session.has_masks()});
  }

  std::string target() const override { return target_.text(); }
  const http::Headers& fields() const override { return fields_; }
  bool needs_body() const override { return session_.asked().body; }
  std::optional<Problem> read_body(ByteSpan body) override {
    auto facts = read_request_body(head_.headers.find("content-type").value_or(""), as_text(body));
    if (!facts) return malformed(facts.error().message);
    facts_ = std::move(*facts);
    return std::nullopt;
  }
  Result<access::Action> action(ByteSpan body, bool is_whole) override {
    const RequestParts parts{head_,
                             fields_,
                             target_,
                             body,
                             is_whole,
                             facts_ ? &*facts_ : nullptr,
                             session_.asked().approvals};
    return action_of(parts, session_.shared.context.masker, session_.fields);
  }
  bool is_guarded() const override { return session_.has_masks() && !is_safe(head_.method); }
  bool carries_mask(ByteSpan piece) override {
    if (!is_guarded()) return false;
    const bool is_first = std::exchange(is_new_, false);
    if (is_first && (http_target::carries_mask(target_) || http_target::carries_mask(fields_)))
      return true;
    return watch_.carries_mask(piece);
  }
  std::expected<std::unique_ptr<BodyFilter>, Problem> filter(const http::Response& head) override;

 private:
  PlainSession& session_;
  const http::Request& head_;
  RequestTarget target_;
  http::Headers fields_;
  std::optional<BodyFacts> facts_;
  ReturnedMasks watch_;
  bool is_new_ = true;
};

std::expected<std::unique_ptr<BodyFilter>, Problem> PlainReading::filter(
    const http::Response& head) {
  const std::string_view content_type = head.headers.find("content-type").value_or("");
  const std::string type = media_type(content_type);
  const auto form = body_form(type);
  const bool is_exempt = is_one_of_types(session_.shared.target().unmasked_types, type);
  if (!session_.has_masks() || is_exempt) {
    const bool counts = session_.shared.policy().limits.rows_per_statement != 0 && form &&
                        *form != mask::BodyForm::text && !is_exempt;
    if (counts) return std::make_unique<DocumentFilter>(session_, *form);
    return nullptr;
  }
  const bool is_part = head.status == 206 || head.headers.find("content-range").has_value();
  const bool fits = form && !is_part && is_readable_text(content_type) &&
                    (session_.fields.empty() || *form != mask::BodyForm::text) &&
                    (*form != mask::BodyForm::csv || has_header_line(content_type));
  if (fits) return std::make_unique<DocumentFilter>(session_, *form);
  return std::unexpected(
      Problem{502, "unmaskable_reply",
              fmt::format("policy masks replies of this target, and cannot in {}",
                          is_part        ? "a part of one"
                          : type.empty() ? "one without a type"
                                         : type),
              "unmasked_types of the target names what may pass without"});
}

class PlainDialect final : public Dialect {
 public:
  PlainDialect(SessionShared& shared, mask::FieldMasks fields)
      : session_(shared, std::move(fields)) {}

  std::expected<std::unique_ptr<RequestReading>, Problem> read(const http::Request& head,
                                                               const session::Opening&) override {
    if (auto problem = check_method(head)) return std::unexpected(std::move(*problem));
    if (auto problem = check_request_fields(head, endpoint_origin(head)))
      return std::unexpected(std::move(*problem));
    auto target = read_request_target(head.target);
    if (!target) return std::unexpected(malformed(target.error().message, target.error().hint));
    const std::string& base = session_.shared.target().base_path;
    if (!is_below(target->plain, base))
      return std::unexpected(Problem{404, "outside_target",
                                     fmt::format("the target is what is below {}", base),
                                     "HOOPCTL_URL ends with it"});
    if (auto problem = check_parameters(head, *target)) return std::unexpected(std::move(*problem));
    return std::make_unique<PlainReading>(session_, head, std::move(*target));
  }
  http::Response answer_of(const Problem& problem) const override {
    return http_target::answer_of(problem, session_.shared.context.grant.session);
  }
  std::string endpoint_origin(const http::Request& head) const override {
    return "http://" + std::string(head.headers.only("host").value_or(""));
  }
  bool reads_replies() const override { return session_.has_masks(); }
  bool rewrites_pages() const override { return true; }

 private:
  PlainSession session_;
};

}  // namespace

Result<std::unique_ptr<Dialect>> make_plain_dialect(SessionShared& shared) {
  HOOP_TRY(mask::FieldMasks fields, mask::FieldMasks::create(shared.policy().masks));
  return std::make_unique<PlainDialect>(shared, std::move(fields));
}

}  // namespace hoop::http_target
