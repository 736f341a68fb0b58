/* A certificate and its key, out of PEM; see pair.h. */
#include "net/tls/pair.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/openssl.h"
#include "loop/loop.h"
#include "net/tls/context.h"

enum { CHAIN_MOST = 20, NAMES_MOST = 1000 };

/* What is read, before it becomes a pair. */
typedef struct reading {
  rl_tls_pair *pair;
  const char *certificate_file, *key_file;
  rl_buf *why;
} reading;

static int refuse(const reading *r, const char *file, const char *what) {
  rl_buf_addf(r->why, "%s: %s", file, what);
  return RL_EINVALID;
}

/* ---- the certificates ---------------------------------------------------------------------------------------------------- */

static X509 *certificate_at(const rl_tls_pair *pair, int index) {
  return index == 0 ? pair->certificate : rl_openssl.OPENSSL_sk_value((OPENSSL_STACK *)pair->chain, index - 1);
}

static int chain_length(const rl_tls_pair *pair) {
  return pair->chain ? rl_openssl.OPENSSL_sk_num((OPENSSL_STACK *)pair->chain) : 0;
}

/* Takes the certificate. */
static int add_certificate(rl_tls_pair *pair, X509 *certificate) {
  if (!pair->certificate) {
    pair->certificate = certificate;
    return RL_OK;
  }
  if (!pair->chain) pair->chain = (struct stack_st_X509 *)rl_openssl.OPENSSL_sk_new_null();
  if (pair->chain && rl_openssl.OPENSSL_sk_push((OPENSSL_STACK *)pair->chain, certificate) > 0) return RL_OK;
  rl_openssl.X509_free(certificate);
  return RL_ENOMEM;
}

