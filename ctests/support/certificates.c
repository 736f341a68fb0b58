/* Certificates by OpenSSL, linked here; see certificates.h. */
#include "support/certificates.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct issuer {
  X509 *certificate;
  EVP_PKEY *key;
} issuer;

static issuer authority, middle;

static void *must(void *made) {
  if (made) return made;
  fputs("certificates: OpenSSL does not do it\n", stderr);
  abort();
}

static void be(int done) { must(done > 0 ? &authority : NULL); }

static EVP_PKEY *make_key(const test_certificate_options *options) {
  int bits = options->rsa_bits ? options->rsa_bits : 2048;
  return must(options->rsa || options->rsa_bits ? EVP_RSA_gen((unsigned)bits) : EVP_EC_gen("P-256"));
}

static void add_extension(X509 *to, const X509 *by, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, (X509 *)(uintptr_t)by, to, NULL, NULL, 0);
  X509_EXTENSION *extension = must(X509V3_EXT_conf_nid(NULL, &context, nid, value));
  be(X509_add_ext(to, extension, -1));
  X509_EXTENSION_free(extension);
}

static bool is_address(const char *name, size_t len) {
  return strspn(name, "0123456789.") == len || memchr(name, ':', len);
}

static void add_names(X509 *to, const char *names) {
  rl_buf text;
  rl_slice rest = rl_slice_str(names), one;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  while (rl_slice_next_plain(&rest, &one)) {
    const char *kind = is_address(one.data, one.len) ? "IP" : memchr(one.data, '@', one.len) ? "email" : "DNS";
    rl_buf_addf(&text, "%s%s:%.*s", text.len ? "," : "", kind, RL_FMT(one));
  }
  rl_buf_add_char(&text, 0);
  add_extension(to, to, NID_subject_alt_name, text.data);
  rl_buf_free(&text);
}

static X509 *make(EVP_PKEY *key, const test_certificate_options *options, const issuer *by, bool may_issue) {
  static long serial = 1000;
  X509 *made = must(X509_new());
  const char *common = options->common ? options->common : "rille test";
  bool dated = options->from_s || options->to_s;
  be(X509_set_version(made, 2));
  be(ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial));
  must(X509_gmtime_adj(X509_getm_notBefore(made), dated ? options->from_s : -3600));
  must(X509_gmtime_adj(X509_getm_notAfter(made), dated ? options->to_s : 86400));
  X509_NAME *subject = X509_get_subject_name(made);
  be(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0));
  be(X509_set_issuer_name(made, by ? X509_get_subject_name(by->certificate) : subject));
  be(X509_set_pubkey(made, key));
  add_extension(made, made, NID_basic_constraints, may_issue ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (options->names) add_names(made, options->names);
  be(X509_sign(made, by ? by->key : key, EVP_sha256()));
  return made;
}

static const issuer *the_authority(void) {
  test_certificate_options options = {.common = "rille test authority", .from_s = -86400, .to_s = 86400 * 3650L};
  if (authority.key) return &authority;
  authority.key = make_key(&options);
  authority.certificate = make(authority.key, &options, NULL, true);
  options.common = "rille test intermediate";
  middle.key = make_key(&options);
  middle.certificate = make(middle.key, &options, &authority, true);
  return &authority;
}

static void take_text(BIO *bio, rl_buf *out) {
  char *text;
  long len = BIO_get_mem_data(bio, &text);
  rl_buf_init(out, RL_BUF_NO_LIMIT);
  rl_buf_add(out, text, (size_t)len);
  BIO_free(bio);
}

void test_certificate_make(test_certificate *out, const test_certificate_options *options) {
  const issuer *by = options->self_signed ? NULL : the_authority();
  if (by && options->intermediate) by = &middle;
  EVP_PKEY *key = make_key(options);
  X509 *made = make(key, options, by, false);
  BIO *certificate = must(BIO_new(BIO_s_mem())), *secret = must(BIO_new(BIO_s_mem()));
  be(PEM_write_bio_X509(certificate, made));
  if (by == &middle) be(PEM_write_bio_X509(certificate, middle.certificate));
  const char *phrase = options->passphrase;
  be(PEM_write_bio_PrivateKey(secret, key, phrase ? EVP_aes_128_cbc() : NULL, (const unsigned char *)phrase,
                              phrase ? (int)strlen(phrase) : 0, NULL, NULL));
  take_text(certificate, &out->certificate);
  take_text(secret, &out->key);
  X509_free(made);
  EVP_PKEY_free(key);
}

void test_certificate_free(test_certificate *one) {
  rl_buf_free(&one->certificate);
  rl_buf_free(&one->key);
}

rl_slice test_authority_pem(void) {
  static rl_buf text;
  if (text.data) return rl_buf_slice(&text);
  BIO *bio = must(BIO_new(BIO_s_mem()));
  be(PEM_write_bio_X509(bio, the_authority()->certificate));
  take_text(bio, &text);
  return rl_buf_slice(&text);
}

void test_write_pem(const char *path, rl_slice text) {
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  be(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len && close(fd) == 0);
}

static char authority_path[64];

static void remove_authority(void) { unlink(authority_path); }

const char *test_authority_file(void) {
  if (authority_path[0]) return authority_path;
  snprintf(authority_path, sizeof authority_path, "/tmp/rille-test-authority-%d.pem", (int)getpid());
  test_write_pem(authority_path, test_authority_pem());
  atexit(remove_authority);
  return authority_path;
}
