// SPDX-License-Identifier: Apache-2.0
// Kubernetes sessions: the maker of their handler.
#pragma once

#include <memory>

#include "core/session/session_engine.h"

namespace hoop::kubernetes {

/// Each request to the API server is judged, masked and recorded by itself. context outlives the
/// handler. Fails with config for a grant that is not for Kubernetes, or whose masks cannot be
/// applied.
Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context);

}  // namespace hoop::kubernetes
