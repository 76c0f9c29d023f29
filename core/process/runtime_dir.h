// SPDX-License-Identifier: Apache-2.0
// The private folder of one session: its socket and its password file, gone when the session ends.
#pragma once

#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::process {

/// Where a folder may be made, best first; a base that is missing, not ours, open to others (unless
/// sticky) or too long is passed over.
struct RuntimeBases {
  std::string xdg_runtime_dir;  // may be empty
  std::string temporary;        // $TMPDIR, may be empty
};

/// A resource: BASE/hoopctl-RANDOM, or BASE/hoopctl-UID-RANDOM where others have folders too; mode
/// 0700. Its lock file tells other runs that its owner lives. Removed with everything in it at the
/// end.
class RuntimeDir {
 public:
  /// longest_name is the longest name that will be put into it: the whole path must fit a socket
  /// address (107 bytes). First removes folders that dead runs of this user left. Fails with io.
  static Result<RuntimeDir> create(const RuntimeBases& bases, std::size_t longest_name,
                                   Random& random);
  ~RuntimeDir();
  RuntimeDir(RuntimeDir&& other) noexcept;
  RuntimeDir& operator=(RuntimeDir&&) = delete;

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// A new file, 0600. Fails with io.
  Result<void> write_secret(std::string_view name, const SecretText& content) const;
  /// A new script, 0700. Fails with io, and with config where nothing may be executed here.
  Result<void> write_program(std::string_view name, const std::string& text) const;

 private:
  Result<void> write(std::string_view name, std::string_view content, unsigned mode) const;
  RuntimeDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

/// Removes folders in base that a run of this user made and that no living process holds; answers
/// how many.
std::size_t remove_stale_runtime_dirs(const std::string& base);

}  // namespace hoop::process
