// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/reply_meter.h"

#include <fmt/format.h>

namespace hoop::postgres {
namespace {

// design "Rules", 2: Progress before each further 1 MiB or 1,000 rows.
constexpr std::uint64_t kProgressRows = 1000;
constexpr std::uint64_t kProgressBytes = 1U << 20;
// design "Session log": masked replies at level full, capped.
constexpr std::uint64_t kDataPerStatement = 64U << 10;
constexpr std::uint64_t kDataPerSession = 8U << 20;

Report limit_report(std::string_view what, std::uint64_t limit, std::string_view hint) {
  return {Severity::error, "54000", fmt::format("the {} limit of {} is reached", what, limit),
          "hoopctl code=limit_reached", std::string(hint)};
}

}  // namespace

ReplyMeter::ReplyMeter(SessionShared& shared, const RunningStatement& running,
                       std::shared_ptr<Portal> portal)
    : shared_(shared), running_(running), portal_(std::move(portal)) {}

Result<void> ReplyMeter::begin(const RowMasker* rows) {
  if (begun_) return {};
  begun_ = true;
  record::ReplyBegin begin;
  begin.action = running_.admitted.id();
  if (rows != nullptr) {
    HOOP_TRY(begin.columns, rows->logged_names(hidden_));
  }
  begin.row_limit = shared_.context.gate.policy().document().limits.rows_per_statement;
  return shared_.context.gate.reply_begin(running_.admitted, begin);
}

std::optional<Report> ReplyMeter::limit_reached(std::size_t size) const {
  const access::Limits& limits = shared_.context.gate.policy().document().limits;
  const std::uint64_t rows = portal_ ? portal_->released_rows : rows_;
  const std::uint64_t bytes = portal_ ? portal_->released_bytes : bytes_;
  constexpr std::string_view kNarrower = "ask for fewer rows: a WHERE or a LIMIT";
  if (limits.rows_per_statement != 0 && rows + 1 > limits.rows_per_statement) {
    return limit_report("rows per statement", limits.rows_per_statement, kNarrower);
  }
  if (limits.bytes_per_statement != 0 && bytes + size > limits.bytes_per_statement) {
    return limit_report("bytes per statement", limits.bytes_per_statement, kNarrower);
  }
  if (limits.rows_per_session != 0 && shared_.usage.rows + 1 > limits.rows_per_session) {
    return limit_report("rows per session", limits.rows_per_session,
                        "a new session starts from zero");
  }
  if (limits.bytes_per_session != 0 && shared_.usage.bytes + size > limits.bytes_per_session) {
    return limit_report("bytes per session", limits.bytes_per_session,
                        "a new session starts from zero");
  }
  return std::nullopt;
}

ReplyMeter::Fate ReplyMeter::weigh(std::size_t size) {
  if (!stopped_) stopped_ = limit_reached(size);
  if (stopped_) return Fate::withhold;
  ++rows_;
  bytes_ += size;
  ++shared_.usage.rows;
  shared_.usage.bytes += size;
  if (portal_) {
    ++portal_->released_rows;
    portal_->released_bytes += size;
  }
  return Fate::release;
}

void ReplyMeter::stop(Report report) {
  if (!stopped_) stopped_ = std::move(report);
}

Result<void> ReplyMeter::releasing(ByteSpan masked) {
  session::Gate& gate = shared_.context.gate;
  if (rows_ - reported_rows_ >= kProgressRows || bytes_ - reported_bytes_ >= kProgressBytes) {
    HOOP_CHECK(gate.reply_progress(running_.admitted, {running_.admitted.id(), rows_, bytes_}));
    reported_rows_ = rows_;
    reported_bytes_ = bytes_;
  }
  if (shared_.context.gate.policy().document().record != access::RecordLevel::full) return {};
  const std::uint64_t room =
      std::min(kDataPerStatement - data_bytes_, kDataPerSession - shared_.usage.reply_data);
  const std::size_t kept = std::min<std::size_t>(masked.size(), room);
  if (kept == 0) return {};
  data_bytes_ += kept;
  shared_.usage.reply_data += kept;
  return gate.reply_data(running_.admitted, masked.first(kept));
}

Result<void> ReplyMeter::end(std::string status) {
  record::ReplyEnd end;
  end.action = running_.admitted.id();
  end.rows = rows_;
  end.bytes = bytes_;
  end.masked_values = hidden_.total();
  for (std::size_t i = 0; i < mask::kDetectorClasses; ++i) {
    if (hidden_.detected[i] == 0) continue;
    end.masked_by_class[std::string(to_string(static_cast<mask::DetectorClass>(i)))] =
        hidden_.detected[i];
  }
  const auto& own = shared_.context.masker.own_patterns();
  for (std::size_t i = 0; i < hidden_.own.size(); ++i) {
    if (hidden_.own[i] != 0) end.masked_by_class[own[i]] = hidden_.own[i];
  }
  if (hidden_.columns != 0) end.masked_by_class["column"] = hidden_.columns;
  end.status = std::move(status);
  return shared_.context.gate.reply_end(running_.admitted, end);
}

namespace {

Result<void> record_without_reply(session::Gate& gate, const session::Admitted& admitted,
                                  const char* status) {
  record::ReplyEnd end;
  end.action = admitted.id();
  end.status = status;
  return gate.reply_end(admitted, end);
}

}  // namespace

Result<void> record_unanswered(session::Gate& gate, const session::Admitted& admitted) {
  return record_without_reply(gate, admitted, "unanswered");
}

Result<void> record_not_run(session::Gate& gate, const session::Admitted& admitted) {
  return record_without_reply(gate, admitted, "not run");
}

}  // namespace hoop::postgres
