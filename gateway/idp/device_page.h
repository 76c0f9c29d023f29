// SPDX-License-Identifier: Apache-2.0
// The page at /device, where a person signs in and approves or denies a device's request.
//
//   GET  /device                        asks for the code
//   GET  /device?user_code=XXXX-XXXX    the sign-in form
//   POST /device  step=sign_in csrf user_code username password      → what asks, and two buttons
//   POST /device  step=decide  csrf user_code decision=approve|deny  → done
//
// csrf is a hidden field of each form and goes with the cookie that the answer before it set.
// Scripts use the same two forms.
#pragma once

#include "core/http/form.h"
#include "gateway/idp/page_forms.h"
#include "gateway/idp/parts.h"
#include "gateway/idp/sign_in.h"
#include "gateway/idp/try_limiter.h"

namespace hoop::gateway::idp {

class DevicePage {
 public:
  DevicePage(Shared& shared, SignIn& sign_in);

  Result<http::Response> show(const http::Request& request, const http::ConnectionInfo& connection);
  Task<http::Response> submit(http::Request request, http::ConnectionInfo connection);

 private:
  struct Submission {
    http::Form form;
    std::string step;
    std::string cookie;
    std::string user_code;  // normalised
    std::string address;    // the limiters' key
  };
  /// The submitted form if it comes from a page of ours in the same browser; otherwise the answer
  /// that refuses it.
  std::expected<Submission, http::Response> read_submission(const http::Request& request,
                                                            const http::ConnectionInfo& connection);
  Task<http::Response> sign_in(Submission submission, DeviceRequest request);
  Result<http::Response> decide(const Submission& submission, const DeviceRequest& request);

  struct Lookup {
    std::optional<DeviceRequest> request;
    std::optional<http::Response> refusal;
  };
  /// Counts a wrong code against the address and in all.
  Result<Lookup> find_request(const std::string& user_code, const std::string& address);

  http::Response sign_in_form(int status, const std::string& user_code, const std::string& cookie,
                              std::string_view complaint) const;

  Shared& shared_;
  SignIn& sign_in_;
  PageForms forms_;
  TryLimiter codes_by_address_;
  WindowLimiter codes_in_all_;
};

}  // namespace hoop::gateway::idp
