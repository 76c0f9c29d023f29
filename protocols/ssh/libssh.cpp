// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/libssh.h"

#include <dlfcn.h>

#include <cstdlib>

#include <fmt/format.h>
#include <libssh/libssh.h>

namespace hoop::ssh {
namespace {

constexpr const char* kLibrary = "libssh.so.4";

void* library = nullptr;  // set once, by load_libssh()

Result<void> open_library() {
  // Never unloaded: OpenSSL and its like register what runs at the end of the process.
  library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library != nullptr) {
    const auto version =
        reinterpret_cast<decltype(&::ssh_version)>(::dlsym(library, "ssh_version"));
    if (version != nullptr && version(SSH_VERSION_INT(0, 10, 0)) != nullptr) return {};
  }
  return fail(ErrorCode::config,
              fmt::format("{} cannot be loaded, in its version 0.10 or newer: SSH targets need it",
                          kLibrary),
              "install libssh (Debian: libssh-4)");
}

}  // namespace

const Result<void>& load_libssh() {
  static const Result<void> opened = open_library();
  return opened;
}

void* libssh_function(const char* name) {
  void* const found = library == nullptr ? nullptr : ::dlsym(library, name);
  if (found == nullptr) {
    fmt::print(stderr, "hoopctl: {} has no function {}\n", kLibrary, name);
    std::abort();
  }
  return found;
}

}  // namespace hoop::ssh
