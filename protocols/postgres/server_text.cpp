// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/server_text.h"

#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {
namespace {

constexpr std::string_view kWithheld =
    "the target's message is withheld: the statement refers to masked data";

void copy(const Frame& frame, Bytes& out) {
  out.insert(out.end(), frame.whole.begin(), frame.whole.end());
}

/// Fields of fixed vocabulary: severity, SQLSTATE, positions, and where in the server's source.
bool is_vocabulary(char code) {
  return std::string_view("SVCPpFLR").find(code) != std::string_view::npos;
}

}  // namespace

Result<void> ServerText::append_error(const Frame& frame, Wording wording, Bytes& out,
                                      mask::HiddenCounts& counts) {
  HOOP_TRY(const ErrorResponse response, decode_error_response(frame.body));
  return append_fields(frame, response.fields, wording, append_error_response, out, counts);
}

Result<void> ServerText::append_notice(const Frame& frame, Wording wording, Bytes& out,
                                       mask::HiddenCounts& counts) {
  HOOP_TRY(const NoticeResponse response, decode_notice_response(frame.body));
  return append_fields(frame, response.fields, wording, append_notice_response, out, counts);
}

Result<void> ServerText::append_fields(const Frame& frame, const ErrorFields& fields,
                                       Wording wording, Append append, Bytes& out,
                                       mask::HiddenCounts& counts) {
  if (wording == Wording::scan && !masker_.has_detectors()) {
    copy(frame, out);
    return {};
  }
  std::vector<ErrorField> kept;
  std::vector<std::string> texts;
  texts.reserve(fields.size());  // views into it must not move
  for (const ErrorField& field : fields) {
    if (wording == Wording::withhold) {
      // The position points into the program's own statement; source file, line and routine tell
      // casts of the value apart.
      if (std::string_view("SVCP").find(field.code) != std::string_view::npos)
        kept.push_back(field);
      if (field.code == 'M') kept.push_back({'M', kWithheld});
      continue;
    }
    if (is_vocabulary(field.code)) {
      kept.push_back(field);
      continue;
    }
    HOOP_TRY(texts.emplace_back(), masker_.rewrite_text(field.value, counts));
    kept.push_back({field.code, texts.back()});
  }
  append(out, kept);
  return {};
}

Result<void> ServerText::append_notification(const Frame& frame, Bytes& out,
                                             mask::HiddenCounts& counts) {
  HOOP_TRY(const NotificationResponse notification, decode_notification_response(frame.body));
  if (!masker_.has_detectors()) {
    copy(frame, out);
    return {};
  }
  HOOP_TRY(const std::string channel, masker_.rewrite_text(notification.channel, counts));
  HOOP_TRY(const std::string payload, masker_.rewrite_text(notification.payload, counts));
  append_notification_response(out, notification.process_id, channel, payload);
  return {};
}

Result<void> ServerText::append_row_description(const Frame& frame,
                                                const RowDescription& description, Bytes& out,
                                                mask::HiddenCounts& counts) {
  if (!masker_.has_detectors()) {
    copy(frame, out);
    return {};
  }
  std::vector<std::string_view> names;
  std::vector<FieldDescription> fields;
  for (const FieldDescription& field : description.fields) {
    names.push_back(field.name);
    fields.push_back(field);
  }
  std::vector<std::optional<std::string>> rewritten(names.size());
  HOOP_CHECK(masker_.rewrite(names, rewritten, counts));
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (rewritten[i]) fields[i].name = *rewritten[i];
  }
  postgres::append_row_description(out, fields);
  return {};
}

}  // namespace hoop::postgres
