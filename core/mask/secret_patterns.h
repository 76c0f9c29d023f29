// SPDX-License-Identifier: Apache-2.0
// The literals by which secrets are found. They are searched in one pass; secret_confirm then finds
// the exact span.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hoop::mask {

/// What to do where a literal stands.
enum class Anchor : std::uint8_t {
  pem,
  aws_access_key,
  aws_secret_context,
  github_token,
  slack_token,
  slack_webhook,
  stripe_key,
  jwt,
};

enum class Case : std::uint8_t { exact, any };

struct SecretPattern {
  std::string_view literal;
  Anchor anchor;
  Case letters = Case::exact;
};

/// Plain literals on purpose: patterns that begin with a character class run forty times slower
/// (performance notes, §4).
inline constexpr std::array kSecretPatterns{
    SecretPattern{"-----BEGIN ", Anchor::pem},
    SecretPattern{"AKIA", Anchor::aws_access_key},
    SecretPattern{"ASIA", Anchor::aws_access_key},
    SecretPattern{"ABIA", Anchor::aws_access_key},
    SecretPattern{"ACCA", Anchor::aws_access_key},
    SecretPattern{"secret_access_key", Anchor::aws_secret_context, Case::any},
    SecretPattern{"secret-access-key", Anchor::aws_secret_context, Case::any},
    SecretPattern{"secret access key", Anchor::aws_secret_context, Case::any},
    SecretPattern{"secretaccesskey", Anchor::aws_secret_context, Case::any},
    SecretPattern{"aws_secret", Anchor::aws_secret_context, Case::any},
    SecretPattern{"aws-secret", Anchor::aws_secret_context, Case::any},
    SecretPattern{"aws secret", Anchor::aws_secret_context, Case::any},
    SecretPattern{"awssecret", Anchor::aws_secret_context, Case::any},
    SecretPattern{"ghp_", Anchor::github_token},
    SecretPattern{"gho_", Anchor::github_token},
    SecretPattern{"ghu_", Anchor::github_token},
    SecretPattern{"ghs_", Anchor::github_token},
    SecretPattern{"ghr_", Anchor::github_token},
    SecretPattern{"github_pat_", Anchor::github_token},
    SecretPattern{"xoxa-", Anchor::slack_token},
    SecretPattern{"xoxb-", Anchor::slack_token},
    SecretPattern{"xoxe-", Anchor::slack_token},
    SecretPattern{"xoxe.", Anchor::slack_token},
    SecretPattern{"xoxp-", Anchor::slack_token},
    SecretPattern{"xoxr-", Anchor::slack_token},
    SecretPattern{"xoxs-", Anchor::slack_token},
    SecretPattern{"xapp-", Anchor::slack_token},
    SecretPattern{"hooks.slack.com/", Anchor::slack_webhook},
    SecretPattern{"sk_live_", Anchor::stripe_key},
    SecretPattern{"sk_test_", Anchor::stripe_key},
    SecretPattern{"rk_live_", Anchor::stripe_key},
    SecretPattern{"rk_test_", Anchor::stripe_key},
    SecretPattern{"whsec_", Anchor::stripe_key},
    SecretPattern{"eyJ",
                  Anchor::jwt},  // base64url of {" and, below, of "{ " and of "{" and a line end
    SecretPattern{"eyA", Anchor::jwt},
    SecretPattern{"ewo", Anchor::jwt},
    SecretPattern{"ew0", Anchor::jwt},
};

}  // namespace hoop::mask
