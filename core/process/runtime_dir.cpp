// SPDX-License-Identifier: Apache-2.0
#include "core/process/runtime_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::process {
namespace {

constexpr std::size_t kMaxSocketPath = 107;  // sun_path, without its NUL
constexpr std::string_view kLockName = "lock";
constexpr std::string_view kUnlockedName = "lock.new";
constexpr std::size_t kRandomBytes = 8;
constexpr std::time_t kTimeToLock =
    60;  // seconds between a folder's creation and its lock that nobody can exceed

/// A base that only we can enter, or where the sticky bit keeps others from renaming what is ours.
enum class BaseKind { none, own, shared };

BaseKind kind_of_base(const std::string& base) {
  struct stat status{};
  if (!base.starts_with('/') || ::stat(base.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    return BaseKind::none;
  if (status.st_uid == ::geteuid() && (status.st_mode & 077) == 0) return BaseKind::own;
  return (status.st_mode & S_ISVTX) != 0 ||
                 (status.st_uid == ::geteuid() && (status.st_mode & 022) == 0)
             ? BaseKind::shared
             : BaseKind::none;
}

std::string prefix_in(BaseKind kind) {
  return kind == BaseKind::own ? "hoopctl-" : fmt::format("hoopctl-{}-", ::geteuid());
}

void remove_flat(int folder, const char* path) {
  if (DIR* entries = ::fdopendir(folder); entries != nullptr) {
    while (const dirent* entry = ::readdir(entries)) {
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
        ::unlinkat(::dirfd(entries), entry->d_name, 0);
    }
    ::closedir(entries);
  } else {
    ::close(folder);
  }
  ::rmdir(path);
}

bool is_stale(int folder) {
  struct stat status{};
  if (::fstat(folder, &status) != 0 || status.st_uid != ::geteuid()) return false;
  const int lock = ::openat(folder, kLockName.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) return status.st_ctim.tv_sec + kTimeToLock < std::time(nullptr);
  const bool free = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
  ::close(lock);
  return free;
}

/// The lock file, or -1 and errno. It gets its name when it is locked: another run that met it
/// before would take its owner for dead.
int make_lock(const std::string& folder) {
  const std::string unlocked = folder + "/" + std::string(kUnlockedName);
  const int lock =
      ::open(unlocked.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return -1;
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0 &&
      ::rename(unlocked.c_str(), (folder + "/" + std::string(kLockName)).c_str()) == 0)
    return lock;
  const int failure = errno;
  ::close(lock);
  ::unlink(unlocked.c_str());
  errno = failure;
  return -1;
}

std::unexpected<Error> io_failure(std::string_view what, std::string_view path) {
  return fail(ErrorCode::io, fmt::format("{} '{}': {}", what, path, std::strerror(errno)));
}

}  // namespace

std::size_t remove_stale_runtime_dirs(const std::string& base) {
  const BaseKind kind = kind_of_base(base);
  if (kind == BaseKind::none) return 0;
  const std::string prefix = prefix_in(kind);
  DIR* entries = ::opendir(base.c_str());
  if (entries == nullptr) return 0;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name(entry->d_name);
    if (name.starts_with(prefix) && name.size() == prefix.size() + 2 * kRandomBytes)
      names.emplace_back(name);
  }
  ::closedir(entries);
  std::size_t removed = 0;
  for (const std::string& name : names) {
    const std::string path = base + "/" + name;
    const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0) continue;
    if (!is_stale(folder)) {
      ::close(folder);
      continue;
    }
    remove_flat(folder, path.c_str());
    ++removed;
  }
  return removed;
}

Result<RuntimeDir> RuntimeDir::create(const RuntimeBases& bases, std::size_t longest_name,
                                      Random& random) {
  Error last{ErrorCode::io,
             "no folder for the session's socket",
             "set XDG_RUNTIME_DIR to a folder of yours with mode 0700",
             {}};
  for (const std::string& base : {bases.xdg_runtime_dir, bases.temporary, std::string("/tmp")}) {
    const BaseKind kind = kind_of_base(base);
    const std::string path = base + "/" + prefix_in(kind) + to_hex(random.bytes(kRandomBytes));
    if (kind == BaseKind::none || path.size() + 1 + longest_name > kMaxSocketPath) continue;
    remove_stale_runtime_dirs(base);
    if (::mkdir(path.c_str(), 0700) != 0) {
      last = io_failure("create", path).error();
      continue;
    }
    ::chmod(path.c_str(), 0700);  // an odd umask must not take our own rights
    if (const int lock = make_lock(path); lock >= 0) return RuntimeDir(path, lock);
    last = io_failure("lock", path).error();
    ::rmdir(path.c_str());
  }
  return std::unexpected(std::move(last));
}

RuntimeDir::RuntimeDir(RuntimeDir&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

RuntimeDir::~RuntimeDir() {
  if (path_.empty()) return;
  if (const int folder = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
      folder >= 0)
    remove_flat(folder, path_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

Result<void> RuntimeDir::write(std::string_view name, std::string_view content,
                               unsigned mode) const {
  const std::string path = path_of(name);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) return io_failure("create", path);
  while (!content.empty()) {
    const ssize_t count = ::write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      auto failure = io_failure("write", path);
      ::close(file);
      return failure;
    }
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  ::close(file);
  return {};
}

Result<void> RuntimeDir::write_secret(std::string_view name, const SecretText& content) const {
  return write(name, content.reveal(), 0600);
}

Result<void> RuntimeDir::write_program(std::string_view name, const std::string& text) const {
  struct statvfs system{};
  if (::statvfs(path_.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC) != 0)
    return fail(
        ErrorCode::config, fmt::format("nothing may be executed in '{}'", path_),
        "set XDG_RUNTIME_DIR or TMPDIR to a folder of yours whose file system is not noexec");
  return write(name, text, 0700);
}

}  // namespace hoop::process
