// SPDX-License-Identifier: Apache-2.0
#include "core/record/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/descriptor.h"
#include "core/base/encoding.h"

namespace hoop::record {
namespace {

constexpr std::size_t kReserveBytes =
    16U << 10;  // the end record, the seal and two segment frames need about 700
constexpr std::string_view kLogSuffix = ".hslog";
constexpr std::string_view kRefused = "/refused";
constexpr std::string_view kUnlockedSuffix = ".new";  // of a log that has no lock yet

Error storage(std::string what, int error) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT)
    hint = "free some disk space: nothing is released that is not recorded";
  return Error{
      ErrorCode::storage, fmt::format("{}: {}", what, std::strerror(error)), std::move(hint), {}};
}

Result<void> write_all(int file, ByteSpan bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return std::unexpected(storage(fmt::format("write '{}'", path), count == 0 ? ENOSPC : errno));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

/// Whether a log was removed between the opening and the lock.
bool is_gone(const Descriptor& file, struct stat& status) {
  return ::fstat(file.get(), &status) != 0 || status.st_nlink == 0;
}

class SpoolSink final : public LogSink {
 public:
  SpoolSink(std::shared_ptr<const Descriptor> file, std::string path, std::string base)
      : file_(std::move(file)),
        path_(std::move(path)),
        meta_(base + ".json"),
        reserve_(base + ".reserve") {}
  ~SpoolSink() override {
    ::unlink(reserve_.c_str());
    if (length_ > 0) return;
    // The session failed before it began: there is nothing to deliver.
    ::unlink(path_.c_str());
    ::unlink(meta_.c_str());
  }

  Result<void> write(ByteSpan bytes) override {
    auto result = write_all(file_->get(), bytes, path_);
    if (result) {
      length_ += static_cast<off_t>(bytes.size());
      return result;
    }
    // Half a segment would hide the whole ones after it from nobody, but it would stand in the way
    // of the end record.
    if (::ftruncate(file_->get(), length_) != 0)
      return std::unexpected(storage(fmt::format("cut '{}' back", path_), errno));
    ::lseek(file_->get(), length_, SEEK_SET);
    return result;
  }

  Result<void> sync() override {
    if (::fdatasync(file_->get()) != 0)
      return std::unexpected(storage(fmt::format("sync '{}'", path_), errno));
    if (is_named_) return {};
    // Its name, too: a file that nobody can find is lost as well.
    const std::string folder = path_.substr(0, path_.rfind('/'));
    const Descriptor names(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!names.is_open() || ::fsync(names.get()) != 0)
      return std::unexpected(storage(fmt::format("sync '{}'", folder), errno));
    is_named_ = true;
    return {};
  }

  void release_reserve() override { ::unlink(reserve_.c_str()); }

 private:
  std::shared_ptr<const Descriptor> file_;
  std::string path_;
  std::string meta_;
  std::string reserve_;
  off_t length_ = 0;
  std::atomic<bool> is_named_ = false;  // on the disk; two syncs may run at once
};

Result<void> write_file(const std::string& path, std::string_view text) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return std::unexpected(storage(fmt::format("create '{}'", path), errno));
  HOOP_CHECK(write_all(file.get(), as_bytes(text), path));
  if (::fsync(file.get()) != 0)
    return std::unexpected(storage(fmt::format("sync '{}'", path), errno));
  return {};
}

Result<std::string> read_small_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return std::unexpected(storage(fmt::format("open '{}'", path), errno));
  std::string text(16U << 10, '\0');
  const ssize_t count = ::read(file.get(), text.data(), text.size());
  if (count < 0) return std::unexpected(storage(fmt::format("read '{}'", path), errno));
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace

