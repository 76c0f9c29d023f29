// SPDX-License-Identifier: Apache-2.0
#include "core/session/agent_frames.h"

#include <algorithm>

#include <fmt/format.h>

namespace hoop::session {
namespace {

constexpr std::size_t kExporterBytes = 32;

enum class Type : std::uint8_t {
  heartbeat = 1,
  dial = 2,
  refused = 3,
  new_key = 4,
  key_taken = 5,
  leaving = 6,
};

std::string_view name_of(AgentPurpose purpose) {
  switch (purpose) {
    case AgentPurpose::control: return "control";
    case AgentPurpose::stream: return "stream";
    case AgentPurpose::key: return "key";
  }
  return "control";
}

std::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorCode::malformed, fmt::format("the control stream of an agent: {}", why));
}

template <std::size_t N>
bool read_array(ByteReader& in, std::array<std::uint8_t, N>& out) {
  const auto bytes = in.take(N);
  if (bytes) std::ranges::copy(*bytes, out.begin());
  return bytes.has_value();
}

template <class... Arms>
struct Match : Arms... {
  using Arms::operator()...;
};

Type type_of(const ControlMessage& message) {
  return std::visit(
      Match{[](const Heartbeat&) { return Type::heartbeat; },
            [](const Dial&) { return Type::dial; }, [](const Refused&) { return Type::refused; },
            [](const NewKey&) { return Type::new_key; },
            [](const KeyTaken&) { return Type::key_taken; },
            [](const Leaving&) { return Type::leaving; }},
      message);
}

bool may_send(ControlReader::Sender sender, Type type) {
  const bool gateway = sender == ControlReader::Sender::gateway;
  switch (type) {
    case Type::heartbeat: return true;
    case Type::dial:
    case Type::key_taken: return gateway;
    case Type::refused:
    case Type::new_key:
    case Type::leaving: return !gateway;
  }
  return false;
}

}  // namespace

Bytes agent_proof_text(AgentPurpose purpose, ByteSpan exporter, std::string_view name,
                       ByteSpan about) {
  HOOP_ASSERT(exporter.size() == kExporterBytes && name.find('\0') == std::string_view::npos);
  Bytes out;
  ByteWriter writer(out);
  writer.c_string(kAgentProtocol);
  writer.c_string(name_of(purpose));
  writer.bytes(exporter);
  writer.c_string(name);
  writer.bytes(about);
  return out;
}

Bytes agent_join_text(std::string_view token) {
  Bytes out;
  ByteWriter writer(out);
  writer.c_string(kAgentProtocol);
  writer.c_string("join");
  writer.text(token);
  return out;
}

bool is_dial_host(std::string_view host) {
  return !host.empty() && host.size() <= kMaxDialHost &&
         std::ranges::all_of(host, [](char c) { return c > ' ' && c < '\x7f'; });
}

void append_control(Bytes& out, const ControlMessage& message) {
  Bytes payload;
  ByteWriter writer(payload);
  std::visit(Match{[](const Heartbeat&) {},
                   [&](const Dial& dial) {
                     HOOP_ASSERT(is_dial_host(dial.host));
                     writer.bytes(dial.number);
                     writer.u16(dial.port);
                     writer.text(dial.host);
                   },
                   [&](const Refused& refused) {
                     writer.bytes(refused.number);
                     writer.u8(static_cast<std::uint8_t>(refused.reason));
                   },
                   [&](const NewKey& fresh) {
                     writer.bytes(fresh.key);
                     writer.bytes(fresh.signature);
                   },
                   [&](const KeyTaken& taken) { writer.bytes(taken.key); }, [](const Leaving&) {}},
             message);
  ByteWriter frame(out);
  frame.u8(static_cast<std::uint8_t>(type_of(message)));
  frame.u16(static_cast<std::uint16_t>(payload.size()));
  frame.bytes(payload);
}

Result<std::optional<ControlMessage>> ControlReader::next(ByteSpan& in) {
  if (failure_) return std::unexpected(*failure_);
  const auto take = [&](std::size_t until) {
    const auto count = std::min(in.size(), until - std::min(until, held_.size()));
    held_.insert(held_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    in = in.subspan(count);
    return held_.size() >= until;
  };
  const auto refuse = [&](std::unexpected<Error> why) {
    failure_ = why.error();
    return why;
  };
  if (!take(kControlHeaderBytes)) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(held_[1]) << 8 | held_[2];
  if (length > kMaxControlPayload)
    return refuse(
        fail(ErrorCode::too_large, "the control stream of an agent: a frame is too long"));
  if (!take(kControlHeaderBytes + length)) return std::nullopt;
  auto message = decode();
  held_.clear();
  if (!message) return refuse(std::unexpected(std::move(message).error()));
  return std::move(*message);
}

Result<ControlMessage> ControlReader::decode() const {
  const auto type = static_cast<Type>(held_[0]);
  if (held_[0] < 1 || held_[0] > static_cast<std::uint8_t>(Type::leaving))
    return malformed(fmt::format("unknown type {}", held_[0]));
  if (!may_send(sender_, type)) return malformed("a frame of the other side's");
  ByteReader in(ByteSpan(held_).subspan(kControlHeaderBytes));
  ControlMessage out;
  bool whole = true;
  switch (type) {
    case Type::heartbeat: break;
    case Type::leaving: out = Leaving{}; break;
    case Type::dial: {
      Dial dial;
      whole = read_array(in, dial.number);
      dial.port = in.u16().value_or(0);
      dial.host = to_text(in.rest());
      if (!whole || dial.port == 0 || !is_dial_host(dial.host)) return malformed("a dial");
      return dial;
    }
    case Type::refused: {
      Refused refused;
      whole = read_array(in, refused.number);
      const std::uint8_t reason = in.u8().value_or(0);
      if (reason < 1 || reason > static_cast<std::uint8_t>(DialRefusal::failed))
        return malformed("an unknown reason");
      refused.reason = static_cast<DialRefusal>(reason);
      out = refused;
      break;
    }
    case Type::new_key: {
      NewKey fresh;
      whole = read_array(in, fresh.key) && read_array(in, fresh.signature);
      out = fresh;
      break;
    }
    case Type::key_taken: {
      KeyTaken taken;
      whole = read_array(in, taken.key);
      out = taken;
      break;
    }
  }
  if (!whole || !in.empty()) return malformed("a frame of the wrong length");
  return out;
}

}  // namespace hoop::session
