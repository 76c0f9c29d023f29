// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/access/path_pattern.h"
#include "protocols/ssh/sftp_parts.h"

namespace hoop::ssh {
namespace {

// Beyond it a client waits: some ask for all of a large file at once.
constexpr std::size_t kMostPending = 512;
constexpr std::size_t kMaxHeld = kMaxSftpPacket + (std::size_t{64} << 10);
constexpr std::uint64_t kProgressBytes = 1U << 20;

bool is_quiet(const SftpRequest& request) {
  return request.type == SftpType::extended && request.extension == SftpExtension::limits;
}

}  // namespace

std::string error_status(SftpCode code) {
  return code == SftpCode::ok ? "ok" : fmt::format("error {}", static_cast<std::uint32_t>(code));
}

SftpType expected_for(const SftpRequest& request) {
  switch (request.type) {
    case SftpType::open:
    case SftpType::opendir: return SftpType::handle;
    case SftpType::read: return SftpType::data;
    case SftpType::readdir:
    case SftpType::readlink:
    case SftpType::realpath: return SftpType::name;
    case SftpType::stat:
    case SftpType::lstat:
    case SftpType::fstat: return SftpType::attrs;
    case SftpType::extended:
      return request.extension == SftpExtension::statvfs ||
                     request.extension == SftpExtension::fstatvfs ||
                     request.extension == SftpExtension::limits
                 ? SftpType::extended_reply
                 : SftpType::status;
    default: return SftpType::status;
  }
}

void SftpSession::Packets::append(ByteSpan piece) { bytes_.append(piece); }

Result<std::optional<ByteSpan>> SftpSession::Packets::next() const {
  ByteReader reader(bytes_.view());
  const auto size = reader.u32();
  if (!size) return std::nullopt;
  if (*size == 0 || *size > kMaxHeld)
    return std::unexpected(malformed_sftp("a packet of SFTP is empty or too long"));
  return reader.take(*size);
}

void SftpSession::Packets::drop() {
  ByteReader reader(bytes_.view());
  bytes_.drop(4 + std::size_t{reader.u32().value_or(0)});
}

/// Once a byte has come out of its turn nothing is known any more of the run.
void SftpSession::Flow::take(std::uint64_t offset, ByteSpan data) {
  bytes += data.size();
  if (!in_order || data.empty()) return;
  if (offset != next) return lose();
  if (!hash) hash.emplace();
  hash->update(data);
  next += data.size();
}

void SftpSession::Flow::lose() {
  in_order = false;
  hash.reset();
}

SftpSession::SftpSession(Parts parts) : parts_(std::move(parts)) {}
SftpSession::~SftpSession() = default;

Result<void> SftpSession::from_client(ByteSpan piece) {
  client_.append(piece);
  return advance();
}

bool SftpSession::is_stalled() const {
  if (looking_ || wish_) return true;
  const auto next = client_.next();
  return next && next->has_value();
}

Result<void> SftpSession::advance() {
  while (!wish_ && !looking_ && in_flight() < kMostPending &&
         (stage_ == Stage::silent || stage_ == Stage::ready)) {
    HOOP_TRY(const auto packet, client_.next());
    if (!packet) return {};
    const Result<void> taken = take_request(*packet);
    client_.drop();
    HOOP_CHECK(taken);
  }
  return {};
}

Result<void> SftpSession::take_request(ByteSpan packet) {
  auto request = decode_sftp_request(packet);
  if (!request && stage_ == Stage::silent)
    return std::unexpected(malformed_sftp("a client of SFTP does not begin as one"));
  if (!request && request.error().code == ErrorCode::unsupported) {
    const auto id = sftp_id_of(packet);
    if (!id) return std::unexpected(request.error());
    answer(*id, SftpCode::unsupported, "not supported here");
    return {};
  }
  HOOP_CHECK(request);
  if ((stage_ == Stage::silent) != (request->type == SftpType::init))
    return std::unexpected(malformed_sftp("a client of SFTP does not begin as one"));
  if (request->type == SftpType::init) return greet(*request);
  if (is_quiet(*request)) {
    Pending pending;
    pending.expected = expected_for(*request);
    pending.client_id = request->id;
    send(std::move(*request), pending);
  } else if (!request->handle.empty()) {
    by_handle(*request);
  } else {
    by_path(std::move(*request));
  }
  return {};
}

/// Whatever the client's version, the server is asked for ours: it answers with that or less.
Result<void> SftpSession::greet(const SftpRequest& request) {
  if (request.id < kSftpVersion)
    return std::unexpected(malformed_sftp("the client of SFTP is older than version 3"));
  ByteWriter writer(for_target_);
  writer.u32(5);
  writer.u8(static_cast<std::uint8_t>(SftpType::init));
  writer.u32(kSftpVersion);
  stage_ = Stage::greeted;
  return {};
}

Result<void> SftpSession::take_version(const SftpAnswer& answer) {
  if (stage_ != Stage::greeted)
    return std::unexpected(malformed_sftp("the target answers a greeting of SFTP that was not"));
  if (answer.id != kSftpVersion)
    return std::unexpected(malformed_sftp("the target speaks another version of SFTP than 3"));
  SftpAnswer shown;
  shown.type = SftpType::version;
  shown.id = kSftpVersion;
  for (const auto& [name, value] : answer.extensions) {
    for (const SftpExtension known :
         {SftpExtension::posix_rename, SftpExtension::statvfs, SftpExtension::fstatvfs,
          SftpExtension::hardlink, SftpExtension::fsync, SftpExtension::lsetstat,
          SftpExtension::limits}) {
      if (name == name_of(known)) shown.extensions.emplace_back(name, value);
    }
  }
  append_sftp(for_client_, shown);
  stage_ = Stage::known;
  SftpRequest where;
  where.type = SftpType::realpath;
  where.path = ".";
  Pending pending;
  pending.purpose = Pending::Purpose::home;
  pending.expected = SftpType::name;
  send(std::move(where), pending);
  return {};
}

void SftpSession::send(SftpRequest request, Pending pending) {
  while (pending_.contains(next_id_)) ++next_id_;
  request.id = next_id_++;
  append_sftp(for_target_, request);
  pending_.emplace(request.id, std::move(pending));
}

void SftpSession::answer(std::uint32_t client_id, SftpCode code, std::string_view words) {
  SftpAnswer out;
  out.id = client_id;
  out.code = code;
  out.message = words;
  answer_in_turn(out);
}

void SftpSession::answer_in_turn(const SftpAnswer& answer) {
  OwnAnswer own;
  own.before = next_id_;
  append_sftp(own.bytes, answer);
  own_answers_.push_back(std::move(own));
  release_answers();
}

void SftpSession::release_answers() {
  while (!own_answers_.empty() &&
         (pending_.empty() || pending_.begin()->first >= own_answers_.front().before)) {
    const Bytes& bytes = own_answers_.front().bytes;
    for_client_.insert(for_client_.end(), bytes.begin(), bytes.end());
    own_answers_.pop_front();
  }
}

/// More bytes of a file: counted, or cut off.
bool SftpSession::move(const FilePtr& file, Flow& flow, std::uint64_t offset, ByteSpan data) {
  if (file->cut.empty()) {
    file->cut = parts_.charge(file->down.bytes + file->up.bytes, data.size());
    if (!file->cut.empty()) events_.push_back(SftpCut{file->action, file->cut});
  }
  if (!file->cut.empty()) return false;
  flow.take(offset, data);
  const std::uint64_t total = file->down.bytes + file->up.bytes;
  if (total - file->reported >= kProgressBytes) {
    file->reported = total;
    events_.push_back(SftpProgress{file->action, total});
  }
  return true;
}

void SftpSession::by_handle(const SftpRequest& request) {
  const auto found = files_.find(as_text(request.handle));
  if (found == files_.end()) return answer(request.id, SftpCode::failure, "no such handle");
  const FilePtr file = found->second;
  Pending pending;
  pending.expected = expected_for(request);
  pending.client_id = request.id;
  pending.file = file;
  switch (request.type) {
    case SftpType::read:
      if (!file->reads) return answer(request.id, SftpCode::failure, "not open for reading");
      if (!file->cut.empty()) return answer(request.id, SftpCode::permission_denied, file->cut);
      pending.purpose = Pending::Purpose::read;
      pending.offset = request.offset;
      pending.length = request.length;
      break;
    case SftpType::write:
      if (!file->writes) return answer(request.id, SftpCode::failure, "not open for writing");
      // At its end, wherever that is.
      if (file->appends) file->up.lose();
      if (!move(file, file->up, request.offset, request.data))
        return answer(request.id, SftpCode::permission_denied, file->cut);
      pending.purpose = Pending::Purpose::write;
      break;
    case SftpType::readdir:
      if (!file->is_folder) return answer(request.id, SftpCode::failure, "not a folder");
      break;
    case SftpType::close:
      pending.purpose = Pending::Purpose::close;
      files_.erase(found);
      break;
    case SftpType::fsetstat: {
      // What it sets is judged as for the path that was opened.
      Wish wish;
      wish.request = request;
      wish.file = file;
      return look_up(std::move(wish));
    }
    default: break;
  }
  send(request, std::move(pending));
}

Result<void> SftpSession::from_target(ByteSpan piece) {
  target_.append(piece);
  for (;;) {
    HOOP_TRY(const auto packet, target_.next());
    if (!packet) break;
    const Result<void> taken = take_answer(*packet);
    target_.drop();
    HOOP_CHECK(taken);
    release_answers();
  }
  return advance();
}

Result<void> SftpSession::take_answer(ByteSpan packet) {
  HOOP_TRY(const SftpAnswer answer, decode_sftp_answer(packet));
  if (answer.type == SftpType::version) return take_version(answer);
  const auto found = pending_.find(answer.id);
  if (found == pending_.end() ||
      (answer.type != SftpType::status && answer.type != found->second.expected))
    return std::unexpected(malformed_sftp("the target answers what SFTP did not ask"));
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  switch (pending.purpose) {
    case Pending::Purpose::home:
      // Without it paths that cannot be looked up are taken from the root on.
      if (answer.type == SftpType::name && answer.names.size() == 1)
        home_ = access::lexical_path({}, answer.names[0].name);
      stage_ = Stage::ready;
      return {};
    case Pending::Purpose::lookup: return take_lookup(pending, answer);
    default: return pass_on(pending, answer);
  }
}

Result<void> SftpSession::pass_on(const Pending& pending, const SftpAnswer& given) {
  SftpAnswer out = given;
  out.id = pending.client_id;
  const bool failed = given.type == SftpType::status;
  std::vector<std::string> shown;
  switch (pending.purpose) {
    case Pending::Purpose::open:
      if (failed) {
        events_.push_back(SftpOutcome{pending.action, error_status(given.code), 0, {}});
      } else if (!files_.emplace(std::string(as_text(given.handle)), pending.file).second) {
        return std::unexpected(malformed_sftp("the target gives one handle of SFTP to two files"));
      }
      break;
    case Pending::Purpose::read:
      if (given.type == SftpType::data) {
        if (given.data.size() > pending.length)
          return std::unexpected(
              malformed_sftp("the target sends more of a file than was asked for"));
        if (pending.file->ended)
          return std::unexpected(
              malformed_sftp("the target sends more of a file that it has closed"));
        if (!move(pending.file, pending.file->down, pending.offset, given.data)) {
          out = {};
          out.id = pending.client_id;
          out.code = SftpCode::permission_denied;
          out.message = pending.file->cut;
        }
      } else if (given.code == SftpCode::eof) {
        const Flow& down = pending.file->down;
        pending.file->down.at_end = down.in_order && pending.offset == down.next;
      }
      break;
    case Pending::Purpose::write:
      // What was hashed is not what is there.
      if (given.code != SftpCode::ok) pending.file->up.lose();
      break;
    case Pending::Purpose::close: end(*pending.file, error_status(given.code)); break;
    case Pending::Purpose::act:
      events_.push_back(
          SftpOutcome{pending.action, failed ? error_status(given.code) : "ok", 0, {}});
      break;
    default: break;
  }
  // Words of the target's, which no client need show.
  if (failed && parts_.hide) out.message = {};
  if (given.type == SftpType::name && parts_.hide) {
    shown.reserve(given.names.size() * 2);
    for (SftpName& one : out.names) {
      HOOP_TRY(std::string name, parts_.hide(one.name));
      HOOP_TRY(std::string long_name, parts_.hide(one.long_name));
      one.name = shown.emplace_back(std::move(name));
      one.long_name = shown.emplace_back(std::move(long_name));
    }
  }
  append_sftp(for_client_, out);
  return {};
}

void SftpSession::end(File& file, std::string status) {
  file.ended = true;
  SftpOutcome out{file.action, std::move(status), file.down.bytes + file.up.bytes, {}};
  for (Flow* flow : {&file.down, &file.up}) {
    const bool upload = flow == &file.up;
    if (upload ? !file.writes : !file.reads) continue;
    SftpTransfer one;
    one.path = file.path;
    one.upload = upload;
    one.bytes = flow->bytes;
    one.whole = flow->at_end;
    if (flow->in_order) one.sha256 = flow->hash ? flow->hash->finish() : crypto::sha256({});
    out.transfers.push_back(std::move(one));
  }
  events_.push_back(std::move(out));
}

void SftpSession::end() {
  for (const auto& [id, pending] : pending_) {
    if (pending.purpose == Pending::Purpose::close) {
      end(*pending.file, "lost");
    } else if (pending.action != 0) {
      events_.push_back(SftpOutcome{pending.action, "lost", 0, {}});
    }
  }
  pending_.clear();
  for (const auto& [handle, file] : files_) end(*file, "lost");
  files_.clear();
}

}  // namespace hoop::ssh
