#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Function-like macros are not imported to Swift; these are their twins.

static inline int collectord_tls_require_version_1_2(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

static inline int collectord_tls_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

// The name that the client says it looks for (SNI).
static inline int collectord_tls_announce_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

// A key behind a passphrase is an error instead of a question on the terminal.
static inline int collectord_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static inline EVP_PKEY *collectord_read_private_key(BIO *text) {
    return PEM_read_bio_PrivateKey(text, NULL, collectord_no_passphrase, NULL);
}
