// SPDX-License-Identifier: Apache-2.0
// Makes a working gateway directory: configuration that teaches, a CA and a server certificate,
// keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hoop::gateway {

struct InitOptions {
  std::filesystem::path directory;
  std::vector<std::string> names;  // DNS names and addresses of the certificate; localhost and the
                                   // loopback addresses are added
  std::string listen = "127.0.0.1:8443";
};

struct InitReport {
  std::vector<std::string> files;  // what was written, relative to the directory
  std::string ca_sha256;           // hex
  std::string url;                 // empty when the port is only known after bind
  std::string gateway_id;
};

/// Everything 0600 and 0700. Fails with config when the directory exists and is not empty: nothing
/// is ever overwritten; with storage when it cannot be written.
Result<InitReport> init_directory(const InitOptions& options, Random& random);

}  // namespace hoop::gateway
