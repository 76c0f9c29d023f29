// SPDX-License-Identifier: Apache-2.0
// Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions of OpenSSH's
// PROTOCOL file that are listed here, without the length that stands in front of each. What they
// hold is a view of the bytes they were read from.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/error.h"

namespace hoop::ssh {

enum class SftpType : std::uint8_t {
  init = 1,
  version = 2,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  lstat = 7,
  fstat = 8,
  setstat = 9,
  fsetstat = 10,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  rmdir = 15,
  realpath = 16,
  stat = 17,
  rename = 18,
  readlink = 19,
  symlink = 20,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attrs = 105,
  extended = 200,
  extended_reply = 201,
};

/// Codes of a status (§7).
enum class SftpCode : std::uint32_t {
  ok = 0,
  eof = 1,
  no_such_file = 2,
  permission_denied = 3,
  failure = 4,
  bad_message = 5,
  unsupported = 8,
};

inline constexpr std::uint32_t kSftpVersion = 3;
/// OpenSSH's server takes and sends none that is longer.
inline constexpr std::size_t kMaxSftpPacket = std::size_t{256} << 10;

/// Of an open (§6.3).
inline constexpr std::uint32_t kSftpRead = 1, kSftpWrite = 2, kSftpAppend = 4, kSftpCreate = 8,
                               kSftpTruncate = 16, kSftpExclusive = 32;

/// The extensions that requests may be of.
enum class SftpExtension : std::uint8_t {
  none,
  posix_rename,
  statvfs,
  fstatvfs,
  hardlink,
  fsync,
  lsetstat,
  limits,
};
/// As it is announced: "posix-rename@openssh.com". Empty for none.
std::string_view name_of(SftpExtension extension);

/// What a client asks for. Which members mean something depends on the type.
struct SftpRequest {
  SftpType type = SftpType::init;
  SftpExtension extension = SftpExtension::none;  // of an extended one
  std::uint32_t id = 0;                           // of an init: the version
  std::string path, second;  // two of a rename, a link (from, to) and a symlink (what it says, it)
  ByteSpan handle;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;  // of a read
  std::uint32_t flags = 0;   // of an open
  ByteSpan data;             // of a write
  ByteSpan attributes;       // as they stand
};

/// What the attributes of a request set (§5).
struct SftpAttributes {
  std::optional<std::uint64_t> size;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;  // user, group
  std::optional<std::uint32_t> permissions;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> times;  // access, change
};
/// Fails with malformed, also for attributes that version 3 has not.
Result<SftpAttributes> decode_sftp_attributes(ByteSpan attributes);

/// Strict: every length is what it says, nothing is left over, a path holds no NUL and at most
/// 4,096 bytes. Fails with malformed; unsupported for a type or an extension that is not listed
/// here, whose id can still be read by sftp_id_of().
Result<SftpRequest> decode_sftp_request(ByteSpan packet);
std::optional<std::uint32_t> sftp_id_of(ByteSpan packet);
/// With its length in front, at the end of out.
void append_sftp(Bytes& out, const SftpRequest& request);

struct SftpName {
  std::string_view name, long_name;
  ByteSpan attributes;
};

/// What a server answers.
struct SftpAnswer {
  SftpType type = SftpType::status;
  std::uint32_t id = 0;  // of a version: the version
  SftpCode code = SftpCode::ok;
  std::string_view message;
  ByteSpan handle;
  ByteSpan data;  // also of an extended answer: all of it
  std::vector<SftpName> names;
  std::vector<std::pair<std::string_view, std::string_view>> extensions;  // of a version
  ByteSpan attributes;
};
/// Fails with malformed.
Result<SftpAnswer> decode_sftp_answer(ByteSpan packet);
/// With its length in front, at the end of out.
void append_sftp(Bytes& out, const SftpAnswer& answer);

}  // namespace hoop::ssh
