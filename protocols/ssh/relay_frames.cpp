// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_frames.h"

#include <algorithm>

#include "protocols/ssh/wire.h"

namespace hoop::ssh {
namespace {

enum class FrameType : std::uint8_t {
  ready = 1,
  failed,
  ask,
  output,
  resized,
  ended,
  typed,
  setup = 65,
  verdict,
  masked,
  more,
  end,
  stop,
};

constexpr std::size_t kMaxText = std::size_t{24} << 10;  // of a command; two go into a frame
constexpr std::uint32_t kMaxKeys = 64;
constexpr std::uint32_t kMaxUsers = 256;

class FrameWriter {
 public:
  explicit FrameWriter(FrameType type) : writer_(out_) {
    writer_.u8(static_cast<std::uint8_t>(type));
  }
  FrameWriter& number(std::uint32_t value) {
    writer_.u32(value);
    return *this;
  }
  FrameWriter& large(std::uint64_t value) {
    writer_.u64(value);
    return *this;
  }
  FrameWriter& byte(std::uint8_t value) {
    writer_.u8(value);
    return *this;
  }
  FrameWriter& text(std::string_view value) {
    write_string(writer_, value.substr(0, kMaxText));
    return *this;
  }
  FrameWriter& data(ByteSpan value) {
    write_string(writer_, value);
    return *this;
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
  ByteWriter writer_;
};

class FrameReader : public StrictReader {
 public:
  using StrictReader::StrictReader;
  bool flag() {
    const std::uint8_t read = byte();
    if (read > 1) fail();
    return read == 1;
  }
  std::string text() { return to_text(string(kMaxText)); }
  std::vector<std::string> texts(std::uint32_t most) {
    const std::uint32_t count = number();
    if (count > most) fail();
    std::vector<std::string> out;
    for (std::uint32_t i = 0; i < count && !is_wrong(); ++i) out.push_back(text());
    return out;
  }
  Bytes data(std::size_t most) {
    const ByteSpan read = string(most);
    return Bytes(read.begin(), read.end());
  }
  template <class Enum>
  Enum word(Enum last) {
    const std::uint8_t read = byte();
    if (read < 1 || read > static_cast<std::uint8_t>(last)) fail();
    return is_wrong() ? last : static_cast<Enum>(read);
  }
  template <class Frame>
  auto take(auto frame) -> Result<Frame> {
    if (!is_whole())
      return hoop::fail(ErrorCode::malformed, "a frame of an SSH relay is malformed");
    return Frame(std::move(frame));
  }
};

struct FromRelayWriter {
  Bytes operator()(const RelayReady& frame) const {
    return FrameWriter(FrameType::ready)
        .text(frame.user)
        .text(frame.host_key)
        .text(frame.banner)
        .take();
  }
  Bytes operator()(const RelayFailed& frame) const {
    return FrameWriter(FrameType::failed)
        .byte(static_cast<std::uint8_t>(frame.error.code))
        .text(frame.error.message)
        .text(frame.error.hint)
        .text(std::string_view(frame.error.remote).substr(0, 1024))
        .take();
  }
  Bytes operator()(const RelayAsk& frame) const {
    return FrameWriter(FrameType::ask)
        .number(frame.number)
        .number(frame.channel)
        .byte(static_cast<std::uint8_t>(frame.act))
        .text(frame.text)
        .text(frame.value)
        .number(frame.columns)
        .number(frame.rows)
        .take();
  }
  Bytes operator()(const RelayOutput& frame) const {
    return FrameWriter(FrameType::output)
        .number(frame.number)
        .number(frame.channel)
        .byte(static_cast<std::uint8_t>(frame.stream))
        .data(frame.data)
        .take();
  }
  Bytes operator()(const RelayTyped& frame) const {
    return FrameWriter(FrameType::typed).number(frame.channel).data(frame.data).take();
  }
  Bytes operator()(const RelayResized& frame) const {
    return FrameWriter(FrameType::resized)
        .number(frame.channel)
        .number(frame.columns)
        .number(frame.rows)
        .take();
  }
  Bytes operator()(const RelayEnded& frame) const {
    return FrameWriter(FrameType::ended)
        .number(frame.channel)
        .byte(frame.has_status ? 1 : 0)
        .number(frame.status)
        .text(frame.signal)
        .large(frame.in)
        .large(frame.out)
        .take();
  }
};

struct ToRelayWriter {
  Bytes operator()(const RelaySetup& frame) const {
    FrameWriter writer(FrameType::setup);
    writer.number(static_cast<std::uint32_t>(frame.users.size()));
    for (const std::string& user : frame.users) writer.text(user);
    writer.number(static_cast<std::uint32_t>(frame.host_keys.size()));
    for (const std::string& key : frame.host_keys) writer.text(key);
    return writer.data(frame.certificate)
        .data(frame.key.reveal())
        .data(frame.static_key.reveal())
        .data(frame.host_key.reveal())
        .data(frame.client_key)
        .number(frame.patience)
        .text(frame.obstacle)
        .take();
  }
  Bytes operator()(const RelayVerdict& frame) const {
    return FrameWriter(FrameType::verdict)
        .number(frame.number)
        .byte(frame.allowed ? 1 : 0)
        .text(frame.message)
        .byte(frame.inspected ? 1 : 0)
        .byte(frame.tells_keys ? 1 : 0)
        .text(frame.command)
        .number(frame.status)
        .take();
  }
  Bytes operator()(const RelayMasked& frame) const {
    return FrameWriter(FrameType::masked).number(frame.number).data(frame.data).take();
  }
  Bytes operator()(const RelayMore& frame) const {
    return FrameWriter(FrameType::more)
        .number(frame.channel)
        .byte(static_cast<std::uint8_t>(frame.stream))
        .data(frame.data)
        .take();
  }
  Bytes operator()(const RelayStop& frame) const {
    return FrameWriter(FrameType::stop).number(frame.channel).text(frame.reason).take();
  }
  Bytes operator()(const RelayEnd& frame) const {
    return FrameWriter(FrameType::end).text(frame.reason).take();
  }
};

}  // namespace

Bytes encode(const FromRelay& frame) { return std::visit(FromRelayWriter(), frame); }
Bytes encode(const ToRelay& frame) { return std::visit(ToRelayWriter(), frame); }

void append_framed(Bytes& out, ByteSpan frame) {
  ByteWriter writer(out);
  write_string(writer, frame);
}

void append_masked(Bytes& out, std::uint32_t number, ByteSpan data) {
  ByteWriter writer(out);
  writer.u32(static_cast<std::uint32_t>(1 + 4 + 4 + data.size()));
  writer.u8(static_cast<std::uint8_t>(FrameType::masked));
  writer.u32(number);
  write_string(writer, data);
}

void append_more(Bytes& out, std::uint32_t channel, RelayStream stream, ByteSpan data) {
  ByteWriter writer(out);
  writer.u32(static_cast<std::uint32_t>(1 + 4 + 1 + 4 + data.size()));
  writer.u8(static_cast<std::uint8_t>(FrameType::more));
  writer.u32(channel);
  writer.u8(static_cast<std::uint8_t>(stream));
  write_string(writer, data);
}

Result<std::optional<ByteSpan>> next_frame(ByteSpan buffer) {
  ByteReader reader(buffer);
  const auto size = reader.u32();
  if (!size) return std::nullopt;
  if (*size == 0 || *size > kMaxFrame)
    return fail(ErrorCode::malformed, "a frame of an SSH relay is empty or too long");
  return reader.take(*size);
}

Result<FromRelay> decode_from_relay(ByteSpan frame) {
  FrameReader reader(frame);
  switch (static_cast<FrameType>(reader.byte())) {
    case FrameType::ready: {
      RelayReady out;
      out.user = reader.text();
      out.host_key = reader.text();
      out.banner = reader.text();
      return reader.take<FromRelay>(std::move(out));
    }
    case FrameType::failed: {
      RelayFailed out;
      const std::uint8_t code = reader.byte();
      if (code > static_cast<std::uint8_t>(ErrorCode::internal)) reader.fail();
      out.error.code = static_cast<ErrorCode>(code);
      out.error.message = reader.text();
      out.error.hint = reader.text();
      out.error.remote = reader.text();
      return reader.take<FromRelay>(std::move(out));
    }
    case FrameType::ask: {
      RelayAsk out;
      out.number = reader.number();
      out.channel = reader.number();
      out.act = reader.word(RelayAct::accepted);
      out.text = reader.text();
      out.value = reader.text();
      out.columns = reader.number();
      out.rows = reader.number();
      return reader.take<FromRelay>(std::move(out));
    }
    case FrameType::output: {
      RelayOutput out;
      out.number = reader.number();
      out.channel = reader.number();
      out.stream = reader.word(RelayStream::in);
      out.data = reader.data(kMaxOutput);
      return reader.take<FromRelay>(std::move(out));
    }
    case FrameType::typed: {
      RelayTyped out;
      out.channel = reader.number();
      out.data = reader.data(kMaxOutput);
      return reader.take<FromRelay>(std::move(out));
    }
    case FrameType::resized: {
      RelayResized out;
      out.channel = reader.number();
      out.columns = reader.number();
      out.rows = reader.number();
      return reader.take<FromRelay>(out);
    }
    case FrameType::ended: {
      RelayEnded out;
      out.channel = reader.number();
      out.has_status = reader.flag();
      out.status = reader.number();
      out.signal = reader.text();
      out.in = reader.large();
      out.out = reader.large();
      return reader.take<FromRelay>(std::move(out));
    }
    default: break;
  }
  return fail(ErrorCode::malformed, "a frame of an SSH relay is of no known type");
}

Result<ToRelay> decode_to_relay(ByteSpan frame) {
  FrameReader reader(frame);
  switch (static_cast<FrameType>(reader.byte())) {
    case FrameType::setup: {
      RelaySetup out;
      out.users = reader.texts(kMaxUsers);
      out.host_keys = reader.texts(kMaxKeys);
      out.certificate = reader.data(kMaxText);
      out.key = SecretBytes(reader.data(32));
      out.static_key = SecretBytes(reader.data(kMaxText));
      out.host_key = SecretBytes(reader.data(32));
      out.client_key = reader.data(1024);
      out.patience = reader.number();
      if (out.patience < 1 || out.patience > 600) reader.fail();
      out.obstacle = reader.text();
      return reader.take<ToRelay>(std::move(out));
    }
    case FrameType::verdict: {
      RelayVerdict out;
      out.number = reader.number();
      out.allowed = reader.flag();
      out.message = reader.text();
      out.inspected = reader.flag();
      out.tells_keys = reader.flag();
      out.command = reader.text();
      out.status = reader.number();
      if (out.status > 255) reader.fail();
      return reader.take<ToRelay>(std::move(out));
    }
    case FrameType::masked: {
      RelayMasked out;
      out.number = reader.number();
      out.data = reader.data(kMaxFrame);
      return reader.take<ToRelay>(std::move(out));
    }
    case FrameType::more: {
      RelayMore out;
      out.channel = reader.number();
      out.stream = reader.word(RelayStream::in);
      out.data = reader.data(kMaxFrame);
      return reader.take<ToRelay>(std::move(out));
    }
    case FrameType::stop: {
      RelayStop out;
      out.channel = reader.number();
      out.reason = reader.text();
      return reader.take<ToRelay>(std::move(out));
    }
    case FrameType::end: {
      RelayEnd out;
      out.reason = reader.text();
      return reader.take<ToRelay>(std::move(out));
    }
    default: break;
  }
  return fail(ErrorCode::malformed, "a frame for an SSH relay is of no known type");
}

}  // namespace hoop::ssh
