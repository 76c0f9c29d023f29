// SPDX-License-Identifier: Apache-2.0
#include "core/mask/detectors.h"

#include <algorithm>
#include <bitset>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "core/mask/card_numbers.h"
#include "core/mask/json_shape.h"
#include "core/mask/personal_data.h"
#include "core/mask/secret_confirm.h"
#include "core/mask/secret_patterns.h"
#include "core/mask/secret_scanner.h"
#include "core/mask/text_features.h"

namespace hoop::mask {
namespace {

// Fits the second-level cache with what it is copied from. A field of this size is scanned where it
// lies.
constexpr std::size_t kChunkBytes = 64U << 10;
// How far after the words "aws_secret" the key may begin, and after an access key id.
constexpr std::size_t kContextReach = 64;
constexpr std::size_t kPairReach = 160;

constexpr std::array kAllDetectors{
    DetectorClass::email,        DetectorClass::payment_card,   DetectorClass::us_ssn,
    DetectorClass::private_key,  DetectorClass::aws_access_key, DetectorClass::aws_secret_key,
    DetectorClass::github_token, DetectorClass::slack_token,    DetectorClass::stripe_key,
    DetectorClass::jwt,
};
static_assert(kAllDetectors.size() == kDetectorClasses);

std::size_t index_of(DetectorClass detector) { return static_cast<std::size_t>(detector); }

std::uint32_t narrow(std::size_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

std::string_view to_string(DetectorClass detector) {
  switch (detector) {
    case DetectorClass::email: return "email";
    case DetectorClass::payment_card: return "payment_card";
    case DetectorClass::us_ssn: return "us_ssn";
    case DetectorClass::private_key: return "private_key";
    case DetectorClass::aws_access_key: return "aws_access_key";
    case DetectorClass::aws_secret_key: return "aws_secret_key";
    case DetectorClass::github_token: return "github_token";
    case DetectorClass::slack_token: return "slack_token";
    case DetectorClass::stripe_key: return "stripe_key";
    case DetectorClass::jwt: return "jwt";
  }
  return "email";
}

Result<DetectorClass> parse_detector(std::string_view name) {
  std::string hint = "one of:";
  for (const DetectorClass detector : kAllDetectors) {
    if (to_string(detector) == name) return detector;
    hint.append(detector == kAllDetectors.front() ? " " : ", ").append(to_string(detector));
  }
  return fail(ErrorCode::not_found, "there is no detector '" + std::string(name) + "'",
              std::move(hint));
}

struct DetectorSet::Impl {
  std::bitset<kDetectorClasses> classes;
  std::shared_ptr<const SecretDatabase> secrets;  // null when no class of the set needs it
  bool structured = false;                        // some class of the set needs the features

  bool has(DetectorClass detector) const { return classes[index_of(detector)]; }
};

DetectorSet::DetectorSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DetectorSet::~DetectorSet() = default;

Result<std::shared_ptr<const DetectorSet>> DetectorSet::create(
    std::span<const DetectorClass> classes, std::shared_ptr<const SecretDatabase> secrets) {
  auto impl = std::make_unique<Impl>();
  for (const DetectorClass detector : classes) impl->classes.set(index_of(detector));
  impl->structured = impl->has(DetectorClass::email) || impl->has(DetectorClass::payment_card) ||
                     impl->has(DetectorClass::us_ssn);
  auto of_secrets = impl->classes;
  for (const auto detector :
       {DetectorClass::email, DetectorClass::payment_card, DetectorClass::us_ssn})
    of_secrets.reset(index_of(detector));
  if (of_secrets.any()) {
    impl->secrets = std::move(secrets);
    if (!impl->secrets) {
      HOOP_TRY(impl->secrets, SecretDatabase::load());
    }
  }
  return std::shared_ptr<const DetectorSet>(new DetectorSet(std::move(impl)));
}

bool DetectorSet::has(DetectorClass detector) const { return impl_->has(detector); }

/// Fields [first, last) that are looked at together: joined by line ends, which no detector
/// crosses, or one large field alone.
struct DetectorScan::Impl {
  std::shared_ptr<const DetectorSet> set;
  std::optional<SecretScanner> secrets;
  FeatureFinder features;

  std::string joined;
  std::vector<std::uint32_t> starts;  // of each field in the chunk
  std::vector<LiteralHit> literals;
  std::vector<Candidate> candidates;
  std::vector<Span> spans;

  std::span<const std::string_view> fields;
  std::size_t first = 0;
  std::vector<Hit>* hits = nullptr;

  bool has(DetectorClass detector) const { return set->impl_->has(detector); }

  struct Position {
    std::size_t field;   // of the batch
    std::size_t offset;  // in the field
    std::string_view text;
  };
  Position position(std::size_t chunk_offset) const {
    const auto next = std::ranges::upper_bound(starts, narrow(chunk_offset));
    const auto index = static_cast<std::size_t>(next - starts.begin()) - 1;
    return {first + index, chunk_offset - starts[index], fields[first + index]};
  }

  void add(std::size_t field, Span span, DetectorClass detector) {
    const std::string_view text = fields[field];
    if (looks_like_json(text)) {
      if (detector == DetectorClass::email && span.begin + 1 < span.end &&
          text[span.begin + 1] != '@' && is_escape_letter(text, span.begin)) {
        ++span.begin;
      } else {
        span = whole_escapes(text, span);
      }
    }
    hits->push_back({narrow(field), narrow(span.begin), narrow(span.end), detector});
  }

  Result<void> scan_chunk(std::string_view chunk);
  void confirm_literals();
  void confirm_literal(const SecretPattern& pattern, const Position& at);
  void confirm_access_key(const Position& at);
  void confirm_features();
};

Result<void> DetectorScan::Impl::scan_chunk(std::string_view chunk) {
  if (secrets) {
    literals.clear();
    HOOP_CHECK(secrets->scan(chunk, literals));
    if (!literals.empty()) confirm_literals();
  }
  if (set->impl_->structured) {
    candidates.clear();
    features.find(chunk, candidates);
    if (!candidates.empty()) confirm_features();
  }
  return {};
}

void DetectorScan::Impl::confirm_literals() {
  std::ranges::sort(literals, {}, &LiteralHit::begin);
  // A literal inside what a literal of the same kind just found is part of it; trying each would
  // make a hostile field quadratic.
  std::array<std::pair<std::size_t, std::size_t>, 8>
      done{};  // by anchor: field + 1, end of the last span
  for (const LiteralHit& literal : literals) {
    const SecretPattern& pattern = kSecretPatterns[literal.pattern];
    const Position at = position(literal.begin);
    auto& [field, end] = done[static_cast<std::size_t>(pattern.anchor)];
    if (field == at.field + 1 && at.offset < end) continue;
    const std::size_t before = hits->size();
    confirm_literal(pattern, at);
    if (hits->size() > before && (*hits)[before].field == at.field) {
      field = at.field + 1;
      end = (*hits)[before].end;
    }
  }
}

void DetectorScan::Impl::confirm_literal(const SecretPattern& pattern, const Position& at) {
  const auto keep = [&](DetectorClass detector, std::optional<Span> span) {
    if (span) add(at.field, *span, detector);
  };
  const std::size_t size = pattern.literal.size();
  switch (pattern.anchor) {
    case Anchor::pem:
      if (has(DetectorClass::private_key)) {
        const auto shape = looks_like_json(at.text) ? FieldShape::json : FieldShape::plain;
        keep(DetectorClass::private_key, confirm_private_key(at.text, at.offset, shape));
      }
      return;
    case Anchor::aws_access_key: return confirm_access_key(at);
    case Anchor::aws_secret_context:
      if (has(DetectorClass::aws_secret_key))
        keep(DetectorClass::aws_secret_key,
             find_aws_secret_key(at.text, at.offset + size, kContextReach));
      return;
    case Anchor::github_token:
      if (has(DetectorClass::github_token))
        keep(DetectorClass::github_token, confirm_github_token(at.text, at.offset, size));
      return;
    case Anchor::slack_token:
      if (has(DetectorClass::slack_token))
        keep(DetectorClass::slack_token, confirm_slack_token(at.text, at.offset));
      return;
    case Anchor::slack_webhook:
      if (has(DetectorClass::slack_token))
        keep(DetectorClass::slack_token, confirm_slack_webhook(at.text, at.offset, size));
      return;
    case Anchor::stripe_key:
      if (has(DetectorClass::stripe_key))
        keep(DetectorClass::stripe_key, confirm_stripe_key(at.text, at.offset, size));
      return;
    case Anchor::jwt:
      if (has(DetectorClass::jwt)) keep(DetectorClass::jwt, confirm_jwt(at.text, at.offset));
      return;
  }
}

void DetectorScan::Impl::confirm_access_key(const Position& at) {
  const auto id = confirm_aws_access_key(at.text, at.offset);
  if (!id) return;
  if (has(DetectorClass::aws_access_key)) add(at.field, *id, DetectorClass::aws_access_key);
  if (!has(DetectorClass::aws_secret_key)) return;
  if (const auto secret = find_aws_secret_key(at.text, id->end, kPairReach))
    add(at.field, *secret, DetectorClass::aws_secret_key);
  // In a table the pair stands in two columns side by side.
  if (at.field + 1 < fields.size() && id->begin == 0 && id->end == at.text.size()) {
    const std::string_view next = fields[at.field + 1];
    const auto secret = find_aws_secret_key(next, 0, 1);
    if (secret && *secret == Span{0, next.size()})
      add(at.field + 1, *secret, DetectorClass::aws_secret_key);
  }
}

void DetectorScan::Impl::confirm_features() {
  const bool emails = has(DetectorClass::email);
  const bool cards = has(DetectorClass::payment_card);
  const bool numbers = has(DetectorClass::us_ssn);
  std::size_t run_end = 0;  // in the chunk: where the last run of digits ended
  for (const Candidate& candidate : candidates) {
    switch (candidate.feature) {
      case Feature::at_sign:
        if (emails) {
          const Position at = position(candidate.offset);
          if (const auto span = find_email(at.text, at.offset))
            add(at.field, *span, DetectorClass::email);
        }
        break;
      case Feature::long_digits:
        if (cards && candidate.offset >= run_end) {
          const Position at = position(candidate.offset);
          spans.clear();
          run_end = candidate.offset + find_cards(at.text, at.offset, spans) - at.offset;
          for (const Span span : spans) add(at.field, span, DetectorClass::payment_card);
        }
        break;
      case Feature::dashed_digits:
        if (numbers) {
          const Position at = position(candidate.offset);
          if (const auto span = find_ssn(at.text, at.offset))
            add(at.field, *span, DetectorClass::us_ssn);
        }
        break;
    }
  }
}

namespace {

/// Sorts the hits from first on, and joins those that overlap under the name of the longer.
void merge_overlaps(std::vector<Hit>& hits, std::size_t first) {
  const auto begin = hits.begin() + static_cast<std::ptrdiff_t>(first);
  if (hits.end() - begin < 2) return;
  std::sort(begin, hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple(a.field, a.begin, b.end, a.detector) <
           std::tuple(b.field, b.begin, a.end, b.detector);
  });
  auto out = begin;
  std::uint32_t longest = out->end - out->begin;
  for (auto next = begin + 1; next != hits.end(); ++next) {
    if (next->field != out->field || next->begin >= out->end) {
      *++out = *next;
      longest = out->end - out->begin;
      continue;
    }
    if (next->end - next->begin > longest) {
      longest = next->end - next->begin;
      out->detector = next->detector;
    }
    out->end = std::max(out->end, next->end);
  }
  hits.erase(out + 1, hits.end());
}

}  // namespace

DetectorScan::DetectorScan(std::shared_ptr<const DetectorSet> set)
    : impl_(std::make_unique<Impl>()) {
  impl_->set = std::move(set);
  if (impl_->set->impl_->secrets) impl_->secrets.emplace(impl_->set->impl_->secrets);
}

DetectorScan::~DetectorScan() = default;
DetectorScan::DetectorScan(DetectorScan&&) noexcept = default;

Result<void> DetectorScan::scan(std::span<const std::string_view> fields, std::vector<Hit>& hits) {
  const std::size_t before = hits.size();
  impl_->fields = fields;
  impl_->hits = &hits;
  for (std::size_t i = 0; i < fields.size();) {
    impl_->first = i;
    impl_->starts.assign(1, 0);
    if (fields[i].size() >= kChunkBytes) {
      if (fields[i].size() >= std::numeric_limits<std::uint32_t>::max())
        return fail(ErrorCode::too_large, "a field above 4 GiB");
      HOOP_CHECK(impl_->scan_chunk(fields[i++]));
      continue;
    }
    impl_->joined.assign(fields[i++]);
    while (i < fields.size() && impl_->joined.size() + 1 + fields[i].size() <= kChunkBytes) {
      impl_->joined.push_back('\n');
      impl_->starts.push_back(narrow(impl_->joined.size()));
      impl_->joined.append(fields[i++]);
    }
    HOOP_CHECK(impl_->scan_chunk(impl_->joined));
  }
  merge_overlaps(hits, before);
  return {};
}

}  // namespace hoop::mask
