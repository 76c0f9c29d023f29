// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_compile.h"

#include <cstdlib>

#include <hs.h>

#include "core/mask/secret_patterns.h"

namespace hoop::mask {

Result<Bytes> compile_secret_patterns() {
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<std::size_t> lengths;
  for (const SecretPattern& pattern : kSecretPatterns) {
    texts.push_back(pattern.literal.data());
    flags.push_back(pattern.letters == Case::any ? HS_FLAG_CASELESS : 0U);
    ids.push_back(static_cast<unsigned>(ids.size()));
    lengths.push_back(pattern.literal.size());
  }
  hs_platform_info_t generic{};  // no feature of the building machine may be needed where it runs
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const auto status = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), lengths.data(),
                                           static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                                           &generic, &database, &error);
  if (status != HS_SUCCESS) {
    std::string why = error != nullptr ? error->message : "no reason given";
    hs_free_compile_error(error);
    return fail(ErrorCode::internal, "compile the detectors' patterns: " + why);
  }
  char* bytes = nullptr;
  std::size_t size = 0;
  const auto serialised = hs_serialize_database(database, &bytes, &size);
  hs_free_database(database);
  if (serialised != HS_SUCCESS)
    return fail(ErrorCode::internal, "serialise the detectors' patterns");
  Bytes out = to_bytes({bytes, size});
  std::free(bytes);  // hs_serialize_database allocates by malloc unless told otherwise
  return out;
}

}  // namespace hoop::mask
