/* Settings of every SSL_CTX; see context.h. */
#include "net/tls/context.h"

#include "base/error.h"
#include "base/slice.h"
#include "crypto/openssl.h"

/* Mozilla's list also has DHE-RSA. It is left out: a server pays for it ten times what the client does (CVE-2002-20001), and
 * everybody who speaks TLS 1.2 has ECDHE. */
#define CIPHERS_1_2                                                                          \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:prime256v1:secp384r1"

/* Retried writes may come from elsewhere in memory, and a write may end between two records. */
enum { MODES = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER };

/* Who prefers which cipher: the client knows whether it has AES in hardware, so its order counts, as Mozilla says. */
static bool set_up(SSL_CTX *context, bool only_1_3) {
  rl_openssl.SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  rl_openssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, MODES, NULL);
  long lowest = only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  return rl_openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, lowest, NULL) == 1 &&
         rl_openssl.SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
         rl_openssl.SSL_CTX_set_ciphersuites(context, CIPHERS_1_3) == 1 &&
         rl_openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, GROUPS) == 1;
}

struct ssl_ctx_st *rl_tls_context_new(bool server, bool only_1_3) {
  rl_openssl.ERR_clear_error();
  SSL_CTX *context = rl_openssl.SSL_CTX_new(server ? rl_openssl.TLS_server_method() : rl_openssl.TLS_client_method());
  if (context && !set_up(context, only_1_3)) {
    rl_openssl.SSL_CTX_free(context);
    context = NULL;
  }
  rl_openssl.ERR_clear_error();
  return context;
}

int rl_tls_protocols(const char *text, uint8_t out[RL_TLS_PROTOCOLS], size_t *len) {
  rl_slice rest = rl_slice_str(text), one;
  *len = 0;
  while (rl_slice_next_plain(&rest, &one)) {
    if (*len + 1 + one.len > RL_TLS_PROTOCOLS) return RL_EINVALID;
    out[(*len)++] = (uint8_t)one.len;
    memcpy(out + *len, one.data, one.len);
    *len += one.len;
  }
  return RL_OK;
}

const char *rl_tls_reason(unsigned long error) {
  const char *words = error ? rl_openssl.ERR_reason_error_string(error) : NULL;
  return words ? words : "OpenSSL refuses it";
}
