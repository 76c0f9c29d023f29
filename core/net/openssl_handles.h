// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL objects; included by this folder's .cpp files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

#include "core/crypto/free_with.h"

namespace hoop::net {

using BioPtr = std::unique_ptr<BIO, crypto::FreeWith<BIO_free_all>>;
using ContextPtr = std::unique_ptr<SSL_CTX, crypto::FreeWith<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, crypto::FreeWith<SSL_free>>;
using CertificatePtr = std::unique_ptr<X509, crypto::FreeWith<X509_free>>;
using StorePtr = std::unique_ptr<X509_STORE, crypto::FreeWith<X509_STORE_free>>;
using PrivateKeyPtr = std::unique_ptr<EVP_PKEY, crypto::FreeWith<EVP_PKEY_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, crypto::FreeWith<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, crypto::FreeWith<GENERAL_NAMES_free>>;

/// Reads from text, which must outlive it.
inline BioPtr bio_over(std::string_view text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  HOOP_ASSERT(bio != nullptr);
  return bio;
}

/// A password callback for files that must not have one: OpenSSL would ask on the terminal.
inline int no_password(char*, int, int, void*) { return -1; }

}  // namespace hoop::net
