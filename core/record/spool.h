// SPDX-License-Identifier: Apache-2.0
// Where session logs lie on this machine until the gateway has receipted them.
//
// A folder (0700) with, a session: ID.hslog (the log, locked while it is written), ID.json (where
// it belongs), ID.reserve (space kept so that a log can be closed on a full disk; gone once
// sealed). All survive SIGKILL; list() tells which are complete enough to upload.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/access/grant.h"
#include "core/record/session_log.h"

namespace hoop::record {

/// What is needed to deliver a log without the process that wrote it.
struct SpoolEntry {
  std::string session;
  std::string gateway_url;
  std::string target;
  std::string path;  // of the log
  std::uint64_t bytes = 0;
  SystemTime written_at{};  // the last time
};

/// How much of a disk is left for logs. Below low people are told; below critical no session is
/// opened, so that those which are open can be recorded to their end.
enum class DiskRoom { enough, low, critical };
inline constexpr std::uint64_t kLowDisk = 64U << 20;
inline constexpr std::uint64_t kCriticalDisk = 4U << 20;
struct DiskSpace {
  std::uint64_t free_bytes = 0;  // for this user
  DiskRoom room = DiskRoom::enough;
};
/// Of the disk that folder is on. Fails with storage.
Result<DiskSpace> disk_space(const std::string& folder);

/// Safe from several threads at once.
class Spool {
 public:
  /// Makes the folder, 0700, if it is missing. Fails with storage if it is not ours or others can
  /// enter it.
  static Result<Spool> open(std::string folder);
  ~Spool();
  Spool(Spool&&) noexcept;
  Spool& operator=(Spool&&) noexcept;

  /// A sink for one new session's log. Fails with storage (little room left, not writable): then
  /// nothing may be started. The log stays claimed when it is written; of one into which nothing
  /// was written nothing stays.
  Result<std::unique_ptr<LogSink>> create(const std::string& session,
                                          const std::string& gateway_url,
                                          const std::string& target);

  /// Logs that are not being written and that no other run has claimed, oldest first.
  Result<std::vector<SpoolEntry>> list() const;
  /// What set_aside() has put aside, oldest first.
  Result<std::vector<SpoolEntry>> list_refused() const;
  /// Takes a log for delivery, as long as this object lives: two runs that delivered one log would
  /// take it away from each other. False if another run has it, or if it is gone.
  bool claim(const std::string& session);
  /// After the receipt: removes the log. Also takes away what belongs to it.
  Result<void> remove(const std::string& session);
  /// A log that the gateway will never take: kept for the user under refused/, out of the way of
  /// the others.
  Result<void> set_aside(const std::string& session);
  std::string path_of(const std::string& session) const;
  Result<DiskSpace> space() const { return disk_space(folder_); }

 private:
  struct Claims;
  explicit Spool(std::string folder);
  enum class Part { waiting, refused };
  Result<std::vector<SpoolEntry>> list_part(Part part) const;
  std::string folder_;
  std::unique_ptr<Claims> claims_;
};

/// Session ids name files: letters, digits and '_' only, at most 64.
bool is_session_id(std::string_view text);

}  // namespace hoop::record
