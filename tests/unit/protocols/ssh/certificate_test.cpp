// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/certificate.h"

#include <fstream>
#include <iterator>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "protocols/ssh/wire.h"
#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

using std::chrono::seconds;

/// A byte that counts: certificates are then the same in every run.
class Counting : public Random {
 public:
  void fill(MutableByteSpan out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

crypto::Ed25519Key key_of(std::uint8_t seed) {
  return std::move(*crypto::Ed25519Key::from_seed(SecretBytes(Bytes(32, seed))));
}

CertificateTerms terms() {
  CertificateTerms out;
  out.serial = 7;
  out.key_id = "alice s_abc";
  out.principals = {"deploy", "ops"};
  out.valid_after = SystemTime(seconds(1'700'000'000));
  out.valid_before = SystemTime(seconds(1'700'000'300));
  out.critical_options = {{"force-command", "uptime"}, {"source-address", "127.0.0.1/32"}};
  out.extensions = {{"permit-pty", ""}, {"session@hoopctl", "s_abc"}};
  return out;
}

Bytes signed_by_ca(const CertificateTerms& with) {
  Counting random;
  return sign_certificate(key_of(1).public_key(), with, key_of(2), random).value();
}

/// Everything up to the signature written anew, with changes, and signed as it must be: what is
/// refused then is refused for what it says.
struct Fields {
  std::string type{kEd25519Certificate};
  Bytes nonce = Bytes(32, 9);
  Bytes key = Bytes(32, 1);
  std::uint64_t serial = 1;
  std::uint32_t kind = 1;
  std::string key_id = "id";
  Bytes principals;
  std::uint64_t after = 1'700'000'000, before = 1'700'000'300;
  Bytes critical, extensions;
  std::string reserved;

  Fields() {
    ByteWriter writer(principals);
    write_string(writer, std::string_view("deploy"));
  }
  Bytes certificate() const {
    Bytes out;
    ByteWriter writer(out);
    write_string(writer, type);
    write_string(writer, ByteSpan(nonce));
    write_string(writer, ByteSpan(key));
    writer.u64(serial);
    writer.u32(kind);
    write_string(writer, key_id);
    write_string(writer, ByteSpan(principals));
    writer.u64(after);
    writer.u64(before);
    write_string(writer, ByteSpan(critical));
    write_string(writer, ByteSpan(extensions));
    write_string(writer, reserved);
    const auto authority = key_of(2);
    write_string(writer, ByteSpan(public_key(authority.public_key()).blob));
    Bytes signature;
    ByteWriter inner(signature);
    write_string(inner, kEd25519);
    write_string(inner, ByteSpan(authority.sign(out)));
    write_string(writer, ByteSpan(signature));
    return out;
  }
};

Bytes option(std::string_view name, ByteSpan data) {
  Bytes out;
  ByteWriter writer(out);
  write_string(writer, name);
  write_string(writer, data);
  return out;
}

Bytes text_option(std::string_view name, std::string_view value) {
  Bytes data;
  ByteWriter writer(data);
  write_string(writer, value);
  return option(name, data);
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

TEST_CASE("certificate: what was signed is what is read") {
  const auto read = parse_certificate(signed_by_ca(terms()));
  REQUIRE(read);
  CHECK(read->terms == terms());
  CHECK(read->key == key_of(1).public_key());
  CHECK(read->authority == public_key(key_of(2).public_key()));
  // What is finer than a second is cut off.
  CertificateTerms fine = terms();
  fine.valid_before += std::chrono::milliseconds(999);
  CHECK(parse_certificate(signed_by_ca(fine))->terms == terms());
}

TEST_CASE("certificate: byte by byte as the format says") {
  CertificateTerms with;
  with.serial = 0x0102030405060708;
  with.key_id = "id";
  with.principals = {"ops"};
  with.valid_after = SystemTime(seconds(1));
  with.valid_before = SystemTime(seconds(2));
  with.critical_options = {{"a", "b"}};
  with.extensions = {{"permit-pty", ""}};
  const Bytes blob = signed_by_ca(with);
  const std::string expected =
      "00000020" + to_hex(as_bytes(kEd25519Certificate)) +
      "00000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "00000020" +
      to_hex(key_of(1).public_key()) +
      "0102030405060708"
      "00000001"
      "000000026964"
      "00000007"
      "000000036f7073"
      "0000000000000001"
      "0000000000000002"
      "0000000e"
      "0000000161"
      "00000005"
      "0000000162"
      "00000012"
      "0000000a7065726d69742d707479"
      "00000000"
      "00000000"
      "00000033"
      "0000000b7373682d65643235353139"
      "00000020" +
      to_hex(key_of(2).public_key()) +
      "00000053"
      "0000000b7373682d65643235353139"
      "00000040";
  CHECK(to_hex(blob).substr(0, expected.size()) == expected);
  CHECK(blob.size() == expected.size() / 2 + 64);
}

TEST_CASE("certificate: one that ssh-keygen has signed") {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/fuzz/corpus/ssh_certificate/certificate");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  REQUIRE(text.size() > 1);
  const auto read = parse_certificate(as_bytes(text).subspan(1));
  REQUIRE(read);
  CHECK(read->terms.key_id == "id");
  CHECK(read->terms.principals == std::vector<std::string>{"deploy", "ops"});
  CHECK(read->terms.critical_options ==
        std::map<std::string, std::string>{{"force-command", "uptime"},
                                           {"source-address", "127.0.0.1/32"}});
  CHECK(read->terms.extensions.count("permit-pty") == 1);
  CHECK(read->terms.valid_before > read->terms.valid_after);
}

TEST_CASE("certificate: terms that nobody should sign are not signed") {
  Counting random;
  const auto refused = [&](auto change) {
    CertificateTerms with = terms();
    change(with);
    const auto made = sign_certificate(key_of(1).public_key(), with, key_of(2), random);
    return !made && made.error().code == ErrorCode::malformed;
  };
  // Without principals OpenSSH takes it for anybody.
  CHECK(refused([](auto& with) { with.principals.clear(); }));
  CHECK(refused([](auto& with) { with.principals = {"ops", ""}; }));
  CHECK(refused([](auto& with) { with.principals = {std::string("o\0s", 3)}; }));
  CHECK(refused([](auto& with) { with.principals = std::vector<std::string>(257, "ops"); }));
  CHECK(refused([](auto& with) { with.valid_before = with.valid_after; }));
  CHECK(refused([](auto& with) { with.valid_after = SystemTime(seconds(-1)); }));
  CHECK(refused([](auto& with) { with.key_id = std::string("a\0b", 3); }));
  CHECK(refused([](auto& with) { with.key_id = std::string(70'000, 'a'); }));
  CHECK(refused([](auto& with) { with.extensions[""] = "x"; }));
  CHECK(
      refused([](auto& with) { with.critical_options["force-command"] = std::string("a\0b", 3); }));
}

TEST_CASE("certificate: a change of any byte is seen") {
  const Bytes blob = signed_by_ca(terms());
  for (std::size_t at = 0; at < blob.size(); ++at) {
    Bytes changed = blob;
    changed[at] ^= 1;
    INFO("byte " << at);
    CHECK_FALSE(parse_certificate(changed));
    CHECK_FALSE(parse_certificate(ByteSpan(blob).first(at)));
  }
  Bytes longer = blob;
  longer.push_back(0);
  CHECK_FALSE(parse_certificate(longer));
}

TEST_CASE("certificate: what is signed well and says what it may not") {
  CHECK(parse_certificate(Fields().certificate()));
  const auto refused = [](auto change) {
    Fields fields;
    change(fields);
    const auto read = parse_certificate(fields.certificate());
    return !read && read.error().code == ErrorCode::malformed;
  };
  CHECK(refused([](Fields& f) { f.type = "ssh-ed25519"; }));
  CHECK(refused([](Fields& f) { f.nonce.clear(); }));
  CHECK(refused([](Fields& f) { f.key.pop_back(); }));
  CHECK(refused([](Fields& f) { f.kind = 2; }));  // of a host
  CHECK(refused([](Fields& f) { f.principals.clear(); }));
  CHECK(refused([](Fields& f) { f.principals = {0, 0, 0, 0}; }));
  CHECK(refused([](Fields& f) { f.principals.push_back(0); }));
  CHECK(refused([](Fields& f) { f.after = f.before; }));
  CHECK(refused([](Fields& f) { f.before = ~std::uint64_t{0}; }));
  CHECK(refused([](Fields& f) { f.reserved = "x"; }));
  CHECK(refused([](Fields& f) { f.critical = text_option("b", "1") + text_option("a", "1"); }));
  CHECK(refused([](Fields& f) { f.critical = text_option("a", "1") + text_option("a", "2"); }));
  CHECK(refused([](Fields& f) { f.critical = text_option("", "1"); }));
  CHECK(refused([](Fields& f) { f.critical = text_option("a", ""); }));
  CHECK(refused([](Fields& f) { f.critical = option("a", Bytes{0, 0, 0, 9, 1}); }));
  CHECK(refused([](Fields& f) { f.extensions = option("a", Bytes{0, 0, 0, 1, 'x', 'y'}); }));
  CHECK(refused([](Fields& f) { f.extensions = text_option("a", std::string_view("x\0", 2)); }));
  // A field that says to be longer than all that follows: the numbers behind it would still be
  // read.
  Fields cut;
  Bytes lies = cut.certificate();
  const std::string before = to_hex(as_bytes("id"));
  const std::size_t at = to_hex(lies).find("00000002" + before) / 2 + 6;
  lies[at] = 0x7f;
  CHECK_FALSE(parse_certificate(lies));
  Fields wrong;
  Bytes blob = wrong.certificate();
  blob.back() ^= 1;
  CHECK(parse_certificate(blob).error().code == ErrorCode::integrity);
}

TEST_CASE("public key: written and read") {
  const PublicKey key = public_key(key_of(3).public_key());
  const std::string line = to_line(key, "hoopctl CA");
  CHECK(line.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"));
  CHECK(line.ends_with(" hoopctl CA"));
  CHECK(parse_public_key(line) == key);
  CHECK(parse_public_key("  " + line + "\r\n") == key);
  CHECK(parse_public_key(to_line(key)) == key);
  CHECK(is_fingerprint(fingerprint(key)));
  CHECK_FALSE(is_fingerprint(fingerprint(key).substr(7)));
  CHECK_FALSE(is_fingerprint(fingerprint(key) + "="));
  CHECK_FALSE(is_fingerprint("SHA256:"));
  CHECK_FALSE(is_fingerprint("MD5:" + std::string(43, 'a')));
}

TEST_CASE("public key: what is none, and a certificate in the place of one") {
  const std::string base64 = to_base64(public_key(key_of(3).public_key()).blob);
  for (const std::string& line :
       {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 %%%"),
        "ssh-rsa " + base64, "ssh-ed25519 " + base64.substr(0, base64.size() - 4),
        "ssh-ed25519 " + std::string(20'000, 'A'),
        std::string("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")}) {
    INFO(line.substr(0, 80));
    const auto read = parse_public_key(line);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::malformed);
  }
  const std::string line = certificate_line(signed_by_ca(terms()), "x");
  CHECK(line.starts_with("ssh-ed25519-cert-v01@openssh.com AAAA"));
  CHECK(parse_public_key(line).error().code == ErrorCode::denied);
  // Nor under another name.
  CHECK_FALSE(parse_public_key("ssh-ed25519 " + to_base64(signed_by_ca(terms()))));
}

}  // namespace hoop::ssh
