// SPDX-License-Identifier: Apache-2.0
// The timeline of a session, from its log at the gateway.
#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/run.h"
#include "cmd/sessions.h"
#include "core/base/encoding.h"
#include "core/record/spool.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kPiece = 256U << 10;
constexpr std::size_t kShownText = 400;
constexpr identity::JsonCaps kRecordCaps{512U << 10, 32, 200'000};

std::string_view name_of(record::RecordType type) {
  switch (type) {
    case record::RecordType::session_start: return "session_start";
    case record::RecordType::action: return "action";
    case record::RecordType::reply_begin: return "reply_begin";
    case record::RecordType::progress: return "progress";
    case record::RecordType::reply_end: return "reply_end";
    case record::RecordType::note: return "note";
    case record::RecordType::reply_data: return "reply_data";
    case record::RecordType::session_end: return "session_end";
    case record::RecordType::seal: return "seal";
  }
  return "unknown";
}

std::string words_at(const identity::Json& json, std::string_view key) {
  return shown(value_at(json, key));
}

/// "14:03:11.250" of an RFC 3339 time.
std::string clock_of(const identity::Json& json) {
  const std::string at = text_at(json, "at");
  return at.size() >= 23 ? remote_text(at.substr(11, 12)) : std::string();
}

std::string action_line(const identity::Json& json) {
  std::string out =
      fmt::format("#{} {} {} by rule {}", words_at(json, "id"), words_at(json, "verb"),
                  words_at(json, "effect"), words_at(json, "rule"));
  out += fmt::format("\n{:14}{}", "", neutralise(text_at(json, "text"), kShownText, Lines::escape));
  if (const std::string message = text_at(json, "message"); !message.empty())
    out += fmt::format("\n{:14}{}", "", remote_text(message));
  return out;
}

std::string reply_line(const identity::Json& json) {
  std::string out =
      fmt::format("#{} {}: {} rows, {} bytes", words_at(json, "action"), words_at(json, "status"),
                  words_at(json, "rows"), words_at(json, "bytes"));
  if (const std::string masked = words_at(json, "masked_values"); masked != "0" && masked != "-") {
    out += fmt::format(", {} masked ({})", masked, words_at(json, "masked_by_class"));
  }
  return out;
}

std::string note_line(const identity::Json& json) {
  if (text_at(json, "event") != "explained") return fmt::format("note {}", words_at(json, "event"));
  return fmt::format("explained: {} by rule {}: {}", words_at(json, "effect"),
                     words_at(json, "rule"),
                     neutralise(text_at(json, "statement"), kShownText, Lines::escape));
}

/// A line for people; empty for records that say nothing to them.
std::string line_of(record::RecordType type, const identity::Json& json) {
  switch (type) {
    case record::RecordType::session_start:
      return fmt::format("started on {} by {} as {}: {}", words_at(json, "target"),
                         words_at(json, "subject"), words_at(json, "role"),
                         words_at(json, "command"));
    case record::RecordType::action: return action_line(json);
    case record::RecordType::reply_begin: {
      const Value masked = value_at(json, "masked_columns");
      const auto* columns = std::get_if<std::vector<std::string>>(&masked);
      return columns == nullptr || columns->empty()
                 ? std::string()
                 : fmt::format("#{} masks {}", words_at(json, "action"), shown(masked));
    }
    case record::RecordType::reply_end: return reply_line(json);
    case record::RecordType::note: return note_line(json);
    case record::RecordType::session_end:
      return fmt::format(
          "ended: {}, program status {}; {} actions, {} denied, {} values masked, {} rows",
          words_at(json, "cause"), words_at(json, "program_status"), words_at(json, "actions"),
          words_at(json, "denied"), words_at(json, "masked_values"), words_at(json, "rows"));
    case record::RecordType::progress:
    case record::RecordType::reply_data:
    case record::RecordType::seal: return {};
  }
  return {};
}

void print_record(Console& console, const record::Record& record) {
  const identity::Json json = payload_of(record);
  if (console.listings() == Form::json) {
    std::string line =
        fmt::format(R"({{"number":{},"type":"{}","record":)", record.number, name_of(record.type));
    if (record.type == record::RecordType::reply_data) {
      const record::ReplyData reply = record::reply_data_of(record);
      line += fmt::format(R"({{"action":{},"data":"{}"}})", reply.action, to_base64(reply.data));
    } else {
      const bool readable = json.object() != nullptr;
      line += readable ? std::string(as_text(record.payload)) : std::string("null");
    }
    console.print_line(line + "}");
    return;
  }
  if (const std::string line = line_of(record.type, json); !line.empty())
    console.print_line(fmt::format("{:12}  {}", clock_of(json), line));
}

}  // namespace

identity::Json payload_of(const record::Record& record) {
  if (record.type == record::RecordType::reply_data) return {};
  auto json = identity::parse_json(as_text(record.payload), kRecordCaps);
  return json ? std::move(*json) : identity::Json{};
}

Result<record::LogSummary> read_log(std::string_view bytes,
                                    const std::function<void(const record::Record&)>& visit) {
  record::LogReader reader;
  const auto broken = [](const Error& error) {
    return std::unexpected(Error{ErrorCode::integrity,
                                 "the log's chain does not hold: " + error.message,
                                 "it was changed, or is not a session log",
                                 {}});
  };
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    reader.feed(as_bytes(piece));
    for (;;) {
      auto record = reader.next();
      if (!record) return broken(record.error());
      if (!*record) break;
      if (visit) visit(**record);
    }
  }
  auto summary = reader.finish();
  if (!summary) return broken(summary.error());
  return summary;
}

Result<void> show_session(Environment& environment, const std::string& session) {
  if (!record::is_session_id(session))
    return fail(ErrorCode::usage, fmt::format("'{}' is not a session's id", remote_text(session)),
                "hoopctl sessions list");
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  auto facts = run(context, client->get("/v1/sessions/" + session));
  if (!facts) return std::unexpected(std::move(facts).error().within("session '" + session + "'"));
  std::vector<Field> fields;
  for (const std::string_view key :
       {"session", "target", "subject", "role", "reason", "claimed_agent", "started_at", "ended_at",
        "state", "actions", "denied", "masked_values", "rows", "digest"}) {
    const Value value = value_at(*facts, key);
    if (value != Value(std::string())) fields.push_back({key, value});
  }
  environment.console.print(fields);
  const auto log = run(context, client->download_log(session));
  if (!log && log.error().code == ErrorCode::not_found) {
    environment.console.say("no_log", "the gateway has no log of this session yet");
    return {};
  }
  if (!log) return std::unexpected(log.error());
  if (environment.console.listings() == Form::text) environment.console.print_line("");
  HOOP_TRY(const record::LogSummary summary, read_log(*log, [&](const record::Record& record) {
             print_record(environment.console, record);
           }));
  if (!summary.sealed)
    environment.console.warn("unsealed", "the log has no seal: its end may be missing");
  return {};
}

}  // namespace hoop::cmd
