// SPDX-License-Identifier: Apache-2.0
// What the paths of a request mean, and what becomes of it once it was judged by that.
#include <algorithm>
#include <utility>

#include "core/access/path_pattern.h"
#include "protocols/ssh/sftp_action.h"
#include "protocols/ssh/sftp_parts.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostOpen = 512;  // files and folders
constexpr int kMostSteps = 64;          // up from what is not there
constexpr std::string_view kUnclear = "what this path means cannot be told";

/// "..", in whatever place.
bool steps_out(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    if (text.substr(at, end - at) == "..") return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

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
    return std::unexpected(malformed_sftp("the target answers a question of SFTP twice"));
  Wish::Lookup& lookup = looking_->lookups[pending.lookup];
  if (found.type == SftpType::status) {
    if (!lookup.failure)
      lookup.failure = found.code == SftpCode::ok ? SftpCode::failure : found.code;
    if (look_above(pending.lookup)) return {};
  } else if (found.names.size() != 1 || !found.names[0].name.starts_with('/') ||
             found.names[0].name.find('\0') != std::string_view::npos) {
    return std::unexpected(malformed_sftp("the target says of a path what is none"));
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

}  // namespace hoop::ssh
