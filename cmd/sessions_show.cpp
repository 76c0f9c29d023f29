// SPDX-License-Identifier: Apache-2.0
// The timeline of a session, from its log at the gateway.
#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/run.h"
#include "cmd/session_text.h"
#include "cmd/sessions.h"
#include "core/base/encoding.h"
#include "core/record/spool.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kLogPiece = 256U << 10;
}  // namespace

Result<record::LogSummary> read_log(std::string_view bytes,
                                    const std::function<void(const record::Record&)>& visit) {
  record::LogReader reader;
  const auto broken = [](const Error& error) {
    return std::unexpected(Error{ErrorCode::integrity,
                                 "the log's chain does not hold: " + error.message,
                                 "it was changed, or is not a session log",
                                 {}});
  };
  bool begun = visit == nullptr;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kLogPiece);
    bytes.remove_prefix(piece.size());
    reader.feed(as_bytes(piece));
    for (;;) {
      auto record = reader.next();
      if (!record) return broken(record.error());
      if (reader.header() && !std::exchange(begun, true))
        visit({record::RecordType::session_start, 0, to_bytes(reader.header()->json)});
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
        "state", "actions", "denied", "masked_values", "rows", "digest", "seal_key"}) {
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
  const bool json = environment.console.listings() == Form::json;
  SessionText text(SessionText::Rows::hidden);
  if (!json) environment.console.print_line("");
  HOOP_TRY(const record::LogSummary summary, read_log(*log, [&](const record::Record& record) {
             if (json)
               environment.console.print_line(json_line(record));
             else
               for (const std::string& line : text.lines(record))
                 environment.console.print_line(line);
           }));
  if (!summary.sealed)
    environment.console.warn("unsealed", "the log has no seal: its end may be missing");
  return {};
}

}  // namespace hoop::cmd
