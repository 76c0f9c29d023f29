// SPDX-License-Identifier: Apache-2.0
#include "core/mask/masker.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/mask/json_shape.h"
#include "core/mask/strictness.h"

namespace hoop::mask {
namespace {

using access::MaskStrategy;

constexpr std::string_view kRedacted = "[redacted]";
constexpr std::size_t kHashBytes = 16;  // 128 bits: design "Policy"
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kLeastPartial =
    9;  // of anything shorter, four characters would be too much of it
constexpr std::size_t kShownCharacters = 4;

std::string_view first_character(std::string_view text) {
  std::size_t end = 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return text.substr(0, end);
}

/// The last count characters; empty if text has no more than that.
std::string_view last_characters(std::string_view text, std::size_t count) {
  std::size_t at = text.size();
  while (at > 0 && count > 0) {
    --at;
    if (!continues_character(text[at])) --count;
  }
  return at == 0 ? std::string_view() : text.substr(at);
}

std::size_t characters(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues_character));
}

bool is_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos &&
         text.find_first_of(" \t\r\n\"\\<>") == std::string_view::npos;
}

std::string partial(std::string_view text) {
  if (!is_utf8(text)) return std::string(kRedacted);
  if (is_address(text))
    return std::string(first_character(text)) + "***" + std::string(text.substr(text.find('@')));
  if (characters(text) < kLeastPartial) return std::string(kRedacted);
  return "****" + std::string(last_characters(text, kShownCharacters));
}

/// What stands in JSON between quotes must need no escape.
bool needs_escape(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; });
}

std::string hidden_json() { return "\"" + std::string(kRedacted) + "\""; }

}  // namespace

std::uint64_t HiddenCounts::total() const {
  return std::accumulate(own.begin(), own.end(),
                         std::accumulate(detected.begin(), detected.end(), columns));
}

void HiddenCounts::add(const HiddenCounts& other) {
  for (std::size_t i = 0; i < detected.size(); ++i) detected[i] += other.detected[i];
  columns += other.columns;
  if (own.size() < other.own.size()) own.resize(other.own.size());
  for (std::size_t i = 0; i < other.own.size(); ++i) own[i] += other.own[i];
}

struct Masker::Impl {
  std::array<std::optional<MaskStrategy>, kDetectorClasses> strategies;
  std::vector<std::string> pattern_names;
  std::vector<MaskStrategy> pattern_strategies;
  SecretBytes key;
  std::optional<DetectorScan> scan;
  std::vector<Hit> hits;
  // Of the classes for which a name before it counts. Made when the first name is there: sessions
  // of most protocols have none.
  std::vector<DetectorClass> told_by_names;
  std::shared_ptr<const SecretDatabase> secrets;
  std::optional<DetectorScan> named_scan;
  std::vector<Hit> named_hits;
  std::string named_texts;
  std::vector<std::string_view> named_views;

  std::string hash(std::string_view text) const {
    const auto digest = crypto::hmac_sha256(key.reveal(), as_bytes(text));
    return "hmac:" + to_hex(ByteSpan(digest).first(kHashBytes));
  }
  std::string replacement(MaskStrategy strategy, std::string_view text) const {
    if (strategy == MaskStrategy::hash) return hash(text);
    if (strategy == MaskStrategy::partial && !needs_escape(text)) return partial(text);
    // NULL inside a longer value is no value at all.
    return std::string(kRedacted);
  }
  MaskStrategy strategy_of(const Hit& hit) const {
    return hit.detector == DetectorClass::own ? pattern_strategies[hit.pattern]
                                              : *strategies[static_cast<std::size_t>(hit.detector)];
  }
  static void count(const Hit& hit, HiddenCounts& counts) {
    if (hit.detector != DetectorClass::own) {
      ++counts.detected[static_cast<std::size_t>(hit.detector)];
      return;
    }
    if (counts.own.size() <= hit.pattern) counts.own.resize(hit.pattern + 1);
    ++counts.own[hit.pattern];
  }
  std::string rewrite_field(std::string_view text, std::span<const Hit> hits_of_field) const;
  Result<void> add_named(std::span<const std::string_view> texts, std::span<const Naming> namings);

