// SPDX-License-Identifier: Apache-2.0
// The table of tests/conformance/kubernetes/requests.txt, and what it cannot say.
#include "protocols/kubernetes/request_info.h"

#include <algorithm>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "protocols/kubernetes/field_selector.h"
#include "protocols/kubernetes/policy_verb.h"
#include "tests/support/catch.h"

namespace hoop::kubernetes {
namespace {

struct TableRow {
  int line = 0;
  std::string method, target, reading, verb, onward;
};

/// At most four columns, with " | " between two.
TableRow read_row(int number, std::string_view line) {
  std::vector<std::string> columns;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(" | "), line.size());
    columns.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 3, line.size()));
  }
  REQUIRE((columns.size() == 3 || columns.size() == 4));
  const std::size_t blank = columns[0].find(' ');
  return {number,
          columns[0].substr(0, blank),
          columns[0].substr(blank + 1),
          columns[1],
          columns[2],
          columns.size() == 4 ? columns[3] : std::string()};
}

std::vector<TableRow> request_table() {
  std::ifstream in(HOOP_SOURCE_DIR "/tests/conformance/kubernetes/requests.txt");
  std::vector<TableRow> out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.empty() && line.front() != '#') out.push_back(read_row(number, line));
  }
  return out;
}

std::string or_dash(std::string text) {
  for (std::size_t at = 0; (at = text.find(' ', at)) != std::string::npos;)
    text.replace(at, 1, "\u2420");
  return text.empty() ? "-" : text;
}

std::string reading_of(const RequestInfo& info) {
  if (!info.is_resource) return "url";
  return fmt::format("{} {} {} {} {} {}", or_dash(info.verb), or_dash(info.group),
                     or_dash(info.resource), or_dash(info.subresource), or_dash(info.space),
                     or_dash(info.name));
}

RequestInfo info_of(std::string_view method, std::string_view target) {
  auto out = read_request_info(method, target);
  INFO(target);
  REQUIRE(out);
  return std::move(*out);
}

}  // namespace

TEST_CASE("kubernetes requests: the table") {
  const auto rows = request_table();
  CHECK(rows.size() >= 350);
  for (const TableRow& row : rows) {
    INFO("line " << row.line << ": " << row.method << " " << row.target);
    const auto info = read_request_info(row.method, row.target);
    if (!info) {
      CHECK(info.error().code == ErrorCode::malformed);
      CHECK(row.reading == "refused");
      CHECK(row.verb == "refused");
      continue;
    }
    CHECK(reading_of(*info) == row.reading);
    CHECK(policy_verb(*info) == row.verb);
    CHECK(info->text() == (row.onward.empty() ? row.target : row.onward));
  }
}

TEST_CASE("kubernetes requests: what goes on reads the same again, and stays as it is") {
  for (const TableRow& row : request_table()) {
    const auto info = read_request_info(row.method, row.target);
    if (!info) continue;
    INFO("line " << row.line << ": " << info->text());
    const RequestInfo again = info_of(row.method, info->text());
    CHECK(again.text() == info->text());
    CHECK(reading_of(again) == reading_of(*info));
    CHECK(again.rest == info->rest);
    CHECK(policy_verb(again) == policy_verb(*info));
  }
}

TEST_CASE("kubernetes requests: the path that a proxy is asked for") {
  const auto path = [](std::string_view target) { return info_of("GET", target).proxied_path(); };
  CHECK(path("/api/v1/nodes/n1/proxy") == "/");
  CHECK(path("/api/v1/nodes/n1/proxy/") == "/");
  CHECK(path("/api/v1/nodes/n1/proxy/metrics/cadvisor") == "/metrics/cadvisor");
  CHECK(path("/api/v1/namespaces/shop/services/web/proxy/a%20b/") == "/a b");
  CHECK(path("/api/v1/proxy/namespaces/shop/services/web/metrics") == "/metrics");
}

TEST_CASE("kubernetes requests: names of what a proxy leads to") {
  const auto name = [](std::string_view text) {
    const auto out = read_proxied_name(text);
    REQUIRE(out);
    return fmt::format("{}|{}|{}", out->scheme, out->name, out->port);
  };
  CHECK(name("web") == "|web|");
  CHECK(name("web:8080") == "|web|8080");
  CHECK(name("web:http") == "|web|http");
  CHECK(name("https:web:8443") == "https|web|8443");
  CHECK(name("https:web:") == "https|web|");
  CHECK(name(":web:80") == "|web|80");
  for (const std::string_view bad :
       {"", ":", ":80", "https::443", "ftp:web:21", "a:b:c:d", "HTTP:web:80"})
    CHECK(test::code_of(read_proxied_name(bad)) == ErrorCode::malformed);
}

TEST_CASE("kubernetes requests: parameters, of which the first counts") {
  const RequestInfo info = info_of(
      "GET",
      "/api/v1/namespaces/shop/pods/web-0/exec?command=a+b&command=&stdin=false&stdin=true&tty");
  CHECK(info.values("command") == std::vector<std::string>{"a b", ""});
  CHECK(info.parameter("command") == "a b");
  CHECK_FALSE(info.parameter("Command"));
  CHECK_FALSE(info.flag("stdin"));
  CHECK(info.flag("tty"));
  CHECK_FALSE(info.flag("stdout"));
  CHECK(info.resource_name() == "pods/exec");
}

TEST_CASE("kubernetes requests: what only asks what the server is") {
  for (const char* target :
       {"/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/openapi/v2",
        "/openapi/v3/api/v1", "/healthz", "/livez/etcd", "/readyz", "/openid/v1/jwks"})
    CHECK(is_discovery(info_of("GET", target)));
  for (const char* target : {"/metrics", "/logs/", "/debug/pprof/heap", "/foo", "/apisx",
                             "/versions", "/api/v1/pods", "/apis/apps/v1/deployments"})
    CHECK_FALSE(is_discovery(info_of("GET", target)));
  CHECK_FALSE(is_discovery(info_of("POST", "/api")));
}

TEST_CASE("kubernetes requests: a fieldSelector's name") {
  const auto name = [](std::string_view selector) {
    const auto out = name_of_field_selector(selector);
    return out ? *out : "! " + out.error().message;
  };
  CHECK(name("metadata.name=web") == "web");
  CHECK(name("metadata.name==web") == "web");
  CHECK(name("spec.nodeName!=n1,metadata.name=web,") == "web");
  CHECK(name("metadata.name!=web") == "");
  CHECK(name("metadata.name!==web").starts_with("! "));
  CHECK(name("metadata.names=web") == "");
  CHECK(name(" metadata.name=web") == "");
  CHECK(name("metadata.name=a/b") == "");
  CHECK(name("metadata.name=.") == "");
  CHECK(name("metadata.name=a\\,b\\=c\\\\d") == "a,b=c\\d");
  CHECK(name("a\\=b=c") == "! the fieldSelector cannot be read");
  CHECK(name("metadata.name=a,metadata.name==b") == "! the fieldSelector names two objects");
  CHECK(name("metadata.name").starts_with("! "));
  CHECK(name("metadata.name=a\\").starts_with("! "));
  CHECK(name("") == "");
}

}  // namespace hoop::kubernetes
