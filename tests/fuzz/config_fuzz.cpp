// SPDX-License-Identifier: Apache-2.0
// Any text is a configuration or one error that names its place.
#include <cstdlib>

#include "core/base/bytes.h"
#include "core/config/client_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = hoop::config::parse_client_config("fuzz.toml", hoop::as_text({data, size}));
  if (!config && (config.error().code != hoop::ErrorCode::config ||
                  !config.error().message.starts_with("fuzz.toml:")))
    std::abort();
  return 0;
}
