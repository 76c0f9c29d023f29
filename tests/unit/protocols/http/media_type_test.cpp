// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/media_type.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

using mask::BodyForm;

TEST_CASE("a media type is in small letters and without parameters, or none") {
  CHECK(media_type("Application/JSON; charset=utf-8") == "application/json");
  CHECK(media_type("  text/csv \t;a") == "text/csv");
  for (const char* none : {"", "json", "a/", "/b", "a/b/c", "a b/c", "a/b, c/d", "a/b c", ";a/b"}) {
    INFO(none);
    CHECK(media_type(none).empty());
  }
}

TEST_CASE("a body is read by its type, and one that is nothing of that kind by no masks") {
  struct Case {
    const char* type;
    std::optional<BodyForm> form;
  };
  for (const Case& one :
       {Case{"application/json", BodyForm::json}, Case{"application/problem+json", BodyForm::json},
        Case{"application/vnd.api+json", BodyForm::json},
        Case{"application/x-ndjson", BodyForm::json_lines}, Case{"text/csv", BodyForm::csv},
        Case{"text/event-stream", BodyForm::events}, Case{"text/html", BodyForm::text},
        Case{"application/atom+xml", BodyForm::text}, Case{"image/svg+xml", BodyForm::text},
        Case{"application/octet-stream", std::nullopt}, Case{"image/png", std::nullopt},
        Case{"application/grpc", std::nullopt}, Case{"multipart/byteranges", std::nullopt},
        Case{"", std::nullopt}, Case{"application/jsonx", std::nullopt}}) {
    INFO(one.type);
    CHECK(body_form(one.type) == one.form);
  }
}

TEST_CASE("types are named one by one, or all of a kind") {
  CHECK(is_one_of_types({"image/*"}, "image/png"));
  CHECK(is_one_of_types({"text/css", "image/png"}, "image/png"));
  CHECK_FALSE(is_one_of_types({"image/*"}, "imagex/png"));
  CHECK_FALSE(is_one_of_types({"image/png"}, "image/png2"));
  CHECK_FALSE(is_one_of_types({"image/*"}, ""));
  CHECK_FALSE(is_one_of_types({}, "image/png"));
}

TEST_CASE("text is readable in sets in which ASCII is ASCII, and only if no other is named") {
  for (const char* readable :
       {"text/plain", "text/plain; charset=utf-8", "text/plain;charset=UTF-8;a=b",
        "text/plain; charset=\"utf-8\"", "text/plain; charset=ISO-8859-15",
        "text/plain; charset=windows-1252", "text/plain; charset = us-ascii",
        "text/plain; a=\";\""}) {
    INFO(readable);
    CHECK(is_readable_text(readable));
  }
  for (const char* unreadable :
       {"text/plain; charset=utf-16", "text/plain; charset=utf-7", "text/plain; charset=",
        "text/plain; charset", "text/plain; charset =utf-7", "text/plain; charset*=utf-8''utf-7",
        "text/plain; charset=utf-8; charset=utf-7", "text/plain; charset=utf-7; charset=utf-8",
        "text/plain; a=\";charset=utf-8;\"; charset=utf-7", "text/plain; charset='utf-8'",
        "text/plain; CHARSET=UTF-32", "text/plain; charset=utf-8x", "text/plain;charset=ibm037"}) {
    INFO(unreadable);
    CHECK_FALSE(is_readable_text(unreadable));
  }
}

TEST_CASE("a body is encoded by any coding but identity, wherever it is named") {
  CHECK_FALSE(is_encoded({}));
  CHECK_FALSE(is_encoded({{"Content-Encoding", "Identity"}}));
  CHECK_FALSE(is_encoded({{"Content-Encoding", ""}}));
  CHECK(is_encoded({{"content-encoding", "gzip"}}));
  CHECK(is_encoded({{"Content-Encoding", "identity"}, {"Content-Encoding", "gzip"}}));
  CHECK(is_encoded({{"Content-Encoding", "identity, gzip"}}));
}

}  // namespace
}  // namespace hoop::http_target
