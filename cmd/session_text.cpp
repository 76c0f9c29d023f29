// SPDX-License-Identifier: Apache-2.0
#include "cmd/session_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cmd/json_view.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kShownText = 400;
constexpr std::size_t kLongestLine = 4096;  // of a program's output; what is longer becomes several
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
    case record::RecordType::output: return "output";
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
  if (const std::string request = text_at(json, "request"); !request.empty()) {
    out += fmt::format(", request {} {}", remote_text(request), words_at(json, "request_state"));
    if (const std::string by = text_at(json, "decided_by"); !by.empty())
      out += " by " + remote_text(by);
  }
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

std::string file_line(const identity::Json& json) {
  std::string out = fmt::format(
      "#{} {} {}: {} bytes", words_at(json, "action"), words_at(json, "direction"),
      neutralise(text_at(json, "path"), kShownText, Lines::escape), words_at(json, "bytes"));
  if (text_at(json, "whole") == "no") out += ", not to its end";
  if (const std::string sum = text_at(json, "sha256"); !sum.empty()) out += ", sha256 " + sum;
  return out;
}

std::string note_line(const identity::Json& json) {
  const std::string event = text_at(json, "event");
  if (event == "file") return file_line(json);
  if (event == "approval_requested")
    return fmt::format("{} waits for an approver: request {} (rule {})", words_at(json, "verb"),
                       words_at(json, "request"), words_at(json, "rule"));
  if (event == "forced_command")
    return fmt::format("#{} ran instead: {}", words_at(json, "action"),
                       neutralise(text_at(json, "command"), kShownText, Lines::escape));
  if (event == "typed")
    return fmt::format("#{} typed, as the screen has it: {}", words_at(json, "action"),
                       neutralise(text_at(json, "line"), kShownText, Lines::escape));
  if (event == "forward")
    return fmt::format("#{} {}: {} bytes sent, {} received", words_at(json, "action"),
                       neutralise(text_at(json, "destination"), kShownText, Lines::escape),
                       words_at(json, "sent"), words_at(json, "received"));
  if (const std::string reason = text_at(json, "reason"); !reason.empty())
    return fmt::format("note {}: {}", words_at(json, "event"), remote_text(reason));
  if (event != "explained") return fmt::format("note {}", words_at(json, "event"));
  return fmt::format("explained: {} by rule {}: {}", words_at(json, "effect"),
                     words_at(json, "rule"),
                     neutralise(text_at(json, "statement"), kShownText, Lines::escape));
}

std::string output_line(std::string_view text) {
  // Escaped, a byte becomes four.
  return fmt::format("{:14}| {}", "", neutralise(text, 4 * kLongestLine, Lines::escape));
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
    case record::RecordType::output:
    case record::RecordType::seal: return {};
  }
  return {};
}

/// The same document on one line and in ASCII: whoever wrote the log chose its spaces, and what
/// stands in its strings must reach no terminal as it is.
std::string plain_json(std::string_view text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  return json.is_discarded() ? "null" : json.dump(-1, ' ', true);
}

/// How long an action took, "12 ms" or "3.4 s": from its decision to the end of its reply, the
/// target and the program's reading included. Empty where the log does not say.
std::string took(const std::optional<SystemTime>& from, const std::optional<SystemTime>& to) {
  // A clock that was put back in between says nothing.
  if (!from || !to || *to < *from) return {};
  const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from).count();
  return span < 1000 ? fmt::format("{} ms", span)
                     : fmt::format("{:.1f} s", static_cast<double>(span) / 1000);
}

}  // namespace

identity::Json payload_of(const record::Record& record) {
  if (record.type == record::RecordType::reply_data || record.type == record::RecordType::output)
    return {};
  auto json = identity::parse_json(as_text(record.payload), kRecordCaps);
  return json ? std::move(*json) : identity::Json{};
}

std::optional<SystemTime> moment_of(const identity::Json& payload) {
  const std::string* at = payload.text("at");
  return at == nullptr ? std::nullopt : parse_rfc3339(*at);
}

std::string json_line(const record::Record& record) {
  std::string line =
      fmt::format(R"({{"number":{},"type":"{}","record":)", record.number, name_of(record.type));
  if (record.type == record::RecordType::reply_data) {
    const record::ReplyData reply = record::reply_data_of(record);
    line += fmt::format(R"({{"action":{},"data":"{}"}})", reply.action, to_base64(reply.data));
  } else if (record.type == record::RecordType::output) {
    const record::RecordedOutput said = record::output_of(record);
    line += fmt::format(R"({{"action":{},"milliseconds":{},"stream":"{}","data":"{}"}})",
                        said.mark.action, said.mark.after.count(),
                        said.mark.is_error ? "stderr" : "stdout", to_base64(said.data));
  } else {
    line += payload_of(record).object() != nullptr ? plain_json(as_text(record.payload)) : "null";
  }
  return line + "}";
}

/// Of a database rows, of a service or a cluster the body.
void SessionText::add_reply(const record::ReplyData& reply, std::vector<std::string>& out) {
  const auto take = [&out](std::string line) { out.push_back(fmt::format("{:14}| {}", "", line)); };
  if (protocol_ == "http" || protocol_ == "kubernetes")
    bodies_[reply.action].feed(reply.data, take);
  else
    replies_[reply.action].feed(reply.data, take);
}

/// Of a host: whole lines, without what a terminal would obey.
void SessionText::add_output(std::uint64_t action, ByteSpan bytes, std::vector<std::string>& out) {
  std::string& line = begun_lines_[action];
  for (const char c : as_text(bytes)) {
    if (c == '\n' || line.size() >= kLongestLine) {
      out.push_back(output_line(line));
      line.clear();
    }
    if (c != '\n' && c != '\r') line += c;
  }
}

std::vector<std::string> SessionText::lines(const record::Record& record) {
  std::vector<std::string> out;
  if (record.type == record::RecordType::reply_data) {
    if (rows_ == Rows::shown) add_reply(record::reply_data_of(record), out);
    return out;
  }
  if (record.type == record::RecordType::output) {
    const record::RecordedOutput said = record::output_of(record);
    if (rows_ == Rows::shown) add_output(said.mark.action, said.data, out);
    return out;
  }
  const identity::Json json = payload_of(record);
  const auto number = [&json](std::string_view name) {
    const identity::Json* member = json.find(name);
    const std::int64_t* value = member == nullptr ? nullptr : member->integer();
    return value == nullptr ? 0 : static_cast<std::uint64_t>(*value);
  };
  std::string line = line_of(record.type, json);
  const auto moment = moment_of(json);
  if (record.type == record::RecordType::action && moment && text_at(json, "effect") == "allow") {
    decided_[number("id")] = *moment;
  } else if (record.type == record::RecordType::session_start) {
    protocol_ = text_at(json, "protocol");
  } else if (record.type == record::RecordType::reply_end) {
    replies_.erase(number("action"));
    if (auto body = bodies_.extract(number("action")))
      body.mapped().finish(
          [&out](std::string rest) { out.push_back(fmt::format("{:14}| {}", "", rest)); });
    if (const auto rest = begun_lines_.extract(number("action")); rest && !rest.mapped().empty())
      out.push_back(output_line(rest.mapped()));
    if (const auto action = decided_.extract(number("action"))) {
      if (const std::string span = took(action.mapped(), moment); !span.empty())
        line += ", " + span;
    }
  }
  if (!line.empty()) out.push_back(fmt::format("{:12}  {}", clock_of(json), line));
  return out;
}

}  // namespace hoop::cmd
