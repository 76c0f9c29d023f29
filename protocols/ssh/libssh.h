// SPDX-License-Identifier: Apache-2.0
// libssh, loaded when the first SSH session is made: it brings Kerberos with it, which takes longer
// to load than the rest of hoopctl.
#pragma once

#include "core/base/error.h"

struct ssh_key_struct;
struct ssh_session_struct;

namespace hoop::ssh {

/// What we use of it, as libssh.h declares it. libssh.cpp checks each against that.
struct Libssh {
  using Session = ssh_session_struct*;
  using Key = ssh_key_struct*;
  using Passphrase = int (*)(const char*, char*, std::size_t, int, int, void*);

  Session (*session_new)() = nullptr;
  void (*session_free)(Session) = nullptr;
  int (*session_options)(Session, int option, const void* value) = nullptr;
  int (*connect)(Session) = nullptr;
  void (*disconnect)(Session) = nullptr;
  void (*silent_disconnect)(Session) = nullptr;
  const char* (*error)(void*) = nullptr;
  int (*error_code)(void*) = nullptr;
  const char* (*server_banner)(Session) = nullptr;
  int (*server_key)(Session, Key*) = nullptr;
  int (*authenticate)(Session, const char* user, Key) = nullptr;
  int (*import_private_key)(const char*, const char*, Passphrase, void*, Key*) = nullptr;
  int (*import_certificate)(const char*, int type, Key*) = nullptr;
  int (*join_certificate)(Key certificate, Key to) = nullptr;
  int (*export_public_key)(Key, char**) = nullptr;
  int (*key_type)(Key) = nullptr;
  const char* (*key_type_name)(int) = nullptr;
  void (*key_free)(Key) = nullptr;
  void (*string_free)(char*) = nullptr;
};

/// Fails with config where the library or a function of it is missing, or where it is older than
/// 0.10.
const Result<Libssh>& load_libssh();

}  // namespace hoop::ssh
