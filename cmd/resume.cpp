// SPDX-License-Identifier: Apache-2.0
// hoopctl resume: what waited for an approval is done, once.
#include "cmd/resume.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/approval_wait.h"
#include "cmd/command_line.h"
#include "cmd/program_run.h"
#include "cmd/requests.h"
#include "cmd/run.h"
#include "core/access/names.h"

namespace hoop::cmd {
namespace {

// What the system takes as one argument of a program, with the zero at its end.
constexpr std::size_t kMostArgument = 128U << 10;

std::unexpected<Error> not_by_us(std::string_view why) {
  return fail(ErrorCode::usage, fmt::format("this cannot be run again from here: {}", why),
              "run your command again: it takes up the approval");
}

/// A parameter ($1) has a value that nobody has kept.
bool has_parameter(std::string_view sql) {
  for (std::size_t at = 0; (at = sql.find('$', at)) != std::string_view::npos; ++at) {
    if (at + 1 < sql.size() && sql[at + 1] >= '0' && sql[at + 1] <= '9') return true;
  }
  return false;
}

/// What psql would take for a connection string instead: it could lead elsewhere.
bool is_connection_string(std::string_view database) {
  return database.find('=') != std::string_view::npos || database.starts_with("postgres://") ||
         database.starts_with("postgresql://");
}

struct ResumeOptions {
  std::string id;
  ProgramRunOptions run;
};

ExitStatus say_used(Environment& environment, const RequestDocument& request) {
  environment.console.insist(
      "approval_spent",
      fmt::format("{} was used by session {}, and is good for one time only", request.approval.id,
                  remote_text(request.spent_by)),
      {{"approval_id", request.approval.id},
       {"spent_by", request.spent_by},
       {"retryable", false},
       {"exit_status", std::int64_t{static_cast<int>(ExitStatus::approval_refused)}}});
  return ExitStatus::approval_refused;
}

ExitStatus resume_request(Environment& environment, const ResumeOptions& options) {
  if (auto checked = check_reason(options.run.reason); !checked)
    return environment.give_up(checked.error());
  const auto wait = approval_wait(environment, options.run.wait);
  if (!wait) return environment.give_up(wait.error());
  const auto request = decided_request(environment, options.id, *wait);
  if (!request) return environment.give_up(request.error());
  using access::ApprovalState;
  if (request->approval.state == ApprovalState::spent) return say_used(environment, *request);
  if (request->approval.state != ApprovalState::approved)
    return tell_outcome(environment, *request);
  auto words = words_of_request(*request);
  if (!words) return environment.give_up(words.error());
  environment.program = std::move(*words);
  ProgramRunOptions again = options.run;
  again.targets = {request->target};
  again.is_connect = true;
  again.approval = request->approval.id;
  return run_program(environment, std::move(again));
}

}  // namespace

Result<std::vector<std::string>> words_of_request(const RequestDocument& request) {
  const std::string& text = request.text;
  if (request.protocol == "http" || request.protocol == "kubernetes")
    return fail(ErrorCode::usage,
                "this cannot be run again from here: it is a request that a program sends",
                "run the program again: the same request, to the letter, takes up the approval");
  if (!request.exact)
    return not_by_us("the gateway has not kept all of it, only what is not masked");
  if (text.empty() || text.find('\0') != std::string::npos || text.size() >= kMostArgument)
    return not_by_us("it is not what a program takes as an argument");
  if (request.protocol == "ssh" && request.verb == "exec") {
    std::vector<std::string> words;
    if (!request.place.empty()) {
      if (!access::is_login(request.place)) return not_by_us("its login is no name of a user");
      words = {"-l", request.place};
    }
    // One word, behind a mark of ssh's own: ssh sends it as it is, whatever it begins with.
    words.insert(words.end(), {"--", text});
    return words;
  }
  if (request.protocol == "postgres") {
    // What begins so psql would do itself.
    if (text.front() == '\\') return not_by_us("psql would not send it");
    if (has_parameter(text)) return not_by_us("it has parameters, whose values are not kept");
    std::vector<std::string> words;
    if (!request.place.empty()) {
      if (request.place.find('\0') != std::string::npos || is_connection_string(request.place))
        return not_by_us("psql would not take its database for one");
      words = {"-d", request.place};
    }
    words.insert(words.end(), {"-X", "-v", "ON_ERROR_STOP=1", "-c", text});
    return words;
  }
  return not_by_us(fmt::format("it is no command, but '{}'", remote_text(request.verb)));
}

void add_resume(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ResumeOptions>();
  CLI::App* command =
      app.add_subcommand("resume", "run what waited for an approval, now that it has one");
  command->add_option("ID", options->id, "the request")->required()->option_text(" ");
  add_wait_option(*command, options->run.wait);
  command->add_option("--reason", options->run.reason, "why; stands in the record")
      ->option_text("TEXT");
  command->add_flag("--fail-on-deny", options->run.fail_on_deny,
                    "exit with 77 if anything was denied");
  command
      ->add_option("--result-fd", options->run.result_descriptor,
                   "write one JSON object about the session to this descriptor at the end")
      ->option_text("N")
      ->check(CLI::Range(1, 1 << 20));
  command->footer(examples({"hoopctl resume apr_cjsgj3svsplpf4eygjc5glm6qm",
                            "hoopctl resume apr_cjsgj3svsplpf4eygjc5glm6qm --wait 0"}));
  command->callback([&environment, options] {
    environment.work = [&environment, options] { return resume_request(environment, *options); };
  });
}

}  // namespace hoop::cmd
