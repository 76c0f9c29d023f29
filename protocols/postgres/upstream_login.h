// SPDX-License-Identifier: Apache-2.0
// Logs in to a target: TLS, startup, authentication, up to the first ReadyForQuery; and
// CancelRequest.
#pragma once

#include <string>

#include "core/access/target.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/net/dialer.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/target_cache.h"

namespace hoop::postgres {

struct LoginParameters {
  access::Target target;
  std::string user;
  SecretText password;
  std::string database;
  /// Further startup parameters (application_name, …). client_encoding and
  /// standard_conforming_strings are ours: what is given here is left out.
  ParameterPairs parameters;
  Deadline deadline = Deadline::never();
  Random* random = nullptr;  // outlives the call
  std::shared_ptr<TargetCache> cache = std::make_shared<TargetCache>();
  /// The role to become at the start, as by SET ROLE; empty: the login's own, or what the server
  /// has been told of it.
  std::string enter_role = {};
};

struct Upstream {
  net::StreamPtr stream;
  /// What came after ReadyForQuery, if anything: go on reading with it.
  FrameReader reader;
  /// ParameterStatus as the server sent them, a later value in the place of the earlier one.
  ParameterPairs parameters;
  /// BackendKeyData's body: process id and secret key. Empty if the server gave none (a pooler).
  Bytes cancel_key;
  /// NoticeResponses (whole messages) that came during the login, at most kMaxLoginNoticeBytes of
  /// them.
  Bytes notices;
};
inline constexpr std::size_t kMaxLoginNoticeBytes = 64U << 10;

/// Takes the stream over (deadline included: it is lifted on success). Order: SSLRequest and TLS
/// unless target.tls is disable, startup with client_encoding UTF8 and standard_conforming_strings
/// on, authentication by SCRAM-SHA-256(-PLUS), or by clear text over TLS. Fails with
/// upstream_refused (the server's words in Error.remote, first the SQLSTATE; its TLS refusal),
/// upstream_unreachable (it hung up), integrity (certificate or SCRAM proof), unsupported
/// (authentication or settings we do not do), malformed, too_large, timeout, io, config (the CA).
Task<Upstream> login(net::StreamPtr stream, LoginParameters parameters);

/// Opens a connection of its own, with TLS as for a login, and sends CancelRequest. key is
/// Upstream::cancel_key. The server never says whether it helped. dialer outlives the call. Fails
/// as login does.
Task<void> send_cancel(net::Dialer& dialer, access::Target target, Bytes key,
                       std::shared_ptr<TargetCache> cache, Deadline deadline);

}  // namespace hoop::postgres
