// SPDX-License-Identifier: Apache-2.0
#include "core/access/vocabulary.h"

#include <algorithm>
#include <array>
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

using Groups = std::map<std::string, Words, std::less<>>;
const Groups kPostgresGroups = {
    {"read", {"select", "show", "explain", "fetch", "declare", "close", "copy_out"}},
    {"write", {"insert", "update", "delete", "merge", "copy_in"}},
    {"ddl", {"create", "alter", "drop", "truncate", "comment"}},
};

const Words kSshVerbs = {"exec",   "shell",     "subsystem", "pty",  "env",        "forward",
                         "listen", "read_file", "list",      "stat", "write_file", "mkdir",
                         "rmdir",  "remove",    "rename",    "link", "symlink",    "setstat"};
const Groups kSshGroups = {
    {"program", {"exec", "shell", "subsystem"}},
    {"read", {"read_file", "list", "stat"}},
    {"write", {"write_file", "mkdir", "rmdir", "remove", "rename", "link", "symlink", "setstat"}},
};

// Of actions of one protocol; what stands in none of these is asked of every session.
const Words kPostgresKeys = {
    "table",    "reads",  "writes",          "function",     "schema",       "role",
    "database", "where",  "limit",           "object",       "setting",      "explain",
    "prepare",  "cursor", "statement_count", "session_rows", "session_bytes"};
const Words kSshKeys = {"command",  "form",     "transfer", "subsystem",
                        "terminal", "variable", "path",     "destination"};

const Words kHttpVerbs = {"get", "head", "options", "post", "put", "patch", "delete", "unknown"};
const Groups kHttpGroups = {
    {"read", {"get", "head", "options"}},
    {"write", {"post", "put", "patch", "delete"}},
};
const Words kHttpKeys = {"path",   "query",        "json",         "body",
                         "method", "session_rows", "session_bytes"};

// Those of the API; those of more weight than the API's own words say, whatever the method; and
// methods, of URLs that are no resources.
const Words kKubernetesVerbs = {
    "get",         "list",   "watch",  "create", "create_pod",  "update",
    "patch",       "delete", "logs",   "exec",   "attach",      "deletecollection",
    "portforward", "proxy",  "token",  "csr",    "approve_csr", "ephemeralcontainers",
    "impersonate", "bind",   "evict",  "head",   "escalate",    "options",
    "post",        "put",    "unknown"};
const Groups kKubernetesGroups = {
    {"read", {"get", "list", "watch", "logs"}},
    {"write", {"create", "create_pod", "update", "patch", "delete", "deletecollection", "evict"}},
};
const Words kKubernetesKeys = {"resource", "namespace",  "name",         "command",      "form",
                               "transfer", "container",  "subresource",  "path",         "port",
                               "dry_run",  "makes_pods", "session_rows", "session_bytes"};

struct Language {
  std::string protocol;
  const Words& verbs;
  const Groups& groups;
  const Words& keys;
};
const std::array<Language, 4> kLanguages = {
    {{"postgres", kPostgresVerbs, kPostgresGroups, kPostgresKeys},
     {"ssh", kSshVerbs, kSshGroups, kSshKeys},
     {"http", kHttpVerbs, kHttpGroups, kHttpKeys},
     {"kubernetes", kKubernetesVerbs, kKubernetesGroups, kKubernetesKeys}}};

const Language* language_of(std::string_view protocol) {
  const auto found = std::ranges::find(kLanguages, protocol, &Language::protocol);
  return found == kLanguages.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<std::string>& protocols() {
  static const Words kProtocols = [] {
    Words out;
    for (const Language& language : kLanguages) out.push_back(language.protocol);
    return out;
  }();
  return kProtocols;
}

const std::vector<std::string>& verbs_of(std::string_view protocol) {
  const Language* language = language_of(protocol);
  return language == nullptr ? kNone : language->verbs;
}

const std::vector<std::string>& verb_group(std::string_view protocol, std::string_view word) {
  const Language* language = language_of(protocol);
  if (language == nullptr) return kNone;
  const auto found = language->groups.find(word);
  return found == language->groups.end() ? kNone : found->second;
}

std::vector<std::string> verb_groups(std::string_view protocol) {
  Words out;
  const Language* language = language_of(protocol);
  if (language == nullptr) return out;
  for (const auto& [word, verbs] : language->groups) out.push_back(word);
  return out;
}

const std::vector<std::string>& condition_keys() {
  static const Words kKeys = [] {
    Words out = {"protocol", "verb",   "session_statements", "session_denials", "client", "label",
                 "time",     "weekday"};
    for (const Language& language : kLanguages)
      out.insert(out.end(), language.keys.begin(), language.keys.end());
    return out;
  }();
  return kKeys;
}

std::vector<std::string> protocols_of_key(std::string_view key) {
  Words out;
  for (const Language& language : kLanguages) {
    if (std::ranges::find(language.keys, key) != language.keys.end())
      out.push_back(language.protocol);
  }
  return out.empty() ? protocols() : out;
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