/// What holds the lock of each claimed log; shared with the sink that is writing it.
struct Spool::Claims {
  void add(const std::string& session, std::shared_ptr<const Descriptor> file) {
    const std::lock_guard lock(mutex_);
    files_[session] = std::move(file);
  }
  void remove(const std::string& session) {
    const std::lock_guard lock(mutex_);
    files_.erase(session);
  }
  /// Whether its sink is still there; nullopt if it is not claimed here.
  std::optional<bool> is_written(const std::string& session) const {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(session);
    if (found == files_.end()) return std::nullopt;
    return found->second.use_count() > 1;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Descriptor>> files_;
};

Result<DiskSpace> disk_space(const std::string& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0)
    return std::unexpected(storage(fmt::format("look at the disk of '{}'", folder), errno));
  DiskSpace out;
  out.free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (out.free_bytes < kLowDisk) out.room = DiskRoom::low;
  if (out.free_bytes < kCriticalDisk) out.room = DiskRoom::critical;
  return out;
}

Spool::Spool(std::string folder)
    : folder_(std::move(folder)), claims_(std::make_unique<Claims>()) {}
Spool::~Spool() = default;
Spool::Spool(Spool&&) noexcept = default;
Spool& Spool::operator=(Spool&&) noexcept = default;

bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<Spool> Spool::open(std::string folder) {
  for (std::size_t slash = folder.find('/', 1); slash != std::string::npos;
       slash = folder.find('/', slash + 1)) {
    ::mkdir(folder.substr(0, slash).c_str(), 0700);
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(storage(fmt::format("create '{}'", folder), errno));
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0)
    return std::unexpected(storage(fmt::format("look at '{}'", folder), errno));
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return fail(ErrorCode::storage, fmt::format("'{}' is not a folder of yours alone", folder),
                fmt::format("chmod 700 '{}', or move it away", folder));
  }
  return Spool(std::move(folder));
}

std::string Spool::path_of(const std::string& session) const {
  return folder_ + "/" + session + std::string(kLogSuffix);
}

Result<std::unique_ptr<LogSink>> Spool::create(const std::string& session,
                                               const std::string& gateway_url,
                                               const std::string& target) {
  if (!is_session_id(session))
    return fail(ErrorCode::malformed, "the session id is not one that can name a file");
  HOOP_TRY(const DiskSpace disk, space());
  if (disk.room == DiskRoom::critical)
    return fail(
        ErrorCode::storage,
        fmt::format("the disk of '{}' has only {} KiB left", folder_, disk.free_bytes >> 10),
        fmt::format("free some: nothing is opened below {} MiB, so that what is open can be "
                    "recorded to its end",
                    kCriticalDisk >> 20));
  const std::string path = path_of(session), base = folder_ + "/" + session;
  std::string meta = "{\"session\":";
  append_json_string(meta, session);
  meta += ",\"gateway_url\":";
  append_json_string(meta, gateway_url);
  meta += ",\"target\":";
  append_json_string(meta, target);
  meta += "}\n";
  const std::string unlocked = path + std::string(kUnlockedSuffix);
  // First, and never over one that is there: the rename below would not ask.
  HOOP_CHECK(write_file(base + ".json", meta));
  const auto undo = [&](Error error) -> Result<std::unique_ptr<LogSink>> {
    ::unlink(unlocked.c_str());
    ::unlink(path.c_str());
    ::unlink((base + ".json").c_str());
    ::unlink((base + ".reserve").c_str());
    return std::unexpected(std::move(error));
  };
  auto file = std::make_shared<const Descriptor>(
      ::open(unlocked.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file->is_open()) return undo(storage(fmt::format("create '{}'", path), errno));
  // The lock says "in use" to other runs as long as this process lives, and no longer. The log gets
  // its name when it has it: a run that met it before would take it for one that was left.
  if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0 || ::rename(unlocked.c_str(), path.c_str()) != 0)
    return undo(storage(fmt::format("lock '{}'", path), errno));
  const Descriptor reserve(::open((base + ".reserve").c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!reserve.is_open()) return undo(storage(fmt::format("create '{}.reserve'", base), errno));
  const std::vector<std::uint8_t> filler(kReserveBytes, 0xa5);  // real bytes: a hole keeps no space
  if (auto result = write_all(reserve.get(), filler, base + ".reserve"); !result)
    return undo(std::move(result).error());
  claims_->add(session, file);
  return std::make_unique<SpoolSink>(std::move(file), path, base);
}

Result<std::vector<SpoolEntry>> Spool::list() const { return list_part(Part::waiting); }

Result<std::vector<SpoolEntry>> Spool::list_refused() const { return list_part(Part::refused); }

Result<std::vector<SpoolEntry>> Spool::list_part(Part part) const {
  const std::string where = part == Part::waiting ? folder_ : folder_ + std::string(kRefused);
  DIR* folder = ::opendir(where.c_str());
  if (folder == nullptr && part == Part::refused && errno == ENOENT)
    return std::vector<SpoolEntry>();
  if (folder == nullptr) return std::unexpected(storage(fmt::format("list '{}'", where), errno));
  std::vector<std::pair<std::int64_t, SpoolEntry>> found;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with(kLogSuffix)) continue;
    const std::string session(name.substr(0, name.size() - kLogSuffix.size()));
    if (!is_session_id(session)) continue;
    const std::string path = fmt::format("{}/{}", where, name);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.is_open()) continue;
    const auto written = claims_->is_written(session);
    const bool free = written ? !*written : ::flock(file.get(), LOCK_SH | LOCK_NB) == 0;
    struct stat status{};
    if (!free || is_gone(file, status)) continue;
    const std::int64_t since =
        std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    SpoolEntry out{session,
                   {},
                   {},
                   path,
                   static_cast<std::uint64_t>(status.st_size),
                   SystemTime(std::chrono::duration_cast<SystemTime::duration>(
                       std::chrono::nanoseconds(since)))};
    if (const auto text = read_small_file(fmt::format("{}/{}.json", where, session))) {
      const auto json = nlohmann::json::parse(*text, nullptr, false);
      const auto member = [&](const char* key) {
        return json.is_object() && json.contains(key) && json[key].is_string()
                   ? json[key].get<std::string>()
                   : std::string();
      };
      out.gateway_url = member("gateway_url");
      out.target = member("target");
    }
    found.emplace_back(since, std::move(out));
  }
  ::closedir(folder);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SpoolEntry> out;
  for (auto& [time, entry] : found) out.push_back(std::move(entry));
  return out;
}

