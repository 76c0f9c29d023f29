// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/copy_text.h"

#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

using FieldTexts = std::vector<std::string>;

CopyText csv_format() { return {true, ',', '"', '"', ""}; }

FieldTexts field_texts(const CopyText& format, std::string_view rows) {
  CopyFields fields(format);
  const auto split = fields.split(rows);
  return {split.begin(), split.end()};
}

/// The rows with that field replaced.
std::string row_with(const CopyText& format, std::string_view rows, std::size_t index,
                     const std::string& value) {
  CopyFields fields(format);
  std::vector<std::optional<std::string>> rewritten(fields.split(rows).size());
  rewritten.at(index) = value;
  std::string out;
  fields.join(rewritten, out);
  return out;
}

}  // namespace

TEST_CASE("fields of COPY rows, without what was put around them") {
  struct Case {
    const char* name;
    CopyText format;
    std::string rows;
    FieldTexts values;
  };
  const CopyText at{false, '@', '"', '"', "\\N"};
  const CopyText odd_null{false, '|', '"', '"', "x\\"};
  const CopyText own_escape{true, ';', '\'', '\\', "NULL"};
  const CopyText quote_at{true, ',', '@', '@', ""};
  const Case cases[] = {
      {"plain", {}, "1\tone\n", {"1", "one"}},
      {"empty fields", {}, "\t\t\n", {"", "", ""}},
      {"no columns", {}, "\n", {""}},
      {"two rows", {}, "1\tone\n2\ttwo\n", {"1", "one", "2", "two"}},
      {"the last row is cut", {}, "1\tone\n2\t", {"1", "one", "2", ""}},
      {"nothing", {}, "", {""}},
      {"escapes", {}, "a\\tb\\\\\\n\tc\\\tt\\r\\b\\f\\v\n", {"a\tb\\\n", "c\tt\r\b\f\v"}},
      {"a backslash at the end", {}, "a\\", {"a\\"}},
      {"NULL", {}, "\\N\ta\n", {"\\N", "a"}},
      {"what only begins as NULL", {}, "\\Na\n", {"Na"}},
      {"another delimiter, in a value too", at, "joe\\@example.com@2\n", {"joe@example.com", "2"}},
      {"a tab under another delimiter", at, "a\\tb@c\n", {"a\tb", "c"}},
      {"a NULL that ends in a backslash", odd_null, "x\\|1\n", {"x\\", "1"}},
      {"CSV, plain", csv_format(), "1,one,\n", {"1", "one", ""}},
      {"CSV, quoted", csv_format(), "\"a,b\",\"say \"\"no\"\"\"\n", {"a,b", "say \"no\""}},
      {"CSV, a newline in quotes", csv_format(), "\"a\nb\",c\n\"d\"\n", {"a\nb", "c", "d"}},
      {"CSV, only quotes", csv_format(), "\"\",\"\"\"\"\n", {"", "\""}},
      {"CSV, unfinished", csv_format(), "a,\"b", {"a", "b"}},
      {"CSV, an escape of its own", own_escape, "'it\\'s \\\\';NULL\n", {"it's \\", "NULL"}},
      {"CSV, an escape before nothing special", own_escape, "'a\\b'\n", {"a\\b"}},
      {"CSV, quoted by what is in a value",
       quote_at,
       "@joe@@example.com@,2\n",
       {"joe@example.com", "2"}},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    CHECK(field_texts(each.format, each.rows) == each.values);
    CopyFields fields(each.format);
    fields.split("left\tover,of another row\n");
    const auto again = fields.split(each.rows);
    CHECK(FieldTexts(again.begin(), again.end()) == each.values);
    std::string same;
    fields.join(std::vector<std::optional<std::string>>(again.size()), same);
    CHECK(same == each.rows);
  }
}

TEST_CASE("a new value is written as the server would write it") {
  CHECK(row_with({}, "1\ta\\tb\t3\n", 1, "x\ty\\z\n") == "1\tx\\ty\\\\z\\n\t3\n");
  CHECK(row_with({false, 'X', '"', '"', "\\N"}, "1XtwoX3\n", 2, "aXb") == "1XtwoXa\\Xb\n");
  CHECK(row_with(csv_format(), "1,\"a,b\",3\n", 1, "[redacted]") == "1,\"[redacted]\",3\n");
  CHECK(row_with(csv_format(), "1,ab,3\n", 1, "[redacted]") == "1,[redacted],3\n");
  CHECK(row_with(csv_format(), "1,ab,3\n", 1, "a,\"b\"") == "1,\"a,\"\"b\"\"\",3\n");
  CHECK(row_with(csv_format(), "1,ab,3\n", 0, "") == "\"\",ab,3\n");  // else it would read as NULL
  CHECK(row_with({true, ';', '\'', '\\', "NULL"}, "'a;b'\n", 0, "it's \\") == "'it\\'s \\\\'\n");
}

TEST_CASE("the end of a CSV row is not the end of a line inside quotes, however it is cut") {
  struct Case {
    CopyText format;
    std::string rows;
    bool ends;
  };
  const CopyText own_escape{true, ';', '\'', '\\', "NULL"};
  const Case cases[] = {
      {{}, "a\tb\n", true},
      {{}, "a\tb", false},
      {csv_format(), "a,\"b\n", false},
      {csv_format(), "a,\"b\nc\"\n", true},
      {csv_format(), "a,\"b\"\"\n", false},
      {csv_format(), "a,\"b\"\"\"\n", true},
      {own_escape, "'it\\'\n", false},
      {own_escape, "'it\\''\n", true},
      {own_escape, "'it\\\\'\n", true},
      {own_escape, "it\\\n", true},
  };
  for (const Case& each : cases) {
    for (std::size_t piece = 1; piece <= each.rows.size(); ++piece) {
      INFO(each.rows << " in pieces of " << piece);
      CopyRowEnd end(each.format);
      bool ends = false;
      for (std::size_t at = 0; at < each.rows.size(); at += piece)
        ends = end.feed(as_bytes(std::string_view(each.rows).substr(at, piece)));
      CHECK(ends == each.ends);
    }
  }
}

}  // namespace hoop::postgres
