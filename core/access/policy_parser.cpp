// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_parser.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/access/policy_reader.h"
#include "core/access/vocabulary.h"
#include "core/base/encoding.h"
#include "core/config/toml_reader.h"
#include "core/crypto/digest.h"

namespace hoop::access {
namespace {

using config::TomlTable;

// Some ten thousand rules; more is a mistake, and would not fit a grant.
constexpr std::size_t kMostSourceBytes = 4U << 20;

/// What can be judged only when every file has been read, and where to complain.
struct Later {
  std::map<std::string, std::string> role_names;  // rule → place of its `roles`
  std::map<std::string, std::string>
      unknown_verb;            // rule → place of the verb, where an allow names what was not parsed
  std::string unparsed_allow;  // place
  std::vector<OwnPattern> detectors;
  std::map<std::string, std::vector<std::string>> detector_places;  // mask → place of each
};

template <class Item>
void put(std::vector<Item>& items, Item item) {
  const auto same = std::ranges::find(items, item.name, &Item::name);
  if (same == items.end()) {
    items.push_back(std::move(item));
  } else {
    *same = std::move(item);
  }
}

/// In one file the second of a name is a slip; across files it replaces.
void check_new(const TomlTable& table, std::string_view kind, const std::string& name,
               std::set<std::string>& seen) {
  if (!name.empty() && !seen.insert(name).second) {
    table.complain("name", fmt::format("a second {} '{}' in one file", kind, name),
                   "give it a name of its own");
  }
}

std::string unused_mask_name(const PolicyDocument& document) {
  for (std::size_t number = document.masks.size() + 1;; ++number) {
    std::string name = fmt::format("mask-{}", number);
    if (std::ranges::find(document.masks, name, &Mask::name) == document.masks.end()) return name;
  }
}

void read_rules(const TomlTable& root, PolicyDocument& document, Later& later) {
  std::set<std::string> seen;
  for (const TomlTable& table : root.tables("rule")) {
    Rule rule = read_rule(table);
    check_new(table, "rule", rule.name, seen);
    later.role_names.erase(rule.name);
    later.unknown_verb.erase(rule.name);
    if (!rule.roles.empty()) later.role_names[rule.name] = table.place_of("roles");
    const auto verbs = rule.when.find("verb");
    if (rule.effect == Effect::allow && verbs != rule.when.end() &&
        std::ranges::find(verbs->second, "unknown") != verbs->second.end()) {
      later.unknown_verb[rule.name] = table.place_of("when");
    }
    put(document.rules, std::move(rule));
  }
}

void read_detectors(const TomlTable& root, Later& later) {
  std::set<std::string> seen;
  for (const TomlTable& table : root.tables("detector")) {
    OwnPattern pattern = read_detector(table);
    check_new(table, "detector", pattern.name, seen);
    put(later.detectors, std::move(pattern));
  }
}

void read_masks(const TomlTable& root, PolicyDocument& document, Later& later) {
  std::set<std::string> seen;
  for (const TomlTable& table : root.tables("mask")) {
    Mask mask = read_mask(table);
    check_new(table, "mask", mask.name, seen);
    if (mask.name.empty()) mask.name = unused_mask_name(document);
    auto& places = later.detector_places[mask.name];
    places.clear();
    for (std::size_t i = 0; i < mask.detectors.size(); ++i)
      places.push_back(table.place_of("detectors", i));
    put(document.masks, std::move(mask));
  }
}

void read_unparsed(const TomlTable& root, Later& later) {
  const auto value = root.text("unparsed");
  if (!value || *value == "deny") return;
  if (*value == "allow") {
    later.unparsed_allow = root.place_of("unparsed");
  } else {
    root.complain("unparsed", fmt::format("'unparsed' cannot be '{}'", *value), "write \"deny\"");
  }
}

Result<void> read_source(const PolicySource& source, PolicyDocument& document, Later& later) {
  if (source.text.size() > kMostSourceBytes) {
    return fail(ErrorCode::config,
                fmt::format("{}:1:1: larger than {} MiB", source.name, kMostSourceBytes >> 20));
  }
  HOOP_TRY(const TomlTable root, TomlTable::parse(source.name, source.text));
  // The gateway reads these from the same files.
  for (const std::string_view other : {"gateway", "target", "issuer"}) root.ignore(other);
  std::set<std::string> seen;
  for (const TomlTable& table : root.tables("role")) {
    Role role = read_role(table);
    check_new(table, "role", role.name, seen);
    put(document.roles, std::move(role));
  }
  read_rules(root, document, later);
  read_detectors(root, later);
  read_masks(root, document, later);
  if (const auto table = root.table("limits")) read_limits(*table, document.limits);
  if (const auto table = root.table("record")) read_record(*table, document);
  read_unparsed(root, later);
  return root.finish();
}

/// The policy's own detectors become part of the masks that name them.
Result<void> resolve_detectors(PolicyDocument& document, const Later& later) {
  std::vector<std::string> known = detector_names();
  for (const OwnPattern& pattern : later.detectors) known.push_back(pattern.name);
  for (Mask& mask : document.masks) {
    const auto& places = later.detector_places.at(mask.name);
    std::vector<std::string> built_in;
    for (std::size_t i = 0; i < mask.detectors.size(); ++i) {
      const std::string& name = mask.detectors[i];
      const auto own = std::ranges::find(later.detectors, name, &OwnPattern::name);
      if (own != later.detectors.end()) {
        mask.patterns.push_back(*own);
        continue;
      }
      if (std::ranges::find(known, name) == known.end()) {
        const auto like = config::nearest(name, known);
        return fail(ErrorCode::config,
                    fmt::format("{}: there is no detector '{}'", places[i], name),
                    like ? fmt::format("did you mean '{}'?", *like)
                         : fmt::format("one of: {}; or define it with [[detector]]",
                                       fmt::join(known, ", ")));
      }
      built_in.push_back(name);
    }
    mask.detectors = std::move(built_in);
  }
  return {};
}

Result<void> check_whole(const PolicyDocument& document, const Later& later) {
  std::vector<std::string> roles;
  for (const Role& role : document.roles) roles.push_back(role.name);
  for (const auto& [name, place] : later.role_names) {
    const auto rule = std::ranges::find(document.rules, name, &Rule::name);
    for (const std::string& role : rule->roles) {
      if (std::ranges::find(roles, role) != roles.end()) continue;
      const auto like = config::nearest(role, roles);
      return fail(ErrorCode::config,
                  fmt::format("{}: there is no role '{}', so rule '{}' would never match", place,
                              role, name),
                  like ? fmt::format("did you mean '{}'?", *like) : "define it with [[role]]");
    }
  }
  const bool protects = !document.masks.empty() || document.limits != Limits{};
  if (!later.unparsed_allow.empty()) {
    return fail(ErrorCode::config,
                fmt::format("{}: unparsed = \"allow\" {}", later.unparsed_allow,
                            protects ? "would let statements around the masks and limits"
                                     : "is not available in this version"),
                "write \"deny\"");
  }
  if (protects && !later.unknown_verb.empty()) {
    const auto& [name, place] = *later.unknown_verb.begin();
    return fail(
        ErrorCode::config,
        fmt::format(
            "{}: rule '{}' allows what could not be parsed, which would pass the masks and limits",
            place, name),
        "take \"unknown\" out of its verbs");
  }
  return {};
}

}  // namespace

Result<PolicyDocument> parse_policy(const std::vector<PolicySource>& sources) {
  PolicyDocument document;
  Later later;
  crypto::Sha256 digest;
  for (const PolicySource& source : sources) {
    HOOP_CHECK(read_source(source, document, later));
    digest.update(crypto::sha256(as_bytes(source.text)));
  }
  HOOP_CHECK(resolve_detectors(document, later));
  HOOP_CHECK(check_whole(document, later));
  document.version = to_hex(digest.finish());
  return document;
}

}  // namespace hoop::access
