// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/row_masker.h"

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

constexpr Oid kText = 25, kInt4 = 23, kJsonb = 3802, kTextArray = 1009, kCitext = 16'500,
              kVarchar = 1043;
constexpr Oid kCustomers = 100;
constexpr std::int16_t kEmail = 3, kSsn = 4, kName = 2;

FieldDescription column(Oid type, Format format = Format::text, Oid table = 0,
                        std::int16_t number = 0) {
  FieldDescription field;
  field.name = "c";
  field.table = table;
  field.column = number;
  field.type = type;
  field.format = format;
  return field;
}

mask::Masker make_masker(bool detectors) {
  access::Mask mask;
  mask.name = "m";
  if (detectors) mask.detectors = {"payment_card", "email"};
  auto made = mask::Masker::create({mask}, SecretBytes(Bytes(32, 1)));
  REQUIRE(made);
  return std::move(*made);
}

using Texts = std::vector<std::optional<std::string>>;

Bytes row(const Texts& texts) {
  std::vector<Value> list;
  for (const auto& text : texts) {
    list.push_back(text ? Value(as_bytes(*text)) : Value());
  }
  Bytes out;
  append_data_row(out, list);
  return out;
}

struct Masked {
  std::vector<Texts> rows;
  mask::HiddenCounts counts;
  Bytes bytes;
};

Result<Masked> rewrite(std::vector<FieldDescription> fields, const Bytes& rows,
                       bool detectors = true) {
  Bytes description;
  append_row_description(description, fields);
  const auto decoded = decode_row_description(ByteSpan(description).subspan(5));
  mask::Masker masker = make_masker(detectors);
  RowMasker row_masker(*decoded, *test::demo_catalog(), masker);
  Masked masked;
  HOOP_CHECK(row_masker.rewrite(rows, masked.bytes, masked.counts));
  FrameReader reader;
  reader.append(masked.bytes);
  for (;;) {
    HOOP_TRY(const auto frame, reader.next(Direction::from_backend));
    if (!frame) break;
    HOOP_TRY(const DataRow data, decode_data_row(frame->body));
    Texts texts;
    for (const Value& value : data.values) {
      texts.push_back(value ? std::optional(to_text(*value)) : std::nullopt);
    }
    masked.rows.push_back(std::move(texts));
  }
  CHECK(reader.buffered() == 0);
  return masked;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const std::string kPaymentCard = "4111 1111 1111 1111";

}  // namespace

TEST_CASE("rows on which nothing acts are copied byte by byte") {
  const Bytes rows = row({"7", std::nullopt}) + row({"8", "plain"});
  const auto masked = rewrite({column(kInt4), column(kText)}, rows);
  REQUIRE(masked);
  CHECK(masked->bytes == rows);
  CHECK(masked->counts.total() == 0);
}

TEST_CASE("a masked column is replaced by table and number, whatever it is called") {
  const auto masked = rewrite({column(kText, Format::text, kCustomers, kEmail),
                               column(kText, Format::text, kCustomers, kName)},
                              row({"ann@example.com", "ann"}) + row({std::nullopt, "bob"}), false);
  REQUIRE(masked);
  CHECK(masked->rows == std::vector<Texts>{{"[redacted]", "ann"}, {std::nullopt, "bob"}});
  CHECK(masked->counts.columns == 1);
}

TEST_CASE("a masked column of text is masked in the binary format too") {
  const auto masked =
      rewrite({column(kVarchar, Format::binary, kCustomers, kSsn)}, row({"523-45-6789"}), false);
  REQUIRE(masked);
  CHECK(masked->rows == std::vector<Texts>{{"[redacted]"}});
}

TEST_CASE("a masked column without a stand-in of its type becomes NULL") {
  for (const Oid type : {kInt4, kJsonb, kTextArray, kCitext}) {
    const auto masked =
        rewrite({column(type, Format::binary, kCustomers, kSsn)}, row({"\x01secret"}), false);
    REQUIRE(masked);
    CHECK(masked->rows == std::vector<Texts>{{std::nullopt}});
  }
}

TEST_CASE("a whole row or a view over masked columns becomes NULL should one get here") {
  const Oid customer_view = 104;
  const auto masked = rewrite(
      {column(kCitext, Format::text, kCustomers, 0), column(kText, Format::text, customer_view, 1)},
      row({"(1,ann,a@b.c)", "1"}), false);
  REQUIRE(masked);
  CHECK(masked->rows == std::vector<Texts>{{std::nullopt, std::nullopt}});
}

TEST_CASE("detectors rewrite text of every kind and length") {
  const auto masked = rewrite(
      {column(kText), column(kVarchar, Format::binary), column(kCitext)},
      row({"card " + kPaymentCard + ".", kPaymentCard, "x"}) + row({"none", "", kPaymentCard}));
  REQUIRE(masked);
  CHECK(masked->rows ==
        std::vector<Texts>{{"card [redacted].", "[redacted]", "x"}, {"none", "", "[redacted]"}});
  CHECK(masked->counts.total() == 3);
}

TEST_CASE("binary jsonb keeps its version byte and stays JSON") {
  const auto masked =
      rewrite({column(kJsonb, Format::binary)}, row({"\x01{\"card\": \"" + kPaymentCard + "\"}"}));
  REQUIRE(masked);
  CHECK(masked->rows == std::vector<Texts>{{"\x01{\"card\": \"[redacted]\"}"}});
  CHECK_FALSE(rewrite({column(kJsonb, Format::binary)}, row({"\x02{}"})));
}

TEST_CASE("a finding inside a structured binary value makes it NULL") {
  const std::string array =
      std::string("\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\x13", 24) + kPaymentCard;
  const auto masked = rewrite({column(kTextArray, Format::binary), column(kTextArray)},
                              row({array, "{\"" + kPaymentCard + "\",x}"}));
  REQUIRE(masked);
  CHECK(masked->rows == std::vector<Texts>{{std::nullopt, "{\"[redacted]\",x}"}});
}

TEST_CASE("numbers pass the detectors, which act on text alone") {
  const auto masked = rewrite({column(kInt4)}, row({"4111111111111111"}));
  REQUIRE(masked);
  CHECK(masked->counts.total() == 0);
}

TEST_CASE("a batch above the scan size is masked as a small one") {
  Bytes rows;
  std::vector<Texts> expected;
  const std::string filler(3000, 'x');
  for (int i = 0; i < 200; ++i) {
    rows = rows + row({filler + " " + kPaymentCard}) + row({filler});
    expected.push_back({filler + " [redacted]"});
    expected.push_back({filler});
  }
  const auto masked = rewrite({column(kText)}, rows);
  REQUIRE(masked);
  CHECK(masked->rows == expected);
}

TEST_CASE("a row that does not fit its description is malformed") {
  for (const bool detectors : {false, true}) {
    const auto masked = rewrite({column(kText)}, row({"a", "b"}), detectors);
    REQUIRE_FALSE(masked);
    CHECK(masked.error().code == ErrorCode::malformed);
    CHECK_FALSE(rewrite({column(kText), column(kText)}, row({"a"}), detectors));
  }
}
