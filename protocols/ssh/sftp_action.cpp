// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_action.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/path_pattern.h"

namespace hoop::ssh {
namespace {

using access::Access;

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The last name is not followed where it is a link.
SftpPath itself(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view last = path.substr(path.rfind('/') + 1);
  if (last.empty() || last == "." || last == "..") return {std::string(path), {}, false};
  return {std::string(folder_of(path)), std::string(last), false};
}

SftpPath followed(std::string_view path) {
  return {path.empty() ? "." : std::string(path), {}, false};
}

std::string_view verb_of(const SftpRequest& request) {
  switch (request.type) {
    case SftpType::opendir: return "list";
    case SftpType::remove: return "remove";
    case SftpType::mkdir: return "mkdir";
    case SftpType::rmdir: return "rmdir";
    case SftpType::rename: return "rename";
    case SftpType::symlink: return "symlink";
    case SftpType::setstat:
    case SftpType::fsetstat: return "setstat";
    case SftpType::lstat:
    case SftpType::stat:
    case SftpType::readlink:
    case SftpType::realpath: return "stat";
    case SftpType::extended: break;
    default: return "unknown";
  }
  switch (request.extension) {
    case SftpExtension::posix_rename: return "rename";
    case SftpExtension::hardlink: return "link";
    case SftpExtension::lsetstat: return "setstat";
    case SftpExtension::statvfs: return "stat";
    default: return "unknown";
  }
}

void add_open(access::Action& action, const SftpRequest& request) {
  // A file that is made or emptied is written, whatever is read of it then.
  constexpr std::uint32_t kChanges = kSftpWrite | kSftpAppend | kSftpCreate | kSftpTruncate;
  const bool writes = (request.flags & kChanges) != 0;
  const bool reads = (request.flags & kSftpRead) != 0 || !writes;
  action.verb = writes ? "write_file" : "read_file";
  if (writes && reads) action.attributes["verbs"] = "read_file,write_file";
}

void add_attributes(access::Action& action, const SftpRequest& request) {
  const auto set = decode_sftp_attributes(request.attributes);
  if (!set) return;  // of a request that was decoded it is
  const auto add = [&](const char* name, std::string value) {
    action.text += fmt::format(" {}={}", name, value);
    action.attributes[name] = std::move(value);
  };
  if (set->size) add("size", std::to_string(*set->size));
  if (set->owner) add("owner", fmt::format("{}:{}", set->owner->first, set->owner->second));
  if (set->permissions) {
    add("mode", fmt::format("{:04o}", *set->permissions & 07777U));
    // A file that others run as its owner is more than a new file.
    if (action.verb != "setstat" && (*set->permissions & 07000U) != 0) {
      std::string& verbs = action.attributes["verbs"];
      verbs = verbs.empty() ? action.verb + ",setstat" : verbs + ",setstat";
    }
  }
  if (set->times) add("changed", std::to_string(set->times->second));
}

}  // namespace

std::vector<SftpPath> sftp_paths(const SftpRequest& request) {
  switch (request.type) {
    case SftpType::open:
    case SftpType::opendir:
    case SftpType::stat:
    case SftpType::setstat:
    case SftpType::realpath: return {followed(request.path)};
    case SftpType::lstat:
    case SftpType::readlink:
    case SftpType::remove:
    case SftpType::mkdir:
    case SftpType::rmdir: return {itself(request.path)};
    case SftpType::rename: return {itself(request.path), itself(request.second)};
    case SftpType::symlink: return {{request.path, {}, true}, itself(request.second)};
    case SftpType::extended: break;
    default: return {};
  }
  switch (request.extension) {
    case SftpExtension::posix_rename:
    case SftpExtension::hardlink: return {itself(request.path), itself(request.second)};
    case SftpExtension::lsetstat: return {itself(request.path)};
    case SftpExtension::statvfs: return {followed(request.path)};
    default: return {};
  }
}

std::vector<SftpPath> sftp_paths_above(std::string_view path) {
  SftpPath out = itself(path);
  if (out.last.empty()) return {};
  return {std::move(out)};
}

access::Action sftp_action(const SftpRequest& request) {
  access::Action out;
  out.protocol = "ssh";
  out.verb = verb_of(request);
  if (request.type == SftpType::open) add_open(out, request);
  const bool reads = out.verb == "read_file" || out.verb == "list" || out.verb == "stat";
  const auto access = reads ? Access::read : Access::write;
  out.text = fmt::format("{} {}", out.verb, request.path);
  if (request.type == SftpType::symlink) {
    out.text = fmt::format("symlink {} to {}", request.second, request.path);
    out.resources.push_back({std::string(access::kPathKey), request.second, access});
    out.resources.push_back({std::string(access::kPathKey),
                             access::lexical_path(folder_of(request.second), request.path),
                             access});
  } else {
    out.resources.push_back({std::string(access::kPathKey), request.path, access});
    if (!request.second.empty()) {
      out.text += " to " + request.second;
      out.resources.push_back({std::string(access::kPathKey), request.second, access});
    }
  }
  if (!request.attributes.empty()) add_attributes(out, request);
  // Its number says nothing.
  SftpRequest digested = request;
  digested.id = 0;
  Bytes bytes;
  append_sftp(bytes, digested);
  out.digest = crypto::sha256(bytes);
  return out;
}

}  // namespace hoop::ssh
