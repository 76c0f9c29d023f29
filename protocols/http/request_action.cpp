// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_action.h"

#include <algorithm>
#include <array>

#include "core/access/path_pattern.h"
#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/mask/span.h"
#include "core/record/records.h"
#include "protocols/http/media_type.h"

namespace hoop::http_target {
namespace {

struct Verb {
  std::string_view method, verb;
};
constexpr std::array kVerbs{
    Verb{"GET", "get"}, Verb{"HEAD", "head"},   Verb{"OPTIONS", "options"}, Verb{"POST", "post"},
    Verb{"PUT", "put"}, Verb{"PATCH", "patch"}, Verb{"DELETE", "delete"}};

constexpr std::size_t kMostText = 2048;  // of a line in the log
constexpr std::size_t kMostName = 256;
constexpr std::size_t kMostRecorded = 64;                  // resources
constexpr std::size_t kMostShown = std::size_t{64} << 10;  // what a person can be asked to read

/// Between two characters.
void cut_text(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  while (most > 0 && mask::continues_character(text[most])) --most;
  text.resize(most);
  text += "…";
}

std::string head_text(const RequestParts& parts) {
  std::string out = parts.head.method + " " + parts.target.text() + "\r\n";
  for (const http::Header& field : parts.forwarded)
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  return out + "\r\n";
}

void add_resources(const RequestParts& parts, access::Action& out) {
  const auto access = is_safe(parts.head.method) ? access::Access::read : access::Access::write;
  out.resources.push_back({std::string(access::kPathKey), parts.target.plain, access});
  for (const RequestTarget::Parameter& one : parts.target.parameters)
    out.resources.push_back({"query", one.name + "=" + one.value, access});
  if (parts.target.parameters.empty()) out.resources.push_back({"query", "absent", access});
  if (parts.facts == nullptr) return;
  for (const std::string& field : parts.facts->fields)
    out.resources.push_back({"json", field, access});
}

/// The request line without what detectors hide: decoded, if they find something only then.
Result<std::string> shown_line(const RequestParts& parts, mask::Masker& masker) {
  mask::HiddenCounts hidden;
  const std::string sent = parts.head.method + " " + parts.target.text();
  HOOP_TRY(std::string out, masker.rewrite_text(sent, hidden));
  if (sent.find_first_of("%+") == std::string::npos) return out;
  std::string plain = parts.head.method + " " + parts.target.plain;
  char mark = '?';
  for (const RequestTarget::Parameter& one : parts.target.parameters) {
    plain.append(1, mark).append(one.name).append("=").append(one.value);
    mark = '&';
  }
  HOOP_TRY(std::string masked, masker.rewrite_text(plain, hidden));
  return masked == plain ? out : masked;
}

/// What an approver reads: the head as it is forwarded, and the body.
Result<std::string> shown_text(const RequestParts& parts, std::string head, mask::Masker& masker,
                               const mask::FieldMasks& fields) {
  std::erase(head, '\r');
  mask::HiddenCounts hidden;
  HOOP_TRY(std::string text, shown_line(parts, masker));
  HOOP_TRY(const std::string rest, masker.rewrite_text(head.substr(head.find('\n')), hidden));
  text += rest;
  if (parts.facts != nullptr && parts.facts->kind == BodyKind::json) {
    mask::BodyMasker body(masker, fields, mask::BodyForm::json);
    Bytes masked;
    HOOP_CHECK(body.take(parts.body, masked));
    HOOP_CHECK(body.finish(masked));
    text += as_text(masked);
  } else {
    HOOP_TRY(const std::string body, masker.rewrite_text(as_text(parts.body), hidden));
    text += body;
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// As the log has it: of the body's fields their names alone, and the rest without what detectors
/// hide. Not more than is worth a line each.
Result<std::string> recorded_members(access::Action action, mask::Masker& masker) {
  mask::HiddenCounts hidden;
  std::size_t kept = 0;
  std::erase_if(action.resources, [&](const access::Resource&) { return kept++ >= kMostRecorded; });
  for (access::Resource& resource : action.resources) {
    if (resource.kind == "json") {
      resource.name.resize(resource.name.find('='));
    } else {
      HOOP_TRY(resource.name, masker.rewrite_text(resource.name, hidden));
    }
    cut_text(resource.name, kMostName);
  }
  return record::action_members(action);
}

}  // namespace

std::string_view verb_of(std::string_view method) {
  const auto found = std::ranges::find(kVerbs, method, &Verb::method);
  return found == kVerbs.end() ? "unknown" : found->verb;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool is_idempotent(std::string_view method) {
  return is_safe(method) || method == "PUT" || method == "DELETE";
}

Asked what_rules_ask(const access::PolicyDocument& policy) {
  Asked out;
  for (const access::Rule& rule : policy.rules) {
    out.body = out.body || rule.when.contains("json") || rule.when.contains("body");
    out.approvals = out.approvals || rule.effect == access::Effect::require_approval;
  }
  return out;
}

Result<access::Action> action_of(const RequestParts& parts, mask::Masker& masker,
                                 const mask::FieldMasks& fields) {
  access::Action out;
  out.protocol = "http";
  out.verb = verb_of(parts.head.method);
  out.attributes["method"] = parts.head.method;
  if (parts.facts != nullptr) out.attributes["body"] = to_string(parts.facts->kind);
  add_resources(parts, out);
  HOOP_TRY(out.text, shown_line(parts, masker));
  cut_text(out.text, kMostText);
  const std::string head = head_text(parts);
  crypto::Sha256 digest;
  digest.update(as_bytes(head));
  digest.update(parts.body);
  out.digest = digest.finish();
  HOOP_TRY(out.recorded, recorded_members(out, masker));
  if (!parts.is_shown) return out;
  const bool is_text = is_utf8(as_text(parts.body)) && !as_text(parts.body).contains('\0');
  out.is_cut = !parts.is_body_whole || !is_text || head.size() + parts.body.size() > kMostShown;
  if (!out.is_cut) {
    HOOP_TRY(out.shown, shown_text(parts, head, masker, fields));
  }
  return out;
}

}  // namespace hoop::http_target
