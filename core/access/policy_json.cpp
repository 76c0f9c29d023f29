// SPDX-License-Identifier: Apache-2.0
// The JSON form of a PolicyDocument, as a grant carries it.
#include <nlohmann/json.hpp>

#include "core/access/json_forms.h"
#include "core/access/policy_parser.h"

namespace hoop::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPolicyBytes = 4U << 20;  // as a grant's cap, of which it is a part
constexpr std::uint64_t kMostSeconds = 366ULL * 24 * 3600;

Json to_json(const Role& role) {
  Json out = {{"name", role.name}, {"members", role.members}, {"targets", role.targets}};
  if (role.path) out["path"] = to_string(*role.path);
  out["max_ttl"] = role.max_ttl.count();
  if (role.renew_for.count() > 0) out["renew_for"] = role.renew_for.count();
  out["database_role"] = role.database_role;
  if (!role.logins.empty()) out["logins"] = role.logins;
  return out;
}

Json to_json(const Rule& rule) {
  Json when = Json::object();
  for (const auto& [key, values] : rule.when) when[key] = values;
  Json out{{"name", rule.name},
           {"when", std::move(when)},
           {"roles", rule.roles},
           {"targets", rule.targets},
           {"effect", to_string(rule.effect)},
           {"approvers", rule.approvers},
           {"message", rule.message},
           {"hint", rule.hint}};
  if (!rule.force_command.empty()) out["force_command"] = rule.force_command;
  return out;
}

Json to_json(const Mask& mask) {
  Json patterns = Json::array();
  for (const OwnPattern& pattern : mask.patterns)
    patterns.push_back({{"name", pattern.name}, {"expression", pattern.expression}});
  Json out{{"name", mask.name},
           {"columns", mask.columns},
           {"detectors", mask.detectors},
           {"patterns", std::move(patterns)},
           {"targets", mask.targets},
           {"with", to_string(mask.with)},
           {"in_predicates", to_string(mask.in_predicates)},
           {"derived", to_string(mask.derived)},
           {"on_unresolved", to_string(mask.on_unresolved)}};
  if (!mask.fields.empty()) out["fields"] = mask.fields;
  if (!mask.headers.empty()) out["headers"] = mask.headers;
  return out;
}

Json to_json(const Limits& limits) {
  return {{"rows_per_statement", limits.rows_per_statement},
          {"rows_per_session", limits.rows_per_session},
          {"bytes_per_statement", limits.bytes_per_statement},
          {"bytes_per_session", limits.bytes_per_session},
          {"statements_per_session", limits.statements_per_session},
          {"statement_time", limits.statement_time.count()},
          {"idle_time", limits.idle_time.count()},
          {"idle_in_transaction_time", limits.idle_in_transaction_time.count()}};
}

std::chrono::seconds seconds(const JsonObject& from, std::string_view key) {
  const std::uint64_t count = from.number(key);
  if (count > kMostSeconds) from.complain(key, "is more than a year");
  return std::chrono::seconds(std::min(count, kMostSeconds));
}

Role role_from(const JsonObject& from) {
  Role role;
  role.name = from.text("name");
  role.members = from.texts("members");
  role.targets = from.texts("targets");
  if (from.has("path")) role.path = read_word(from, "path", kDataPaths);
  role.max_ttl = seconds(from, "max_ttl");
  if (from.has("renew_for")) role.renew_for = seconds(from, "renew_for");
  role.database_role = from.text("database_role");
  if (from.has("logins")) role.logins = from.texts("logins");
  return role;
}

Rule rule_from(const JsonObject& from) {
  Rule rule;
  rule.name = from.text("name");
  const JsonObject when = from.object("when");
  for (const std::string& key : when.keys()) {
    rule.when[key] = when.texts(key);
    if (rule.when[key].empty()) when.complain(key, "must not be empty");
  }
  rule.roles = from.texts("roles");
  rule.targets = from.texts("targets");
  rule.effect = read_word(from, "effect", kEffects);
  rule.approvers = from.texts("approvers");
  rule.message = from.text("message");
  rule.hint = from.text("hint");
  if (from.has("force_command")) rule.force_command = from.text("force_command");
  return rule;
}

Mask mask_from(const JsonObject& from) {
  Mask mask;
  mask.name = from.text("name");
  mask.columns = from.texts("columns");
  if (from.has("fields")) mask.fields = from.texts("fields");
  if (from.has("headers")) mask.headers = from.texts("headers");
  mask.detectors = from.texts("detectors");
  for (const JsonObject& pattern : from.objects("patterns"))
    mask.patterns.push_back({pattern.text("name"), pattern.text("expression")});
  mask.targets = from.texts("targets");
  mask.with = read_word(from, "with", kMaskStrategies);
  mask.in_predicates = read_word(from, "in_predicates", kInPredicates);
  mask.derived = read_word(from, "derived", kDerived);
  mask.on_unresolved = read_word(from, "on_unresolved", kOnUnresolved);
  return mask;
}

Limits limits_from(const JsonObject& from) {
  Limits limits;
  limits.rows_per_statement = from.number("rows_per_statement");
  limits.rows_per_session = from.number("rows_per_session");
  limits.bytes_per_statement = from.number("bytes_per_statement");
  limits.bytes_per_session = from.number("bytes_per_session");
  limits.statements_per_session = from.number("statements_per_session");
  limits.statement_time = seconds(from, "statement_time");
  limits.idle_time = seconds(from, "idle_time");
  limits.idle_in_transaction_time = seconds(from, "idle_in_transaction_time");
  return limits;
}

}  // namespace

std::string policy_to_json(const PolicyDocument& document) {
  Json out = Json::object();
  Json roles = Json::array();
  for (const Role& role : document.roles) roles.push_back(to_json(role));
  Json rules = Json::array();
  for (const Rule& rule : document.rules) rules.push_back(to_json(rule));
  Json masks = Json::array();
  for (const Mask& mask : document.masks) masks.push_back(to_json(mask));
  out["roles"] = std::move(roles);
  out["rules"] = std::move(rules);
  out["masks"] = std::move(masks);
  out["limits"] = to_json(document.limits);
  out["record"] = to_string(document.record);
  out["durability"] = to_string(document.durability);
  out["version"] = document.version;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

PolicyDocument read_policy(const JsonObject& from) {
  PolicyDocument document;
  for (const JsonObject& role : from.objects("roles")) document.roles.push_back(role_from(role));
  for (const JsonObject& rule : from.objects("rules")) document.rules.push_back(rule_from(rule));
  for (const JsonObject& mask : from.objects("masks")) document.masks.push_back(mask_from(mask));
  document.limits = limits_from(from.object("limits"));
  document.record = read_word(from, "record", kRecordLevels);
  document.durability = read_word(from, "durability", kDurabilities);
  document.version = from.text("version");
  return document;
}

Result<PolicyDocument> policy_from_json(std::string_view json) {
  HOOP_TRY(const JsonObject root, JsonObject::parse(json, kMostPolicyBytes));
  PolicyDocument document = read_policy(root);
  HOOP_CHECK(root.finish());
  return document;
}

}  // namespace hoop::access
