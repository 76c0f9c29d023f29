// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_packets.h"

#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

// No attributes, and all of version 3.
const Bytes kNothing = {0, 0, 0, 0};
const Bytes kEverything = {0, 0, 0, 15,  0, 0, 0, 0,   0, 0, 1, 0, 0, 0, 3, 232,
                           0, 0, 3, 233, 0, 0, 1, 164, 0, 0, 0, 1, 0, 0, 0, 2};

SftpRequest request(SftpType type) {
  SftpRequest out;
  out.type = type;
  out.id = 7;
  return out;
}

std::vector<SftpRequest> all_requests() {
  static const Bytes kHandle = {1, 0, 255};
  static const Bytes kData = {0, 1, 2, 3};
  std::vector<SftpRequest> out;
  for (const SftpType type : {SftpType::lstat, SftpType::stat, SftpType::opendir, SftpType::remove,
                              SftpType::rmdir, SftpType::realpath, SftpType::readlink}) {
    out.push_back(request(type));
    out.back().path = "/a b";
  }
  for (const SftpType type : {SftpType::close, SftpType::fstat, SftpType::readdir}) {
    out.push_back(request(type));
    out.back().handle = kHandle;
  }
  for (const SftpType type : {SftpType::setstat, SftpType::mkdir}) {
    out.push_back(request(type));
    out.back().path = "/a";
    out.back().attributes = kEverything;
  }
  for (const SftpType type : {SftpType::rename, SftpType::symlink}) {
    out.push_back(request(type));
    out.back().path = "a";
    out.back().second = "/b";
  }
  out.push_back(request(SftpType::open));
  out.back().path = "x";
  out.back().flags = kSftpWrite | kSftpCreate;
  out.back().attributes = kNothing;
  out.push_back(request(SftpType::read));
  out.back().handle = kHandle;
  out.back().offset = 1ULL << 40U;
  out.back().length = 32768;
  out.push_back(request(SftpType::write));
  out.back().handle = kHandle;
  out.back().offset = 5;
  out.back().data = kData;
  out.push_back(request(SftpType::fsetstat));
  out.back().handle = kHandle;
  out.back().attributes = kNothing;
  for (const SftpExtension one :
       {SftpExtension::posix_rename, SftpExtension::statvfs, SftpExtension::fstatvfs,
        SftpExtension::hardlink, SftpExtension::fsync, SftpExtension::lsetstat,
        SftpExtension::limits}) {
    out.push_back(request(SftpType::extended));
    SftpRequest& made = out.back();
    made.extension = one;
    if (one == SftpExtension::fstatvfs || one == SftpExtension::fsync) {
      made.handle = kHandle;
    } else if (one != SftpExtension::limits) {
      made.path = "/a";
    }
    if (one == SftpExtension::posix_rename || one == SftpExtension::hardlink) made.second = "/b";
    if (one == SftpExtension::lsetstat) made.attributes = kNothing;
  }
  return out;
}

std::vector<SftpAnswer> all_answers() {
  static const Bytes kData = {9, 8, 7};
  std::vector<SftpAnswer> out(7);
  out[0].type = SftpType::version;
  out[0].extensions = {{"posix-rename@openssh.com", "1"}, {"x", ""}};
  out[1].code = SftpCode::no_such_file;
  out[1].message = "No such file";
  out[2].type = SftpType::handle;
  out[2].handle = kData;
  out[3].type = SftpType::data;
  out[3].data = kData;
  out[4].type = SftpType::name;
  out[4].names = {{"a", "-rw a", kNothing}, {"b", "", kEverything}};
  out[5].type = SftpType::attrs;
  out[5].attributes = kEverything;
  out[6].type = SftpType::extended_reply;
  out[6].data = kData;
  return out;
}

template <class Packet, class Decode>
void check_round(const Packet& packet, const Decode& decode, bool may_be_cut) {
  Bytes bytes;
  append_sftp(bytes, packet);
  REQUIRE(bytes.size() > 4);
  const ByteSpan whole = ByteSpan(bytes).subspan(4);
  CHECK(ByteReader(bytes).u32() == whole.size());
  const auto again = decode(whole);
  REQUIRE(again);
  Bytes written;
  append_sftp(written, *again);
  CHECK(written == bytes);
  if (may_be_cut) return;
  for (std::size_t at = 0; at < whole.size(); ++at) CHECK_FALSE(decode(whole.first(at)));
  bytes.push_back(0);
  CHECK_FALSE(decode(ByteSpan(bytes).subspan(4)));
}

Bytes packet(std::initializer_list<std::uint8_t> bytes) { return bytes; }

}  // namespace

TEST_CASE("sftp packets: what is written is what is read, and nothing else is") {
  for (const SftpRequest& one : all_requests()) check_round(one, decode_sftp_request, false);
  for (const SftpAnswer& one : all_answers()) {
    // What the server's extensions say nobody knows; a status may end behind its code.
    const bool open_ended = one.type == SftpType::version || one.type == SftpType::status ||
                            one.type == SftpType::extended_reply;
    check_round(one, decode_sftp_answer, open_ended);
  }
}

TEST_CASE("sftp packets: paths, handles and attributes that mean two things are none") {
  SftpRequest one = request(SftpType::stat);
  const auto refused = [&] {
    Bytes bytes;
    append_sftp(bytes, one);
    const auto read = decode_sftp_request(ByteSpan(bytes).subspan(4));
    return !read && read.error().code == ErrorCode::malformed;
  };
  one.path = std::string("/allowed\0/x", 11);
  CHECK(refused());
  one.path = std::string(4097, 'a');
  CHECK(refused());
  one.path = std::string(4096, 'a');
  CHECK_FALSE(refused());
  one = request(SftpType::close);
  CHECK(refused());  // no handle
  const Bytes long_handle(257, 1);
  one.handle = long_handle;
  CHECK(refused());
  one = request(SftpType::mkdir);
  const Bytes extended = {128, 0, 0, 0, 0, 0, 0, 0};
  one.attributes = extended;
  CHECK(refused());
  const Bytes unknown = {0, 0, 0, 16};
  one.attributes = unknown;
  CHECK(refused());
}

TEST_CASE("sftp packets: what version 3 has not is not malformed") {
  const Bytes block = packet({22, 0, 0, 0, 9, 1, 2, 3});  // a later version's
  const auto later = decode_sftp_request(block);
  REQUIRE_FALSE(later);
  CHECK(later.error().code == ErrorCode::unsupported);
  CHECK(sftp_id_of(block) == 9U);
  Bytes extended = packet({200, 0, 0, 0, 9, 0, 0, 0, 1, 'x', 1, 2});
  const auto other = decode_sftp_request(extended);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::unsupported);
  CHECK_FALSE(sftp_id_of(packet({22, 0, 0})));
}

TEST_CASE("sftp packets: attributes") {
  const auto all = decode_sftp_attributes(kEverything);
  REQUIRE(all);
  CHECK(all->size == 256U);
  CHECK(all->owner == std::pair<std::uint32_t, std::uint32_t>(1000, 1001));
  CHECK(all->permissions == 0644U);
  CHECK(all->times == std::pair<std::uint32_t, std::uint32_t>(1, 2));
  const auto none = decode_sftp_attributes(kNothing);
  REQUIRE(none);
  CHECK_FALSE(none->size);
  CHECK_FALSE(decode_sftp_attributes({}));
}

}  // namespace hoop::ssh
