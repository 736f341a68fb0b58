/* A certificate's fields as text; see certificate.h. */
#include "net/tls/certificate.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/error.h"
#include "crypto/openssl.h"

/* The fields lie one after the other; a buffer that grows moves, so they are slices only at the end. */
enum { SUBJECT, ISSUER, SERIAL, FINGERPRINT, NOT_BEFORE, NOT_AFTER, NAMES, FIELDS };

static void add_hex(rl_buf *out, const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    rl_buf_add_char(out, digits[bytes[i] >> 4]);
    rl_buf_add_char(out, digits[bytes[i] & 15]);
  }
}

/* ASN1_STRFLGS_RFC2253 escapes what could be taken for another field, control characters among it. */
static void add_name(rl_buf *out, const X509_NAME *name) {
  BIO *bio = rl_openssl.BIO_new(rl_openssl.BIO_s_mem());
  char *text;
  if (!bio || rl_openssl.X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0) {
    out->error = RL_ENOMEM;
  } else {
    long len = rl_openssl.BIO_ctrl(bio, BIO_CTRL_INFO, 0, &text);
    if (len > 0) rl_buf_add(out, text, (size_t)len);
  }
  if (bio) rl_openssl.BIO_free(bio);
}

static void add_serial(rl_buf *out, const X509 *certificate) {
  const ASN1_INTEGER *serial = rl_openssl.X509_get0_serialNumber(certificate);
  add_hex(out, rl_openssl.ASN1_STRING_get0_data(serial), (size_t)rl_openssl.ASN1_STRING_length(serial));
}

static void add_fingerprint(rl_buf *out, const X509 *certificate) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (rl_openssl.X509_digest(certificate, rl_openssl.EVP_sha256(), digest, &size) != 1) out->error = RL_ENOMEM;
  add_hex(out, digest, size);
}

static void add_time(rl_buf *out, const ASN1_TIME *time) {
  struct tm parts;
  char text[40];
  if (rl_openssl.ASN1_TIME_to_tm(time, &parts) != 1) return;
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  rl_buf_add_str(out, text);
}

/* A line break in a name would forge another one. */
static void add_text(rl_buf *out, const char *kind, const ASN1_STRING *text) {
  const unsigned char *at = rl_openssl.ASN1_STRING_get0_data(text);
  int len = rl_openssl.ASN1_STRING_length(text);
  for (int i = 0; i < len; i++)
    if (at[i] < ' ' || at[i] == 127) return;
  rl_buf_addf(out, "%s:%.*s\n", kind, len, (const char *)at);
}

static void add_address(rl_buf *out, const ASN1_STRING *address) {
  char text[INET6_ADDRSTRLEN];
  int len = rl_openssl.ASN1_STRING_length(address);
  if (len != 4 && len != 16) return;
  inet_ntop(len == 4 ? AF_INET : AF_INET6, rl_openssl.ASN1_STRING_get0_data(address), text, sizeof text);
  rl_buf_addf(out, "IP:%s\n", text);
}

static void add_alternative(rl_buf *out, const GENERAL_NAME *name) {
  if (name->type == GEN_DNS) add_text(out, "DNS", name->d.dNSName);
  else if (name->type == GEN_EMAIL) add_text(out, "email", name->d.rfc822Name);
  else if (name->type == GEN_URI) add_text(out, "URI", name->d.uniformResourceIdentifier);
  else if (name->type == GEN_IPADD) add_address(out, name->d.iPAddress);
}

static void add_alternatives(rl_buf *out, const X509 *certificate) {
  GENERAL_NAMES *all = rl_openssl.X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  int count = all ? rl_openssl.OPENSSL_sk_num((OPENSSL_STACK *)all) : 0;
  size_t start = out->len;
  for (int i = 0; i < count; i++) add_alternative(out, rl_openssl.OPENSSL_sk_value((OPENSSL_STACK *)all, i));
  if (out->len > start) out->len--; /* the last line break */
  rl_openssl.GENERAL_NAMES_free(all);
}

static void add_field(rl_buf *out, const X509 *certificate, int field) {
  switch (field) {
    case SUBJECT: add_name(out, rl_openssl.X509_get_subject_name(certificate)); break;
    case ISSUER: add_name(out, rl_openssl.X509_get_issuer_name(certificate)); break;
    case SERIAL: add_serial(out, certificate); break;
    case FINGERPRINT: add_fingerprint(out, certificate); break;
    case NOT_BEFORE: add_time(out, rl_openssl.X509_get0_notBefore(certificate)); break;
    case NOT_AFTER: add_time(out, rl_openssl.X509_get0_notAfter(certificate)); break;
    default: add_alternatives(out, certificate); break;
  }
}

int rl_certificate_read(const void *certificate, rl_buf *memory, rl_certificate_text *text) {
  rl_slice *const to[FIELDS] = {&text->subject,    &text->issuer,    &text->serial, &text->fingerprint,
                                &text->not_before, &text->not_after, &text->names};
  size_t ends[FIELDS], start = memory->len;
  rl_openssl.ERR_clear_error();
  for (int i = 0; i < FIELDS; i++) {
    add_field(memory, certificate, i);
    ends[i] = memory->len;
  }
  rl_openssl.ERR_clear_error();
  if (memory->error) return RL_ENOMEM;
  for (int i = 0; i < FIELDS; start = ends[i++]) *to[i] = rl_slice_of(memory->data + start, ends[i] - start);
  return RL_OK;
}
