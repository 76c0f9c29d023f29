// SPDX-License-Identifier: Apache-2.0
// How a relay's client gets to the point where it asks for something.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/descriptor.h"
#include "core/base/random.h"
#include "protocols/ssh/libssh.h"
#include "protocols/ssh/relay_frames.h"

struct ssh_message_struct;
struct ssh_session_struct;

namespace hoop::ssh {

struct SessionDeleter {
  void operator()(ssh_session_struct* session) const;
};
using OwnedSession = std::unique_ptr<ssh_session_struct, SessionDeleter>;
struct MessageDeleter {
  void operator()(ssh_message_struct* message) const;
};
using OwnedMessage = std::unique_ptr<ssh_message_struct, MessageDeleter>;

/// Exchanges keys. Fails with malformed, internal.
Result<OwnedSession> accept_client(Descriptor socket, const RelaySetup& setup, Random& random);

/// A client that has shown who it is, and is not let in yet.
struct Visitor {
  OwnedMessage message;
  std::string user;
};

/// Until it has. Fails with unauthenticated.
Result<Visitor> receive_visitor(ssh_session_struct* session, const RelaySetup& setup);

/// Ends a client that is not let in, and tells its user why.
void turn_away(ssh_session_struct* session, std::string_view words);

}  // namespace hoop::ssh
