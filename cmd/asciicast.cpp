// SPDX-License-Identifier: Apache-2.0
#include "cmd/asciicast.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cmd/json_view.h"
#include "cmd/session_text.h"

namespace hoop::cmd {
namespace {

constexpr int kMostCells = 10'000;

int count_at(const identity::Json& json, std::string_view key, int otherwise) {
  const std::string text = text_at(json, key);
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || value < 1) return otherwise;
  return std::min(value, kMostCells);
}

std::uint64_t number_at(const identity::Json& json, std::string_view key) {
  if (const std::string text = text_at(json, key); !text.empty()) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  const identity::Json* member = json.find(key);
  const std::int64_t* value = member == nullptr ? nullptr : member->integer();
  return value == nullptr || *value < 0 ? 0 : static_cast<std::uint64_t>(*value);
}

std::string seconds(std::chrono::milliseconds after) {
  return fmt::format("{}.{:03}", after.count() / 1000, after.count() % 1000);
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void TerminalReader::read(const record::Record& record) {
  if (record.type == record::RecordType::output) {
    if (!found_) return;
    const record::RecordedOutput said = record::output_of(record);
    if (said.mark.action != *wanted_) return;
    TerminalMoment moment;
    moment.after = said.mark.after;
    moment.data = to_text(said.data);
    return take_(moment);
  }
  const identity::Json json = payload_of(record);
  if (record.type == record::RecordType::session_start) target_ = text_at(json, "target");
  if (record.type == record::RecordType::action && !found_)
    actions_[number_at(json, "id")] = {text_at(json, "text"), moment_of(json)};
  if (record.type != record::RecordType::note) return;
  const std::string event = text_at(json, "event");
  const std::uint64_t action = number_at(json, "action");
  if (event == "terminal" && !found_ && (!wanted_ || *wanted_ == action)) {
    found_ = true;
    wanted_ = action;
    TerminalMoment moment;
    moment.kind = TerminalMoment::Kind::begun;
    moment.columns = count_at(json, "columns", 80);
    moment.rows = count_at(json, "rows", 24);
    moment.term = text_at(json, "kind");
    const Begun& begun = actions_[action];
    moment.title = begun.text.empty() ? target_ : target_ + ": " + begun.text;
    moment.at = begun.at;
    take_(moment);
  } else if (event == "resized" && found_ && action == *wanted_) {
    TerminalMoment moment;
    moment.kind = TerminalMoment::Kind::resized;
    moment.after = std::chrono::milliseconds(number_at(json, "milliseconds"));
    moment.columns = count_at(json, "columns", 80);
    moment.rows = count_at(json, "rows", 24);
    take_(moment);
  }
}

std::string Asciicast::line(const TerminalMoment& moment) {
  switch (moment.kind) {
    case TerminalMoment::Kind::begun: {
      std::string out =
          fmt::format(R"({{"version":2,"width":{},"height":{})", moment.columns, moment.rows);
      if (moment.at)
        out += fmt::format(R"(,"timestamp":{})", std::chrono::duration_cast<std::chrono::seconds>(
                                                     moment.at->time_since_epoch())
                                                     .count());
      return out + fmt::format(R"(,"title":{},"env":{{"TERM":{}}}}})", json_text(moment.title),
                               json_text(moment.term));
    }
    case TerminalMoment::Kind::resized:
      return fmt::format(R"([{},"r","{}x{}"])", seconds(moment.after), moment.columns, moment.rows);
    case TerminalMoment::Kind::shown: break;
  }
  const std::string text = filter_.take(moment.data);
  if (text.empty()) return {};
  return fmt::format(R"([{},"o",{}])", seconds(moment.after), json_text(text));
}

}  // namespace hoop::cmd
