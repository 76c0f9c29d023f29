// SPDX-License-Identifier: Apache-2.0
// How every part says that something failed: Error, Result<T>, and the macros that pass an error
// up.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace hoop {

/// Grouped by who must act. cmd/exit_status.h and each protocol's error table map every one of
/// them.
enum class ErrorCode {
  usage,            // the caller's words are off
  config,           // a file that somebody wrote is off
  unauthenticated,  // log in
  denied,           // policy says no
  not_found,
  malformed,             // a peer's bytes break the specification
  unsupported,           // valid, but not something we do
  too_large,             // above a named cap
  upstream_unreachable,  // nothing answers there
  upstream_refused,      // the target answered no
  timeout,
  cancelled,
  io,         // the operating system said no
  storage,    // a record or a state could not be kept
  integrity,  // a digest, signature or chain does not fit
  internal,   // our bug
};

std::string_view to_string(ErrorCode code);

/// What went wrong. message is ours: lower case, no full stop, values in quotes, never a secret,
/// never a row's value. hint says what to do next. remote is what a peer said: untrusted, shown to
/// the user after neutralising, never in the operator log.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;
  std::string remote;

  /// Adds the outer context: `connect 10.0.0.7:5432: refused` becomes `open target 'pg':
  /// connect 10.0.0.7:5432: refused`.
  Error within(std::string_view context) const&;
  Error within(std::string_view context) &&;
  Error with_hint(std::string text) &&;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint), {}});
}

[[noreturn]] void assertion_failed(const char* what, const char* file, int line);

}  // namespace hoop

#define HOOP_CONCAT_(a, b) a##b
#define HOOP_CONCAT(a, b) HOOP_CONCAT_(a, b)

// HOOP_TRY(auto x, f()): x is the value, or the function returns the error. HOOP_CO_TRY does the
// same in a coroutine.
#define HOOP_TRY_(temporary, declaration, expression, return_)           \
  auto temporary = (expression);                                         \
  if (!temporary) return_ std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)
#define HOOP_TRY(declaration, ...) \
  HOOP_TRY_(HOOP_CONCAT(hoop_try_, __COUNTER__), declaration, (__VA_ARGS__), return)
#define HOOP_CO_TRY(declaration, ...) \
  HOOP_TRY_(HOOP_CONCAT(hoop_try_, __COUNTER__), declaration, (__VA_ARGS__), co_return)

// The same for Result<void>.
#define HOOP_CHECK_(temporary, expression, return_)                        \
  do {                                                                     \
    auto temporary = (expression);                                         \
    if (!temporary) return_ std::unexpected(std::move(temporary).error()); \
  } while (false)
#define HOOP_CHECK(...) HOOP_CHECK_(HOOP_CONCAT(hoop_try_, __COUNTER__), (__VA_ARGS__), return)
#define HOOP_CO_CHECK(...) \
  HOOP_CHECK_(HOOP_CONCAT(hoop_try_, __COUNTER__), (__VA_ARGS__), co_return)

// Our bug, never a peer's bytes: stops the process, so that nothing is released in a state nobody
// thought of.
#define HOOP_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::hoop::assertion_failed(#condition, __FILE__, __LINE__))