static int read_certificates(const reading *r, rl_slice text) {
  BIO *bio = rl_openssl.BIO_new_mem_buf(text.data, (int)text.len);
  int code = bio ? RL_OK : RL_ENOMEM;
  rl_openssl.ERR_clear_error();
  for (X509 *one; !code && (one = rl_openssl.PEM_read_bio_X509(bio, NULL, NULL, NULL));) {
    code = add_certificate(r->pair, one);
    if (!code && chain_length(r->pair) > CHAIN_MOST) code = refuse(r, r->certificate_file, "more than 20 certificates");
  }
  if (bio) rl_openssl.BIO_free(bio);
  if (code) return code;
  unsigned long error = rl_openssl.ERR_peek_last_error();
  rl_openssl.ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return refuse(r, r->certificate_file, rl_tls_reason(error));
  if (!r->pair->certificate)
    return refuse(r, r->certificate_file, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  return RL_OK;
}

/* ---- the key --------------------------------------------------------------------------------------------------------------- */

/* Never asks at the terminal. */
static int on_password(char *buffer, int size, int writing, void *asked) {
  (void)buffer, (void)size, (void)writing;
  *(bool *)asked = true;
  return -1;
}

static int read_key(const reading *r, rl_slice text) {
  bool asked = false;
  BIO *bio = rl_openssl.BIO_new_mem_buf(text.data, (int)text.len);
  if (!bio) return RL_ENOMEM;
  rl_openssl.ERR_clear_error();
  r->pair->key = rl_openssl.PEM_read_bio_PrivateKey(bio, NULL, on_password, &asked);
  rl_openssl.BIO_free(bio);
  unsigned long error = rl_openssl.ERR_peek_last_error();
  rl_openssl.ERR_clear_error();
  if (r->pair->key) return RL_OK;
  if (asked)
    return refuse(r, r->key_file,
                  "the key is encrypted, and nobody is there to type the passphrase: write it without one "
                  "(openssl pkey -in FILE -out FILE)");
  int reason = ERR_GET_REASON(error);
  if (reason == PEM_R_NO_START_LINE || reason == ERR_R_UNSUPPORTED)
    return refuse(r, r->key_file, "holds no key in PEM (-----BEGIN PRIVATE KEY-----)");
  return refuse(r, r->key_file, rl_tls_reason(error));
}

/* ---- do they fit ------------------------------------------------------------------------------------------------------------- */

static bool fits(const reading *r, int index) {
  bool yes = rl_openssl.X509_check_private_key(certificate_at(r->pair, index), r->pair->key) == 1;
  rl_openssl.ERR_clear_error();
  return yes;
}

static int check_key(const reading *r) {
  char text[120];
  if (fits(r, 0)) return RL_OK;
  for (int i = 1; i <= chain_length(r->pair); i++) {
    if (!fits(r, i)) continue;
    snprintf(text, sizeof text, "the certificate of the key is number %d in it; it has to be the first", i + 1);
    return refuse(r, r->certificate_file, text);
  }
  rl_buf_addf(r->why, "%s: is not the key of the certificate in %s", r->key_file, r->certificate_file);
  return RL_EINVALID;
}

/* OpenSSL refuses keys that are too short, only when they are used. */
static int check_strength(const reading *r) {
  SSL_CTX *context = rl_tls_context_new(true, false);
  if (!context) return RL_ENOMEM;
  rl_openssl.ERR_clear_error();
  int taken = rl_openssl.SSL_CTX_use_cert_and_key(context, r->pair->certificate, r->pair->key, r->pair->chain, 1);
  unsigned long error = rl_openssl.ERR_peek_error();
  rl_openssl.ERR_clear_error();
  rl_openssl.SSL_CTX_free(context);
  return taken == 1 ? RL_OK : refuse(r, r->certificate_file, rl_tls_reason(error));
}

/* Many clients cope with a chain that is out of order (RFC 8446 section 4.4.2), some do not. */
static void check_chain(const reading *r) {
  for (int i = 0; i < chain_length(r->pair); i++) {
    const X509_NAME *issuer = rl_openssl.X509_get_issuer_name(certificate_at(r->pair, i));
    if (rl_openssl.X509_NAME_cmp(issuer, rl_openssl.X509_get_subject_name(certificate_at(r->pair, i + 1))) == 0)
      continue;
    rl_logf(RL_LOG_WARN, "tls: %s: certificate %d was not issued by the one after it: the chain is out of order",
            r->certificate_file, i + 1);
    return;
  }
}

static int64_t seconds_of(const ASN1_TIME *time) {
  struct tm parts;
  return rl_openssl.ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static void check_dates(const reading *r) {
  rl_tls_pair *pair = r->pair;
  int64_t now = rl_loop_wall() / 1000;
  pair->not_before = seconds_of(rl_openssl.X509_get0_notBefore(pair->certificate));
  pair->not_after = seconds_of(rl_openssl.X509_get0_notAfter(pair->certificate));
  if (now > pair->not_after) rl_logf(RL_LOG_WARN, "tls: %s: the certificate has expired", r->certificate_file);
  if (now < pair->not_before) rl_logf(RL_LOG_WARN, "tls: %s: the certificate is not valid yet", r->certificate_file);
}

/* ---- names ------------------------------------------------------------------------------------------------------------------- */

static int add_name(rl_tls_pair *pair, const char *text, size_t len) {
  if (!len || pair->count >= NAMES_MOST || memchr(text, 0, len))
    return RL_OK; /* a NUL in a name is a trick (CVE-2009-2408) */
  char **names = rl_realloc(pair->names, (pair->count + 1) * sizeof *names);
  if (!names) return RL_ENOMEM;
  pair->names = names;
  char *name = rl_strndup(text, len);
  if (!name) return RL_ENOMEM;
  for (size_t i = 0; i < len; i++) name[i] = rl_lower(name[i]);
  names[pair->count++] = name;
  return RL_OK;
}

static int add_alternative_name(rl_tls_pair *pair, const GENERAL_NAME *one) {
  char text[INET6_ADDRSTRLEN];
  if (one->type != GEN_DNS && one->type != GEN_IPADD) return RL_OK;
  const ASN1_STRING *value = one->type == GEN_DNS ? one->d.dNSName : one->d.iPAddress;
  const unsigned char *bytes = rl_openssl.ASN1_STRING_get0_data(value);
  int len = rl_openssl.ASN1_STRING_length(value);
  if (one->type == GEN_DNS) return len > 0 ? add_name(pair, (const char *)bytes, (size_t)len) : RL_OK;
  if ((len != 4 && len != 16) || !inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text)) return RL_OK;
  return add_name(pair, text, strlen(text));
}

static int add_alternative_names(rl_tls_pair *pair) {
  int code = RL_OK;
  GENERAL_NAMES *all = rl_openssl.X509_get_ext_d2i(pair->certificate, NID_subject_alt_name, NULL, NULL);
  int count = all ? rl_openssl.OPENSSL_sk_num((OPENSSL_STACK *)all) : 0;
  for (int i = 0; i < count && !code; i++)
    code = add_alternative_name(pair, rl_openssl.OPENSSL_sk_value((OPENSSL_STACK *)all, i));
  rl_openssl.GENERAL_NAMES_free(all);
  return code;
}

/* The common name counts where no alternative name does (RFC 6125 section 6.4.4). */
static int add_names(rl_tls_pair *pair) {
  char common[256];
  int code = add_alternative_names(pair);
  if (code || pair->count) return code;
  X509_NAME *subject = rl_openssl.X509_get_subject_name(pair->certificate);
  int len = rl_openssl.X509_NAME_get_text_by_NID(subject, NID_commonName, common, sizeof common);
  return len > 0 ? add_name(pair, common, (size_t)len) : RL_OK;
}

/* ---- life -------------------------------------------------------------------------------------------------------------------- */

static int read_and_check(const reading *r, rl_slice certificate, rl_slice key) {
  int code = read_certificates(r, certificate);
  if (!code) code = read_key(r, key);
  if (!code) code = check_key(r);
  if (!code) code = check_strength(r);
  if (!code) code = add_names(r->pair);
  if (code == RL_ENOMEM) rl_buf_addf(r->why, "%s: %s", r->certificate_file, rl_error_text(code));
  if (code) return code;
  check_chain(r);
  check_dates(r);
  return RL_OK;
}

int rl_tls_pair_read(rl_tls_pair **out, rl_slice certificate, rl_slice key, const char *certificate_file,
                     const char *key_file, rl_buf *why) {
  reading r = {rl_calloc(1, sizeof *r.pair), certificate_file, key_file, why};
  if (!r.pair) return RL_ENOMEM;
  r.pair->refs = 1;
  int code = read_and_check(&r, certificate, key);
  if (code) rl_tls_pair_unref(r.pair);
  else *out = r.pair;
  return code;
}

static int fill_from_der(rl_tls_pair *pair, rl_slice name, rl_slice certificate, rl_slice key) {
  const unsigned char *at = (const unsigned char *)certificate.data, *key_at = (const unsigned char *)key.data;
  rl_openssl.ERR_clear_error();
  pair->certificate = rl_openssl.d2i_X509(NULL, &at, (long)certificate.len);
  pair->key = rl_openssl.d2i_AutoPrivateKey(NULL, &key_at, (long)key.len);
  bool fit = pair->certificate && pair->key && rl_openssl.X509_check_private_key(pair->certificate, pair->key) == 1;
  rl_openssl.ERR_clear_error();
  return fit ? add_name(pair, name.data, name.len) : RL_EINVALID;
}

int rl_tls_pair_of_der(rl_tls_pair **out, rl_slice name, rl_slice certificate, rl_slice key) {
  rl_tls_pair *pair = rl_calloc(1, sizeof *pair);
  if (!pair) return RL_ENOMEM;
  pair->refs = 1;
  int code = fill_from_der(pair, name, certificate, key);
  if (code) rl_tls_pair_unref(pair);
  else *out = pair;
  return code;
}

rl_tls_pair *rl_tls_pair_ref(rl_tls_pair *pair) {
  __atomic_add_fetch(&pair->refs, 1, __ATOMIC_RELAXED);
  return pair;
}

static void free_certificate(void *certificate) { rl_openssl.X509_free(certificate); }

void rl_tls_pair_unref(rl_tls_pair *pair) {
  if (!pair || __atomic_sub_fetch(&pair->refs, 1, __ATOMIC_ACQ_REL)) return;
  rl_openssl.X509_free(pair->certificate);
  rl_openssl.OPENSSL_sk_pop_free((OPENSSL_STACK *)pair->chain, free_certificate);
  rl_openssl.EVP_PKEY_free(pair->key);
  while (pair->count) rl_free(pair->names[--pair->count]);
  rl_free(pair->names);
  rl_free(pair);
}

int rl_tls_pair_use(const rl_tls_pair *pair, struct ssl_st *ssl) {
  return rl_openssl.SSL_use_cert_and_key(ssl, pair->certificate, pair->key, pair->chain, 1) == 1 ? RL_OK : RL_EINVALID;
}
