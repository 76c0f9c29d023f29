// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/access/path_pattern.h"
#include "protocols/ssh/sftp_action.h"

namespace hoop::ssh {
namespace {

// Beyond it a client waits: some ask for all of a large file at once.
constexpr std::size_t kMostPending = 512;
constexpr std::size_t kMostOpen = 512;  // files and folders
constexpr std::size_t kMaxHeld = kMaxSftpPacket + (std::size_t{64} << 10);
constexpr std::uint64_t kProgressBytes = 1U << 20;
constexpr int kMostSteps = 64;  // up from what is not there
constexpr std::string_view kUnclear = "what this path means cannot be told";

bool is_quiet(const SftpRequest& request) {
  return request.type == SftpType::extended && request.extension == SftpExtension::limits;
}

std::string error_status(SftpCode code) {
  return code == SftpCode::ok ? "ok" : fmt::format("error {}", static_cast<std::uint32_t>(code));
}

/// What the server's answer may be, beside a status.
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

/// "..", in whatever place.
bool steps_out(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    if (text.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

Error malformed(std::string words) { return {ErrorCode::malformed, std::move(words), {}, {}}; }

}  // namespace

void SftpSession::Packets::append(ByteSpan piece) { bytes_.append(piece); }

Result<std::optional<ByteSpan>> SftpSession::Packets::next() const {
  ByteReader reader(bytes_.view());
  const auto size = reader.u32();
  if (!size) return std::nullopt;
  if (*size == 0 || *size > kMaxHeld)
    return std::unexpected(malformed("a packet of SFTP is empty or too long"));
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
    return std::unexpected(malformed("a client of SFTP does not begin as one"));
  if (!request && request.error().code == ErrorCode::unsupported) {
    const auto id = sftp_id_of(packet);
    if (!id) return std::unexpected(request.error());
    answer(*id, SftpCode::unsupported, "not supported here");
    return {};
  }
  HOOP_CHECK(request);
  if ((stage_ == Stage::silent) != (request->type == SftpType::init))
    return std::unexpected(malformed("a client of SFTP does not begin as one"));
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
    return std::unexpected(malformed("the client of SFTP is older than version 3"));
  ByteWriter writer(for_target_);
  writer.u32(5);
  writer.u8(static_cast<std::uint8_t>(SftpType::init));
  writer.u32(kSftpVersion);
  stage_ = Stage::greeted;
  return {};
}

Result<void> SftpSession::take_version(const SftpAnswer& answer) {
  if (stage_ != Stage::greeted)
    return std::unexpected(malformed("the target answers a greeting of SFTP that was not"));
  if (answer.id != kSftpVersion)
    return std::unexpected(malformed("the target speaks another version of SFTP than 3"));
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

void SftpSession::by_path(SftpRequest request) {
  const bool opens = request.type == SftpType::open || request.type == SftpType::opendir;
  if (opens && files_.size() >= kMostOpen)
    return answer(request.id, SftpCode::failure, "too many files are open");
  // ".." is taken as it is written: the host would first look whether what stands in front of it is
  // there, and so tell of what may not be looked at.
  const bool is_link = request.type == SftpType::symlink;
  if (!is_link && steps_out(request.path)) request.path = lexical(request.path);
  if (steps_out(request.second)) request.second = lexical(request.second);
  Wish wish;
  for (const SftpPath& one : sftp_paths(request)) {
    Wish::Lookup lookup;
    lookup.asked = lookup.as_written = one.resolved;
    lookup.behind = one.last;
    if (one.is_text && steps_out(one.resolved))
      return answer(request.id, SftpCode::permission_denied,
                    "a link that leads out of its folder by \"..\" is not made");
    if (one.is_text) {
      // What a link says is not looked for: it need not be there.
      lookup.done = true;
      lookup.path = one.resolved;
    }
    wish.lookups.push_back(std::move(lookup));
  }
  wish.request = std::move(request);
  look_up(std::move(wish));
}

void SftpSession::look_up(Wish wish) {
  // The packet that they are views of goes.
  wish.attributes.assign(wish.request.attributes.begin(), wish.request.attributes.end());
  wish.handle.assign(wish.request.handle.begin(), wish.request.handle.end());
  wish.request.attributes = wish.request.handle = {};
  if (wish.file) wish.request.path = wish.file->path;
  looking_ = std::move(wish);
  for (std::size_t i = 0; i < looking_->lookups.size(); ++i) {
    if (!looking_->lookups[i].done) ask_meaning(i);
  }
  judge_now();
}

/// Once it is known what all its paths mean.
void SftpSession::judge_now() {
  if (!looking_ || !std::ranges::all_of(looking_->lookups, &Wish::Lookup::done)) return;
  Wish wish = std::move(*looking_);
  looking_.reset();
  if (std::ranges::any_of(wish.lookups, &Wish::Lookup::unclear)) return turn_down(wish, kUnclear);
  if (!wish.lookups.empty()) wish.request.path = wish.lookups[0].path;
  if (wish.lookups.size() > 1) wish.request.second = wish.lookups[1].path;
  SftpRequest shown = wish.request;
  shown.attributes = wish.attributes;
  shown.handle = wish.handle;
  wish.action = sftp_action(shown);
  wish_ = std::move(wish);
}

Result<void> SftpSession::take_lookup(const Pending& pending, const SftpAnswer& found) {
  if (!looking_ || pending.lookup >= looking_->lookups.size())
    return std::unexpected(malformed("the target answers a question of SFTP twice"));
  Wish::Lookup& lookup = looking_->lookups[pending.lookup];
  if (found.type == SftpType::status) {
    if (!lookup.failure)
      lookup.failure = found.code == SftpCode::ok ? SftpCode::failure : found.code;
    if (look_above(pending.lookup)) return {};
  } else if (found.names.size() != 1 || !found.names[0].name.starts_with('/') ||
             found.names[0].name.find('\0') != std::string_view::npos) {
    return std::unexpected(malformed("the target says of a path what is none"));
  } else {
    lookup.path = access::lexical_path({}, found.names[0].name);
  }
  if (!lookup.behind.empty()) {
    if (lookup.path != "/") lookup.path += '/';
    lookup.path += lookup.behind;
  }
  lookup.done = true;
  judge_now();
  return {};
}

/// What is not there is judged by the folder that is, and what it would be called in there: links
/// on the way to it count. False: there is none above, or nobody can tell.
bool SftpSession::look_above(std::size_t number) {
  Wish::Lookup& lookup = looking_->lookups[number];
  const std::vector<SftpPath> above = sftp_paths_above(lookup.asked);
  if (above.empty() || ++lookup.steps > kMostSteps) {
    lookup.unclear = lookup.steps > kMostSteps;
    lookup.path = lexical(lookup.asked);
    return false;
  }
  lookup.asked = above[0].resolved;
  lookup.behind = lookup.behind.empty() ? above[0].last : above[0].last + "/" + lookup.behind;
  ask_meaning(number);
  return true;
}

void SftpSession::ask_meaning(std::size_t number) {
  SftpRequest ask;
  ask.type = SftpType::realpath;
  ask.path = looking_->lookups[number].asked;
  Pending pending;
  pending.purpose = Pending::Purpose::lookup;
  pending.expected = SftpType::name;
  pending.lookup = number;
  send(std::move(ask), pending);
}

std::string SftpSession::lexical(std::string_view path) const {
  return access::lexical_path(home_, path);
}

Result<void> SftpSession::refuse(std::string_view words) {
  HOOP_ASSERT(wish_);
  const Wish wish = std::move(*wish_);
  wish_.reset();
  turn_down(wish, words);
  return advance();
}

void SftpSession::turn_down(const Wish& wish, std::string_view words) {
  if (wish.request.type != SftpType::realpath)
    return answer(wish.request.id, SftpCode::permission_denied, words);
  // As if there were no links, and nothing that need exist.
  const std::string path = lexical(wish.lookups[0].as_written);
  SftpAnswer out;
  out.type = SftpType::name;
  out.id = wish.request.id;
  static constexpr std::uint8_t kNothing[4] = {};
  out.names = {{path, path, kNothing}};
  answer_in_turn(out);
}

Result<void> SftpSession::allow(std::uint64_t action) {
  HOOP_ASSERT(wish_);
  Wish wish = std::move(*wish_);
  wish_.reset();
  wish.number = action;
  carry_out(std::move(wish));
  return advance();
}

void SftpSession::carry_out(Wish wish) {
  const std::uint32_t id = wish.request.id;
  const auto failed = std::ranges::find_if(
      wish.lookups, [](const Wish::Lookup& one) { return one.failure.has_value(); });
  if (failed != wish.lookups.end()) {
    answer(id, *failed->failure, "no such path");
    events_.push_back(SftpOutcome{wish.number, error_status(*failed->failure), 0, {}});
    return;
  }
  if (wish.request.type == SftpType::realpath) {
    SftpAnswer out;
    out.type = SftpType::name;
    out.id = id;
    static constexpr std::uint8_t kNothing[4] = {};
    std::string path = wish.request.path;
    if (parts_.hide) path = parts_.hide(path).value_or("");
    out.names = {{path, path, kNothing}};
    answer_in_turn(out);
    events_.push_back(SftpOutcome{wish.number, "ok", 0, {}});
    return;
  }
  Pending pending;
  pending.purpose = Pending::Purpose::act;
  pending.expected = expected_for(wish.request);
  pending.client_id = id;
  pending.action = wish.number;
  if (wish.request.type == SftpType::open || wish.request.type == SftpType::opendir) {
    auto file = std::make_shared<File>();
    file->action = wish.number;
    file->path = wish.request.path;
    file->is_folder = wish.request.type == SftpType::opendir;
    file->reads = !file->is_folder && (wish.request.flags & kSftpRead) != 0;
    file->writes = !file->is_folder && (wish.request.flags & kSftpWrite) != 0;
    file->appends = (wish.request.flags & kSftpAppend) != 0;
    pending.purpose = Pending::Purpose::open;
    pending.file = std::move(file);
  }
  wish.request.attributes = wish.attributes;
  wish.request.handle = wish.handle;
  if (wish.file) {
    // Cut shorter or made longer, it is not what was hashed.
    const auto set = decode_sftp_attributes(wish.attributes);
    if (set && set->size && *set->size != wish.file->up.next) wish.file->up.lose();
  }
  send(std::move(wish.request), std::move(pending));
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
    return std::unexpected(malformed("the target answers what SFTP did not ask"));
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
        return std::unexpected(malformed("the target gives one handle of SFTP to two files"));
      }
      break;
    case Pending::Purpose::read:
      if (given.type == SftpType::data) {
        if (given.data.size() > pending.length)
          return std::unexpected(malformed("the target sends more of a file than was asked for"));
        if (pending.file->ended)
          return std::unexpected(malformed("the target sends more of a file that it has closed"));
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
