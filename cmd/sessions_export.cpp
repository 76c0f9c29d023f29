// SPDX-License-Identifier: Apache-2.0
// hoopctl sessions export and replay: a session's log as text, table or lines of JSON, and in its
// own time.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/asciicast.h"
#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/read_file.h"
#include "cmd/run.h"
#include "cmd/session_text.h"
#include "cmd/sessions.h"
#include "core/base/encoding.h"
#include "core/base/terminal_filter.h"
#include "core/record/spool.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostLogBytes = std::size_t{1} << 30;
// Nobody wants to wait through somebody else's lunch.
constexpr auto kLongestPause = std::chrono::seconds(2);
constexpr std::size_t kMostText = 64U << 10;

/// RFC 4180. What a spreadsheet would take for a formula is text with a mark in front.
std::string csv_field(std::string_view text) {
  std::string out = neutralise(text, kMostText, Lines::keep);
  constexpr std::string_view kFormula = "=+-@\t\r";
  if (!out.empty() && kFormula.find(out.front()) != std::string_view::npos) out.insert(0, "'");
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// One row an action, with what became of it; in the order in which they were decided.
class CsvExport {
 public:
  void take(const record::Record& record);
  void print(Console& console) const;

 private:
  struct Row {
    std::vector<std::string> fields;
    std::optional<SystemTime> decided;
    std::vector<std::string> reply{"", "", "", "", ""};
  };
  std::string session_, target_, subject_;
  std::vector<std::pair<std::int64_t, Row>> rows_;
};

void CsvExport::take(const record::Record& record) {
  const identity::Json json = payload_of(record);
  const auto number = [&json](std::string_view name) {
    const identity::Json* member = json.find(name);
    return member == nullptr || member->integer() == nullptr ? std::int64_t{-1}
                                                             : *member->integer();
  };
  if (record.type == record::RecordType::session_start) {
    session_ = text_at(json, "session");
    target_ = text_at(json, "target");
    subject_ = text_at(json, "subject");
  } else if (record.type == record::RecordType::action) {
    Row row;
    for (const std::string_view key :
         {"at", "connection", "verb", "effect", "rule", "message", "text"}) {
      const Value value = value_at(json, key);
      row.fields.push_back(std::holds_alternative<std::monostate>(value) ? "" : shown(value));
    }
    row.decided = moment_of(json);
    rows_.emplace_back(number("id"), std::move(row));
  } else if (record.type == record::RecordType::reply_end) {
    // Those that are answered last came last, nearly always.
    const auto found = std::find_if(rows_.rbegin(), rows_.rend(),
                                    [&](const auto& one) { return one.first == number("action"); });
    if (found == rows_.rend()) return;
    std::size_t at = 0;
    for (const std::string_view key : {"status", "rows", "bytes", "masked_values"})
      found->second.reply[at++] = shown(value_at(json, key));
    const auto& decided = found->second.decided;
    if (const auto ended = moment_of(json); ended && decided && *ended >= *decided)
      found->second.reply[at] = std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(*ended - *decided).count());
  }
}

void CsvExport::print(Console& console) const {
  console.print_line(
      "session,target,subject,action,at,connection,verb,effect,rule,message,statement,status,rows,"
      "bytes,masked_values,milliseconds");
  for (const auto& [number, row] : rows_) {
    std::string line = fmt::format("{},{},{},{}", csv_field(session_), csv_field(target_),
                                   csv_field(subject_), number);
    for (const auto* part : {&row.fields, &row.reply})
      for (const std::string& field : *part) line += "," + csv_field(field);
    console.print_line(line);
  }
}

enum class ExportFormat { jsonl, csv, text, asciicast };

Error no_terminal(std::optional<std::uint64_t> action) {
  return {ErrorCode::not_found,
          action ? fmt::format("action {} of this session had no terminal", *action)
                 : std::string("no program of this session had a terminal"),
          "hoopctl sessions show names the actions",
          {}};
}

