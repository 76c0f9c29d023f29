// SPDX-License-Identifier: Apache-2.0
// Filters of system calls (seccomp(2)): the words that they are written in, and one that lets pass
// what is named alone.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hoop::process {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kForeignCalls = 0x40000000;  // x32
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeignCalls = 0xffffffff;
#else
#error "no system call filter for this architecture"
#endif

inline constexpr std::uint32_t refuse(int error) {
  return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA);
}
inline constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
inline constexpr sock_filter jump(int test, std::uint32_t value, std::uint8_t yes,
                                  std::uint8_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), yes, no, value};
}
inline constexpr sock_filter answer(std::uint32_t value) { return {BPF_RET | BPF_K, 0, 0, value}; }

/// For this process and all that it starts, for good. False: the kernel takes none.
bool install_filter(std::vector<sock_filter> filter);

/// For a process that only moves bytes between descriptors that it has: no file, socket, process or
/// program of another name than what is open can be reached, no memory becomes code. Everything
/// else fails with EPERM. Takes away what would be left in core files and for debuggers, too.
/// False: the kernel takes no filter; then go no further.
bool confine_to_open_descriptors();

}  // namespace hoop::process
