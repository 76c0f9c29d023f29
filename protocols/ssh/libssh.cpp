// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/libssh.h"

#include <dlfcn.h>

#include <type_traits>

#include <fmt/format.h>
#include <libssh/libssh.h>

namespace hoop::ssh {
namespace {

constexpr const char* kLibrary = "libssh.so.4";

Error libssh_missing(std::string_view what) {
  return {ErrorCode::config,
          fmt::format("{} cannot be loaded: SSH targets need it", what),
          "install libssh (Debian: libssh-4)",
          {}};
}

/// Enumerations and const pass as what they are made of: the same registers on every platform that
/// Debian has.
template <class Declared, class Used>
struct Fits : std::false_type {};
template <class R, class... A, class S, class... B>
struct Fits<R (*)(A...), S (*)(B...)> {
  template <class T>
  static constexpr bool word = std::is_pointer_v<T> || std::is_enum_v<T> || std::is_same_v<T, int>;
  template <class X, class Y>
  static constexpr bool same =
      std::is_same_v<X, Y> || (std::is_pointer_v<X> && std::is_pointer_v<Y>) ||
      (!std::is_pointer_v<X> && !std::is_pointer_v<Y> && word<X> && word<Y>);
  static constexpr bool value =
      sizeof...(A) == sizeof...(B) && (std::is_void_v<R> || same<R, S>) && (same<A, B> && ...);
};

template <class Used>
bool find(void* library, const char* name, Used& to) {
  to = reinterpret_cast<Used>(::dlsym(library, name));
  return to != nullptr;
}

Result<Libssh> find_libssh() {
  // Never unloaded: OpenSSL and its like register what runs at the end of the process.
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return std::unexpected(libssh_missing(kLibrary));
  Libssh found;
#define HOOP_LIBSSH_FIND(member, function)                                                \
  static_assert(Fits<decltype(&::function), decltype(Libssh::member)>::value, #function); \
  if (!find(library, #function, found.member)) return std::unexpected(libssh_missing(#function));
  HOOP_LIBSSH_FIND(session_new, ssh_new)
  HOOP_LIBSSH_FIND(session_free, ssh_free)
  HOOP_LIBSSH_FIND(session_options, ssh_options_set)
  HOOP_LIBSSH_FIND(connect, ssh_connect)
  HOOP_LIBSSH_FIND(disconnect, ssh_disconnect)
  HOOP_LIBSSH_FIND(silent_disconnect, ssh_silent_disconnect)
  HOOP_LIBSSH_FIND(error, ssh_get_error)
  HOOP_LIBSSH_FIND(error_code, ssh_get_error_code)
  HOOP_LIBSSH_FIND(server_banner, ssh_get_serverbanner)
  HOOP_LIBSSH_FIND(server_key, ssh_get_server_publickey)
  HOOP_LIBSSH_FIND(authenticate, ssh_userauth_publickey)
  HOOP_LIBSSH_FIND(import_private_key, ssh_pki_import_privkey_base64)
  HOOP_LIBSSH_FIND(import_certificate, ssh_pki_import_cert_base64)
  HOOP_LIBSSH_FIND(join_certificate, ssh_pki_copy_cert_to_privkey)
  HOOP_LIBSSH_FIND(export_public_key, ssh_pki_export_pubkey_base64)
  HOOP_LIBSSH_FIND(key_type, ssh_key_type)
  HOOP_LIBSSH_FIND(key_type_name, ssh_key_type_to_char)
  HOOP_LIBSSH_FIND(key_free, ssh_key_free)
  HOOP_LIBSSH_FIND(string_free, ssh_string_free_char)
#undef HOOP_LIBSSH_FIND
  const auto version = reinterpret_cast<decltype(&::ssh_version)>(::dlsym(library, "ssh_version"));
  if (version == nullptr || version(SSH_VERSION_INT(0, 10, 0)) == nullptr)
    return std::unexpected(libssh_missing("libssh 0.10 or newer"));
  return found;
}

}  // namespace

const Result<Libssh>& load_libssh() {
  static const Result<Libssh> found = find_libssh();
  return found;
}

}  // namespace hoop::ssh
