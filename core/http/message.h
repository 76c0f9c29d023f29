// SPDX-License-Identifier: Apache-2.0
// What an HTTP/1.1 message says once it is read: Headers, Request, Response.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/stream.h"

namespace hoop::http {

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

/// The field lines in their order. Names are compared without case (ASCII). A value type; what it
/// holds is not checked before the writer or after the reader.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void add(std::string name, std::string value) {
    fields_.push_back({std::move(name), std::move(value)});
  }
  /// Replaces every field of that name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  /// The first of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The one of that name: nullopt also if there are several. For fields that decide something.
  std::optional<std::string_view> only(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// Whether a comma-separated list field (Connection, Upgrade) has that element, without case.
  bool lists(std::string_view name, std::string_view element) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> fields_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);

struct Request {
  std::string method;  // as sent; methods are case-sensitive
  std::string
      target;  // origin-form: "/path?query"; "*" and authority-form only for OPTIONS and CONNECT
  Headers headers;
  std::string body;

  /// target up to '?', as sent: percent-encoding is not undone.
  std::string_view path() const;
  /// target after '?'; empty if there is none. form.h takes it apart.
  std::string_view query() const;
  bool operator==(const Request&) const = default;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  /// Server only: the file is streamed as the body instead. It is opened when the response is sent.
  std::optional<std::filesystem::path> file = std::nullopt;
  /// Server only, with status 101, called once that is sent: takes the stream over, which has no
  /// deadline, and the bytes that came after the request. The connection has left the server's
  /// books by then. Not called if the 101 cannot be sent.
  std::function<asio::awaitable<void>(net::StreamPtr, std::string)> upgrade = nullptr;
};

/// "Not Found" for 404; "Unknown" for what has no name.
std::string_view reason_phrase(int status);

Response json_response(int status, std::string json);
/// RFC 9457: application/problem+json with type about:blank, title, status, detail and our stable
/// code.
Response problem_response(int status, std::string_view code, std::string_view detail);
/// 405 with the methods that the path takes: "GET, HEAD".
Response method_not_allowed(std::string_view allowed);

}  // namespace hoop::http
