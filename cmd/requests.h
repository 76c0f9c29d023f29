// SPDX-License-Identifier: Apache-2.0
// What the files of hoopctl requests and hoopctl resume share.
#pragma once

#include <string>
#include <vector>

#include "cmd/gateway_client.h"
#include "cmd/request_document.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

/// hoopctl requests approve and reject.
void add_requests_approve(CLI::App& requests, Environment& environment);
void add_requests_reject(CLI::App& requests, Environment& environment);

/// Fails with usage for what is no request's id.
Result<void> check_request_id(const std::string& text);
/// Fails with not_found, too, where it is not for who is logged in.
Task<RequestDocument> fetch_request(GatewayClient& client, std::string id);

/// Returns when it is decided, or as it is when wait is over. Says before the wait for what, and
/// bears it when the gateway is away for a minute. Fails with usage for what is no id.
Result<RequestDocument> decided_request(Environment& environment, const std::string& id,
                                        std::chrono::seconds wait);
/// Says what has become of it. approved, spent: 0; pending: 75; rejected, expired: 76.
ExitStatus tell_outcome(Environment& environment, const RequestDocument& request);

/// As JSON has it.
std::vector<Field> fields_of(const RequestDocument& request);
/// All of it. For people the text comes last, with nothing in it that a terminal would hide or
/// obey: those letters are written out, and a line says that there are some.
void print_request(Console& console, const RequestDocument& request, SystemTime now);
/// "45s", "12m", "3h" or "2d"; less than nothing is nothing.
std::string short_span(SystemTime::duration span);
/// The target, and where at it.
std::string whereabouts(const RequestDocument& request);
/// The first line of a text that has something on it, cut to fit into a table.
std::string first_line(std::string_view text);

}  // namespace hoop::cmd
