// SPDX-License-Identifier: Apache-2.0
#include "cmd/findings.h"

#include <fmt/format.h>

namespace hoop::cmd {
namespace {

std::string_view to_string(Health health) {
  switch (health) {
    case Health::ok: return "ok";
    case Health::warning: return "warning";
    case Health::failed: return "failed";
    case Health::skipped: return "skipped";
  }
  return "failed";
}

}  // namespace

Finding failed(const Error& error) {
  constexpr std::string_view kRun = "run: ";  // said by "fix: " here
  std::string fix = error.hint.starts_with(kRun) ? error.hint.substr(kRun.size()) : error.hint;
  return {Health::failed, error.message, std::move(fix), exit_status(error.code)};
}

void Findings::tell(std::string_view check, const Finding& finding, std::string_view subject) {
  if (finding.health == Health::failed && status_ == ExitStatus::ok) status_ = finding.status;
  const std::string state(to_string(finding.health));
  if (console_.listings() == Form::json) {
    std::vector<Field> fields;
    if (!subject.empty()) fields.push_back({"subject", std::string(subject)});
    for (Field& field : std::vector<Field>{{"check", std::string(check)},
                                           {"state", state},
                                           {"message", finding.words},
                                           {"fix", finding.fix}})
      fields.push_back(std::move(field));
    console_.print(fields);
    return;
  }
  const std::string front = subject.empty()
                                ? fmt::format("{:<8} {:<13}", state, check)
                                : fmt::format("{:<8} {:<20} {:<13}", state, subject, check);
  console_.print_line(fmt::format("{} {}", front, remote_text(finding.words)));
  if (!finding.fix.empty())
    console_.print_line(fmt::format("{:{}} fix: {}", "", front.size(), remote_text(finding.fix)));
}

}  // namespace hoop::cmd
