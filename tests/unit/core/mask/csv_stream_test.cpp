// SPDX-License-Identifier: Apache-2.0
#include "core/mask/csv_stream.h"

#include "tests/unit/core/mask/masked_bodies.h"

namespace hoop::mask {
namespace {

using access::MaskStrategy;
using test::BodyMasks;

struct TableRow {
  std::string text;
  std::string want;
};

void check_tables(BodyMasks& masks, const std::vector<TableRow>& rows) {
  for (const auto& [text, want] : rows) {
    INFO(text);
    const auto body = masks.however_cut(BodyForm::csv, text);
    CHECK_FALSE(body.failure);
    CHECK(body.text == want);
  }
}

std::string of_columns(MaskStrategy with, const std::string& text) {
  BodyMasks masks({BodyMasks::fields({"$[*].mail"}, with)});
  return masks.however_cut(BodyForm::csv, text).text;
}

}  // namespace

TEST_CASE("a table's columns are masked by the names of its header line") {
  BodyMasks masks({BodyMasks::fields({"$[*].email", "$[*]['credit card']"})});
  check_tables(
      masks, {
                 {"id,email\n1,bob@x.org\n2,eve@x.org\n", "id,email\n1,[redacted]\n2,[redacted]\n"},
                 {"id,email\r\n1,bob@x.org", "id,email\r\n1,[redacted]"},
                 {"email,credit card,email\na,b,c\n",
                  "email,credit card,email\n[redacted],[redacted],[redacted]\n"},
                 {"\"email\",\"credit card\"\n\"a\",\"b\"\n",
                  "\"email\",\"credit card\"\n[redacted],[redacted]\n"},
                 {"id;email\n1;a,b\n", "id;email\n1;[redacted]\n"},
                 {"id\temail\n1\ta;b\n", "id\temail\n1\t[redacted]\n"},
                 {"id;x,email\n1;2,a\n", "id;x,email\n1;2,[redacted]\n"},
                 {"\"a;b\"\n1\n", "\"a;b\"\n1\n"},
                 // Line ends, separators and quotes in cells.
                 {"id,email\n\"1\n\"\"2\",\"bob\n,\"\"x\"\"\"\n3,y\n",
                  "id,email\n\"1\n\"\"2\",[redacted]\n3,[redacted]\n"},
                 // Empty cells are no values; quoted ones are.
                 {"email,id\n,1\n\"\",2\n", "email,id\n,1\n[redacted],2\n"},
                 {"id,email\n\n1\n2,\n\r\n3,x\n", "id,email\n\n1\n2,\n\r\n3,[redacted]\n"},
                 {"\n\r\nid,email\n1,x", "\n\r\nid,email\n1,[redacted]"},
                 // As many readers take names, and exact else.
                 {"\xef\xbb\xbf"
                  "email, email ,Email\na,b,c\n",
                  "\xef\xbb\xbf"
                  "email, email ,Email\n[redacted],[redacted],c\n"},
                 {"\xef\xbb\xbf\"email\"\na\n", "\xef\xbb\xbf\"email\"\n[redacted]\n"},
                 {"email", "email"},
                 {"", ""},
                 {"\n", "\n"},
                 {"\xef\xbb\xbf", "\xef\xbb\xbf"},
             });
}

TEST_CASE("a whole record, and a whole table, are masked cell by cell") {
  for (const std::string path : {"$", "$[*]", "$.*", "$[*].*", "$..a", "$.*.a"}) {
    INFO(path);
    BodyMasks masks({BodyMasks::fields({path})});
    const std::string want =
        path.ends_with('a') ? "a,b\n[redacted],2\n" : "a,b\n[redacted],[redacted]\n";
    CHECK(masks.however_cut(BodyForm::csv, "a,b\n1,2\n").text == want);
  }
  for (const std::string path : {"$.a", "$[*].a.b", "$[*].A"}) {
    INFO(path);
    BodyMasks masks({BodyMasks::fields({path})});
    CHECK(masks.however_cut(BodyForm::csv, "a,b\n1,2\n").text == "a,b\n1,2\n");
  }
}

TEST_CASE("a cell is hidden as its strategy says, and in quotes where it needs them") {
  CHECK(of_columns(MaskStrategy::null, "mail,x\n\"a\",1\nb,2\n") == "mail,x\n,1\n,2\n");
  CHECK(of_columns(MaskStrategy::partial, "mail\nbob@example.com\n\"0123456789\"\n") ==
        "mail\nb***@example.com\n****6789\n");
  CHECK(of_columns(MaskStrategy::partial, "mail\n\"0123456,\n\"\"x\"\n") ==
        "mail\n\"****,\n\"\"x\"\n");
  CHECK(of_columns(MaskStrategy::partial, "mail\n01234567\xff\xfe\xfd\n") == "mail\n[redacted]\n");
  CHECK(of_columns(MaskStrategy::hash, "mail\n\"a\"\"b\"\n").starts_with("mail\nhmac:"));
}

TEST_CASE("detectors look at every cell, and at the header line: a table may have none") {
  BodyMasks masks({BodyMasks::detectors({"all"})});
  check_tables(
      masks,
      {
          {"a,b\nbob@example.com,\"to \"\"eve@example.com\"\", x\"\n",
           "a,b\n[redacted],\"to \"\"[redacted]\"\", x\"\n"},
          {"bob@example.com,1\n", "[redacted],1\n"},
          {"a\n\"4111 1111\n1111 1111\"\n4111111111111111\n",
           "a\n\"4111 1111\n1111 1111\"\n[redacted]\n"},
          {"user,api_key\nbob,aK3xP9qLm2Zr7Tv4\n", "user,api_key\nbob,[redacted]\n"},
          {"user,note\nbob,aK3xP9qLm2Zr7Tv4\n", "user,note\nbob,aK3xP9qLm2Zr7Tv4\n"},
          {"k,s,t\nAKIAQ3EGRJ5HX7KLMNOP,wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY,x\n",
           "k,s,t\n[redacted],[redacted],x\n"},
          {"a\n\"{\"\"n\"\":4111111111111111}\"\n", "a\n\"{\"\"n\"\":\"\"[redacted]\"\"}\"\n"},
          // Where no columns are masked nothing depends on what readers differ in.
          {"a,b\nx\"y,\"z\"w,3,bob@example.com\n", "a,b\nx\"y,\"z\"w,3,[redacted]\n"},
          {"a,b\nx\ry,1\r", "a,b\nx\ry,1\r"},
          {"a\"b,c\n1,bob@example.com", "a\"b,c\n1,[redacted]"},
      });
  CHECK(masks.whole(BodyForm::csv, "a\nbob@example.com\n").hidden.total() == 1);
}

TEST_CASE("a table that readers could take in two ways fails closed where columns are masked") {
  BodyMasks masks({BodyMasks::fields({"$[*].ssn"})});
  for (const std::string& text : {
           std::string("id,ssn\n1,2,3\n"),
           std::string("id,ssn\n1,a\"b\n"),
           std::string("id,ssn\n1,\"a\"b\n"),
           std::string("id,ssn\n1,\"a\" \n"),
           std::string("id,ssn\r1,2\r"),
           std::string("id,ssn\n1,a\rb\n"),
           std::string("id,ssn\n1,\"a"),
           std::string("id,s\"sn\n1,2\n"),
           std::string("id,\"ssn\n1,2\n"),
           std::string("id,ssn\xff\n1,2\n"),
           std::string("id,ssn\n1,\0\n", 11),
           std::string("\xff\xfei\0d\0", 6),
           std::string("id,ssn\n1,2\r"),
       }) {
    INFO(text);
    const auto body = masks.however_cut(BodyForm::csv, text);
    CHECK(body.failure == ErrorCode::malformed);
  }
}

TEST_CASE("a cell or a header line that is too long fails") {
  BodyMasks masks({BodyMasks::fields({"$[*].ssn"})});
  const std::string longer((std::size_t{1} << 20) + 10, 'x');
  for (const std::string& text :
       {"id,ssn\n1," + longer + "\n", "id,\"" + longer + "\"\n", longer}) {
    for (const std::size_t size : {text.size(), std::size_t{10'007}}) {
      const auto body = masks.cut(BodyForm::csv, text, [&] { return size; });
      CHECK(body.failure == ErrorCode::too_large);
      CHECK(body.text.size() < 20);
    }
  }
}

TEST_CASE("rows of a table are its records without the header line") {
  BodyMasks masks({});
  const auto rows = [&](std::string_view text) {
    return masks.however_cut(BodyForm::csv, text).rows;
  };
  CHECK(rows("") == 0);
  CHECK(rows("a,b") == 0);
  CHECK(rows("a,b\n") == 0);
  CHECK(rows("a,b\n1,2\n\n3\n") == 2);
  CHECK(rows("a,b\n1,2\n3,") == 2);
  CHECK(rows("a,b\n\"1\n2\",3\n,\n") == 2);
}

}  // namespace hoop::mask