bool Spool::claim(const std::string& session) {
  if (claims_->is_written(session).has_value()) return true;
  if (!is_session_id(session)) return false;
  auto file = std::make_shared<const Descriptor>(
      ::open(path_of(session).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!file->is_open() || ::flock(file->get(), LOCK_EX | LOCK_NB) != 0 || is_gone(*file, status))
    return false;
  claims_->add(session, std::move(file));
  return true;
}

Result<void> Spool::remove(const std::string& session) {
  if (!is_session_id(session))
    return fail(ErrorCode::malformed, "the session id is not one that can name a file");
  const std::string base = folder_ + "/" + session;
  ::unlink((base + ".json").c_str());
  ::unlink((base + ".reserve").c_str());
  if (::unlink(path_of(session).c_str()) != 0 && errno != ENOENT)
    return std::unexpected(storage(fmt::format("remove '{}'", path_of(session)), errno));
  claims_->remove(session);
  return {};
}

Result<void> Spool::set_aside(const std::string& session) {
  if (!is_session_id(session))
    return fail(ErrorCode::malformed, "the session id is not one that can name a file");
  const std::string refused = folder_ + std::string(kRefused);
  if (::mkdir(refused.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(storage(fmt::format("create '{}'", refused), errno));
  const std::string base = folder_ + "/" + session, moved = refused + "/" + session;
  ::rename((base + ".json").c_str(), (moved + ".json").c_str());
  ::unlink((base + ".reserve").c_str());
  if (::rename(path_of(session).c_str(), (moved + std::string(kLogSuffix)).c_str()) != 0) {
    return std::unexpected(storage(fmt::format("move '{}' aside", path_of(session)), errno));
  }
  claims_->remove(session);
  return {};
}

}  // namespace hoop::record
