// SPDX-License-Identifier: Apache-2.0
// The decoders' answers, value by value, and the bodies that they must refuse.
#include "protocols/postgres/message_reader.h"
#include "tests/support/catch.h"
#include "tests/unit/protocols/postgres/wire_samples.h"

namespace hoop::postgres {
namespace {

using namespace std::string_view_literals;

ByteSpan body_of(const Bytes& whole) { return ByteSpan(whole).subspan(5); }

std::vector<std::optional<std::string>> texts(const ValueList& values) {
  std::vector<std::optional<std::string>> out;
  for (const Value& value : values)
    out.push_back(value ? std::optional(to_text(*value)) : std::nullopt);
  return out;
}

Bytes startup(std::uint32_t version, std::string_view rest) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(version);
  writer.text(rest);
  return out;
}

}  // namespace

TEST_CASE("Parse and Bind are read with their lists in place") {
  Bytes out;
  const std::vector<Oid> oids = {23, 0, 3802};
  append_parse(out, "s", "select $1", oids);
  const auto parse = decode_parse(body_of(out));
  REQUIRE(parse);
  CHECK(parse->statement == "s");
  CHECK(parse->text == "select $1");
  std::vector<Oid> types;
  for (const Oid oid : parse->parameter_types) types.push_back(oid);
  CHECK(types == oids);

  out.clear();
  const Bytes value = to_bytes("a\0b"sv);
  const std::vector<Value> values = {Value(value), Value(), Value(ByteSpan())};
  const std::vector<Format> formats = {Format::binary};
  append_bind(out, "p", "s", formats, values, {});
  const auto bind = decode_bind(body_of(out));
  REQUIRE(bind);
  CHECK(bind->portal == "p");
  CHECK(bind->statement == "s");
  CHECK(*bind->parameter_formats.begin() == Format::binary);
  CHECK(texts(bind->parameters) ==
        std::vector<std::optional<std::string>>{std::string("a\0b", 3), std::nullopt, ""});
  CHECK(bind->result_formats.empty());
}

TEST_CASE("RowDescription keeps table, column and format of every field") {
  const std::vector<FieldDescription> fields = {{"email", 16391, 3, 25, -1, 259, Format::binary},
                                                {"?column?", 0, 0, 23, 4, -1, {}}};
  Bytes out;
  append_row_description(out, fields);
  const auto row = decode_row_description(body_of(out));
  REQUIRE(row);
  REQUIRE(row->fields.size() == 2);
  auto field = row->fields.begin();
  CHECK(field->name == "email");
  CHECK(field->table == 16391);
  CHECK(field->column == 3);
  CHECK(field->type == 25);
  CHECK(field->type_size == -1);
  CHECK(field->type_modifier == 259);
  CHECK(field->format == Format::binary);
  ++field;
  CHECK(field->name == "?column?");
  CHECK(field->type_modifier == -1);
  ++field;
  CHECK(field == row->fields.end());
}

TEST_CASE("ErrorResponse is written with both severities and read field by field") {
  Bytes out;
  append_error_response(out, {Severity::fatal, "42501", std::string("no\0pe", 5), "", "ask"});
  const auto error = decode_error_response(body_of(out));
  REQUIRE(error);
  CHECK(find_field(error->fields, 'S') == "FATAL");
  CHECK(find_field(error->fields, 'V') == "FATAL");
  CHECK(find_field(error->fields, 'C') == "42501");
  CHECK(find_field(error->fields, 'M') == "no pe");
  CHECK(find_field(error->fields, 'H') == "ask");
  CHECK(find_field(error->fields, 'D').empty());
  CHECK(error->fields.size() == 5);
  std::vector<ErrorField> again;
  for (const ErrorField& field : error->fields) again.push_back(field);
  Bytes copy;
  append_error_response(copy, again);
  CHECK(copy == out);
}

