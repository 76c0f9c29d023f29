// SPDX-License-Identifier: Apache-2.0
// References by which configuration names a secret without holding it: file:, env:, exec:.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/secret.h"

namespace hoop::gateway {

/// True to form: "file:PATH", "env:NAME" or "exec:/absolute/program argument…". Fails with config
/// for anything else: a literal is refused and never repeated in the message.
Result<void> check_secret_reference(std::string_view reference);

/// Fetches the secret; one newline at its end is taken off. Blocks: a program has ten seconds and
/// runs without a shell, without stdin and stderr. A relative file is meant from directory; others
/// may not read it. Fails with config, io, timeout.
Result<SecretText> resolve_secret(std::string_view reference,
                                  const std::filesystem::path& directory);

}  // namespace hoop::gateway
