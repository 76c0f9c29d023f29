// SPDX-License-Identifier: Apache-2.0
#include "core/mask/stream_masker.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace hoop::mask {
namespace {

Masker streaming(bool with_detectors = true) {
  std::vector<access::Mask> masks;
  if (with_detectors) {
    access::Mask mask;
    mask.name = "secrets";
    mask.detectors = {"payment_card", "private_key"};
    masks.push_back(std::move(mask));
  }
  return std::move(*Masker::create(masks, SecretBytes(Bytes(32, 1))));
}

constexpr std::string_view kCardInText = "4111 1111 1111 1111";
constexpr std::string_view kKeyInText =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAwJ1kq0cJm1nQ3bYV7tq7mS2n1e0a6fXb2tq7mS2n1e0a6fXb\n"
    "7tq7mS2n1e0a6fXbwJ1kq0cJm1nQ3bYV7tq7mS2n1e0a6fXb2tq7mS2n1e0a6fXb\n"
    "-----END RSA PRIVATE KEY-----\n";

/// text in pieces of size, with or without silence between them.
std::string streamed(std::string_view text, std::size_t size, bool silences) {
  auto with = streaming();
  StreamMasker output(with);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) {
    out += to_text(output.take(as_bytes(text.substr(at, size))).value());
    if (silences) out += to_text(output.flush().value());
  }
  return out + to_text(output.finish().value());
}

}  // namespace

TEST_CASE("a stream: what detectors find is hidden, however it is cut") {
  const std::string text =
      "before\ncard " + std::string(kCardInText) + " end\nafter, no end of line";
  const std::string whole = streamed(text, text.size(), false);
  CHECK(whole == "before\ncard [redacted] end\nafter, no end of line");
  for (std::size_t size = 1; size < text.size(); ++size) {
    INFO("pieces of " << size);
    CHECK(streamed(text, size, false) == whole);
  }
}

TEST_CASE("a stream: a private key is one, over many lines and through silence") {
  const std::string text = "cat key\n" + std::string(kKeyInText) + "$ ";
  for (std::size_t size = 1; size < text.size(); ++size) {
    for (const bool silences : {false, true}) {
      INFO("pieces of " << size << (silences ? ", with silence" : ""));
      const std::string out = streamed(text, size, silences);
      CHECK(out.find("MIIE") == std::string::npos);
      CHECK(out.find("7tq7mS2n1e0a6fXbwJ1kq0") == std::string::npos);
      CHECK(out.starts_with("cat key\n"));
      CHECK(out.ends_with("$ "));
    }
  }
}

TEST_CASE("a stream: a prompt is not held back for longer than a silence") {
  auto with = streaming();
  StreamMasker output(with);
  CHECK(output.take(as_bytes("motd\nuser@host:~$ "))->size() == 5);
  CHECK(output.holds());
  CHECK(to_text(output.flush().value()) == "user@host:~$ ");
  CHECK_FALSE(output.holds());
}

TEST_CASE("a stream: a line without an end goes on, between characters and escape sequences") {
  auto with = streaming();
  StreamMasker output(with);
  std::string line;
  while (line.size() < 200'000) line += "\x1b[1;31mr\xc3\xb6t\x1b[0m ";
  std::string out;
  std::size_t most = 0;
  for (std::size_t at = 0; at < line.size(); at += 1000) {
    const std::string part = to_text(
        output.take(as_bytes(line).subspan(at, std::min<std::size_t>(1000, line.size() - at)))
            .value());
    if (!part.empty()) {
      CHECK((static_cast<unsigned char>(part.front()) & 0xC0U) != 0x80U);
      const std::size_t escape = part.rfind('\x1b');
      CHECK(part.find('m', escape) != std::string::npos);
    }
    out += part;
    most = std::max(most, at + 1000 - out.size());
  }
  out += to_text(output.finish().value());
  CHECK(out == line);
  CHECK(most <= 40'000);
}

TEST_CASE("a stream: without detectors nothing is held back or looked at") {
  auto with = streaming(false);
  StreamMasker output(with);
  const std::string text = "no end of line " + std::string(kCardInText);
  CHECK(to_text(output.take(as_bytes(text)).value()) == text);
  CHECK_FALSE(output.holds());
}

}  // namespace hoop::mask