Result<void> warn_unsealed(Environment& environment, const record::LogSummary& summary) {
  if (!summary.sealed)
    environment.console.warn("unsealed", "the log has no seal: its end may be missing");
  return {};
}

Result<void> export_terminal(Environment& environment, const std::string& log,
                             std::optional<std::uint64_t> action) {
  Asciicast cast;
  TerminalReader terminal(action, [&](const TerminalMoment& moment) {
    if (const std::string line = cast.line(moment); !line.empty())
      environment.console.print_line(line);
  });
  HOOP_TRY(const record::LogSummary summary,
           read_log(log, [&](const record::Record& record) { terminal.read(record); }));
  if (!terminal.found()) return std::unexpected(no_terminal(action));
  return warn_unsealed(environment, summary);
}

Result<void> export_session(Environment& environment, const std::string& what, ExportFormat format,
                            std::optional<std::uint64_t> action) {
  HOOP_TRY(const std::string log, load_log(environment, what));
  if (format == ExportFormat::asciicast) return export_terminal(environment, log, action);
  Console& console = environment.console;
  CsvExport csv;
  SessionText text(SessionText::Rows::shown);
  HOOP_TRY(const record::LogSummary summary, read_log(log, [&](const record::Record& record) {
             if (format == ExportFormat::csv) {
               csv.take(record);
             } else if (format == ExportFormat::jsonl) {
               console.print_line(json_line(record));
             } else {
               for (const std::string& line : text.lines(record)) console.print_line(line);
             }
           }));
  if (format == ExportFormat::csv) csv.print(console);
  return warn_unsealed(environment, summary);
}

struct ReplayOptions {
  std::string what;
  bool terminal = false;
  std::optional<std::uint64_t> action;
  double speed = 0;  // 0: as fast as it can be shown
  bool step = false;
};

/// Waits as long as the session did, as far as that is worth it.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed) {}
  void wait_until(SystemTime moment) {
    if (last_ && speed_ > 0 && moment > *last_) {
      const std::chrono::duration<double> gap = (moment - *last_) / speed_;
      std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(gap, kLongestPause));
    }
    last_ = moment;
  }

 private:
  double speed_;
  std::optional<SystemTime> last_;
};

/// The terminal that something is replayed on is given back also by who has seen enough.
extern "C" void give_terminal_back(int signal) {
  const std::string_view restore = TerminalFilter::restore();
  static_cast<void>(!::write(STDOUT_FILENO, restore.data(), restore.size()));
  ::_exit(128 + signal);
}

/// As it was seen, but for what would do something to whoever looks on.
Result<void> replay_terminal(Environment& environment, const ReplayOptions& options) {
  HOOP_TRY(const std::string log, load_log(environment, options.what));
  if (environment.terminals.out) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, &give_terminal_back);
  }
  Pace pace(options.speed);
  TerminalFilter filter;
  TerminalReader terminal(options.action, [&](const TerminalMoment& moment) {
    pace.wait_until(SystemTime(moment.after));
    std::cout << filter.take(moment.data) << std::flush;
  });
  const auto summary = read_log(log, [&](const record::Record& record) { terminal.read(record); });
  if (terminal.found() && environment.terminals.out)
    std::cout << TerminalFilter::restore() << std::flush;
  HOOP_CHECK(summary);
  if (!terminal.found()) return std::unexpected(no_terminal(options.action));
  return warn_unsealed(environment, *summary);
}

Result<void> replay_session(Environment& environment, const ReplayOptions& options) {
  if (options.terminal) return replay_terminal(environment, options);
  if (options.step && !(environment.terminals.in && environment.terminals.out))
    return fail(ErrorCode::usage, "--step needs a terminal", "hoopctl sessions export");
  HOOP_TRY(const std::string log, load_log(environment, options.what));
  Console& console = environment.console;
  SessionText text(SessionText::Rows::shown);
  Pace pace(options.speed);
  bool over = false;
  HOOP_TRY(const record::LogSummary summary, read_log(log, [&](const record::Record& record) {
             if (over) return;
             const std::vector<std::string> lines = text.lines(record);
             if (lines.empty()) return;
             if (options.step && record.type == record::RecordType::action) {
               std::string ignored;
               over = !std::getline(std::cin, ignored);
               if (over) return;
             } else if (!options.step) {
               const auto moment = moment_of(payload_of(record));
               if (moment) pace.wait_until(*moment);
             }
             for (const std::string& line : lines) console.print_line(line);
           }));
  return warn_unsealed(environment, summary);
}

}  // namespace