TEST_CASE("decoders refuse hostile bodies") {
  struct Case {
    const char* name;
    std::function<bool(ByteSpan)> decodes;
    std::string_view body;
  };
  using samples::decoding;
  const Case cases[] = {
      {"Query without a NUL", decoding(decode_query), "select 1"},
      {"Query with two texts", decoding(decode_query), "select 1\0select 2\0"sv},
      {"Query empty", decoding(decode_query), ""},
      {"Parse with more types than there are", decoding(decode_parse), "s\0q\0\xff\xff\0\0\0\1"sv},
      {"Bind with format 2", decoding(decode_bind), "\0\0\0\1\0\2\0\0\0\0"sv},
      {"Bind with format -1", decoding(decode_bind), "\0\0\0\1\xff\xff\0\0\0\0"sv},
      {"Bind with two formats for one parameter", decoding(decode_bind),
       "\0\0\0\2\0\0\0\0\0\1\xff\xff\xff\xff\0\0"sv},
      {"Bind with length -2", decoding(decode_bind), "\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"sv},
      {"Bind with length past the end", decoding(decode_bind), "\0\0\0\0\0\1\0\0\0\5abcd"sv},
      {"Bind with length INT_MAX", decoding(decode_bind), "\0\0\0\0\0\1\x7f\xff\xff\xff\0\0"sv},
      {"Describe of an X", decoding(decode_describe), "Xs\0"sv},
      {"Close of a small s", decoding(decode_close), "ss\0"sv},
      {"Execute with a negative limit", decoding(decode_execute), "\0\xff\xff\xff\xff"sv},
      {"Sync with a body", decoding(decode_sync), "\0"sv},
      {"SASLInitialResponse with length -2", decoding(decode_sasl_initial_response),
       "X\0\xff\xff\xff\xfe"sv},
      {"Authentication of type 1", decoding(decode_authentication), "\0\0\0\1"sv},
      {"Authentication of type 6 (SCM credential)", decoding(decode_authentication), "\0\0\0\6"sv},
      {"AuthenticationOk with more", decoding(decode_authentication), "\0\0\0\0x"sv},
      {"AuthenticationSASL without its end", decoding(decode_authentication),
       "\0\0\0\x0aSCRAM\0"sv},
      {"BackendKeyData without a key", decoding(decode_backend_key_data), "\0\0\0\1"sv},
      {"BackendKeyData with 3 bytes of key", decoding(decode_backend_key_data), "\0\0\0\1abc"sv},
      {"DataRow with a negative count", decoding(decode_data_row), "\x80\0"sv},
      {"DataRow with a missing value", decoding(decode_data_row), "\0\2\0\0\0\0"sv},
      {"RowDescription with a negative count", decoding(decode_row_description), "\xff\xff"sv},
      {"RowDescription with format 7", decoding(decode_row_description),
       "\0\1a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\7"sv},
      {"CopyOutResponse with format 2", decoding(decode_copy_out_response), "\2\0\0"sv},
      {"CopyOutResponse with a negative count", decoding(decode_copy_out_response), "\0\xff\xff"sv},
      {"ErrorResponse without its end", decoding(decode_error_response), "SERROR\0"sv},
      {"ErrorResponse with a field cut", decoding(decode_error_response), "SERR"sv},
      {"ErrorResponse with bytes behind", decoding(decode_error_response), "SERROR\0\0x"sv},
      {"NegotiateProtocolVersion with a huge count", decoding(decode_negotiate_protocol_version),
       "\0\3\0\0\xff\xff\xff\xff"sv},
      {"ReadyForQuery with an unknown status", decoding(decode_ready_for_query), "X"sv},
      {"ParameterStatus with one text", decoding(decode_parameter_status), "TimeZone\0"sv},
      {"FunctionCallResponse with length -2", decoding(decode_function_call_response),
       "\xff\xff\xff\xfe"sv},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    CHECK_FALSE(each.decodes(as_bytes(each.body)));
  }
}

