// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/dialect.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/mask/body_masker.h"
#include "core/mask/write_back.h"
#include "protocols/http/media_type.h"
#include "protocols/http/request_action.h"
#include "protocols/http/request_fields.h"
#include "protocols/kubernetes/door.h"
#include "protocols/kubernetes/json_document.h"
#include "protocols/kubernetes/object_filter.h"
#include "protocols/kubernetes/object_masker.h"
#include "protocols/kubernetes/request_action.h"
#include "protocols/kubernetes/request_fields.h"
#include "protocols/kubernetes/status.h"
#include "protocols/kubernetes/write_back.h"

namespace hoop::kubernetes {
namespace {

using http_target::BodyFilter;
using http_target::Problem;
using http_target::RequestReading;
using http_target::SessionShared;

struct ClusterSession {
  ClusterSession(SessionShared& of, ObjectMaskRules masks, mask::FieldMasks none)
      : shared(of), rules(std::move(masks)), no_fields(std::move(none)) {}
  SessionShared& shared;
  ObjectMaskRules rules;
  mask::FieldMasks no_fields;  // for what is no object
};

/// Detectors over what is no object: logs, metrics, what a proxy leads to.
class TextFilter final : public BodyFilter {
 public:
  TextFilter(ClusterSession& session, mask::BodyForm form)
      : masker_(session.shared.context.masker, session.no_fields, form) {}
  Result<void> take(ByteSpan piece, Bytes& out) override { return masker_.take(piece, out); }
  Result<void> finish(Bytes& out) override { return masker_.finish(out); }
  const mask::HiddenCounts& hidden() const override { return masker_.hidden(); }
  std::uint64_t rows() const override { return 0; }

 private:
  mask::BodyMasker masker_;
};

/// Whether a JSON patch (RFC 6902) does nothing with what stands in the object already: neither
/// copies nor moves it, nor tells by a test what it is.
bool only_writes(std::string_view patch) {
  const auto operations = parse_json(patch);
  return operations && operations->is_array() &&
         std::ranges::all_of(operations->elements, [](const JsonValue& one) {
           const std::string* op = one.text_of("op");
           return op != nullptr && (*op == "add" || *op == "replace" || *op == "remove");
         });
}

class ClusterReading final : public RequestReading {
 public:
  ClusterReading(ClusterSession& session, const http::Request& head, RequestInfo info)
      : session_(session),
        head_(head),
        info_(std::move(info)),
        fields_(forwarded_fields(head.headers, info_)) {
    if (session.rules.look_at_objects()) show_table_objects();
  }

  std::string target() const override { return session_.shared.target().base_path + info_.text(); }
  const http::Headers& fields() const override { return fields_; }
  /// What is written has a name, and may bring a mask back.
  bool needs_body() const override { return is_guarded() && !info_.is_proxied(); }
  std::optional<Problem> read_body(ByteSpan body) override {
    const std::string type =
        http_target::media_type(head_.headers.find("content-type").value_or(""));
    const bool is_secret = info_.group.empty() && info_.resource == "secrets";
    if (!is_secret || type != "application/json-patch+json" || only_writes(as_text(body)))
      return std::nullopt;
    return Problem{403, "secret_copied",
                   "a JSON patch of a Secret could copy its values to where nothing hides them",
                   "a patch with add, replace and remove alone, or one of another type"};
  }
  Result<access::Action> action(ByteSpan body, bool is_whole) override {
    RequestParts parts{info_, head_.headers, fields_, body, is_whole};
    parts.is_shown = session_.shared.context.gate.policy().may_require_approval();
    return action_of(parts, session_.shared.context.masker);
  }
  std::optional<Problem> unavailable() const override {
    if (!head_.headers.find("upgrade")) return std::nullopt;
    return Problem{501, "upgrade_refused",
                   "exec, attach and port-forward are not available in this version"};
  }
  bool is_guarded() const override { return !http_target::is_safe(info_.method); }
  bool carries_mask(ByteSpan piece) override {
    // What is proxied comes in pieces; of all else this is the whole.
    return is_guarded() && (kubernetes::carries_mask(piece) || watch_.carries_mask(piece));
  }
  std::expected<std::unique_ptr<BodyFilter>, Problem> filter(const http::Response& head) override;

