// SPDX-License-Identifier: Apache-2.0
// libssh, loaded when the first SSH session is made: it brings Kerberos with it, which takes longer
// to load than the rest of hoopctl.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/error.h"

namespace hoop::ssh {

/// Fails with config where the library is missing or older than 0.10. Before any HOOP_LIBSSH.
const Result<void>& load_libssh();

/// Where a function of it is. Ends the process where there is none: a library of the right name and
/// version has it.
void* libssh_function(const char* name);

/// libssh takes what a peer sends beyond its window, and crashes at 256 MiB of it: a channel that
/// has more than this unread is broken.
inline constexpr std::uint32_t kMostBuffered = 4U << 20;

/// Text of libssh's, which has none at times.
inline std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

}  // namespace hoop::ssh

/// A function of libssh, as its own header declares it: HOOP_LIBSSH(ssh_new)().
#define HOOP_LIBSSH(name)                                                         \
  ([] {                                                                           \
    static const auto found =                                                     \
        reinterpret_cast<decltype(&::name)>(::hoop::ssh::libssh_function(#name)); \
    return found;                                                                 \
  }())
