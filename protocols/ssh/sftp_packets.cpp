// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_packets.h"

#include <algorithm>
#include <array>

#include "protocols/ssh/wire.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMaxPath = 4096;      // PATH_MAX
constexpr std::size_t kMaxHandle = 256;     // §3 of the draft
constexpr std::size_t kMaxText = 64 << 10;  // of a message or a name
constexpr std::uint32_t kMostNames = 16384;
constexpr std::size_t kMostExtensions = 64;

constexpr std::uint32_t kHasSize = 1, kHasOwner = 2, kHasPermissions = 4, kHasTimes = 8;

struct ExtensionName {
  SftpExtension extension;
  std::string_view name;
};
constexpr std::array<ExtensionName, 7> kExtensions = {
    {{SftpExtension::posix_rename, "posix-rename@openssh.com"},
     {SftpExtension::statvfs, "statvfs@openssh.com"},
     {SftpExtension::fstatvfs, "fstatvfs@openssh.com"},
     {SftpExtension::hardlink, "hardlink@openssh.com"},
     {SftpExtension::fsync, "fsync@openssh.com"},
     {SftpExtension::lsetstat, "lsetstat@openssh.com"},
     {SftpExtension::limits, "limits@openssh.com"}}};

class PacketReader : public StrictReader {
 public:
  using StrictReader::StrictReader;
  std::string_view text() { return as_text(string(kMaxText)); }
  std::string path() {
    const ByteSpan read = string(kMaxPath);
    if (std::ranges::find(read, 0) != read.end()) fail();
    return is_wrong() ? std::string() : to_text(read);
  }
  ByteSpan handle() {
    const ByteSpan read = string(kMaxHandle);
    if (read.empty()) fail();
    return read;
  }
  ByteSpan attributes() {
    const ByteSpan before = reader_.rest();
    const std::uint32_t flags = number();
    if ((flags & ~(kHasSize | kHasOwner | kHasPermissions | kHasTimes)) != 0) fail();
    if ((flags & kHasSize) != 0) large();
    for (const std::uint32_t pair : {kHasOwner, kHasTimes}) {
      if ((flags & pair) != 0) large();
    }
    if ((flags & kHasPermissions) != 0) number();
    return is_wrong() ? ByteSpan() : before.first(before.size() - reader_.size());
  }
  ByteSpan rest() { return reader_.take(reader_.size()).value_or(ByteSpan()); }
  template <class Packet>
  Result<Packet> take(Packet packet) const {
    if (!is_whole()) return hoop::fail(ErrorCode::malformed, "a packet of SFTP is malformed");
    return packet;
  }
};

Result<SftpRequest> read_extended(PacketReader& reader, SftpRequest out) {
  const std::string_view name = reader.text();
  const auto found = std::ranges::find(kExtensions, name, &ExtensionName::name);
  if (!reader.is_wrong() && found == kExtensions.end())
    return fail(ErrorCode::unsupported, "an extension of SFTP is not known");
  out.extension = found == kExtensions.end() ? SftpExtension::none : found->extension;
  switch (out.extension) {
    case SftpExtension::posix_rename:
    case SftpExtension::hardlink:
      out.path = reader.path();
      out.second = reader.path();
      break;
    case SftpExtension::statvfs: out.path = reader.path(); break;
    case SftpExtension::fstatvfs:
    case SftpExtension::fsync: out.handle = reader.handle(); break;
    case SftpExtension::lsetstat:
      out.path = reader.path();
      out.attributes = reader.attributes();
      break;
    case SftpExtension::limits:
    case SftpExtension::none: break;
  }
  return reader.take(std::move(out));
}

/// Where the length of a packet that is being written has to be.
std::size_t begin(ByteWriter& writer) {
  const std::size_t at = writer.size();
  writer.u32(0);
  return at;
}
void end(ByteWriter& writer, std::size_t at) {
  writer.patch_u32(at, static_cast<std::uint32_t>(writer.size() - at - 4));
}

