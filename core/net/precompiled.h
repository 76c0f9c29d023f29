// SPDX-License-Identifier: Apache-2.0
// The one precompiled header: what nearly every unit above core/record includes.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "core/net/asio.h"
