// SPDX-License-Identifier: Apache-2.0
#include "core/mask/detectors.h"

#include <algorithm>
#include <bitset>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "core/mask/assignment.h"
#include "core/mask/card_numbers.h"
#include "core/mask/international.h"
#include "core/mask/json_shape.h"
#include "core/mask/personal_data.h"
#include "core/mask/secret_confirm.h"
#include "core/mask/secret_patterns.h"
#include "core/mask/secret_scanner.h"
#include "core/mask/text_features.h"
#include "core/mask/token_confirm.h"

namespace hoop::mask {
namespace {

// Fits the second-level cache with what it is copied from. A field of this size is scanned where it
// lies.
constexpr std::size_t kChunkBytes = 64U << 10;
// How far after the words "aws_secret" the key may begin, and after an access key id.
constexpr std::size_t kContextReach = 64;
constexpr std::size_t kPairReach = 160;

constexpr std::array kDetectorNames{
    std::pair{DetectorClass::email, std::string_view("email")},
    std::pair{DetectorClass::payment_card, std::string_view("payment_card")},
    std::pair{DetectorClass::us_ssn, std::string_view("us_ssn")},
    std::pair{DetectorClass::private_key, std::string_view("private_key")},
    std::pair{DetectorClass::aws_access_key, std::string_view("aws_access_key")},
    std::pair{DetectorClass::aws_secret_key, std::string_view("aws_secret_key")},
    std::pair{DetectorClass::github_token, std::string_view("github_token")},
    std::pair{DetectorClass::slack_token, std::string_view("slack_token")},
    std::pair{DetectorClass::stripe_key, std::string_view("stripe_key")},
    std::pair{DetectorClass::jwt, std::string_view("jwt")},
    std::pair{DetectorClass::google_key, std::string_view("google_key")},
    std::pair{DetectorClass::azure_key, std::string_view("azure_key")},
    std::pair{DetectorClass::gitlab_token, std::string_view("gitlab_token")},
    std::pair{DetectorClass::npm_token, std::string_view("npm_token")},
    std::pair{DetectorClass::twilio_key, std::string_view("twilio_key")},
    std::pair{DetectorClass::password_hash, std::string_view("password_hash")},
    std::pair{DetectorClass::iban, std::string_view("iban")},
    std::pair{DetectorClass::phone, std::string_view("phone")},
    std::pair{DetectorClass::connection_password, std::string_view("connection_password")},
    std::pair{DetectorClass::assigned_secret, std::string_view("assigned_secret")},
    std::pair{DetectorClass::ipv4, std::string_view("ipv4")},
    std::pair{DetectorClass::ipv6, std::string_view("ipv6")},
};
static_assert(kDetectorNames.size() == kDetectorClasses);

/// Found by their shape, not by a literal.
constexpr std::array kStructured{
    DetectorClass::email, DetectorClass::payment_card, DetectorClass::us_ssn, DetectorClass::iban,
    DetectorClass::phone, DetectorClass::ipv4,         DetectorClass::ipv6};

std::size_t index_of(DetectorClass detector) { return static_cast<std::size_t>(detector); }

std::uint32_t narrow(std::size_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

std::string_view to_string(DetectorClass detector) {
  if (detector == DetectorClass::own) return "own";
  return kDetectorNames[index_of(detector)].second;
}

bool is_in_all(DetectorClass detector) {
  return detector != DetectorClass::ipv4 && detector != DetectorClass::ipv6;
}

bool is_told_by_names(DetectorClass detector) {
  return detector == DetectorClass::assigned_secret || detector == DetectorClass::aws_secret_key ||
         detector == DetectorClass::azure_key || detector == DetectorClass::twilio_key;
}

Result<DetectorClass> parse_detector(std::string_view name) {
  std::string hint = "one of:";
  for (const auto& [detector, its_name] : kDetectorNames) {
    if (its_name == name) return detector;
    hint.append(detector == kDetectorNames.front().first ? " " : ", ").append(its_name);
  }
  return fail(ErrorCode::not_found, "there is no detector '" + std::string(name) + "'",
              std::move(hint));
}

struct DetectorSet::Impl {
  std::bitset<kDetectorClasses> classes;
  std::shared_ptr<const SecretDatabase> secrets;  // null when no class of the set needs it
  FeatureFinder::Wanted features;
  std::vector<access::OwnPatternFinder> patterns;

  bool has(DetectorClass detector) const { return classes[index_of(detector)]; }
};

DetectorSet::DetectorSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DetectorSet::~DetectorSet() = default;

Result<std::shared_ptr<const DetectorSet>> DetectorSet::create(
    std::span<const DetectorClass> classes, std::shared_ptr<const SecretDatabase> secrets,
    std::vector<access::OwnPatternFinder> patterns) {
  auto impl = std::make_unique<Impl>();
  impl->patterns = std::move(patterns);
  for (const DetectorClass detector : classes) impl->classes.set(index_of(detector));
  auto& features = impl->features;
  features.at_signs = impl->has(DetectorClass::email);
  features.digits = impl->has(DetectorClass::payment_card) || impl->has(DetectorClass::us_ssn);
  features.accounts = impl->has(DetectorClass::iban);
  features.phones = impl->has(DetectorClass::phone);
  features.addresses = impl->has(DetectorClass::ipv4) || impl->has(DetectorClass::ipv6);
  auto of_secrets = impl->classes;
  for (const auto detector : kStructured) of_secrets.reset(index_of(detector));
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

  std::string joined;
  std::vector<std::uint32_t> starts;  // of each field in the chunk
  std::size_t last_position = 0;      // index into starts
  std::vector<LiteralHit> literals;
  std::vector<Candidate> candidates;
  std::vector<Span> spans;

  std::span<const std::string_view> fields;
  std::size_t first = 0;
  std::vector<Hit>* hits = nullptr;
  std::vector<std::pair<std::size_t, std::size_t>> url_passwords;  // of this chunk: field, end

  bool has(DetectorClass detector) const { return set->impl_->has(detector); }

  struct Position {
    std::size_t field;   // of the batch
    std::size_t offset;  // in the field
    std::string_view text;
  };
  /// Places are asked for mostly from front to back: the next one is seldom far from the last.
  Position position(std::size_t chunk_offset) {
    if (starts[last_position] > chunk_offset) {
      const auto next = std::ranges::upper_bound(starts, narrow(chunk_offset));
      last_position = static_cast<std::size_t>(next - starts.begin()) - 1;
    }
    while (last_position + 1 < starts.size() && starts[last_position + 1] <= chunk_offset)
      ++last_position;
    return {first + last_position, chunk_offset - starts[last_position],
            fields[first + last_position]};
  }

  void add(std::size_t field, Span span, DetectorClass detector, std::size_t pattern = 0) {
    const std::string_view text = fields[field];
    if (looks_like_json(text)) {
      if (detector == DetectorClass::email && span.begin + 1 < span.end &&
          text[span.begin + 1] != '@' && is_escape_letter(text, span.begin)) {
        ++span.begin;
      } else {
        span = whole_escapes(text, span);
        if (detector == DetectorClass::own) span = past_escape(text, span);
      }
    }
    hits->push_back(
        {narrow(field), narrow(span.begin), narrow(span.end), detector, narrow(pattern)});
  }

  Result<void> scan_chunk(std::string_view chunk);
  void find_own();
  std::vector<access::OwnPatternFinder::Range> ranges;
  void confirm_literals();
  void confirm_literal(const SecretPattern& pattern, const Position& at);
  void confirm_access_key(const Position& at);
  void confirm_feature(Feature feature, const Position& at);
  void confirm_features();
};

Result<void> DetectorScan::Impl::scan_chunk(std::string_view chunk) {
  url_passwords.clear();
  last_position = 0;
  if (secrets) {
    literals.clear();
    HOOP_CHECK(secrets->scan(chunk, literals));
    if (!literals.empty()) confirm_literals();
  }
  if (set->impl_->features.any()) {
    candidates.clear();
    FeatureFinder::find(chunk, set->impl_->features, candidates);
    if (!candidates.empty()) confirm_features();
  }
  return {};
}

/// Each field by itself: an expression may fit line ends, and ask for a text's begin and end.
void DetectorScan::Impl::find_own() {
  for (std::size_t pattern = 0; pattern < set->impl_->patterns.size(); ++pattern) {
    for (std::size_t field = 0; field < fields.size(); ++field) {
      ranges.clear();
      set->impl_->patterns[pattern].find(fields[field], ranges);
      for (const auto& [begin, end] : ranges) add(field, {begin, end}, DetectorClass::own, pattern);
    }
  }
}

void DetectorScan::Impl::confirm_literals() {
  std::ranges::sort(literals, {}, &LiteralHit::begin);
  // A literal inside what a literal of the same kind just found is part of it; trying each would
  // make a hostile field quadratic.
  std::array<std::pair<std::size_t, std::size_t>, kAnchors>
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

namespace {

struct Confirmer {
  Anchor anchor;
  DetectorClass detector;
  std::optional<Span> (*confirm)(std::string_view text, std::size_t begin, std::size_t literal);
};

/// Whatever needs nothing but the field and where the literal stands.
constexpr Confirmer kConfirmers[] = {
    {Anchor::github_token, DetectorClass::github_token, &confirm_github_token},
    {Anchor::slack_webhook, DetectorClass::slack_token, &confirm_slack_webhook},
    {Anchor::stripe_key, DetectorClass::stripe_key, &confirm_stripe_key},
    {Anchor::google_key, DetectorClass::google_key, &confirm_google_key},
    {Anchor::azure_account_key, DetectorClass::azure_key, &find_azure_account_key},
    {Anchor::azure_client_secret, DetectorClass::azure_key, &confirm_azure_client_secret},
    {Anchor::azure_signature, DetectorClass::azure_key, &find_azure_signature},
    {Anchor::gitlab_token, DetectorClass::gitlab_token, &confirm_gitlab_token},
    {Anchor::npm_token, DetectorClass::npm_token, &confirm_npm_token},
    {Anchor::twilio_key, DetectorClass::twilio_key, &confirm_twilio_key},
    {Anchor::twilio_context, DetectorClass::twilio_key, &find_twilio_token},
    {Anchor::bcrypt, DetectorClass::password_hash, &confirm_bcrypt},
    {Anchor::password_hash, DetectorClass::password_hash, &confirm_password_hash},
    {Anchor::url_password, DetectorClass::connection_password, &find_url_password},
    {Anchor::setting_password, DetectorClass::connection_password, &find_setting_password},
    {Anchor::assigned_secret, DetectorClass::assigned_secret, &find_assigned_secret},
    {Anchor::bearer, DetectorClass::assigned_secret, &find_bearer},
};

}  // namespace

void DetectorScan::Impl::confirm_literal(const SecretPattern& pattern, const Position& at) {
  const auto keep = [&](DetectorClass detector, std::optional<Span> span) {
    if (span && has(detector)) add(at.field, *span, detector);
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
    case Anchor::slack_token:
      return keep(DetectorClass::slack_token, confirm_slack_token(at.text, at.offset));
    case Anchor::jwt: return keep(DetectorClass::jwt, confirm_jwt(at.text, at.offset));
    default: break;
  }
  for (const auto& [anchor, detector, confirm] : kConfirmers) {
    if (anchor != pattern.anchor || !has(detector)) continue;
    const auto span = confirm(at.text, at.offset, size);
    if (span && anchor == Anchor::url_password) url_passwords.emplace_back(at.field, span->end);
    return keep(detector, span);
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

void DetectorScan::Impl::confirm_feature(Feature feature, const Position& at) {
  const auto keep = [&](DetectorClass detector, std::optional<Span> span) {
    if (span) add(at.field, *span, detector);
  };
  switch (feature) {
    case Feature::at_sign:
      // user:password@host is no address.
      if (!std::ranges::binary_search(url_passwords, std::pair(at.field, at.offset)))
        keep(DetectorClass::email, find_email(at.text, at.offset));
      return;
    case Feature::long_digits: return;  // by confirm_features()
    case Feature::dashed_digits:
      if (has(DetectorClass::us_ssn)) keep(DetectorClass::us_ssn, find_ssn(at.text, at.offset));
      return;
    case Feature::account: return keep(DetectorClass::iban, find_iban(at.text, at.offset));
    case Feature::plus: return keep(DetectorClass::phone, find_phone(at.text, at.offset));
    case Feature::american_phone:
      return keep(DetectorClass::phone, find_american_phone(at.text, at.offset));
    case Feature::dotted:
      if (has(DetectorClass::ipv4)) keep(DetectorClass::ipv4, find_ipv4(at.text, at.offset));
      return;
    case Feature::colon:
      if (has(DetectorClass::ipv6)) keep(DetectorClass::ipv6, find_ipv6(at.text, at.offset));
      return;
  }
}

void DetectorScan::Impl::confirm_features() {
  std::size_t run_end = 0;  // in the chunk: where the last run of digits ended
  for (const Candidate& candidate : candidates) {
    if (candidate.feature != Feature::long_digits) {
      confirm_feature(candidate.feature, position(candidate.offset));
      continue;
    }
    if (!has(DetectorClass::payment_card) || candidate.offset < run_end) continue;
    const Position at = position(candidate.offset);
    spans.clear();
    run_end = candidate.offset + find_cards(at.text, at.offset, spans) - at.offset;
    for (const Span span : spans) add(at.field, span, DetectorClass::payment_card);
  }
}

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
      out->pattern = next->pattern;
    }
    out->end = std::max(out->end, next->end);
  }
  hits.erase(out + 1, hits.end());
}

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
  impl_->find_own();
  merge_overlaps(hits, before);
  return {};
}

}  // namespace hoop::mask
