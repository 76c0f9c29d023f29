// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/request_action.h"

#include <algorithm>
#include <array>

#include "core/access/command_pattern.h"
#include "core/access/path_pattern.h"
#include "core/access/rule_matcher.h"
#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/mask/span.h"
#include "core/record/records.h"
#include "protocols/http/media_type.h"
#include "protocols/kubernetes/exec_command.h"
#include "protocols/kubernetes/object_name.h"
#include "protocols/kubernetes/policy_verb.h"
#include "protocols/kubernetes/request_fields.h"

namespace hoop::kubernetes {
namespace {

using access::Access;

constexpr std::size_t kMostActionText = 2048;  // of a line in the log
constexpr std::size_t kMostResourceName = 256;
constexpr std::size_t kMostShownBytes = std::size_t{64}
                                        << 10;  // what a person can be asked to read

bool reads(std::string_view verb) {
  constexpr std::array<std::string_view, 6> kReads{"get",  "list", "watch",
                                                   "logs", "head", "options"};
  return std::ranges::find(kReads, verb) != kReads.end();
}

/// For a rule that speaks of all that is in a namespace. Only what is listed without one can be in
/// any: an object that is asked for by its name alone is in none.
std::string namespace_of(const RequestInfo& info) {
  if (!info.space.empty()) return info.space;
  const bool is_over_many =
      info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection";
  return is_over_many && !is_cluster_scoped(info.group, info.resource) ? std::string(access::kEvery)
                                                                       : std::string();
}

Result<void> add_name(const RequestParts& parts, Access access, access::Action& out) {
  const RequestInfo& info = parts.info;
  std::string name(access::kEvery);
  if (info.is_proxied()) {
    HOOP_TRY(const ProxiedName proxied, read_proxied_name(info.name));
    name = proxied.name;
    if (!proxied.scheme.empty()) out.attributes["scheme"] = proxied.scheme;
    out.resources.push_back(
        {"port", std::string(proxied.port.empty() ? access::kEvery : proxied.port), access});
  } else if (!info.name.empty()) {
    name = info.name;
  } else if (info.verb == "create" && parts.is_body_whole) {
    name = name_in_body(as_text(parts.body)).value_or(name);
  }
  out.resources.push_back({"name", std::move(name), access});
  return {};
}

void add_command(const RequestInfo& info, access::Action& out) {
  const std::vector<std::string> words = info.values("command");
  std::vector<access::CommandWord> command;
  for (const std::string& word : words) command.push_back({word, true});
  if (!command.empty())
    out.resources.push_back(
        {std::string(access::kCommandKey), access::join_command(command), Access::write});
  out.attributes["form"] = form_of_command(words);
  out.attributes["transfer"] = transfer_of_command(words);
  // Who writes to a shell says more than its words.
  out.unjudged = out.attributes["form"] != "plain";
}

void add_streams(const RequestInfo& info, Access access, access::Action& out) {
  const bool is_program = out.verb == "exec" || out.verb == "attach";
  if (is_program || out.verb == "logs") {
    const auto container = info.parameter("container");
    out.resources.push_back(
        {"container", std::string(container && !container->empty() ? *container : access::kEvery),
         access});
  }
  if (is_program) {
    for (const char* name : {"stdin", "tty"})
      out.attributes[name] = info.flag(name) ? "true" : "false";
  }
  if (out.verb == "exec") add_command(info, out);
  // What runs there is not known; who writes to it may have it do anything.
  if (out.verb == "attach") out.unjudged = info.flag("stdin");
  if (out.verb == "portforward") {
    std::vector<std::string> ports = info.values("ports");
    if (ports.empty()) ports.emplace_back(access::kEvery);
    for (std::string& port : ports) out.resources.push_back({"port", std::move(port), access});
  }
}

/// "all" only where nothing but the answer comes of it, whatever the server. What a DELETE has in
/// its body counts in the place of its query.
std::string_view dry_run_of(const RequestParts& parts) {
  const RequestInfo& info = parts.info;
  const bool is_delete = info.verb == "delete" || info.verb == "deletecollection";
  const bool is_honoured = info.subresource.empty() || info.subresource == "status" ||
                           info.subresource == "scale" || info.subresource == "eviction" ||
                           info.subresource == "ephemeralcontainers";
  const std::vector<std::string> values = info.values("dryRun");
  const bool is_said = !values.empty() && std::ranges::all_of(values, [](const std::string& one) {
    return one == "All";
  });
  const bool has_body = !parts.body.empty() || !parts.is_body_whole;
  return is_said && is_honoured && !(is_delete && has_body) ? "all" : "absent";
}

void add_attributes(const RequestParts& parts, Access access, access::Action& out) {
  const RequestInfo& info = parts.info;
  const std::string type =
      http_target::media_type(parts.sent.only("content-type").value_or(std::string_view()));
  if (!type.empty()) out.attributes["content_type"] = type;
  if (!info.is_resource) return;
  if (!info.subresource.empty()) out.attributes["subresource"] = info.subresource;
  if (const auto manager = info.parameter("fieldManager"))
    out.attributes["field_manager"] = std::string(manager->substr(0, kMostResourceName));
  out.attributes["watch"] = info.verb == "watch" ? "true" : "false";
  out.attributes["all_namespaces"] = namespace_of(info) == access::kEvery ? "true" : "false";
  if (access == Access::read) return;
  out.attributes["dry_run"] = dry_run_of(parts);
  const bool makes = info.subresource.empty() && is_workload(info) && info.verb != "delete" &&
                     info.verb != "deletecollection";
  out.attributes["makes_pods"] = makes ? "true" : "false";
  const std::string_view more = apply_verb(info, type);
  if (!more.empty()) out.attributes["verbs"] = out.verb + "," + std::string(more);
}

Result<void> add_resources(const RequestParts& parts, Access access, access::Action& out) {
  const RequestInfo& info = parts.info;
  if (!info.is_resource) {
    out.resources.push_back({std::string(access::kPathKey), info.target.plain, access});
    return {};
  }
  out.resources.push_back({"resource", info.resource_name(), access});
  out.resources.push_back({"namespace", namespace_of(info), access});
  HOOP_CHECK(add_name(parts, access, out));
  if (info.is_proxied())
    out.resources.push_back({std::string(access::kPathKey), info.proxied_path(), access});
  add_streams(info, access, out);
  return {};
}

/// "list secrets in shop", "exec pods/exec web-0 in shop: id -u".
std::string described(const RequestInfo& info, const access::Action& action) {
  std::string out = action.verb;
  if (!info.is_resource) return out + " " + info.text();
  out += " " + info.resource_name();
  if (!info.name.empty()) out += " " + info.name;
  const std::string in = namespace_of(info);
  if (in == access::kEvery) {
    out += " in all namespaces";
  } else if (!in.empty()) {
    out += " in " + in;
  }
  if (info.is_proxied()) out += ": " + info.method + " " + info.proxied_path();
  for (const access::Resource& resource : action.resources) {
    if (resource.kind == access::kCommandKey) out += ": " + resource.name;
  }
  return out;
}

/// Between two characters.
void shorten(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  while (most > 0 && mask::continues_character(text[most])) --most;
  text.resize(most);
  text += "…";
}

std::string forwarded_head(const RequestParts& parts) {
  std::string out = parts.info.method + " " + parts.info.text() + "\n";
  for (const http::Header& field : parts.forwarded)
    out.append(field.name).append(": ").append(field.value).append("\n");
  return out + "\n";
}

/// As the log has it: without what detectors hide, and not more than is worth a line each.
Result<std::string> recorded_form(access::Action action, mask::Masker& masker) {
  mask::HiddenCounts hidden;
  for (access::Resource& resource : action.resources) {
    HOOP_TRY(resource.name, masker.rewrite_text(resource.name, hidden));
    shorten(resource.name, kMostResourceName);
  }
  for (auto& [name, value] : action.attributes) {
    HOOP_TRY(value, masker.rewrite_text(value, hidden));
  }
  return record::action_members(action);
}

Result<void> show(const RequestParts& parts, const std::string& head, mask::Masker& masker,
                  access::Action& out) {
  const std::string_view body = parts.shown_body.empty() ? as_text(parts.body) : parts.shown_body;
  const bool is_text = is_utf8(body) && !body.contains('\0');
  out.is_cut = !parts.is_body_whole || !is_text || head.size() + body.size() > kMostShownBytes;
  if (out.is_cut) return {};
  mask::HiddenCounts hidden;
  HOOP_TRY(out.shown, masker.rewrite_text(head, hidden));
  if (parts.shown_body.empty()) {
    HOOP_TRY(const std::string text, masker.rewrite_text(body, hidden));
    out.shown += text;
  } else {
    out.shown += body;
  }
  while (out.shown.ends_with('\n')) out.shown.pop_back();
  return {};
}

}  // namespace

Result<access::Action> action_of(const RequestParts& parts, mask::Masker& masker) {
  const RequestInfo& info = parts.info;
  access::Action out;
  out.protocol = "kubernetes";
  out.verb = asks_impersonation(parts.sent) ? "impersonate" : policy_verb(info);
  const Access access = reads(out.verb) ? Access::read : Access::write;
  HOOP_CHECK(add_resources(parts, access, out));
  add_attributes(parts, access, out);
  if (must_be_named(out.verb)) {
    out.named_by = access::kVerbKey;
  } else if (!info.is_resource && !is_discovery(info)) {
    // Metrics, profiles, the logs of the server's own host.
    out.named_by = access::kPathKey;
  }
  mask::HiddenCounts hidden;
  HOOP_TRY(out.text, masker.rewrite_text(described(info, out), hidden));
  shorten(out.text, kMostActionText);
  const std::string head = forwarded_head(parts);
  crypto::Sha256 digest;
  digest.update(as_bytes(head));
  digest.update(parts.body);
  out.digest = digest.finish();
  HOOP_TRY(out.recorded, recorded_form(out, masker));
  if (parts.is_shown) HOOP_CHECK(show(parts, head, masker, out));
  return out;
}

access::Action with_port(access::Action action, std::uint16_t port) {
  std::erase_if(action.resources, [](const access::Resource& r) { return r.kind == "port"; });
  action.resources.push_back({"port", std::to_string(port), Access::write});
  const std::string text = ": port " + std::to_string(port);
  action.text += text;
  if (!action.shown.empty()) action.shown += "\n" + text;
  crypto::Sha256 digest;
  digest.update(action.digest);
  digest.update(as_bytes(text));
  action.digest = digest.finish();
  action.recorded.clear();
  return action;
}

}  // namespace hoop::kubernetes