  /// Calls found with each text that has hits, and these.
  template <class Found>
  void each_field(Found found) const {
    for (std::size_t i = 0; i < hits.size();) {
      std::size_t end = i;
      while (end < hits.size() && hits[end].field == hits[i].field) ++end;
      found(hits[i].field, std::span(hits).subspan(i, end - i));
      i = end;
    }
  }
};

/// Looks at each text once more, as what is given to its name; hits in the name are not the text's.
Result<void> Masker::Impl::add_named(std::span<const std::string_view> texts,
                                     std::span<const Naming> namings) {
  if (!named_scan) {
    HOOP_TRY(auto detectors, DetectorSet::create(told_by_names, secrets));
    named_scan.emplace(std::move(detectors));
  }
  std::size_t size = 0;
  for (const Naming& naming : namings) size += naming.name.size() + 1 + texts[naming.text].size();
  named_texts.clear();
  named_texts.reserve(size);  // so that the views stay what they are
  named_views.clear();
  for (const Naming& naming : namings) {
    const std::size_t begin = named_texts.size();
    named_texts.append(naming.name).append("=").append(texts[naming.text]);
    named_views.push_back(std::string_view(named_texts).substr(begin));
  }
  named_hits.clear();
  HOOP_CHECK(named_scan->scan(named_views, named_hits));
  const std::size_t before = hits.size();
  for (Hit hit : named_hits) {
    const Naming& naming = namings[hit.field];
    const auto begin = static_cast<std::uint32_t>(naming.name.size() + 1);
    if (hit.end <= begin) continue;
    hit.field = static_cast<std::uint32_t>(naming.text);
    hit.begin = std::max(hit.begin, begin) - begin;
    hit.end -= begin;
    hits.push_back(hit);
  }
  if (hits.size() > before) merge_overlaps(hits, 0);
  return {};
}

std::string Masker::Impl::rewrite_field(std::string_view text,
                                        std::span<const Hit> hits_of_field) const {
  const bool json = looks_like_json(text);
  JsonWalk walk(text);
  std::string out;
  out.reserve(text.size() + 16 * hits_of_field.size());
  std::size_t copied = 0;
  bool own = false;
  for (const Hit& hit : hits_of_field) {
    own = own || hit.detector == DetectorClass::own;
    if (hit.end <= copied) continue;  // inside a number that was replaced whole
    Span span{std::max<std::size_t>(hit.begin, copied), hit.end};
    const std::string value =
        replacement(strategy_of(hit), text.substr(span.begin, span.end - span.begin));
    const Place place = json ? walk.place_at(span.begin) : Place::other;
    const bool structural =
        json && hit.detector == DetectorClass::own && walk.is_structural(place, span);
    // An expression may fit quotes and braces: then no part of the value can stay.
    if (structural && is_json(text)) return hidden_json();
    const bool number = json && !structural && place == Place::number;
    if (number) span = walk.number_around(span);
    span.begin = std::max(span.begin, copied);
    out.append(text, copied, span.begin - copied);
    if (number) out.push_back('"');
    out.append(value);
    if (number) out.push_back('"');
    copied = span.end;
  }
  out.append(text, copied);
  // Half a surrogate pair, say.
  if (own && json && is_json(text) && !is_json(out)) return hidden_json();
  return out;
}

Masker::Masker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Masker::~Masker() = default;
Masker::Masker(Masker&&) noexcept = default;
Masker& Masker::operator=(Masker&&) noexcept = default;

