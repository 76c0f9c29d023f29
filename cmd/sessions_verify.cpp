// SPDX-License-Identifier: Apache-2.0
// hoopctl sessions verify: each check and, plainly, what it proved.
#include <fmt/format.h>

#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/log_delivery.h"
#include "cmd/read_file.h"
#include "cmd/run.h"
#include "cmd/sessions.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxLogFile = std::size_t{1} << 30;

/// The checks that held, in order; print at the end, also when a later one failed.
class Proofs {
 public:
  void add(std::string check, std::string result, std::string proved) {
    listing_.rows.push_back({std::move(check), std::move(result), std::move(proved)});
  }
  void print(Console& console) const { console.print(listing_); }

 private:
  Listing listing_{{{"check", "CHECK"}, {"result", "RESULT"}, {"proved", "PROVED"}}, {}, {}};
};

Result<record::LogSummary> check_log(std::string_view bytes, Proofs& proofs) {
  HOOP_TRY(const record::LogSummary log, read_log(bytes, {}));
  proofs.add("chain", "ok",
             fmt::format("{} records, {} bytes: none was changed, removed or put elsewhere",
                         log.records, log.length));
  if (log.trailing != 0)
    return fail(ErrorCode::integrity,
                fmt::format("the log's chain ends {} bytes before the file does", log.trailing),
                "it was cut, or something was added");
  if (!log.sealed)
    return fail(ErrorCode::integrity, "the log has no seal: records may be missing at its end",
                "hoopctl was killed before it could seal it, or the file was cut");
  proofs.add(
      "seal", "ok",
      "signed at the session's end with the session's own key: nothing is missing at the end");
  return log;
}

/// The file's own key proves nothing of whose it is: the reader may know it from elsewhere.
Result<void> check_key(const record::LogSummary& log, const std::string& key, Proofs& proofs) {
  if (key.empty()) {
    proofs.add("key", "not checked",
               fmt::format("the file names its own key; that it is session {}'s, the gateway knows",
                           log.header.session));
    return {};
  }
  if (key != to_base64url(log.header.key))
    return fail(ErrorCode::integrity, "the log's key is not the one of --key",
                "somebody may have written another log in its place");
  proofs.add("key", "ok", "the key that sealed it is the one that was given");
  return {};
}

Result<void> verify_file(Environment& environment, const std::string& path, const std::string& key,
                         Proofs& proofs) {
  HOOP_TRY(const std::string bytes, read_file(path, kMaxLogFile));
  HOOP_TRY(const record::LogSummary log, check_log(bytes, proofs));
  HOOP_CHECK(check_key(log, key, proofs));
  proofs.add("receipt", "not checked",
             fmt::format("hoopctl sessions verify {} asks the gateway", log.header.session));
  environment.console.detail("digest", to_hex(log.digest));
  return {};
}

Result<void> verify_at_gateway(Environment& environment, const std::string& session,
                               Proofs& proofs) {
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  auto facts = run(context, client->get("/v1/sessions/" + session));
  if (!facts) return std::unexpected(std::move(facts).error().within("session '" + session + "'"));
  auto bytes = run(context, client->download_log(session));
  if (!bytes)
    return std::unexpected(std::move(bytes).error().within("the log of session '" + session + "'"));
  HOOP_TRY(const record::LogSummary log, check_log(*bytes, proofs));
  if (log.header.session != session)
    return fail(ErrorCode::integrity,
                fmt::format("the log is of session '{}'", remote_text(log.header.session)),
                "somebody may have put another log in its place");
  if (text_at(*facts, "seal_key") != to_base64url(log.header.key)) {
    return fail(ErrorCode::integrity,
                "the log's key is not the one that was registered for this session",
                "somebody may have written another log in its place");
  }
  proofs.add("key", "ok", "the key that sealed it is the one registered when access was granted");
  const std::string receipt = text_at(*facts, "receipt");
  if (receipt.empty())
    return fail(ErrorCode::integrity, "the gateway has signed no receipt for this log",
                "does the session run yet? hoopctl sessions list --live");
  HOOP_TRY(const identity::KeySet keys, run(context, client->receipt_keys()));
  HOOP_TRY(const Receipt checked, check_receipt(receipt, keys, client->record(), log));
  proofs.add("receipt", "ok",
             fmt::format("the gateway received exactly this log, at {}",
                         remote_text(checked.received_at)));
  return {};
}

}  // namespace

Result<void> verify_session(Environment& environment, const std::string& what,
                            const std::string& key) {
  Proofs proofs;
  const bool is_file = is_log_file(what);
  if (!is_file && !key.empty())
    return fail(ErrorCode::usage, "--key is for a file: the gateway knows the key of a session");
  const auto done = is_file ? verify_file(environment, what, key, proofs)
                            : verify_at_gateway(environment, what, proofs);
  proofs.print(environment.console);
  return done;
}

}  // namespace hoop::cmd
