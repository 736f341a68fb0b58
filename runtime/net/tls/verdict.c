/* Refused certificates; see verdict.h. */
#include "net/tls/verdict.h"

#include <stdio.h>

#include "base/ascii.h"
#include "crypto/openssl.h"
#include "net/tls/certificate.h"

enum { SHOWN = 200 /* bytes of what a certificate says of itself */ };

/* What a stranger has written: printable, and not too long. */
static void show(char out[SHOWN + 8], rl_slice text) {
  size_t len = text.len < SHOWN ? text.len : SHOWN;
  for (size_t i = 0; i < len; i++) out[i] = text.data[i] >= ' ' && text.data[i] < 127 ? text.data[i] : '?';
  snprintf(out + len, 8, "%s", text.len > SHOWN ? " ..." : "");
}

/* "DNS:a.example\nIP:10.0.0.1" to "a.example, 10.0.0.1". */
static void show_names(char out[SHOWN + 8], const rl_certificate_text *certificate) {
  char kept[2 * SHOWN];
  size_t len = 0;
  for (rl_slice rest = certificate->names; rest.len && len < SHOWN;) {
    size_t end = rl_slice_find(rest, '\n', 0), colon = rl_slice_find(rest, ':', 0);
    rl_slice name = rl_slice_of(rest.data + colon + 1, end - colon - 1);
    bool counts = rl_slice_starts(rest, RL_SLICE("DNS:")) || rl_slice_starts(rest, RL_SLICE("IP:"));
    if (name.len > SHOWN / 2) name.len = SHOWN / 2;
    if (counts) len += (size_t)snprintf(kept + len, sizeof kept - len, "%s%.*s", len ? ", " : "", RL_FMT(name));
    rl_slice_skip(&rest, end < rest.len ? end + 1 : end);
  }
  show(out, rl_slice_of(kept, len));
}

static void write_words(long why, const char *name, const rl_certificate_text *certificate, char out[RL_TLS_VERDICT]) {
  char shown[SHOWN + 8];
  switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      snprintf(out, RL_TLS_VERDICT, "the certificate has expired, at %.*s", RL_FMT(certificate->not_after));
      return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      snprintf(out, RL_TLS_VERDICT, "the certificate is not valid before %.*s", RL_FMT(certificate->not_before));
      return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      show_names(shown, certificate);
      snprintf(out, RL_TLS_VERDICT, "the certificate is for %s, not for %.100s", shown[0] ? shown : "no name at all",
               name);
      return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      snprintf(out, RL_TLS_VERDICT, "the certificate is self-signed, and is not among those that are trusted");
      return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      show(shown, certificate->issuer);
      snprintf(out, RL_TLS_VERDICT, "the certificate was issued by an authority that is not trusted: %s", shown);
      return;
    default:
      snprintf(out, RL_TLS_VERDICT, "the certificate is refused: %s", rl_openssl.X509_verify_cert_error_string(why));
  }
}

void rl_tls_verdict(const struct ssl_st *ssl, const char *name, char out[RL_TLS_VERDICT]) {
  rl_certificate_text text = {0};
  rl_buf memory;
  OPENSSL_STACK *chain = (OPENSSL_STACK *)rl_openssl.SSL_get0_verified_chain(ssl);
  rl_buf_init(&memory, RL_BUF_NO_LIMIT);
  if (chain && rl_openssl.OPENSSL_sk_num(chain) > 0)
    rl_certificate_read(rl_openssl.OPENSSL_sk_value(chain, 0), &memory, &text);
  write_words(rl_openssl.SSL_get_verify_result(ssl), name, &text, out);
  rl_buf_free(&memory);
}
