// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/handler.h"

#include "protocols/http/handler.h"
#include "protocols/kubernetes/dialect.h"

namespace hoop::kubernetes {

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context) {
  if (context.grant.target.protocol != "kubernetes")
    return fail(ErrorCode::config, "the grant is not for a cluster");
  return http_target::make_handler(context, make_dialect);
}

}  // namespace hoop::kubernetes