void append_extended(ByteWriter& writer, const SftpRequest& request) {
  write_string(writer, name_of(request.extension));
  switch (request.extension) {
    case SftpExtension::posix_rename:
    case SftpExtension::hardlink:
      write_string(writer, request.path);
      write_string(writer, request.second);
      break;
    case SftpExtension::statvfs: write_string(writer, request.path); break;
    case SftpExtension::fstatvfs:
    case SftpExtension::fsync: write_string(writer, request.handle); break;
    case SftpExtension::lsetstat:
      write_string(writer, request.path);
      writer.bytes(request.attributes);
      break;
    case SftpExtension::limits:
    case SftpExtension::none: break;
  }
}

}  // namespace

std::string_view name_of(SftpExtension extension) {
  const auto found = std::ranges::find(kExtensions, extension, &ExtensionName::extension);
  return found == kExtensions.end() ? std::string_view() : found->name;
}

Result<SftpAttributes> decode_sftp_attributes(ByteSpan attributes) {
  PacketReader shape(attributes);
  shape.attributes();
  HOOP_CHECK(shape.take(true));
  ByteReader reader(attributes);
  SftpAttributes out;
  const auto number = [&] { return reader.u32().value_or(0); };
  const std::uint32_t flags = number();
  if ((flags & kHasSize) != 0) out.size = reader.u64();
  if ((flags & kHasOwner) != 0) {
    const std::uint32_t user = number();
    out.owner = {user, number()};
  }
  if ((flags & kHasPermissions) != 0) out.permissions = number();
  if ((flags & kHasTimes) != 0) {
    const std::uint32_t access = number();
    out.times = {access, number()};
  }
  return out;
}

std::optional<std::uint32_t> sftp_id_of(ByteSpan packet) {
  ByteReader reader(packet);
  if (!reader.u8()) return std::nullopt;
  return reader.u32();
}

Result<SftpRequest> decode_sftp_request(ByteSpan packet) {
  PacketReader reader(packet);
  SftpRequest out;
  out.type = static_cast<SftpType>(reader.byte());
  out.id = reader.number();
  switch (out.type) {
    case SftpType::init:
      reader.rest();  // extensions of a client: none of them means anything
      break;
    case SftpType::open:
      out.path = reader.path();
      out.flags = reader.number();
      out.attributes = reader.attributes();
      break;
    case SftpType::close:
    case SftpType::fstat:
    case SftpType::readdir: out.handle = reader.handle(); break;
    case SftpType::read:
      out.handle = reader.handle();
      out.offset = reader.large();
      out.length = reader.number();
      break;
    case SftpType::write:
      out.handle = reader.handle();
      out.offset = reader.large();
      out.data = reader.string(kMaxSftpPacket);
      break;
    case SftpType::lstat:
    case SftpType::stat:
    case SftpType::opendir:
    case SftpType::remove:
    case SftpType::rmdir:
    case SftpType::realpath:
    case SftpType::readlink: out.path = reader.path(); break;
    case SftpType::setstat:
    case SftpType::mkdir:
      out.path = reader.path();
      out.attributes = reader.attributes();
      break;
    case SftpType::fsetstat:
      out.handle = reader.handle();
      out.attributes = reader.attributes();
      break;
    case SftpType::rename:
    case SftpType::symlink:
      out.path = reader.path();
      out.second = reader.path();
      break;
    case SftpType::extended: return read_extended(reader, std::move(out));
    default:
      if (!reader.is_wrong()) return fail(ErrorCode::unsupported, "no request of SFTP version 3");
      break;
  }
  return reader.take(std::move(out));
}

