// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway audit: who has administered the gateway.
#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "core/base/encoding.h"
#include "gateway/audit.h"

namespace hoop::cmd {
namespace {

constexpr std::int64_t kShown = 50;
constexpr std::int64_t kMostShown = 100'000;

struct AuditOptions {
  std::string directory;
  std::int64_t limit = kShown;
};

Result<void> list_audit(Environment& environment, const AuditOptions& options) {
  HOOP_TRY(auto database, open_gateway_database(options.directory));
  HOOP_TRY(auto audit, gateway::Audit::open(database));
  HOOP_TRY(const auto records, audit.newest(options.limit));
  Listing listing{{{"number", "NUMBER"},
                   {"at", "AT"},
                   {"by", "BY"},
                   {"act", "ACT"},
                   {"what", "WHAT"},
                   {"words", "WORDS"}},
                  {},
                  "nothing has been administered yet"};
  for (const gateway::AuditRecord& record : records) {
    listing.rows.push_back({std::int64_t{record.number}, to_rfc3339(record.at), record.by,
                            record.act, record.what, record.words});
  }
  environment.console.print(listing);
  return {};
}

}  // namespace

Result<void> record_act(const Environment& environment, gateway::Database& database,
                        std::string act, std::string what, std::string words) {
  const uid_t uid = ::getuid();
  const passwd* entry = ::getpwuid(uid);
  std::string by = entry != nullptr && entry->pw_name != nullptr
                       ? fmt::format("os:{}", entry->pw_name)
                       : fmt::format("os:{}", uid);
  HOOP_TRY(auto audit, gateway::Audit::open(database));
  return audit.add({0, environment.clock.system_now(), std::move(by), std::move(act),
                    std::move(what), std::move(words)});
}

void add_gateway_audit(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand("audit", "who has administered the gateway, newest first");
  auto options = std::make_shared<AuditOptions>();
  command->add_option("DIR", options->directory, "what 'gateway init' made")->required();
  command->add_option("--limit", options->limit, fmt::format("how many: {}", kShown))
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{1}, kMostShown));
  command->footer(examples({"hoopctl gateway audit /etc/hoopctl",
                            "hoopctl --output json gateway audit /etc/hoopctl --limit 1000"}));
  command->callback([&environment, options] {
    environment.work = [&environment, options] {
      return environment.finish(list_audit(environment, *options));
    };
  });
}

}  // namespace hoop::cmd
