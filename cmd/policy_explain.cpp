// SPDX-License-Identifier: Apache-2.0
// hoopctl policy explain: what would become of statements, asked of the session engine that would
// run them.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/json_view.h"
#include "cmd/policy.h"
#include "cmd/read_file.h"
#include "cmd/run.h"
#include "cmd/target_session.h"
#include "core/base/encoding.h"
#include "core/net/task_group.h"
#include "core/process/deep_stack.h"
#include "protocols/postgres/door.h"
#include "protocols/postgres/explanation.h"
#include "protocols/postgres/login_exchange.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::cmd {
namespace {

// The login of the session's connection has 15 s, and a catalog is read in well under one.
constexpr auto kAnswerTime = std::chrono::seconds(30);
constexpr std::size_t kShownStatement = 400;

struct ExplainOptions {
  std::string target;
  std::string database;
  std::string file;
  std::string text;
};

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// The program's side of one connection that was opened for explanations.
class Asker {
 public:
  Asker(net::StreamPtr stream, const Clock& clock) : stream_(std::move(stream)) {
    stream_->set_deadline(Deadline::after(clock, kAnswerTime));
  }
  /// The JSON objects, one a statement.
  Task<std::vector<std::string>> ask(std::string text) {
    HOOP_CO_CHECK(co_await read_to_ready(nullptr));
    Bytes out;
    postgres::append_query(out, text);
    HOOP_CO_CHECK(co_await stream_->write_all(out));
    std::vector<std::string> rows;
    HOOP_CO_CHECK(co_await read_to_ready(&rows));
    out.clear();
    postgres::append_terminate(out);
    HOOP_CO_CHECK(co_await stream_->write_all(out));
    co_return rows;
  }
  void close() { stream_->close(); }

 private:
  Task<void> read_to_ready(std::vector<std::string>* rows) {
    for (;;) {
      HOOP_CO_TRY(const auto frame, reader_.next(postgres::Direction::from_backend));
      if (!frame) {
        HOOP_CO_TRY(const std::size_t count, co_await stream_->read_some(reader_.prepare()));
        if (count == 0)
          co_return fail(ErrorCode::upstream_unreachable, "the session ended before it answered",
                         "try again; hoopctl sessions show tells how it ended");
        reader_.commit(count);
        continue;
      }
      if (frame->tag == 'Z') co_return Result<void>{};
      if (frame->tag == 'E') {
        HOOP_CO_TRY(const auto response, postgres::decode_error_response(frame->body));
        co_return std::unexpected(postgres::to_error(response));
      }
      if (frame->tag != 'D' || rows == nullptr) continue;
      HOOP_CO_TRY(const auto row, postgres::decode_data_row(frame->body));
      for (const postgres::Value& value : row.values)
        if (value) rows->emplace_back(as_text(*value));
    }
  }

  net::StreamPtr stream_;
  postgres::FrameReader reader_;
};

class Explain {
 public:
  Explain(Environment& environment, asio::io_context& context, ExplainOptions options)
      : environment_(environment),
        context_(context),
        options_(std::move(options)),
        target_(environment, context) {}

  Task<ExitStatus> work();

 private:
  Task<std::vector<std::string>> converse(const OpenTarget& open);
  Result<bool> print(const std::vector<std::string>& rows);

