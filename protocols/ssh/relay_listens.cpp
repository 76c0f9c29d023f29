// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_listens.h"

#include <algorithm>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "protocols/ssh/libssh.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostRequests = 64;  // that wait
constexpr std::size_t kMostWaiting = 1024;
constexpr std::size_t kMostPlaces = 64;

}  // namespace

RelayListens::~RelayListens() {
  for (const Request& request : requests_)
    if (request.message != nullptr) HOOP_LIBSSH(ssh_message_free)(request.message);
}

void RelayListens::answer(Request& request, bool success, std::uint16_t port) {
  if (success) {
    HOOP_LIBSSH(ssh_message_global_request_reply_success)(request.message, port);
  } else {
    HOOP_LIBSSH(ssh_message_reply_default)(request.message);
  }
  HOOP_LIBSSH(ssh_message_free)(request.message);
  request.message = nullptr;
}

void RelayListens::take(ssh_message_struct* message) {
  Request request;
  request.message = message;
  const char* const address = HOOP_LIBSSH(ssh_message_global_request_address)(message);
  request.address = text_of(address);
  request.port = static_cast<std::uint32_t>(HOOP_LIBSSH(ssh_message_global_request_port)(message));
  request.ends =
      HOOP_LIBSSH(ssh_message_subtype)(message) == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD;
  const bool known = !request.ends || has(request.address, request.port);
  if (requests_.size() >= kMostWaiting) return answer(request, false, 0);
  // Clients take answers in the order of their questions.
  if (requests_.size() >= kMostRequests || !known || request.port > 65535) {
    request.state = Request::State::denied;
  } else if (request.ends) {
    request.state =
        Request::State::allowed;  // of what was allowed, nobody need be asked for its end
  }
  requests_.push_back(std::move(request));
}

bool RelayListens::take(const RelayVerdict& verdict) {
  for (Request& request : requests_) {
    if (request.state != Request::State::asked || request.question != verdict.number) continue;
    request.state = verdict.allowed ? Request::State::allowed : Request::State::denied;
    return true;
  }
  return false;
}

bool RelayListens::has(const std::string& address, std::uint32_t port) const {
  return std::ranges::find(places_, Place{address, port}) != places_.end();
}

/// True once the target has answered.
bool RelayListens::pass_on(Request& request) {
  const char* const address = request.address.c_str();
  if (request.ends) {
    const int done =
        HOOP_LIBSSH(ssh_channel_cancel_forward)(target_, address, static_cast<int>(request.port));
    if (done == SSH_AGAIN) return false;
    std::erase(places_, Place{request.address, request.port});
    answer(request, done == SSH_OK, 0);
    return true;
  }
  if (places_.size() >= kMostPlaces) {
    answer(request, false, 0);
    return true;
  }
  int bound = 0;
  const int done = HOOP_LIBSSH(ssh_channel_listen_forward)(target_, address,
                                                           static_cast<int>(request.port), &bound);
  if (done == SSH_AGAIN) return false;
  // Of a port that the target chooses libssh may have lost the answer, when more came behind it.
  const std::uint32_t port = request.port != 0 ? request.port : static_cast<std::uint32_t>(bound);
  const bool listens = done == SSH_OK && port > 0 && port <= 65535;
  if (listens) places_.push_back({request.address, port});
  answer(request, listens, listens ? static_cast<std::uint16_t>(port) : 0);
  return true;
}

bool RelayListens::work() {
  bool did = false;
  while (!requests_.empty() && !broken_) {
    Request& request = requests_.front();
    if (request.state == Request::State::fresh) {
      RelayAsk question;
      question.number = request.question = ++questions_;
      question.act = RelayAct::listen;
      question.text = request.address;
      question.columns = request.port;
      request.state = Request::State::asked;
      if (!send_(question)) broken_ = true;
      return true;
    }
    if (request.state == Request::State::asked) return did;
    if (request.state == Request::State::denied) {
      answer(request, false, 0);
    } else if (!pass_on(request)) {
      return did;
    }
    requests_.pop_front();
    did = true;
  }
  return did;
}

}  // namespace hoop::ssh
