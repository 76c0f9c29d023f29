// SPDX-License-Identifier: Apache-2.0
#include "core/crypto/signature.h"

#include "core/base/encoding.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::crypto;

namespace {

Bytes decoded(std::string_view text) { return from_base64url(text).value(); }

// A key made for this test by OpenSSL's command, and its signatures of kMessage.
constexpr std::string_view kMessage = "synthetic message";
constexpr std::string_view kModulus =
    "shlmYAzhDqadvjl7KR-SNbV4qirC_"
    "zD3cZT5b0CEyUFjZYEO83LydNP1kTIYWInE6nIMEZ5CLt1lcoExxFjPTgvjTMm2bOQxkKDGjfaofKV51xa0QWjHdxwM9rx"
    "3q8f48E0wxLUCCl9mSamWyr_C90eY1v7_HUHMaEnoZRPiQeajPMUxyqt8Wj3m2yzbiZnHtDK8KLr2Fx2orc-g3dX_"
    "Qvl9YfWWjYUx4bzAB9K3DdOlTik-eb5uDnTGytTuc_RJiaucMMevQnHXTKqOrj-mIS47nNzNw_"
    "amrEmFupVAFQbvYnocMnBTiEuFIwUGVk6g1VcacMK28_3Z2VKXvrRzvQ";
constexpr std::string_view kRs256 =
    "hmu-NVFf5CMBdCkQYnn5KpZwROBz6Mw7WeKwiBCxZGdfgicV64m5jTKk8mfmnPXHDtdEo2yztrPN_"
    "4VoG0kkM2IG5S0U5UZ7EGFwJOyagmSqFNsu4HhhMRPQXIE1xscbRRoVX5_"
    "Z4vanLZAsGWaVXJvTCNxigo4YsJbdGl9kM96SlCl_4XyN2DIMyTdZi2r-"
    "xo6OuYq97j12ESfjDT4daY34ZBV6xDGggcemU2Ts17T9YGHstxI-M65vf_qqvIAXjFCzHwcZtq5cM_89Y_"
    "bpkZMusEXMBtlCZPN7LYqJe6PUSZrAEhnT7tI5jI9nPS-YrdhfYQ9G8DjFvNfDqn7VHw";
constexpr std::string_view kPs256 =
    "BwIziI_L5hSHCCfPit46uSwIy99JuprEcOfvIhvGZMruyRovCvH1lKN-sMGO7c7ATLLJYbfWy5--rRVWFx-"
    "1lzUdyj0C1WksjrkFl-u9RzFl36wDpIff5hb40ddwptXksALUYQI7coCOwsmN7j9oEQoqNKO5sXWtunE2yLqaWz3NJqj-"
    "t8t-sOyBOd_xmzTwqupiV-ZUq78yfWOZQ_BB5HtiyODWikqpqi0YzyFvPVfkSjCmUvXWF9P2pqW_"
    "cfYXuUbSk8wEcxPVbBqQM6LavKTGkRL7kzya6xUijp6s4ggot7J002gv7pcRMRJTx8pjwninXt1vmVfYjOWRFGl5OA";
constexpr std::string_view kPs256WithoutSalt =
    "K2Yhkb-Q2EAlcSLdoSZPsuw6qgMw54A7z2F1ynHfYHpdbts8f0Lv2fuj7Ijs0q8VwH8Em66W1aS_c5QbjX-"
    "QZLAyDmwHQ8ycgkGYjaq9l6NFPQs00gBHugAi8fAauwoDtScAi3OmWrOb_"
    "NQ7sxwcN7U7wpAewNqhrhIr4TMsTlwnIG6uL_c08maNXQ_2L9qEIrqWjCCxkCAGX5mhOwQAKkC-"
    "oSw1An5GYgqL0lGhsAI4mJYEKpVZGL5WTKdAMGe7bwPEa8IYcnRyJ_JsBGj3xl8B5pQ_"
    "FQSuyd97Gh89z3rJbtFPZ5RrYrF4CHiEr1zNPMtu6tbzX3wPvH4tbLyxOg";
constexpr std::string_view kRs512 =
    "rNm1wq_bpYrM4A1680E5w8TnLanJZUWQ5QS02JClBGUo2bribHhDE9s50KaSTpW8rTKDu2PM7l6M2jNC9jNa_"
    "CZv0F3xy83kfuHCjoOA6hmwG6mNJUEbje1Hrm1VBGhIslplLKlx_gfTvd_x7RkC6a5fDw9aNkVm37Q36ot1Pb18_IhU-"
    "48I-umaKqIyKN4QsOiwtSgsF7JmAAFakd1DhMGcHb_"
    "oU5Pen78UDrBe37Y6CC75jfhYElN35BpVzQQaEotolxFIKkuevP6ii9HMBPFJHhVxGPkpDtcd6EjjFB017Mz8bkIVKlHgo"
    "sQMAP2N71toJcgxOrL2SBCP75V3Kg";
constexpr std::string_view kRs1 =
    "YOl5NCWunVdH71P_uOnjqj61zTI-2ribt0S92ID1xOd5ENpHjkVNGNSdOYAVjucLcer6xgCq597Q_ZczHD5IGa1FOyX0-"
    "gWzvBoQcQL94tP9-LiN23zTyB4j505elzeHfGA2egIQRHmC3_F0FvhunoF1gJfREQBdolpgHtFwcJ_"
    "hQRfp9fBtTwQNv9IQRWp7Rd3ZJzr-0OMPnz0gm2c_OfjtVx90-jaEwXJmHHKiQhrdFrmX6eyHe0xanp3IS_"
    "SPxth1lCY17SCDgq1spDii-LyrBuCkOce4Nzgh-oMqKNaEGMnP3ZcwFyDYa1NTXJNAnoWTWh6UUdv1XEgg77qB6Q";

RsaPublicKey rsa_key() { return {decoded(kModulus), decoded("AQAB")}; }

bool verifies(SignatureAlgorithm algorithm, const PublicKey& key, std::string_view signature) {
  return verify_signature(algorithm, key, as_bytes(kMessage), decoded(signature));
}

}  // namespace