bool is_log_file(const std::string& what) {
  return what.find_first_of("/.") != std::string::npos || !record::is_session_id(what) ||
         ::access(what.c_str(), F_OK) == 0;
}

Result<std::string> load_log(Environment& environment, const std::string& what) {
  if (is_log_file(what)) return read_file(what, kMostLogBytes);
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  auto log = run(context, client->download_log(what));
  if (!log)
    return std::unexpected(std::move(log).error().within("the log of session '" + what + "'"));
  return log;
}

void add_sessions_export(CLI::App& sessions, Environment& environment) {
  auto exported = std::make_shared<std::string>();
  auto format = std::make_shared<ExportFormat>(ExportFormat::text);
  auto action = std::make_shared<std::optional<std::uint64_t>>();
  CLI::App* command =
      sessions.add_subcommand("export", "print a session's log whole, for people or programs");
  command->add_option("SESSION", *exported, "the session's id, or the path of a log")
      ->required()
      ->option_text(" ");
  const std::map<std::string, ExportFormat> formats{{"jsonl", ExportFormat::jsonl},
                                                    {"csv", ExportFormat::csv},
                                                    {"text", ExportFormat::text},
                                                    {"asciicast", ExportFormat::asciicast}};
  command
      ->add_option("--format", *format,
                   "text (the default), csv, jsonl, or asciicast of what a terminal has shown")
      ->option_text("jsonl|csv|text|asciicast")
      ->transform(CLI::CheckedTransformer(formats));
  command->add_option("--action", *action, "with asciicast: the program, by its number")
      ->option_text("N");
  command->footer(examples({"hoopctl sessions export s_cjsgj3svsplpf4eygjc5glm6qm --format csv",
                            "hoopctl sessions export ./copy.hslog --format jsonl | jq .type"}));
  command->callback([&environment, exported, format, action] {
    environment.work = [&environment, exported, format, action] {
      if (*action && *format != ExportFormat::asciicast)
        return environment.finish(fail(ErrorCode::usage, "--action is for --format asciicast",
                                       "hoopctl sessions export"));
      return environment.finish(export_session(environment, *exported, *format, *action));
    };
  });
}

void add_sessions_replay(CLI::App& sessions, Environment& environment) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command =
      sessions.add_subcommand("replay", "show a session's statements and rows as they came");
  command->add_option("SESSION", options->what, "the session's id, or the path of a log")
      ->required()
      ->option_text(" ");
  auto* speed = command
                    ->add_option("--speed", options->speed,
                                 "so many times as fast as it was; no pause of more than 2 s")
                    ->option_text("N")
                    ->check(CLI::Range(0.1, 1000.0));
  auto* step = command->add_flag("--step", options->step, "each statement when Enter is pressed")
                   ->excludes(speed);
  auto* terminal = command
                       ->add_flag("--terminal", options->terminal,
                                  "what the first terminal of the session has shown")
                       ->excludes(step);
  command->add_option("--action", options->action, "with --terminal: the program, by its number")
      ->option_text("N")
      ->needs(terminal);
  command->footer(
      examples({"hoopctl sessions replay s_cjsgj3svsplpf4eygjc5glm6qm --step",
                "hoopctl sessions replay s_cjsgj3svsplpf4eygjc5glm6qm --terminal --speed 4"}));
  command->callback([&environment, options, speed] {
    environment.work = [&environment, options, speed] {
      // A person who watches wants the session's own pace; a file wants all of it now.
      if (speed->count() == 0 && environment.terminals.out) options->speed = 1;
      return environment.finish(replay_session(environment, *options));
    };
  });
}

}  // namespace hoop::cmd