TEST_CASE("startup packets are told apart and counted") {
  const Bytes body = startup(kProtocol30, "user\0hoop\0database\0demo\0\0"sv);
  const auto message = decode_startup_packet(body);
  REQUIRE(message);
  const auto& parameters = std::get<StartupMessage>(*message).parameters;
  REQUIRE(parameters.size() == 2);
  CHECK(parameters.begin()->name == "user");
  CHECK(parameters.begin()->value == "hoop");

  CHECK(std::holds_alternative<SSLRequest>(
      decode_startup_packet(startup(kSslRequestCode, "")).value()));
  CHECK(std::holds_alternative<GSSENCRequest>(
      decode_startup_packet(startup(kGssEncRequestCode, "")).value()));
  const Bytes request = startup(kCancelRequestCode, "\0\0\0\7secret-of-any-length"sv);
  const auto cancel = decode_startup_packet(request);
  REQUIRE(cancel);
  CHECK(std::get<CancelRequest>(*cancel).process_id == 7);
  CHECK(as_text(std::get<CancelRequest>(*cancel).secret_key) == "secret-of-any-length");
  CHECK(std::get<CancelRequest>(*cancel).key_data.size() == 24);
}

TEST_CASE("startup packets that are off are refused") {
  std::string many;
  for (int i = 0; i < 65; ++i) many += "p" + std::to_string(i) + '\0' + "v" + '\0';
  many += '\0';
  struct Case {
    const char* name;
    std::uint32_t version;
    std::string body;
    ErrorCode code;
  };
  const Case cases[] = {
      {"protocol 2", 0x0002'0000, std::string(292, '\0'), ErrorCode::unsupported},
      {"protocol 4", 0x0004'0000, std::string(1, '\0'), ErrorCode::unsupported},
      {"an unknown request", 80877105, "", ErrorCode::unsupported},
      {"no end", kProtocol30, std::string("user\0hoop\0", 10), ErrorCode::malformed},
      {"a name without a value", kProtocol30, std::string("user\0", 5), ErrorCode::malformed},
      {"something behind the end", kProtocol30, std::string("user\0hoop\0\0x", 12),
       ErrorCode::malformed},
      {"too many", kProtocol30, many, ErrorCode::too_large},
      {"SSLRequest with a body", kSslRequestCode, "x", ErrorCode::malformed},
      {"CancelRequest without a key", kCancelRequestCode, std::string(4, '\0'),
       ErrorCode::malformed},
      {"CancelRequest with a key above 256", kCancelRequestCode, std::string(4 + 257, 'k'),
       ErrorCode::malformed},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const auto packet = decode_startup_packet(startup(each.version, each.body));
    REQUIRE_FALSE(packet);
    CHECK(packet.error().code == each.code);
  }
  CHECK_FALSE(decode_startup_packet(as_bytes("\0\3"sv)));
  CHECK_FALSE(decode_startup_packet({}));
}

TEST_CASE("untagged packets are framed wherever they are split, with the server's own cap") {
  Bytes stream;
  append_ssl_request(stream);
  append_startup_message(stream, kProtocol30, {{"user", "hoop"}});
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    FrameReader reader;
    std::vector<std::size_t> sizes;
    for (const ByteSpan part : {ByteSpan(stream).first(split), ByteSpan(stream).subspan(split)}) {
      reader.append(part);
      while (const auto frame = reader.next_startup().value()) sizes.push_back(frame->whole.size());
    }
    REQUIRE(sizes == std::vector<std::size_t>{8, 19});
  }
  const auto code = [](std::string_view bytes) {
    FrameReader reader;
    reader.append(as_bytes(bytes));
    const auto frame = reader.next_startup();
    REQUIRE_FALSE(frame);
    return frame.error().code;
  };
  CHECK(code("\0\0\0\7"sv) == ErrorCode::malformed);
  CHECK(code("\0\0\x27\x11"sv) == ErrorCode::too_large);
  CHECK(code("GET / HTTP/1.1\r\n"sv) == ErrorCode::too_large);
}

}  // namespace hoop::postgres
