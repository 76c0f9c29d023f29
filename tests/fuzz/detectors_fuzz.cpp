// SPDX-License-Identifier: Apache-2.0
// Whatever the fields: spans lie in them, are sorted and apart; a batch gives what its fields give
// alone; rewriting leaves UTF-8 and JSON what they were, and comes to rest.
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "core/mask/masker.h"

using namespace hoop;
using namespace hoop::mask;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

Masker make_masker() {
  access::Mask all;
  all.detectors = {"all", "ipv4", "ipv6"};
  return std::move(*Masker::create({all}, SecretBytes(Bytes(32, 1))));
}

/// Expressions that fit across whatever structure there is.
Masker make_own_masker() {
  access::Mask own;
  own.patterns = {{"digits", "[0-9]{3}"},
                  {"key", "\"[a-z]+\":"},
                  {"five", "(?s)x.{5}"},
                  {"slash", R"(\\+[a-z]?)"},
                  {"hex", "(?i)u[0-9a-f]{2}"}};
  return std::move(*Masker::create({own}, SecretBytes(Bytes(32, 1))));
}

std::shared_ptr<const DetectorSet> make_set() {
  std::vector<DetectorClass> classes;
  for (std::size_t i = 0; i < kDetectorClasses; ++i)
    classes.push_back(static_cast<DetectorClass>(i));
  return std::move(*DetectorSet::create(classes));
}

void check_spans(const std::vector<Hit>& hits, std::span<const std::string_view> fields) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    require(hits[i].field < fields.size() && hits[i].begin < hits[i].end &&
            hits[i].end <= fields[hits[i].field].size());
    if (i == 0 || hits[i - 1].field < hits[i].field) continue;
    require(hits[i - 1].field == hits[i].field && hits[i - 1].end <= hits[i].begin);
  }
}

/// Replacing may bring two rests together that only now look like something: each pass hides more,
/// and there is an end.
void check_rest(Masker& masker, std::string text) {
  for (int pass = 0; pass < 8; ++pass) {
    HiddenCounts counts;
    std::string next = *masker.rewrite_text(text, counts);
    if (counts.total() == 0) {
      require(next == text);
      return;
    }
    text = std::move(next);
  }
  std::abort();
}

void check_shape(std::span<const std::string_view> fields,
                 std::span<const std::optional<std::string>> rewritten) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!rewritten[i]) continue;
    if (is_utf8(fields[i])) require(is_utf8(*rewritten[i]));
    const bool structure =
        fields[i].starts_with('{') || fields[i].starts_with('[') || fields[i].starts_with('"');
    if (structure && nlohmann::json::accept(fields[i]))
      require(nlohmann::json::accept(*rewritten[i]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto set = make_set();
  static DetectorScan scan(set);
  static Masker masker = make_masker();
  static Masker own_masker = make_own_masker();
  // A field ends at a zero byte, which no text of PostgreSQL holds.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at <= input.size();) {
    const auto end = std::min(input.find('\0', at), input.size());
    fields.push_back(input.substr(at, end - at));
    at = end + 1;
  }
  std::vector<Hit> hits;
  require(scan.scan(fields, hits).has_value());
  check_spans(hits, fields);

  std::vector<std::optional<std::string>> rewritten(fields.size());
  HiddenCounts counts;
  require(masker.rewrite(fields, rewritten, counts).has_value());
  require(counts.total() == hits.size());
  check_shape(fields, rewritten);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (rewritten[i]) check_rest(masker, *rewritten[i]);
  }

  std::vector<std::optional<std::string>> by_own(fields.size());
  HiddenCounts hidden;
  require(own_masker.rewrite(fields, by_own, hidden).has_value());
  check_shape(fields, by_own);
  return 0;
}