  Environment& environment_;
  asio::io_context& context_;
  ExplainOptions options_;
  TargetSession target_;
};

Task<std::vector<std::string>> Explain::converse(const OpenTarget& open) {
  auto [ours, theirs] = net::stream_pair(context_.get_executor());
  session::Opening opening;
  opening.parameters.emplace_back("user", "hoop");
  if (!options_.database.empty()) opening.parameters.emplace_back("database", options_.database);
  opening.parameters.emplace_back(std::string(postgres::kExplainParameter), "on");
  // Nobody comes through it; a path says by it why there is no connection.
  const SecretText unused(to_base64url(environment_.random.bytes(16)));
  postgres::PostgresDoor door(unused, environment_.random,
                              postgres::PostgresDoor::Behind::unix_socket);
  net::TaskGroup serving(context_.get_executor());
  const auto serve = [](SessionPath& path, net::StreamPtr stream, session::Opening first,
                        session::Door& words) -> asio::awaitable<void> {
    // What went wrong has been told in the protocol.
    static_cast<void>(co_await path.serve(std::move(stream), std::move(first), words));
  };
  serving.spawn(serve(*open.path, std::move(theirs), std::move(opening), door));
  Asker asker(std::move(ours), environment_.clock);
  auto rows = co_await asker.ask(options_.text);
  asker.close();
  co_await serving.join();
  co_return rows;
}

/// Answers whether all of it would run as it stands.
Result<bool> Explain::print(const std::vector<std::string>& rows) {
  static constexpr std::string_view kKeys[] = {"statement", "verb",    "reads",  "writes",
                                               "functions", "facts",   "masked", "effect",
                                               "rule",      "message", "hint"};
  bool all_run = true;
  for (const std::string& row : rows) {
    HOOP_TRY(const identity::Json json, identity::parse_json(row, {512U << 10, 8, 100'000}));
    if (text_at(json, "effect") != "allow") all_run = false;
    std::vector<Field> fields;
    for (const std::string_view key : kKeys) {
      Value value = value_at(json, key);
      if (environment_.console.listings() == Form::text) {
        const auto* text = std::get_if<std::string>(&value);
        const auto* texts = std::get_if<std::vector<std::string>>(&value);
        if ((text != nullptr && text->empty()) || (texts != nullptr && texts->empty())) continue;
        if (key == "statement")
          value = neutralise(without_blanks(*text), kShownStatement, Lines::escape);
      }
      fields.push_back({key, std::move(value)});
    }
    if (&row != &rows.front() && environment_.console.listings() == Form::text)
      environment_.console.print_line("");
    environment_.console.print(fields);
  }
  if (rows.empty()) environment_.console.say("nothing", "there is no statement in it");
  return all_run;
}

Task<ExitStatus> Explain::work() {
  record::RecordedProgram program;
  program.command = {"hoopctl", "policy", "explain"};
  TargetSession::Wish wish{options_.target, std::string(), std::move(program)};
  auto open = co_await target_.open(std::move(wish));
  if (!open) co_return environment_.give_up(open.error());
  auto rows = co_await converse(*open);
  const SessionResult ended = co_await open->path->finish("program_exit", rows ? 0 : 1);
  const auto delivered = co_await target_.deliver(ended);
  if (!delivered) environment_.console.error(delivered.error());
  co_await target_.close();
  if (!rows) co_return environment_.give_up(rows.error());
  const auto all_run = print(*rows);
  if (!all_run) co_return environment_.give_up(all_run.error());
  if (!delivered) co_return ExitStatus::record_lost;
  co_return *all_run ? ExitStatus::ok : ExitStatus::denied;
}

Result<void> read_text(ExplainOptions& options) {
  if (options.text.empty() == options.file.empty())
    return fail(ErrorCode::usage, "give the SQL as an argument, or a file of it with --file",
                "hoopctl policy explain --target pg-prod 'select 1'");
  if (!options.file.empty()) {
    HOOP_TRY(options.text, read_file(options.file == "-" ? "/dev/stdin" : options.file,
                                     postgres::kMaxStatementBytes - 1024));
  }
  if (options.text.find('\0') != std::string::npos)
    return fail(ErrorCode::usage, "the SQL has a NUL in it",
                "PostgreSQL takes none: is it a text file?");
  return {};
}

ExitStatus run_explain(Environment& environment, ExplainOptions options) {
  if (auto read = read_text(options); !read) return environment.give_up(read.error());
  // PostgreSQL's parser recurses as deep as a statement nests.
  const int status = process::run_on_deep_stack([&] {
    asio::io_context context;
    Explain explain(environment, context, std::move(options));
    const auto done = run(context, explain.work());
    return static_cast<int>(done ? *done : environment.give_up(done.error()));
  });
  return static_cast<ExitStatus>(status);
}

}  // namespace

void add_policy_explain(CLI::App& policy, Environment& environment) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain =
      policy.add_subcommand("explain", "say what would become of SQL on a target, and run nothing");
  explain->add_option("--target", options->target, "the target's name")
      ->required()
      ->option_text("NAME");
  explain->add_option("--database", options->database, "one of its databases; else the first")
      ->option_text("NAME");
  explain->add_option("--file", options->file, "read the SQL from a file; -: from stdin")
      ->option_text("FILE");
  explain->add_option("SQL", options->text, "one statement or several")->option_text(" ");
  explain->footer(examples({"hoopctl policy explain --target pg-prod 'select * from customers'",
                            "hoopctl policy explain --target pg-prod --file migration.sql"}));
  explain->callback([&environment, options] {
    environment.work = [&environment, options] { return run_explain(environment, *options); };
  });
}

}  // namespace hoop::cmd
