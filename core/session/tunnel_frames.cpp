// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel_frames.h"

#include <algorithm>

#include <fmt/format.h>

namespace hoop::session {
namespace {

constexpr std::size_t kExporterBytes = 32;

struct FrameRule {
  std::string_view name;
  std::size_t least;
  std::size_t most;
};

/// nullopt: there is no such type.
std::optional<FrameRule> rule_of(FrameType type) {
  switch (type) {
    case FrameType::opening: return FrameRule{"opening", 1, kMaxOpening};
    case FrameType::data: return FrameRule{"data", 1, kMaxFramePayload};
    case FrameType::end: return FrameRule{"end", 0, 0};
    case FrameType::idle: return FrameRule{"idle", 0, 0};
    case FrameType::reset: return FrameRule{"reset", 0, kMaxResetReason};
  }
  return std::nullopt;
}

bool is_text(std::string_view text) { return text.find('\0') == std::string_view::npos; }

std::unexpected<Error> bad_opening(std::string_view why) {
  return fail(ErrorCode::malformed, fmt::format("the opening of a tunnel: {}", why));
}

Result<void> check_parameter(std::string_view name, std::string_view value) {
  if (name.empty()) return bad_opening("a parameter has no name");
  // What the handler builds from them ends in a NUL: one inside would begin something else.
  if (!is_text(name) || !is_text(value)) return bad_opening("a parameter holds a NUL");
  return {};
}

}  // namespace

Bytes tunnel_proof_text(ByteSpan exporter, std::string_view session, std::uint64_t stream) {
  HOOP_ASSERT(exporter.size() == kExporterBytes && is_text(session));
  Bytes out;
  ByteWriter writer(out);
  writer.c_string(kTunnelProtocol);
  writer.bytes(exporter);
  writer.c_string(session);
  writer.u64(stream);
  return out;
}

Result<Bytes> encode_opening(const Opening& opening) {
  Bytes out;
  ByteWriter writer(out);
  if (opening.kind == Opening::Kind::cancel) {
    if (opening.cancel_key.empty()) return bad_opening("the key is empty");
    writer.u8(1);
    writer.bytes(opening.cancel_key);
  } else {
    std::size_t total = 3;
    for (const auto& [name, value] : opening.parameters) {
      HOOP_CHECK(check_parameter(name, value));
      total += 4 + name.size() + value.size();
    }
    // Bounds every count and length below, too.
    if (total > kMaxOpening)
      return fail(ErrorCode::too_large,
                  fmt::format("the opening of a tunnel: more than {} bytes", kMaxOpening));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(opening.parameters.size()));
    for (const auto& [name, value] : opening.parameters) {
      writer.u16(static_cast<std::uint16_t>(name.size()));
      writer.u16(static_cast<std::uint16_t>(value.size()));
      writer.text(name);
      writer.text(value);
    }
  }
  if (out.size() > kMaxOpening)
    return fail(ErrorCode::too_large,
                fmt::format("the opening of a tunnel: more than {} bytes", kMaxOpening));
  return out;
}

Result<Opening> decode_opening(ByteSpan payload) {
  ByteReader in(payload);
  const auto kind = in.u8();
  if (!kind) return bad_opening("it is empty");
  Opening opening;
  if (*kind == 1) {
    if (in.empty()) return bad_opening("the key is empty");
    opening.kind = Opening::Kind::cancel;
    opening.cancel_key.assign(in.rest().begin(), in.rest().end());
    return opening;
  }
  if (*kind != 0) return bad_opening("its kind is unknown");
  const auto count = in.u16();
  if (!count) return bad_opening("it is cut short");
  // Not reserved: the count is the peer's word, the bytes behind it are what there is.
  for (unsigned number = 0; number < *count; ++number) {
    const auto name_size = in.u16();
    const auto value_size = in.u16();
    if (!name_size || !value_size) return bad_opening("it is cut short");
    const auto name = in.take(*name_size);
    const auto value = in.take(*value_size);
    if (!name || !value) return bad_opening("it is cut short");
    HOOP_CHECK(check_parameter(as_text(*name), as_text(*value)));
    opening.parameters.emplace_back(to_text(*name), to_text(*value));
  }
  if (!in.empty()) return bad_opening("bytes are left over");
  return opening;
}