 private:
  /// A cell of a table is known for what it shows by the object of its row alone.
  void show_table_objects() {
    if (!fields_.find("accept").value_or("").contains("as=Table")) return;
    auto& parameters = info_.target.parameters;
    std::erase_if(parameters, [](const auto& one) { return one.name == "includeObject"; });
    parameters.push_back({"includeObject", "Object", "includeObject=Object"});
  }
  ClusterSession& session_;
  const http::Request& head_;
  RequestInfo info_;
  http::Headers fields_;
  mask::MaskWatch watch_;
};

/// What the API server is asked for, below the base path of the target; null: not that.
std::optional<std::string> below_base(std::string_view target, std::string_view base) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (!target.starts_with(base) || !http_target::is_below(path, base)) return std::nullopt;
  std::string out(target.substr(base.size()));
  if (!out.starts_with('/')) out.insert(0, "/");
  return out;
}

std::expected<std::unique_ptr<BodyFilter>, Problem> ClusterReading::filter(
    const http::Response& head) {
  const std::string_view content_type = head.headers.find("content-type").value_or("");
  const std::string type = http_target::media_type(content_type);
  const auto form = http_target::body_form(type);
  const bool has_detectors = session_.shared.context.masker.has_detectors();
  // What the server is and has: the shapes of objects, and none of their values.
  if (is_discovery(info_)) return nullptr;
  const bool is_object = info_.is_resource && !info_.is_proxied() && form == mask::BodyForm::json;
  if (is_object)
    return std::make_unique<ObjectFilter>(session_.shared.context.masker, session_.rules,
                                          expected_objects(info_), info_.verb == "watch");
  const bool is_log = info_.subresource == "log" || !info_.is_resource || info_.is_proxied();
  if (is_log && !has_detectors) return nullptr;
  if (is_log && form && http_target::is_readable_text(content_type))
    return std::make_unique<TextFilter>(session_, *form);
  // A log has no type where nothing has been written yet.
  if (info_.subresource == "log" && type.empty())
    return std::make_unique<TextFilter>(session_, mask::BodyForm::text);
  return std::unexpected(
      Problem{502, "unmaskable_reply",
              fmt::format("the API server has answered in {}, in which nothing can be masked",
                          type.empty() ? "no type" : type)});
}

class ClusterDialect final : public http_target::Dialect {
 public:
  explicit ClusterDialect(ClusterSession session) : session_(std::move(session)) {}

  std::expected<std::unique_ptr<RequestReading>, Problem> read(
      const http::Request& head, const session::Opening& opening) override {
    if (auto problem = http_target::check_request_fields(head, endpoint_origin(head)))
      return std::unexpected(std::move(*problem));
    if (auto problem = check_token(head.headers, opening))
      return std::unexpected(std::move(*problem));
    if (asks_impersonation(head.headers))
      return std::unexpected(Problem{403, "impersonation",
                                     "nobody can be taken for somebody else through this endpoint",
                                     "leave --as and --as-group out"});
    const std::string& base = session_.shared.target().base_path;
    const auto asked = below_base(head.target, base);
    if (!asked)
      return std::unexpected(Problem{404, "outside_target",
                                     fmt::format("the target is what is below {}", base),
                                     "use the kubeconfig that KUBECONFIG names"});
    auto info = read_request_info(head.method, *asked);
    if (!info)
      return std::unexpected(http_target::malformed(info.error().message, info.error().hint));
    return std::make_unique<ClusterReading>(session_, head, std::move(*info));
  }
  http::Response answer_of(const Problem& problem) const override {
    return status_of(problem, session_.shared.context.grant.session);
  }
  std::string endpoint_origin(const http::Request& head) const override {
    return "https://" + std::string(head.headers.only("host").value_or(""));
  }
  bool reads_replies() const override { return true; }
  bool rewrites_pages() const override { return false; }

 private:
  static std::optional<Problem> check_token(const http::Headers& headers,
                                            const session::Opening& opening) {
    constexpr std::string_view kScheme = "Bearer ";
    const auto given = headers.only("authorization");
    if (given && given->starts_with(kScheme) && is_token_of(opening, given->substr(kScheme.size())))
      return std::nullopt;
    return Problem{401, "unauthenticated", "the request does not carry this session's token",
                   "use the kubeconfig that KUBECONFIG names"};
  }
  ClusterSession session_;
};

}  // namespace

Result<std::unique_ptr<http_target::Dialect>> make_dialect(SessionShared& shared) {
  HOOP_TRY(ObjectMaskRules rules, ObjectMaskRules::create(shared.policy().masks));
  HOOP_TRY(mask::FieldMasks none, mask::FieldMasks::create({}));
  return std::make_unique<ClusterDialect>(
      ClusterSession(shared, std::move(rules), std::move(none)));
}

}  // namespace hoop::kubernetes
