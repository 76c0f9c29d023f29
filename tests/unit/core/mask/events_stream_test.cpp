// SPDX-License-Identifier: Apache-2.0
#include "core/mask/events_stream.h"

#include "tests/unit/core/mask/masked_bodies.h"

namespace hoop::mask {
namespace {

using access::MaskStrategy;
using test::BodyMasks;

BodyMasks event_masks() {
  return BodyMasks({BodyMasks::fields({"$..ssn"}), BodyMasks::detectors({"all"})});
}

std::string events(BodyMasks& masks, std::string_view text) {
  const auto body = masks.however_cut(BodyForm::events, text);
  CHECK_FALSE(body.failure);
  return body.text;
}

}  // namespace

TEST_CASE("an event's data is masked as the document that it is") {
  BodyMasks masks = event_masks();
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"data: {\"ssn\":\"1\"}\n\n", "data: {\"ssn\":\"[redacted]\"}\n\n"},
      {"data:{\"ssn\":\"1\"}\r\n\r\n", "data: {\"ssn\":\"[redacted]\"}\r\n\r\n"},
      {"data: {\"ssn\":\"1\"}\r\r", "data: {\"ssn\":\"[redacted]\"}\r\r"},
      {"id: 7\nevent: add\ndata: {\ndata:  \"ssn\": 1,\ndata: "
       "\"m\":\"bob\\u0040example.com\"}\nretry: 5\n\n",
       "id: 7\nevent: add\ndata: {\ndata:  \"ssn\": \"[redacted]\",\ndata: "
       "\"m\":\"[redacted]\"}\nretry: 5\n\n"},
      // No JSON.
      {"data: hello bob@example.com\n\n", "data: hello [redacted]\n\n"},
      {"data: [DONE]\n\n", "data: [DONE]\n\n"},
      {"data: ssn\n\n", "data: ssn\n\n"},
      {"data: -----BEGIN PRIVATE KEY-----\ndata: MIIabc\ndata: -----END PRIVATE KEY-----\n\n",
       "data: [redacted]\n\n"},
      // Lines that are documents, in an event that is none.
      {"data: {\"ssn\":1}\ndata: {\"ssn\":2}\ndata: to bob@example.com\n\n",
       "data: {\"ssn\":\"[redacted]\"}\ndata: {\"ssn\":\"[redacted]\"}\ndata: to [redacted]\n\n"},
      // Other fields, and what is no field.
      {"event: bob@example.com\nid: 1\nbob@example.com\ndata: x\n\n",
       "event: [redacted]\nid: 1\n[redacted]\ndata: x\n\n"},
      {": bob@example.com\n\n", ": [redacted]\n\n"},
      {"data\ndata:\ndatax: {\"ssn\":1}\n\n", "data\ndata:\ndatax: {\"ssn\":1}\n\n"},
      {"\xef\xbb\xbf"
       "data: {\"ssn\":1}\n\n",
       "\xef\xbb\xbf"
       "data: {\"ssn\":\"[redacted]\"}\n\n"},
      // What breaks off.
      {"data: {\"ssn\":1}\nid: 1\ndata: ", "data: {\"ssn\":\"[redacted]\"}\ndata: \nid: 1\n"},
      {"data: {\"ssn\":1}", "data: {\"ssn\":\"[redacted]\"}"},
      {"", ""},
      {"\n\r\n\r\r", "\n\r\n\r\r"},
  };
  for (const auto& [text, want] : rows) {
    INFO(text);
    CHECK(events(masks, text) == want);
  }
}

TEST_CASE("events without anything to hide go on as they came") {
  BodyMasks masks = event_masks();
  const std::string text =
      ": hi\r\nevent: a\r\ndata:  {\"x\" : [1, 2.50] }\r\ndata: \r\nid\r\n\r\n\ndata:x\n\n: bye\n";
  CHECK(events(masks, text) == text);
  BodyMasks none({});
  CHECK(events(none, text) == text);
}

TEST_CASE("an event goes on at its blank line, a comment at once, and nothing of one before") {
  BodyMasks masks = event_masks();
  BodyMasker body = masks.body(BodyForm::events);
  Bytes out;
  const auto after = [&](std::string_view piece) {
    out.clear();
    REQUIRE(body.take(as_bytes(piece), out));
    return to_text(out);
  };
  CHECK(after("data: {\"ssn\":\"12").empty());
  REQUIRE(body.flush(out));
  CHECK(out.empty());
  CHECK(after("3\"}\n").empty());
  REQUIRE(body.flush(out));
  CHECK(out.empty());
  CHECK(after(": keep-alive\n") == ": keep-alive\n");
  CHECK(after("\n") == "data: {\"ssn\":\"[redacted]\"}\n\n");
  CHECK(body.rows() == 1);
  CHECK(after("data: x\r\n\r") == "data: x\r\n\r");
  CHECK(body.rows() == 2);
  CHECK(after("\n") == "\n");
  CHECK(after(": a\r") == ": a\r");
  CHECK(after("\ndata: y\n\n") == "\ndata: y\n\n");
  CHECK(body.rows() == 3);
}

TEST_CASE("after a silence whole lines go on where no field is masked") {
  BodyMasks masks({BodyMasks::detectors({"all"})});
  BodyMasker body = masks.body(BodyForm::events);
  Bytes out;
  REQUIRE(body.take(as_bytes("data: to bob@example.com\ndata: and e"), out));
  CHECK(out.empty());
  REQUIRE(body.flush(out));
  CHECK(to_text(out) == "data: to [redacted]\n");
  REQUIRE(body.take(as_bytes("ve@example.com\n\ndata: -----BEGIN PRIVATE KEY-----\n"), out));
  CHECK(to_text(out) == "data: to [redacted]\ndata: and [redacted]\n\n");
  CHECK(body.rows() == 1);
  out.clear();
  REQUIRE(body.flush(out));
  CHECK(out.empty());
  REQUIRE(body.take(as_bytes("data: MIIabc\ndata: -----END PRIVATE KEY-----\n\n"), out));
  CHECK(to_text(out) == "data: [redacted]\n\n");
}

TEST_CASE("rows of events are those with data") {
  BodyMasks masks({});
  const auto rows = [&](std::string_view text) {
    return masks.however_cut(BodyForm::events, text).rows;
  };
  CHECK(rows("data: 1\n\ndata: 2\r\n\r\n: c\n\nevent: x\n\ndata\n\ndata: 3") == 4);
  CHECK(rows("") == 0);
}

TEST_CASE("an event that is too long or too deep fails, and nothing of it goes on") {
  BodyMasks masks = event_masks();
  const std::string longer((std::size_t{1} << 20) + 10, 'x');
  std::string lines;
  while (lines.size() < longer.size()) lines += "data: and so on\n";
  const std::string deep = "data: " + std::string(200, '[') + std::string(200, ']') + "\n\n";
  for (const std::string& text : {"data: " + longer + "\n\n", lines + "\n", ":" + longer, deep}) {
    for (const std::size_t size : {text.size(), std::size_t{10'007}}) {
      const auto body = masks.cut(BodyForm::events, "data: 1\n\n" + text, [&] { return size; });
      CHECK(body.failure == ErrorCode::too_large);
      CHECK(body.text == "data: 1\n\n");
    }
  }
}

}  // namespace hoop::mask
