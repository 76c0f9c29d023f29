// SPDX-License-Identifier: Apache-2.0
// hoopctl policy check: what a gateway would say of a policy, before it is asked.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/policy.h"
#include "cmd/read_file.h"
#include "core/access/circumstances.h"
#include "gateway/config.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxFile = 4U << 20;  // as the gateway reads them

struct Checked {
  access::PolicyDocument policy;
  std::optional<std::vector<gateway::ConfiguredTarget>> targets;  // of a gateway's directory
};

Result<Checked> read_policy(const std::vector<std::string>& paths) {
  std::error_code error;
  if (paths.size() == 1 && std::filesystem::is_directory(paths.front(), error)) {
    HOOP_TRY(auto config, gateway::load_config(paths.front()));
    return Checked{std::move(config.policy), std::move(config.targets)};
  }
  std::vector<access::PolicySource> sources;
  for (const std::string& path : paths) {
    if (std::filesystem::is_directory(path, error))
      return fail(ErrorCode::usage, fmt::format("'{}' is a directory", path),
                  "give one gateway's directory, or files");
    HOOP_TRY(auto text, read_file(path, kMaxFile));
    sources.push_back({path, std::move(text)});
  }
  HOOP_TRY(auto policy, gateway::read_policy(sources));
  return Checked{std::move(policy), std::nullopt};
}

/// A name that no target has is a rule that guards nothing, and most often a slip of the pen.
class Names {
 public:
  Names(Console& console, const std::vector<gateway::ConfiguredTarget>& targets)
      : console_(console), targets_(targets) {}
  void check(std::string_view kind, const std::string& name,
             const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
      if (std::ranges::any_of(targets_, [&](const gateway::ConfiguredTarget& one) {
            return access::glob_matches(pattern, one.target.name);
          }))
        continue;
      ++warnings_;
      console_.warn(
          "policy_warning",
          fmt::format("{} '{}' names target '{}', and there is none", kind, name, pattern), {},
          {{"kind", std::string(kind)}, {"name", name}, {"target", pattern}});
    }
  }
  void check_labels(const access::Rule& rule) {
    const auto labels = rule.when.find("label");
    if (labels == rule.when.end()) return;
    for (const std::string& label : labels->second) {
      const access::Pattern pattern(label);
      if (std::ranges::any_of(targets_, [&](const gateway::ConfiguredTarget& one) {
            return access::fits_label(pattern, one.target);
          }))
        continue;
      ++warnings_;
      console_.warn(
          "policy_warning",
          fmt::format("rule '{}' asks for label '{}', and no target has it", rule.name, label), {},
          {{"kind", "rule"}, {"name", rule.name}, {"label", label}});
    }
  }
  std::uint64_t warnings() const { return warnings_; }

 private:
  Console& console_;
  const std::vector<gateway::ConfiguredTarget>& targets_;
  std::uint64_t warnings_ = 0;
};

std::uint64_t warn_of_names(Console& console, const Checked& checked) {
  if (!checked.targets) return 0;
  Names names(console, *checked.targets);
  for (const access::Role& role : checked.policy.roles)
    names.check("role", role.name, role.targets);
  for (const access::Rule& rule : checked.policy.rules) {
    names.check("rule", rule.name, rule.targets);
    names.check_labels(rule);
  }
  for (const access::Mask& mask : checked.policy.masks)
    names.check("mask", mask.name, mask.targets);
  return names.warnings();
}

Result<void> check_policy(Environment& environment, const std::vector<std::string>& paths) {
  HOOP_TRY(const Checked checked, read_policy(paths));
  const std::uint64_t warnings = warn_of_names(environment.console, checked);
  const auto count = [](const auto& values) { return static_cast<std::uint64_t>(values.size()); };
  std::vector<Field> fields{{"roles", count(checked.policy.roles)},
                            {"rules", count(checked.policy.rules)},
                            {"masks", count(checked.policy.masks)}};
  if (checked.targets) fields.push_back({"targets", count(*checked.targets)});
  fields.push_back({"warnings", warnings});
  fields.push_back({"version", checked.policy.version});
  environment.console.print(fields);
  return {};
}

}  // namespace

void add_policy(CLI::App& app, Environment& environment) {
  CLI::App* policy =
      app.add_subcommand("policy", "check a policy, and ask what it says of a statement");
  policy->require_subcommand(1);
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* check = policy->add_subcommand(
      "check", "read a policy as a gateway does, and say what is wrong with it");
  check->add_option("PATH", *paths, "a gateway's directory, or policy files in their order")
      ->required()
      ->option_text("...");
  check->footer(
      examples({"hoopctl policy check /etc/hoopctl", "hoopctl policy check policy.toml"}));
  check->callback([&environment, paths] {
    environment.work = [&environment, paths] {
      return environment.finish(check_policy(environment, *paths));
    };
  });
  add_policy_explain(*policy, environment);
}

}  // namespace hoop::cmd
