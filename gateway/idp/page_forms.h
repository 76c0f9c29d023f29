// SPDX-License-Identifier: Apache-2.0
// What ties the forms of a page to the browser that was shown them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/http/form.h"
#include "core/http/message.h"

namespace hoop::gateway::idp {

/// A random cookie of the browser, and in each form an HMAC over it, the step and what the step is
/// about: a form of another site, another browser or another request is none of ours.
class PageForms {
 public:
  PageForms(Random& random, std::string_view cookie_name);

  /// The value of our cookie if the browser sent it once and it can be ours; otherwise "".
  std::string cookie_of(const http::Request& request) const;
  std::string fresh_cookie() const;
  void set_cookie(http::Response& response, std::string_view value,
                  std::chrono::seconds life) const;
  std::string csrf(std::string_view cookie, std::string_view step, std::string_view about) const;
  bool are_ours(const http::Request& request, const http::Form& form, const std::string& cookie,
                std::string_view step, std::string_view about) const;

  /// form_action: where besides ourselves a form may lead; empty: nowhere.
  static http::Response page(int status, std::string html, std::string_view form_action = {});

 private:
  Random& random_;
  SecretBytes key_;  // of this process: a form does not outlive a restart
  std::string name_;
};

}  // namespace hoop::gateway::idp
