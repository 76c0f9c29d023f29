// SPDX-License-Identifier: Apache-2.0
// Files and folders that nobody but their owner may read: made 0600 and 0700, refused when they are
// found otherwise.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/secret.h"

namespace hoop::identity {

/// Makes dir and what is missing above it, all 0700. Fails with storage if it is a symbolic link,
/// belongs to somebody else, or others may enter it.
Result<void> make_private_directory(const std::filesystem::path& dir);

/// All of file, or nullopt if there is none. Fails with storage if it is not a regular file (a
/// symbolic link is not), belongs to somebody else, or others may read or write it; with too_large
/// above max_bytes.
Result<std::optional<SecretText>> read_private_file(const std::filesystem::path& file,
                                                    std::size_t max_bytes);

/// Replaces file at once: whoever reads sees the old text or the new one, also after a power cut.
/// Returns when it is on disk.
Result<void> write_private_file(const std::filesystem::path& file, std::string_view text);

/// True if there was one. The directory entry is gone on disk when it returns.
Result<bool> remove_private_file(const std::filesystem::path& file);

}  // namespace hoop::identity
