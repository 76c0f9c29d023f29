// SPDX-License-Identifier: Apache-2.0
#include "cmd/postgres_clients.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/http/form.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostPasswordLine = 512;  // a socket's path escaped, and the password

/// A field of a password file: ':' ends one, and '\\' escapes.
std::string password_field(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// A section of libpq's connection service file. Its settings win over the environment's.
std::string service_section(const TargetEndpoint& endpoint) {
  return fmt::format(
      "[{}]\nhost={}\nport={}\nuser={}\ndbname={}\npassfile={}\nsslmode=disable\n"
      "gssencmode=disable\nchannel_binding=disable\n",
      endpoint.target().name, endpoint.host(), endpoint.port(), PostgresEntry::kUser,
      database_of(endpoint), password_file_of(endpoint));
}

/// How a program that knows several targets finds each: by service name, by URL, and by a password
/// file that has the passwords of all.
Result<void> add_all(const Endpoints& endpoints, Variables& ours) {
  std::string services;
  std::string passwords;
  passwords.reserve(endpoints.size() * kMostPasswordLine);  // growing would leave copies behind
  for (const TargetEndpoint* endpoint : endpoints) {
    services += service_section(*endpoint);
    passwords += password_line(*endpoint).reveal();
    ours.emplace_back(url_variable(endpoint->target().name),
                      postgres_url(*endpoint, password_file_of(*endpoint)));
  }
  const TargetEndpoint& first = *endpoints.front();
  HOOP_TRY(std::string service_file, first.keep("services", SecretText(std::move(services))));
  HOOP_TRY(std::string all, first.keep("passwords", SecretText(std::move(passwords))));
  ours.emplace_back("PGSERVICEFILE", std::move(service_file));
  std::ranges::find(ours, "PGPASSFILE", &Variables::value_type::first)->second = std::move(all);
  return {};
}

}  // namespace

std::string database_of(const TargetEndpoint& endpoint) {
  const auto& databases = endpoint.target().databases;
  return databases.empty() ? "postgres" : databases.front();
}

std::string password_file_of(const TargetEndpoint& endpoint) {
  return endpoint.folder().path_of(PostgresEntry::kPasswordFile);
}

SecretText password_line(const TargetEndpoint& endpoint) {
  return SecretText(fmt::format("{}:{}:*:*:{}\n", password_field(endpoint.host()), endpoint.port(),
                                endpoint.entry_as<PostgresEntry>().password().reveal()));
}

std::string postgres_url(const TargetEndpoint& endpoint, std::string_view password_file) {
  const bool is_unix = endpoint.is_unix();
  return fmt::format("postgresql://{}@{}:{}/{}?{}sslmode=disable&passfile={}", PostgresEntry::kUser,
                     is_unix ? "" : endpoint.host(), endpoint.port(),
                     http::percent_encode(database_of(endpoint)),
                     is_unix ? fmt::format("host={}&", http::percent_encode(endpoint.host())) : "",
                     http::percent_encode(password_file));
}

Result<Variables> postgres_variables(const Endpoints& endpoints, bool is_alone) {
  const TargetEndpoint& first = *endpoints.front();
  Variables ours{{"PGHOST", first.host()},
                 {"PGPORT", std::to_string(first.port())},
                 {"PGUSER", std::string(PostgresEntry::kUser)},
                 {"PGDATABASE", database_of(first)},
                 {"PGPASSFILE", password_file_of(first)},
                 {"PGSSLMODE", "disable"},
                 {"PGGSSENCMODE", "disable"},
                 {"PGCHANNELBINDING", "disable"}};
  if (!is_alone) HOOP_CHECK(add_all(endpoints, ours));
  return ours;
}

}  // namespace hoop::cmd
