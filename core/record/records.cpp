// SPDX-License-Identifier: Apache-2.0
#include "core/record/records.h"

#include "core/base/encoding.h"
#include "core/base/json_writer.h"

namespace hoop::record {
using Object = JsonWriter;

namespace {
constexpr std::string_view kNoColumns = R"("columns":[],"masked_columns":[])";
}

std::string to_json(const SessionStart& start) {
  return Object()
      .text("session", start.session)
      .text("gateway", start.gateway)
      .text("target", start.target)
      .text("protocol", start.protocol)
      .text("subject", start.subject)
      .text("role", start.role)
      .text("policy_version", start.policy_version)
      .text("path", start.path)
      .text("claimed_agent", start.claimed_agent)
      .text("reason", start.reason)
      .list("command", start.program.command)
      .text("confinement", start.program.isolated ? "isolated" : "none")
      .text("at", to_rfc3339(start.at))
      .take();
}

std::string action_members(const access::Action& action) {
  std::string resources = "[";
  for (const access::Resource& resource : action.resources) {
    if (resources.size() > 1) resources += ',';
    resources += Object()
                     .text("kind", resource.kind)
                     .text("name", resource.name)
                     .text("access", resource.access == access::Access::read ? "read" : "write")
                     .take();
  }
  resources += ']';
  Object attributes;
  for (const auto& [name, value] : action.attributes) attributes.text(name, value);
  return Object()
      .text("verb", action.verb)
      .raw("resources", resources)
      .raw("attributes", attributes.take())
      .text("text", action.text)
      .text("digest", to_hex(action.digest))
      .members();
}

std::string column_members(const std::vector<std::string>& columns,
                           const std::vector<std::string>& masked_columns) {
  return Object().list("columns", columns).list("masked_columns", masked_columns).members();
}

std::string to_json(const ActionRecord& record, std::string room) {
  const access::Action& action = *record.action;
  const access::Decision& decision = *record.decision;
  Object out(std::move(room));
  std::string made;
  out.number("id", record.id)
      .number("connection", record.connection)
      .text("at", to_rfc3339(record.at))
      .more(action.recorded.empty() ? std::string_view(made = action_members(action))
                                    : std::string_view(action.recorded))
      .text("effect", to_string(decision.effect))
      .text("rule", decision.rule);
  if (decision.effect != access::Effect::allow) out.text("message", decision.message);
  if (decision.approval) {
    out.text("request", decision.approval->id)
        .text("request_state", to_string(decision.approval->state));
    if (!decision.approval->by.empty()) out.text("decided_by", decision.approval->by);
  }
  return out.take();
}

std::string to_json(const ReplyBegin& begin, std::string room) {
  return Object(std::move(room))
      .number("action", begin.action)
      .more(begin.columns.empty() ? kNoColumns : begin.columns)
      .number("row_limit", begin.row_limit)
      .take();
}

std::string to_json(const Progress& progress, std::string room) {
  return Object(std::move(room))
      .number("action", progress.action)
      .number("rows", progress.rows)
      .number("bytes", progress.bytes)
      .take();
}

std::string to_json(const ReplyEnd& end, std::string room) {
  std::string classes = "{}";
  if (!end.masked_by_class.empty()) {
    Object counts;
    for (const auto& [name, count] : end.masked_by_class) counts.number(name, count);
    classes = counts.take();
  }
  return Object(std::move(room))
      .number("action", end.action)
      .text("at", to_rfc3339(end.at))
      .number("rows", end.rows)
      .number("bytes", end.bytes)
      .number("masked_values", end.masked_values)
      .raw("masked_by_class", classes)
      .text("status", end.status)
      .take();
}

std::string to_json(const Note& note) {
  Object out;
  out.text("event", note.event);
  for (const auto& [name, value] : note.fields) out.text(name, value);
  return out.take();
}

std::string to_json(const SessionEnd& end) {
  return Object()
      .text("at", to_rfc3339(end.at))
      .text("cause", end.cause)
      .integer("program_status", end.program_status)
      .number("actions", end.actions)
      .number("denied", end.denied)
      .number("masked_values", end.masked_values)
      .number("rows", end.rows)
      .take();
}

}  // namespace hoop::record