void append_sftp(Bytes& out, const SftpRequest& request) {
  ByteWriter writer(out);
  const std::size_t at = begin(writer);
  writer.u8(static_cast<std::uint8_t>(request.type));
  writer.u32(request.id);
  switch (request.type) {
    case SftpType::open:
      write_string(writer, request.path);
      writer.u32(request.flags);
      writer.bytes(request.attributes);
      break;
    case SftpType::close:
    case SftpType::fstat:
    case SftpType::readdir: write_string(writer, request.handle); break;
    case SftpType::read:
      write_string(writer, request.handle);
      writer.u64(request.offset);
      writer.u32(request.length);
      break;
    case SftpType::write:
      write_string(writer, request.handle);
      writer.u64(request.offset);
      write_string(writer, request.data);
      break;
    case SftpType::setstat:
    case SftpType::mkdir:
      write_string(writer, request.path);
      writer.bytes(request.attributes);
      break;
    case SftpType::fsetstat:
      write_string(writer, request.handle);
      writer.bytes(request.attributes);
      break;
    case SftpType::rename:
    case SftpType::symlink:
      write_string(writer, request.path);
      write_string(writer, request.second);
      break;
    case SftpType::extended: append_extended(writer, request); break;
    case SftpType::init: break;
    default: write_string(writer, request.path); break;
  }
  end(writer, at);
}

Result<SftpAnswer> decode_sftp_answer(ByteSpan packet) {
  PacketReader reader(packet);
  SftpAnswer out;
  out.type = static_cast<SftpType>(reader.byte());
  out.id = reader.number();
  switch (out.type) {
    case SftpType::version:
      while (!reader.empty() && !reader.is_wrong() && out.extensions.size() < kMostExtensions) {
        const std::string_view name = reader.text();
        out.extensions.emplace_back(name, reader.text());
      }
      break;
    case SftpType::status:
      out.code = static_cast<SftpCode>(reader.number());
      // Servers of the first drafts leave the rest out.
      if (reader.empty()) break;
      out.message = reader.text();
      reader.text();  // in which language
      break;
    case SftpType::handle: out.handle = reader.handle(); break;
    case SftpType::data: out.data = reader.string(kMaxSftpPacket); break;
    case SftpType::name: {
      const std::uint32_t count = reader.number();
      if (count > kMostNames) return fail(ErrorCode::malformed, "too many names in one answer");
      for (std::uint32_t i = 0; i < count && !reader.is_wrong(); ++i) {
        SftpName one;
        one.name = reader.text();
        one.long_name = reader.text();
        one.attributes = reader.attributes();
        out.names.push_back(one);
      }
      break;
    }
    case SftpType::attrs: out.attributes = reader.attributes(); break;
    case SftpType::extended_reply: out.data = reader.rest(); break;
    default: return fail(ErrorCode::malformed, "no answer of SFTP version 3");
  }
  return reader.take(std::move(out));
}

void append_sftp(Bytes& out, const SftpAnswer& answer) {
  ByteWriter writer(out);
  const std::size_t at = begin(writer);
  writer.u8(static_cast<std::uint8_t>(answer.type));
  writer.u32(answer.id);
  switch (answer.type) {
    case SftpType::version:
      for (const auto& [name, value] : answer.extensions) {
        write_string(writer, name);
        write_string(writer, value);
      }
      break;
    case SftpType::status:
      writer.u32(static_cast<std::uint32_t>(answer.code));
      write_string(writer, answer.message);
      write_string(writer, std::string_view());
      break;
    case SftpType::handle: write_string(writer, answer.handle); break;
    case SftpType::data: write_string(writer, answer.data); break;
    case SftpType::name:
      writer.u32(static_cast<std::uint32_t>(answer.names.size()));
      for (const SftpName& one : answer.names) {
        write_string(writer, one.name);
        write_string(writer, one.long_name);
        writer.bytes(one.attributes);
      }
      break;
    case SftpType::attrs: writer.bytes(answer.attributes); break;
    default: writer.bytes(answer.data); break;
  }
  end(writer, at);
}

}  // namespace hoop::ssh
