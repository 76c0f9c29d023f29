// SPDX-License-Identifier: Apache-2.0
#include "core/identity/private_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/descriptor.h"

namespace hoop::identity {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> system_error(const char* what, const fs::path& path) {
  return fail(ErrorCode::storage,
              std::string(what) + " '" + path.string() + "': " + std::strerror(errno));
}

Result<void> check_private(const struct stat& status, const fs::path& path) {
  if (status.st_uid != ::geteuid())
    return fail(ErrorCode::storage, "'" + path.string() + "' belongs to another user");
  if ((status.st_mode & 077) != 0) {
    return fail(ErrorCode::storage, "'" + path.string() + "' is open to other users",
                "run: chmod go= '" + path.string() + "'");
  }
  return {};
}

Result<void> write_all(int descriptor, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write", path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_directory(const fs::path& dir) {
  const Descriptor descriptor(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open() || ::fsync(descriptor.get()) != 0) return system_error("sync", dir);
  return {};
}

/// Writes text to a new file beside path and answers its name.
Result<fs::path> write_beside(const fs::path& path, std::string_view text) {
  std::string name = path.string() + ".XXXXXX";
  // 0600 and O_EXCL: POSIX promises both of mkstemp.
  const Descriptor descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!descriptor.is_open()) return system_error("create a file beside", path);
  auto written = write_all(descriptor.get(), text, name);
  if (written && ::fsync(descriptor.get()) != 0) written = system_error("sync", name);
  if (!written) {
    ::unlink(name.c_str());
    return std::unexpected(std::move(written).error());
  }
  return fs::path(name);
}

}  // namespace

Result<void> make_private_directory(const fs::path& dir) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno == ENOENT && dir.has_parent_path() &&
      dir.parent_path() != dir) {
    // Above ours: whoever made the home directory decides who may see it, so only existence counts.
    std::error_code ignored;
    if (!fs::exists(dir.parent_path(), ignored)) {
      HOOP_CHECK(make_private_directory(dir.parent_path()));
    }
    if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return system_error("create", dir);
  }
  const Descriptor descriptor(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0)
    return system_error("open", dir);
  return check_private(status, dir);
}

Result<std::optional<SecretText>> read_private_file(const fs::path& file, std::size_t max_bytes) {
  // O_NONBLOCK: a fifo planted here must not hold us.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open() && errno == ENOENT) return std::optional<SecretText>();
  struct stat status{};
  if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0)
    return system_error("open", file);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::storage, "'" + file.string() + "' is not a regular file");
  HOOP_CHECK(check_private(status, file));
  if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) > max_bytes) {
    return fail(ErrorCode::too_large,
                "'" + file.string() + "' is longer than " + std::to_string(max_bytes) + " bytes");
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(descriptor.get(), text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", file);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return std::optional<SecretText>(SecretText(std::move(text)));
}

Result<void> write_private_file(const fs::path& file, std::string_view text) {
  HOOP_TRY(const fs::path fresh, write_beside(file, text));
  if (::rename(fresh.c_str(), file.c_str()) != 0) {
    auto error = system_error("replace", file);
    ::unlink(fresh.c_str());
    return error;
  }
  return sync_directory(file.parent_path());
}

Result<bool> remove_private_file(const fs::path& file) {
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return system_error("remove", file);
  }
  HOOP_CHECK(sync_directory(file.parent_path()));
  return true;
}

}  // namespace hoop::identity
