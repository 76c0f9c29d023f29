// SPDX-License-Identifier: Apache-2.0
#include "core/net/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "core/base/descriptor.h"

namespace hoop::net {
namespace {

constexpr int kMaxAncestors =
    4096;  // deeper than any real tree; bounds a walk over a tree that changes under us
constexpr std::size_t kMostProcesses = 4096;      // of one program
constexpr std::size_t kMostInAll = 32'768;        // of the machine, as far as they are looked at
constexpr std::size_t kMostFiles = 65'536;        // open in all of a program's processes; 0.1 s
constexpr std::size_t kMostChildren = 64U << 10;  // bytes: their numbers in one file

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Calls visit with the folder's descriptor, each name in it that is a number, and the number,
/// until it answers false.
template <class Visit>
void each_number(const std::string& path, Visit visit) {
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir(path.c_str()));
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    int number = 0;
    const auto [stop, error] = std::from_chars(entry->d_name, end, number);
    if (error != std::errc() || stop != end) continue;
    if (!visit(::dirfd(folder.get()), entry->d_name, number)) return;
  }
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = read_proc(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return std::nullopt;
  // "pid (name) state ppid …": the name may hold anything, so count from the last parenthesis.
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat->size()) return std::nullopt;
  pid_t out = 0;
  const char* begin = stat->data() + name_end + 4;
  if (std::from_chars(begin, stat->data() + stat->size(), out).ec != std::errc())
    return std::nullopt;
  return out;
}

/// The children of each of its threads, as far as the kernel lists them.
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  each_number(fmt::format("/proc/{}/task", pid), [&](int, const char*, int thread) {
    const auto text =
        read_proc(fmt::format("/proc/{}/task/{}/children", pid, thread), kMostChildren);
    const char* at = text ? text->data() : nullptr;
    const char* const end = text ? at + text->size() : nullptr;
    pid_t child = 0;
    for (; at != end; at = at == end ? end : at + 1) {  // behind each stands a space
      const auto [stop, error] = std::from_chars(at, end, child);
      if (error != std::errc()) break;
      out.push_back(child);
      at = stop;
    }
    return out.size() < kMostProcesses;
  });
  return out;
}

/// Looks for who holds a socket.
class HolderSearch {
 public:
  HolderSearch(std::uint64_t inode, pid_t ancestor, pid_t reaper)
      : link_(fmt::format("socket:[{}]", inode)), ancestor_(ancestor), reaper_(reaper) {}
  bool by_children();
  bool by_parents();

 private:
  using Parents = std::map<pid_t, pid_t>;
  bool holds(pid_t pid);
  bool descends(pid_t pid, const Parents& parents) const;

  std::string link_;  // as a descriptor's link in /proc has it
  pid_t ancestor_;
  pid_t reaper_;
  std::size_t files_left_ = kMostFiles;
};

bool HolderSearch::holds(pid_t pid) {
  bool found = false;
  each_number(fmt::format("/proc/{}/fd", pid), [&](int folder, const char* name, int) {
    if (files_left_ == 0) return false;
    --files_left_;
    char text[64];
    const ssize_t count = ::readlinkat(folder, name, text, sizeof text);
    found = count > 0 && std::string_view(text, static_cast<std::size_t>(count)) == link_;
    return !found;
  });
  return found;
}

bool HolderSearch::by_children() {
  std::vector<pid_t> line{ancestor_};
  std::set<pid_t> known{ancestor_};
  const auto add = [&](const std::vector<pid_t>& more) {
    for (const pid_t pid : more) {
      if (pid != reaper_ && known.insert(pid).second) line.push_back(pid);
    }
  };
  for (std::size_t at = 0; at < line.size() && at < kMostProcesses; ++at) {
    if (holds(line[at])) return true;
    add(children_of(line[at]));
    if (at == 0 && reaper_ > 0) add(children_of(reaper_));
  }
  return false;
}

/// By a picture of all processes; where a parent has ended while that was taken, by its child anew.
bool HolderSearch::descends(pid_t pid, const Parents& parents) const {
  const pid_t first = pid;
  for (int step = 0; step < kMaxAncestors && pid > 0; ++step) {
    if (pid == ancestor_) return true;
    if (step > 0 && reaper_ > 0 && pid == reaper_) return true;
    const auto parent = parents.find(pid);
    if (parent == parents.end()) return descends_from(first, ancestor_, reaper_);
    pid = parent->second;
  }
  return false;
}

bool HolderSearch::by_parents() {
  Parents parents;
  each_number("/proc", [&](int, const char*, int pid) {
    if (const auto parent = parent_of(pid)) parents.emplace(pid, *parent);
    return parents.size() < kMostInAll;
  });
  std::size_t looked_at = 0;
  for (const auto& [pid, parent] : parents) {
    if (!descends(pid, parents)) continue;
    if (holds(pid)) return true;
    if (++looked_at == kMostProcesses) break;
  }
  return false;
}

}  // namespace

std::optional<std::string> read_proc(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return std::nullopt;
  std::string out;
  char chunk[8192];
  while (out.size() < limit) {
    const ssize_t count = ::read(file.get(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    out.append(chunk, static_cast<std::size_t>(count));
  }
  return out;
}

bool descends_from(pid_t pid, pid_t ancestor, pid_t reaper) {
  if (pid <= 0 || ancestor <= 0) return false;
  for (int step = 0; step < kMaxAncestors && pid > 0; ++step) {
    if (pid == ancestor) return true;
    // Not the reaper itself: it holds no connection to its own endpoint.
    if (step > 0 && reaper > 0 && pid == reaper) return true;
    const auto parent = parent_of(pid);
    if (!parent) return false;
    pid = *parent;
  }
  return false;
}

bool tree_holds_socket_by_children(std::uint64_t inode, pid_t ancestor, pid_t reaper) {
  if (inode == 0 || ancestor <= 0) return false;
  return HolderSearch(inode, ancestor, reaper).by_children();
}

bool tree_holds_socket_by_parents(std::uint64_t inode, pid_t ancestor, pid_t reaper) {
  if (inode == 0 || ancestor <= 0) return false;
  return HolderSearch(inode, ancestor, reaper).by_parents();
}

bool tree_holds_socket(std::uint64_t inode, pid_t ancestor, pid_t reaper) {
  return tree_holds_socket_by_children(inode, ancestor, reaper) ||
         tree_holds_socket_by_parents(inode, ancestor, reaper);
}

}  // namespace hoop::net
