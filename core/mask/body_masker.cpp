// SPDX-License-Identifier: Apache-2.0
#include "core/mask/body_masker.h"

#include <optional>
#include <variant>

#include "core/mask/csv_stream.h"
#include "core/mask/events_stream.h"
#include "core/mask/json_stream.h"
#include "core/mask/stream_masker.h"

namespace hoop::mask {
namespace {

/// As the other streams are.
class TextStream {
 public:
  explicit TextStream(Masker& masker) : text_(masker) {}
  Result<void> take(std::string_view piece, Bytes& out) {
    return add(text_.take(as_bytes(piece)), out);
  }
  Result<void> flush(Bytes& out) { return add(text_.flush(), out); }
  Result<void> finish(Bytes& out) { return add(text_.finish(), out); }
  const HiddenCounts& hidden() const { return text_.hidden(); }
  std::uint64_t rows() const { return 0; }

 private:
  static Result<void> add(const Result<Bytes>& more, Bytes& out) {
    if (!more) return std::unexpected(more.error());
    out.insert(out.end(), more->begin(), more->end());
    return {};
  }
  StreamMasker text_;
};

}  // namespace

FieldMasks::FieldMasks(std::shared_ptr<const FieldMatcher> matcher)
    : matcher_(std::move(matcher)) {}
FieldMasks::~FieldMasks() = default;
FieldMasks::FieldMasks(FieldMasks&&) noexcept = default;
FieldMasks& FieldMasks::operator=(FieldMasks&&) noexcept = default;
bool FieldMasks::empty() const { return matcher_->empty(); }

Result<FieldMasks> FieldMasks::create(const std::vector<access::Mask>& masks) {
  HOOP_TRY(FieldMatcher matcher, FieldMatcher::create(masks));
  return FieldMasks(std::make_shared<const FieldMatcher>(std::move(matcher)));
}

struct BodyMasker::Impl {
  using Stream = std::variant<JsonStream, CsvStream, EventsStream, TextStream>;
  Impl(Masker& masker, std::shared_ptr<const FieldMatcher> matcher, BodyForm form)
      : fields(std::move(matcher)), stream(make(masker, *fields, form)) {}

  static Stream make(Masker& masker, const FieldMatcher& fields, BodyForm form) {
    using Documents = JsonStream::Documents;
    switch (form) {
      case BodyForm::json:
        return Stream(std::in_place_type<JsonStream>, masker, fields, Documents::one);
      case BodyForm::json_lines:
        return Stream(std::in_place_type<JsonStream>, masker, fields, Documents::a_line);
      case BodyForm::csv: return Stream(std::in_place_type<CsvStream>, masker, fields);
      case BodyForm::events: return Stream(std::in_place_type<EventsStream>, masker, fields);
      case BodyForm::text: break;
    }
    return Stream(std::in_place_type<TextStream>, masker);
  }

  /// Once it has failed it is not known what stands where.
  Result<void> keep(Result<void> done) {
    if (!done) failure = done.error();
    return done;
  }

  std::shared_ptr<const FieldMatcher> fields;
  Stream stream;
  std::optional<Error> failure;
};

BodyMasker::BodyMasker(Masker& masker, const FieldMasks& fields, BodyForm form)
    : impl_(std::make_unique<Impl>(masker, fields.matcher_, form)) {}
BodyMasker::~BodyMasker() = default;
BodyMasker::BodyMasker(BodyMasker&&) noexcept = default;

Result<void> BodyMasker::take(ByteSpan piece, Bytes& out) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  return impl_->keep(
      std::visit([&](auto& stream) { return stream.take(as_text(piece), out); }, impl_->stream));
}

Result<void> BodyMasker::flush(Bytes& out) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  return impl_->keep(std::visit(
      [&](auto& stream) {
        if constexpr (requires { stream.flush(out); }) return stream.flush(out);
        return Result<void>{};
      },
      impl_->stream));
}

Result<void> BodyMasker::finish(Bytes& out) {
  if (impl_->failure) return std::unexpected(*impl_->failure);
  return impl_->keep(std::visit([&](auto& stream) { return stream.finish(out); }, impl_->stream));
}

const HiddenCounts& BodyMasker::hidden() const {
  return std::visit([](const auto& stream) -> const HiddenCounts& { return stream.hidden(); },
                    impl_->stream);
}

std::uint64_t BodyMasker::rows() const {
  return std::visit([](const auto& stream) { return stream.rows(); }, impl_->stream);
}

}  // namespace hoop::mask
