// SPDX-License-Identifier: Apache-2.0
// The framing of a session log, version 1; hoopctl-session-log(5) is the specification and has a
// worked example.
//
// file    = header segment* ; all integers big-endian
// header  = "hooplog\n" version:u16 length:u32 json[length]
// segment = length:u32 encoding:u8 flags:u8 zero:u16 number:u64 body[length] head[32]
// body    = record* ; record = length:u32 type:u8 flags:u8 zero:u16 payload[length]
//
// head(0) = SHA-256("hoopctl session log v1" NUL header), head(n) = SHA-256(head(n-1)
// segment-header(16) body). A segment is what one commit wrote: hashing per commit and not per
// record costs half as much at the sizes that occur, and a segment is also the unit that later
// versions compress or encrypt (encoding).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hoop::record {

inline constexpr std::string_view kMagic = "hooplog\n";
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kFileHeaderBytes = 8 + 2 + 4;
inline constexpr std::size_t kSegmentHeaderBytes = 4 + 1 + 1 + 2 + 8;
inline constexpr std::size_t kRecordHeaderBytes = 4 + 1 + 1 + 2;
inline constexpr std::size_t kHeadBytes = 32;
inline constexpr std::size_t kActionBytes = 8;  // an action's number before its reply's data
/// Before a program's output: action:u64 milliseconds:u32 stream:u8 (1 output, 2 error).
inline constexpr std::size_t kOutputMarkBytes = 8 + 4 + 1;

inline constexpr std::size_t kMaxHeaderBytes = 64U << 10;  // argv is in it
inline constexpr std::size_t kMaxRecordBytes =
    256U << 10;  // a statement's text is cut at 8 KiB, reply data at 64 KiB
inline constexpr std::size_t kMaxSegmentBytes =
    2U << 20;  // append() commits before a buffer reaches this

inline constexpr std::uint8_t kEncodingPlain = 0;
inline constexpr std::uint8_t kSegmentFinal =
    1;  // flags: this segment holds the seal alone, nothing follows
inline constexpr std::uint8_t kRecordSkippable =
    1;  // flags: a reader that does not know the type may skip it

inline constexpr std::string_view kChainLabel{"hoopctl session log v1\0", 23};
inline constexpr std::string_view kSealLabel{"hoopctl session log seal v1\0", 28};

}  // namespace hoop::record
