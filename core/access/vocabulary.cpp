// SPDX-License-Identifier: Apache-2.0
#include "core/access/vocabulary.h"

#include <algorithm>
#include <map>

namespace hoop::access {
namespace {

using Words = std::vector<std::string>;

const Words kNone;

const Words kPostgresVerbs = {"select",   "insert",  "update",      "delete",      "merge",
                              "truncate", "copy_in", "copy_out",    "call",        "do",
                              "set",      "show",    "transaction", "maintenance", "explain",
                              "listen",   "prepare", "execute",     "deallocate",  "declare",
                              "fetch",    "close",   "lock",        "comment",     "discard",
                              "grant",    "create",  "alter",       "drop",        "unknown"};

const std::map<std::string, Words, std::less<>> kPostgresGroups = {
    {"read", {"select", "show", "explain", "fetch", "declare", "close", "copy_out"}},
    {"write", {"insert", "update", "delete", "merge", "copy_in"}},
    {"ddl", {"create", "alter", "drop", "truncate", "comment"}},
};

}  // namespace

const std::vector<std::string>& protocols() {
  static const Words kProtocols = {"postgres"};
  return kProtocols;
}

const std::vector<std::string>& verbs_of(std::string_view protocol) {
  return protocol == "postgres" ? kPostgresVerbs : kNone;
}

const std::vector<std::string>& verb_group(std::string_view protocol, std::string_view word) {
  if (protocol != "postgres") return kNone;
  const auto found = kPostgresGroups.find(word);
  return found == kPostgresGroups.end() ? kNone : found->second;
}

std::vector<std::string> verb_groups(std::string_view protocol) {
  Words out;
  if (protocol != "postgres") return out;
  for (const auto& [word, verbs] : kPostgresGroups) out.push_back(word);
  return out;
}

const std::vector<std::string>& condition_keys() {
  static const Words kKeys = {"protocol",        "verb",
                              "table",           "reads",
                              "writes",          "function",
                              "schema",          "role",
                              "database",        "where",
                              "limit",           "object",
                              "setting",         "explain",
                              "prepare",         "cursor",
                              "statement_count", "session_statements",
                              "session_rows",    "session_bytes",
                              "session_denials", "client",
                              "label",           "time",
                              "weekday"};
  return kKeys;
}

const std::vector<std::string>& detector_names() {
  static const Words kDetectors = {
      "email",          "payment_card", "us_ssn",       "private_key",         "aws_access_key",
      "aws_secret_key", "github_token", "slack_token",  "stripe_key",          "jwt",
      "google_key",     "azure_key",    "gitlab_token", "npm_token",           "twilio_key",
      "password_hash",  "iban",         "phone",        "connection_password", "assigned_secret",
      "ipv4",           "ipv6",         "all"};
  return kDetectors;
}

}  // namespace hoop::access
