// SPDX-License-Identifier: Apache-2.0
// What the two files of SftpSession share.
#pragma once

#include <string>

#include "protocols/ssh/sftp_session.h"

namespace hoop::ssh {

/// For a record: "ok", "error 2".
std::string error_status(SftpCode code);

/// What the server's answer to a request may be, beside a status.
SftpType expected_for(const SftpRequest& request);

inline Error malformed_sftp(std::string words) {
  return {ErrorCode::malformed, std::move(words), {}, {}};
}

}  // namespace hoop::ssh