void append_frame(Bytes& out, FrameType type, ByteSpan payload) {
  const auto rule = rule_of(type);
  HOOP_ASSERT(rule && payload.size() >= rule->least && payload.size() <= rule->most);
  ByteWriter writer(out);
  // The type and the 24 bits of the length are one number.
  writer.u32(static_cast<std::uint32_t>(type) << 24 | static_cast<std::uint32_t>(payload.size()));
  writer.bytes(payload);
}

FrameReader::FrameReader(Sender sender)
    : part_(sender == Sender::client ? Part::before_opening : Part::open) {}

Result<FrameReader::Event> FrameReader::next(ByteSpan& in) {
  if (failure_) return std::unexpected(*failure_);
  data_ = {};
  if (header_bytes_ < kFrameHeaderBytes) {
    const auto count = std::min(in.size(), kFrameHeaderBytes - header_bytes_);
    std::copy_n(in.begin(), count, header_.begin() + header_bytes_);
    header_bytes_ += count;
    in = in.subspan(count);
    if (header_bytes_ < kFrameHeaderBytes) return Event::need_more;
    if (auto begun = begin_frame(); !begun) {
      failure_ = std::move(begun).error();
      return std::unexpected(*failure_);
    }
  }
  return go_on(in);
}

Result<void> FrameReader::begin_frame() {
  type_ = static_cast<FrameType>(header_[0]);
  missing_ = static_cast<std::size_t>(header_[1]) << 16 |
             static_cast<std::size_t>(header_[2]) << 8 | header_[3];
  payload_.clear();
  const auto rule = rule_of(type_);
  if (!rule)
    return fail(ErrorCode::malformed,
                fmt::format("a tunnel's frame of unknown type {}", header_[0]));
  const auto refuse = [&](ErrorCode code, std::string_view why) {
    return fail(code, fmt::format("a tunnel's frame '{}' {}", rule->name, why));
  };
  const bool may_come = [&] {
    switch (part_) {
      case Part::before_opening: return type_ == FrameType::opening || type_ == FrameType::reset;
      case Part::open: return type_ != FrameType::opening;
      case Part::ended: return type_ == FrameType::reset;
      case Part::over: return false;
    }
    return false;
  }();
  if (!may_come) return refuse(ErrorCode::malformed, "came where it must not");
  if (missing_ < rule->least) return refuse(ErrorCode::malformed, "is empty");
  if (missing_ > rule->most)
    return refuse(rule->most == 0 ? ErrorCode::malformed : ErrorCode::too_large, "is too long");
  return {};
}

Result<FrameReader::Event> FrameReader::go_on(ByteSpan& in) {
  const auto part = in.first(std::min(in.size(), missing_));
  in = in.subspan(part.size());
  missing_ -= part.size();
  if (type_ == FrameType::data) {
    if (missing_ == 0) header_bytes_ = 0;
    data_ = part;
    return part.empty() ? Event::need_more : Event::data;
  }
  // As much as its cap allows: begin_frame has checked.
  payload_.insert(payload_.end(), part.begin(), part.end());
  if (missing_ != 0) return Event::need_more;
  header_bytes_ = 0;
  switch (type_) {
    case FrameType::opening: part_ = Part::open; return Event::opening;
    case FrameType::end: part_ = Part::ended; return Event::end;
    case FrameType::reset: part_ = Part::over; return Event::reset;
    case FrameType::data:
    case FrameType::idle: break;
  }
  return Event::idle;
}

}  // namespace hoop::session
