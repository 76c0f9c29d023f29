// SPDX-License-Identifier: Apache-2.0
// HTTP sessions: the maker of their handler.
#pragma once

#include <functional>
#include <memory>

#include "core/session/session_engine.h"

namespace hoop::http_target {

class Dialect;
class SessionShared;

/// Each request is judged, masked and recorded by itself. context outlives the handler. Fails with
/// config for a grant that is not for HTTP, or whose masks cannot be applied.
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context);

/// The same for another protocol that is spoken in HTTP. Fails as make_dialect does.
using MakeDialect = std::function<Result<std::unique_ptr<Dialect>>(SessionShared& shared)>;
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               MakeDialect make_dialect);

}  // namespace hoop::http_target
