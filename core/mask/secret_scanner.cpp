// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_scanner.h"

#include <limits>

#include <hs.h>

#include "core/mask/secret_compile.h"
#include "core/mask/secret_patterns.h"
#include "generated/secret_database.h"

namespace hoop::mask {

struct SecretDatabase::Impl {
  hs_database_t* database = nullptr;
  ~Impl() { hs_free_database(database); }
};

SecretDatabase::SecretDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SecretDatabase::~SecretDatabase() = default;

Result<std::shared_ptr<const SecretDatabase>> SecretDatabase::load() {
  if (hs_valid_platform() != HS_SUCCESS) {
    return fail(ErrorCode::unsupported, "the detectors cannot run on this processor",
                "a processor with SSSE3 is needed");
  }
  const auto read = [](ByteSpan bytes, hs_database_t** database) {
    return hs_deserialize_database(as_text(bytes).data(), bytes.size(), database) == HS_SUCCESS;
  };
  auto impl = std::make_unique<Impl>();
  if (!read(kSecretDatabase, &impl->database)) {
    // Built against another version of the library than it runs with.
    HOOP_TRY(const Bytes fresh, compile_secret_patterns());
    if (!read(fresh, &impl->database))
      return fail(ErrorCode::internal, "read the detectors' patterns");
  }
  return std::shared_ptr<const SecretDatabase>(new SecretDatabase(std::move(impl)));
}

struct SecretScanner::Impl {
  std::shared_ptr<const SecretDatabase> database;
  hs_scratch_t* scratch = nullptr;
  ~Impl() { hs_free_scratch(scratch); }
};

SecretScanner::SecretScanner(std::shared_ptr<const SecretDatabase> database)
    : impl_(std::make_unique<Impl>()) {
  impl_->database = std::move(database);
  // Without memory scratch stays null, and every scan fails: closed, not open.
  if (hs_alloc_scratch(impl_->database->impl_->database, &impl_->scratch) != HS_SUCCESS)
    impl_->scratch = nullptr;
}

SecretScanner::~SecretScanner() = default;
SecretScanner::SecretScanner(SecretScanner&&) noexcept = default;
SecretScanner& SecretScanner::operator=(SecretScanner&&) noexcept = default;

Result<void> SecretScanner::scan(std::string_view text, std::vector<LiteralHit>& hits) {
  if (text.empty()) return {};
  if (impl_->scratch == nullptr) return fail(ErrorCode::internal, "no memory for the detectors");
  if (text.size() > std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorCode::too_large, "a text above 4 GiB");
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned,
                           void* context) noexcept {
    const auto length = kSecretPatterns[id].literal.size();
    static_cast<std::vector<LiteralHit>*>(context)->push_back(
        {id, static_cast<std::uint32_t>(to - length)});
    return 0;
  };
  const auto status =
      hs_scan(impl_->database->impl_->database, text.data(), static_cast<unsigned>(text.size()), 0,
              impl_->scratch, on_match, &hits);
  if (status != HS_SUCCESS) return fail(ErrorCode::internal, "the detectors could not scan");
  return {};
}

}  // namespace hoop::mask
