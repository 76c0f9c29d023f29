// SPDX-License-Identifier: Apache-2.0
// What a request of SFTP is for policy and record.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/access/action.h"
#include "protocols/ssh/sftp_packets.h"

namespace hoop::ssh {

/// One path of a request, as it has to be looked up.
struct SftpPath {
  std::string resolved;  // by the host, all links in it
  std::string last;      // a name in there that the request means itself: a link, too
  bool is_text = false;  // what a symbolic link says: nothing is looked up
};
/// None for a request by handle.
std::vector<SftpPath> sftp_paths(const SftpRequest& request);

/// The folder that a path stands in, and its name there. None for a path without a folder, or with
/// "." or ".." for a name.
std::vector<SftpPath> sftp_paths_above(std::string_view path);

/// request: with paths as the host has them. second of a symlink is the link, path what it says.
access::Action sftp_action(const SftpRequest& request);

}  // namespace hoop::ssh