Result<Masker> Masker::create(const std::vector<access::Mask>& masks, SecretBytes mask_key,
                              std::shared_ptr<const SecretDatabase> secrets) {
  if (mask_key.reveal().size() != kKeyBytes)
    return fail(ErrorCode::config, "the mask key must be 32 bytes");
  auto impl = std::make_unique<Impl>();
  impl->key = std::move(mask_key);
  const auto set = [&](std::size_t detector, MaskStrategy strategy) {
    auto& kept = impl->strategies[detector];
    if (!kept || strictness(strategy) > strictness(*kept)) kept = strategy;
  };
  for (const access::Mask& mask : masks) {
    for (const std::string& name : mask.detectors) {
      if (name == "all") {
        for (std::size_t i = 0; i < kDetectorClasses; ++i)
          if (is_in_all(static_cast<DetectorClass>(i))) set(i, mask.with);
        continue;
      }
      const auto detector = parse_detector(name);
      if (!detector)
        return fail(ErrorCode::config, "mask '" + mask.name + "': " + detector.error().message,
                    detector.error().hint);
      set(static_cast<std::size_t>(*detector), mask.with);
    }
  }
  std::vector<access::OwnPatternFinder> patterns;
  for (const access::Mask& mask : masks) {
    for (const access::OwnPattern& own : mask.patterns) {
      const auto known = std::ranges::find(impl->pattern_names, own.name);
      if (known != impl->pattern_names.end()) {
        auto& kept =
            impl->pattern_strategies[static_cast<std::size_t>(known - impl->pattern_names.begin())];
        if (strictness(mask.with) > strictness(kept)) kept = mask.with;
        continue;
      }
      auto finder = access::OwnPatternFinder::compile(own.expression);
      if (!finder)
        return fail(
            ErrorCode::config,
            "mask '" + mask.name + "', detector '" + own.name + "': " + finder.error().message,
            finder.error().hint);
      impl->pattern_names.push_back(own.name);
      impl->pattern_strategies.push_back(mask.with);
      patterns.push_back(std::move(*finder));
    }
  }
  std::vector<DetectorClass> classes;
  for (std::size_t i = 0; i < kDetectorClasses; ++i) {
    if (!impl->strategies[i]) continue;
    const auto detector = static_cast<DetectorClass>(i);
    classes.push_back(detector);
    if (is_told_by_names(detector)) impl->told_by_names.push_back(detector);
  }
  impl->secrets = secrets;
  if (!classes.empty() || !patterns.empty()) {
    HOOP_TRY(auto detectors, DetectorSet::create(classes, std::move(secrets), std::move(patterns)));
    impl->scan.emplace(std::move(detectors));
  }
  return Masker(std::move(impl));
}

bool Masker::has_detectors() const { return impl_->scan.has_value(); }
const std::vector<std::string>& Masker::own_patterns() const { return impl_->pattern_names; }

std::optional<std::string> Masker::masked(MaskStrategy strategy, std::string_view text) const {
  switch (strategy) {
    case MaskStrategy::null: return std::nullopt;
    case MaskStrategy::redact: return std::string(kRedacted);
    case MaskStrategy::partial: return partial(text);
    case MaskStrategy::hash: return impl_->hash(text);
  }
  return std::nullopt;
}

Result<void> Masker::rewrite(std::span<const std::string_view> fields,
                             std::span<std::optional<std::string>> rewritten,
                             HiddenCounts& counts) {
  HOOP_ASSERT(fields.size() == rewritten.size());
  if (!impl_->scan) return {};
  impl_->hits.clear();
  HOOP_CHECK(impl_->scan->scan(fields, impl_->hits));
  impl_->each_field([&](std::size_t field, std::span<const Hit> hits) {
    for (const Hit& hit : hits) Impl::count(hit, counts);
    rewritten[field] = impl_->rewrite_field(fields[field], hits);
  });
  return {};
}

Result<void> Masker::rewrite(std::span<const std::string_view> texts,
                             std::span<const Naming> namings, std::vector<Changed>& changed,
                             HiddenCounts& counts) {
  if (!impl_->scan) return {};
  impl_->hits.clear();
  HOOP_CHECK(impl_->scan->scan(texts, impl_->hits));
  if (!namings.empty() && !impl_->told_by_names.empty())
    HOOP_CHECK(impl_->add_named(texts, namings));
  impl_->each_field([&](std::size_t text, std::span<const Hit> hits) {
    for (const Hit& hit : hits) Impl::count(hit, counts);
    changed.push_back({text, impl_->rewrite_field(texts[text], hits)});
  });
  return {};
}

Result<std::string> Masker::rewrite_text(std::string_view text, HiddenCounts& counts) {
  std::optional<std::string> rewritten;
  HOOP_CHECK(rewrite({&text, 1}, {&rewritten, 1}, counts));
  return rewritten ? std::move(*rewritten) : std::string(text);
}

}  // namespace hoop::mask