TEST_CASE("RSA signatures, each under its own padding and hash alone") {
  CHECK(verifies(SignatureAlgorithm::rs256, rsa_key(), kRs256));
  CHECK(verifies(SignatureAlgorithm::ps256, rsa_key(), kPs256));
  CHECK_FALSE(verifies(SignatureAlgorithm::ps256, rsa_key(), kRs256));
  CHECK_FALSE(verifies(SignatureAlgorithm::rs256, rsa_key(), kPs256));
  for (const std::string_view other : {kPs256WithoutSalt, kRs512, kRs1}) {
    CHECK_FALSE(verifies(SignatureAlgorithm::rs256, rsa_key(), other));
    CHECK_FALSE(verifies(SignatureAlgorithm::ps256, rsa_key(), other));
  }
  Bytes changed = decoded(kRs256);
  changed.back() ^= 1U;
  CHECK_FALSE(verify_signature(SignatureAlgorithm::rs256, rsa_key(), as_bytes(kMessage), changed));
  CHECK_FALSE(verify_signature(SignatureAlgorithm::rs256, rsa_key(), as_bytes("another message"),
                               decoded(kRs256)));
  Bytes longer = decoded(kRs256);
  longer.insert(longer.begin(), 0);
  CHECK_FALSE(verify_signature(SignatureAlgorithm::rs256, rsa_key(), as_bytes(kMessage), longer));
  CHECK_FALSE(verify_signature(SignatureAlgorithm::rs256, rsa_key(), as_bytes(kMessage), {}));
}

TEST_CASE("RFC 8037's example of Ed25519") {
  Ed25519PublicKey key{};
  const Bytes raw = decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  std::copy(raw.begin(), raw.end(), key.begin());
  const std::string_view input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const Bytes signature = decoded(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  CHECK(verify_signature(SignatureAlgorithm::eddsa, key, as_bytes(input), signature));
  CHECK_FALSE(verify_signature(SignatureAlgorithm::eddsa, key, as_bytes(kMessage), signature));
  CHECK_FALSE(verify_signature(SignatureAlgorithm::es256, key, as_bytes(input), signature));
}

TEST_CASE("a key is for no algorithm but those of its kind") {
  const P256Key p256 = P256Key::generate();
  const auto signature = p256.sign(as_bytes(kMessage));
  const PublicKey key = p256.public_key();
  CHECK(verify_signature(SignatureAlgorithm::es256, key, as_bytes(kMessage), signature));
  for (const auto other :
       {SignatureAlgorithm::eddsa, SignatureAlgorithm::rs256, SignatureAlgorithm::ps256})
    CHECK_FALSE(verify_signature(other, key, as_bytes(kMessage), signature));
}

TEST_CASE("RSA keys that are too small, too large, or none are not used") {
  const auto of_bits = [](std::size_t bits) {
    const Bytes modulus(bits / 8, 0xFF);
    return RsaPublicKey{modulus, decoded("AQAB")};
  };
  CHECK(is_usable(rsa_key()));
  CHECK(is_usable(of_bits(2048)));
  CHECK(is_usable(of_bits(8192)));
  CHECK_FALSE(is_usable(of_bits(8200)));
  CHECK_FALSE(is_usable(of_bits(1024)));
  RsaPublicKey just_below = of_bits(2048);
  just_below.modulus.front() = 0x7F;
  CHECK_FALSE(is_usable(just_below));
  RsaPublicKey even = rsa_key();
  even.modulus.back() &= 0xFEU;
  CHECK_FALSE(is_usable(even));
  for (const Bytes& exponent : {Bytes{}, Bytes{1}, Bytes{2}, Bytes{0, 3}, Bytes{1, 0, 0, 0, 1}}) {
    RsaPublicKey odd = rsa_key();
    odd.exponent = exponent;
    CHECK_FALSE(is_usable(odd));
    CHECK_FALSE(
        verify_signature(SignatureAlgorithm::rs256, odd, as_bytes(kMessage), decoded(kRs256)));
  }
  CHECK_FALSE(is_usable({{}, decoded("AQAB")}));
}
