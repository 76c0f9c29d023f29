// SPDX-License-Identifier: Apache-2.0
// Replies that mean to show what masks hide: by how they are framed, typed, encoded or cut.
#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

constexpr std::string_view kHidden = "123-45-6789";

struct MaskedReplies : HttpWorld {
  MaskedReplies() {
    access::Mask by_field;
    by_field.name = "ssn";
    by_field.fields = {"$..ssn"};
    access::Mask by_header;
    by_header.name = "header";
    by_header.headers = {"x-customer-*"};
    policy.masks = {by_field, by_header};
    quiet = std::chrono::milliseconds(25);
  }
  /// What the program gets of a reply with that type and body.
  ProgramGot reply(const std::string& fields, const std::string& body) {
    target.answers = {{"HTTP/1.1 200 OK\r\n" + fields +
                           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
                       false,
                       {}}};
    return get("/people");
  }
};

TEST_CASE("masked replies: a field is hidden however its document spells it, or nothing is shown") {
  const std::string as_json = "Content-Type: application/json\r\n";
  const std::string lines = "Content-Type: application/x-ndjson\r\n";
  const std::string csv = "Content-Type: text/csv\r\n";
  struct Case {
    std::string name, fields, body;
  };
  for (const Case& one : {
           Case{"plain", as_json, R"({"ssn":"123-45-6789"})"},
           Case{"escaped name", as_json, R"({"s\u0073n":"123-45-6789"})"},
           Case{"twice", as_json, R"({"ssn":"x","ssn":"123-45-6789"})"},
           Case{"an array", as_json, R"({"ssn":["123-45-6789"]})"},
           Case{"an object", as_json, R"({"ssn":{"value":"123-45-6789"}})"},
           Case{"deep", as_json, R"([[{"a":{"ssn":"123-45-6789"}}]])"},
           Case{"a number", as_json, R"({"ssn":123456789,"x":"123-45-678"})"},
           Case{"BOM", as_json, "\xef\xbb\xbf{\"ssn\":\"123-45-6789\"}"},
           Case{"two documents", as_json, R"({"a":1}{"ssn":"123-45-6789"})"},
           Case{"behind NUL", as_json, std::string("{}\0{\"ssn\":\"123-45-6789\"}", 25)},
           Case{"a comment", as_json, R"({"a":1/*,"ssn":"123-45-6789"*/})"},
           Case{"no JSON", as_json, "ssn=123-45-6789"},
           Case{"cut", as_json, R"({"ssn":"123-45-6789)"},
           Case{"another type", "Content-Type: text/plain\r\n", R"({"ssn":"123-45-6789"})"},
           Case{"no type", "", R"({"ssn":"123-45-6789"})"},
           Case{"two types in one", "Content-Type: application/json, text/plain\r\n",
                R"({"ssn":"123-45-6789"})"},
           Case{"a set of characters", "Content-Type: application/json; charset=utf-7\r\n",
                R"({"ssn":"123-45-6789"})"},
           Case{"two sets", "Content-Type: application/json; charset=utf-8; charset=utf-16\r\n",
                R"({"ssn":"123-45-6789"})"},
           Case{"compressed by a second word",
                as_json + "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
                R"({"ssn":"123-45-6789"})"},
           Case{"a part", as_json + "Content-Range: bytes 0-1/9\r\n", R"({"ssn":"123-45-6789"})"},
           Case{"many parts", "Content-Type: multipart/mixed; boundary=b\r\n",
                "--b\r\n\r\n{\"ssn\":\"123-45-6789\"}\r\n--b--\r\n"},
           Case{"lines", lines, "{\"a\":1}\n{\"ssn\":\"123-45-6789\"}\n"},
           Case{"lines that end with CR", lines, "{\"a\":1}\r{\"ssn\":\"123-45-6789\"}\r"},
           Case{"CSV", csv, "id,ssn\r\n1,123-45-6789\r\n"},
           Case{"CSV in quotes", csv, "id,\"ssn\"\r\n1,\"123-45-6789\"\r\n"},
           Case{"CSV with more columns than its head", csv, "ssn\r\nx,123-45-6789\r\n"},
           Case{"a header by its name", as_json + "X-Customer-Ssn: 123-45-6789\r\n", "{}"},
       }) {
    DYNAMIC_SECTION(one.name) {
      MaskedReplies world;
      const ProgramGot got = world.reply(one.fields, one.body);
      REQUIRE(got.responses.size() == 1);
      CHECK(got.bytes.find(kHidden) == std::string::npos);
      CHECK(got.bytes.find("123456789") == std::string::npos);
    }
  }
}

TEST_CASE("masked replies: a status of its own does not show more") {
  for (const char* status : {"206 Partial Content", "404 Not Found", "500 Internal Server Error"}) {
    DYNAMIC_SECTION(status) {
      MaskedReplies world;
      world.target.answers = {{"HTTP/1.1 " + std::string(status) +
                                   "\r\nContent-Type: application/json\r\nContent-Length: "
                                   "21\r\n\r\n{\"ssn\":\"123-45-6789\"}",
                               false,
                               {}}};
      CHECK(world.get("/people").bytes.find(kHidden) == std::string::npos);
    }
  }
}

TEST_CASE("masked replies: what follows the body is not shown either") {
  MaskedReplies world;
  world.target.answers = {
      {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\n{}\r\n0\r\nX-Customer-Ssn: 123-45-6789\r\nX-Ssn: 123-45-6789\r\n\r\n",
       false,
       {}}};
  const ProgramGot got = world.get("/people");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].body == "{}");
  CHECK(got.bytes.find(kHidden) == std::string::npos);
}

TEST_CASE("masked replies: the record has them as the program does") {
  MaskedReplies world;
  static_cast<void>(world.reply("Content-Type: application/json\r\nX-Customer-Ssn: 123-45-6789\r\n",
                                R"({"ssn":"123-45-6789"})"));
  static_cast<void>(world.records());
  CHECK(as_text(world.log->bytes).find(kHidden) == std::string_view::npos);
}

}  // namespace
}  // namespace hoop::http_target
