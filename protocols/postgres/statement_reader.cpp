// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/statement_reader.h"

#include "core/record/records.h"
#include "protocols/postgres/number_pattern.h"
#include "protocols/postgres/refusal.h"

namespace hoop::postgres {
namespace {

// Texts of drivers and ORMs repeat by the hundred, not by the million; one that is longer than this
// is a script.
constexpr std::size_t kCachedBytes = 1U << 20;
constexpr std::size_t kCachedTextBytes = 16U << 10;
// What a Statement costs besides its text, roughly: resources, attributes, the node itself.
constexpr std::size_t kCachedOverhead = 1024;

}  // namespace

StatementReader::StatementReader(NameContext names, mask::Masker& masker)
    : names_(std::move(names)), masker_(masker) {}

JudgedPtr StatementReader::read(std::string_view sql) {
  if (const auto known = cache_.find(sql); known != cache_.end()) return known->second;
  const bool kept = sql.size() <= kCachedTextBytes;
  auto pattern = kept ? number_pattern(sql) : std::nullopt;
  if (pattern && *pattern == sql) pattern.reset();  // no number in it
  if (pattern) {
    if (const auto known = patterns_.find(*pattern); known != patterns_.end()) {
      auto judged = std::make_shared<JudgedText>(JudgedText{std::string(sql), {}});
      judged->statements.push_back(with_text(known->second->statements.front(), sql));
      finish_texts(*judged);
      return judged;  // a key that comes once is not worth a place
    }
  }
  auto judged = std::make_shared<JudgedText>(JudgedText{std::string(sql), classify(sql, names_)});
  // Nothing but blanks and comments: no statement, which no rule need allow; the flow sends an
  // empty text in its place.
  const bool empty =
      judged->statements.size() == 1 && judged->statements.front().action.verb == "empty";
  if (empty) judged->statements.clear();
  for (Statement& statement : judged->statements) {
    if (masker_.has_detectors() && statement.writes_mask && !statement.refusal)
      statement.refusal = refuse(RefusalCode::write_back);
  }
  finish_texts(*judged);
  if (!kept) return judged;
  const bool free =
      judged->statements.size() == 1 && !judged->statements.front().depends_on_numbers;
  if (pattern && free) {
    keep(patterns_, std::move(*pattern), judged);
  } else {
    keep(cache_, judged->text, judged);
  }
  return judged;
}

/// The texts as the log may have them. Fails closed: what the masker cannot clean is not quoted.
void StatementReader::finish_texts(JudgedText& judged) {
  for (Statement& statement : judged.statements) {
    access::Action& action = statement.action;
    if (masker_.has_detectors()) {
      mask::HiddenCounts ignored;  // the program's own text, not the target's data
      auto cleaned = masker_.rewrite_text(action.text, ignored);
      action.text =
          cleaned ? std::move(*cleaned) : std::string("(text withheld: it could not be scanned)");
    }
    action.recorded = record::action_members(action);
  }
}

void StatementReader::keep(Cache& cache, std::string key, JudgedPtr judged) {
  const std::size_t cost = 2 * key.size() + kCachedOverhead;
  if (cached_bytes_ + cost > kCachedBytes) forget_all();
  cached_bytes_ += cost;
  cache.emplace(std::move(key), std::move(judged));
}

void StatementReader::forget_all() {
  cache_.clear();
  patterns_.clear();
  cached_bytes_ = 0;
}

void StatementReader::set_catalog(std::shared_ptr<const Catalog> catalog) {
  names_.catalog = std::move(catalog);
  if (!path_forgotten_) names_.search_path = names_.catalog->default_search_path();
  names_changed();
}

void StatementReader::forget_search_path() {
  if (path_forgotten_) return;
  path_forgotten_ = true;
  names_.search_path = std::nullopt;
  names_changed();
}

void StatementReader::names_changed() {
  ++version_;
  forget_all();
}

}  // namespace hoop::postgres
