/* The SSL_CTX of a worker and its callbacks; see server.h. */
#include "net/tls/server.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"

enum { NAME_MOST = 255 };

struct rl_tls_server {
  unsigned refs; /* the owner's and one of each stream; one thread */
  rl_loop *loop;
  rl_tls_store *store;
  rl_tls_snapshot *snapshot;
  SSL_CTX *context;
  unsigned version; /* of the snapshot */
  uint32_t handshake_ms;
  size_t protocols_len;
  uint8_t protocols[RL_TLS_PROTOCOLS];
  rl_turns turns;
  rl_tls_buffers buffers;
  char plain[RL_TLS_PLAIN];
};

static const char acme_list[] =
    "\0\x0b\x0a"
    "acme-tls/1"; /* the whole extension (RFC 8737 section 3) */

/* ---- what the client asks for -------------------------------------------------------------------------------------------- */

/* Writes the name of the server_name extension in lower case: a list of one, of type host_name (RFC 6066 section 3). What is malformed
 * is no name; OpenSSL ends the handshake over it later. */
static rl_slice read_name(SSL *ssl, char out[NAME_MOST]) {
  const unsigned char *at;
  size_t len;
  if (!rl_openssl.SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) || len < 5) return RL_SLICE_NONE;
  size_t size = (size_t)at[3] << 8 | at[4];
  if (at[2] != TLSEXT_NAMETYPE_host_name || size > len - 5 || size > NAME_MOST) return RL_SLICE_NONE;
  for (size_t i = 0; i < size; i++) out[i] = rl_lower((char)at[5 + i]);
  if (size && out[size - 1] == '.') size--; /* the root may be written */
  return rl_slice_of(out, size);
}

static bool asks_for_challenge(SSL *ssl) {
  const unsigned char *at;
  size_t len;
  if (!rl_openssl.SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &at, &len))
    return false;
  return rl_slice_eq(rl_slice_of((const char *)at, len), rl_slice_of(acme_list, sizeof acme_list - 1));
}

/* Sessions are resumed for the same name and the same authorities of clients only, so a ticket that was got without a
 * certificate opens nothing that asks for one. */
static bool bind_session(const rl_tls_server *server, SSL *ssl, rl_slice name) {
  uint8_t hash[RL_HASH_SIZE];
  char text[RL_TLS_AUTHORITY_HASH + NAME_MOST] = {0};
  const rl_tls_authority *authority = rl_tls_snapshot_authority(server->snapshot);
  if (authority) memcpy(text, authority->hash, RL_TLS_AUTHORITY_HASH);
  if (name.len) memcpy(text + RL_TLS_AUTHORITY_HASH, name.data, name.len);
  rl_hash(RL_SLICE("session"), rl_slice_of(text, RL_TLS_AUTHORITY_HASH + name.len), hash);
  return rl_openssl.SSL_set_session_id_context(ssl, hash, sizeof hash) == 1;
}

/* Nobody is asked for a certificate here and nothing is served (tls.c ends it): the handshake itself is the answer. */
static int use_challenge(rl_tls_server *server, SSL *ssl, rl_slice name) {
  rl_tls_pair *pair = rl_tls_store_challenge(server->store, name);
  if (!pair) return RL_ENOTFOUND;
  rl_openssl.SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
  rl_openssl.SSL_set_options(ssl, SSL_OP_NO_TICKET);
  int code = rl_tls_pair_use(pair, ssl);
  rl_tls_pair_unref(pair);
  return code;
}

/* The last one given for a kind of key counts, so the first that was added goes last. */
static int use_pairs(const rl_tls_server *server, SSL *ssl, rl_slice name) {
  const rl_tls_pair *found[RL_TLS_FOUND];
  size_t count = rl_tls_snapshot_find(server->snapshot, name, found);
  int code = count ? RL_OK : RL_ENOTFOUND;
  while (count && !code) code = rl_tls_pair_use(found[--count], ssl);
  return code;
}

/* The SSL checks its client by the authorities that it began with. If those have changed meanwhile, its session is not to be taken for
 * one that the present ones have vouched for. */
static void keep_out_of_tickets(const rl_tls_server *server, SSL *ssl) {
  if (rl_openssl.SSL_get_SSL_CTX(ssl) != server->context) rl_openssl.SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

/* A handshake may have two hellos (RFC 8446 section 4.1.4): that the first one asked for a challenge says nothing of the second. */
static void demand_certificate(const rl_tls_server *server, SSL *ssl) {
  if (rl_tls_snapshot_authority(server->snapshot)) rl_tls_authority_demand(ssl);
}

/* Comes before OpenSSL looks at any ticket, and again after a second hello. */
static int on_hello(SSL *ssl, int *alert, void *data) {
  rl_tls_server *server = data;
  char text[NAME_MOST];
  rl_slice name = read_name(ssl, text);
  demand_certificate(server, ssl);
  keep_out_of_tickets(server, ssl);
  int code = asks_for_challenge(ssl) ? use_challenge(server, ssl, name) : use_pairs(server, ssl, name);
  if (!code && bind_session(server, ssl, name)) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = code == RL_ENOTFOUND ? SSL_AD_UNRECOGNIZED_NAME : SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

static bool is_challenge(const unsigned char *list, unsigned len) {
  return rl_slice_eq(rl_slice_of((const char *)list, len), rl_slice_of(acme_list + 2, sizeof acme_list - 3));
}

static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *list,
                        unsigned len, void *data) {
  const rl_tls_server *server = data;
  unsigned char *chosen;
  (void)ssl;
  if (is_challenge(list, len)) {
    *out = list + 1;
    *out_len = list[0];
    return SSL_TLSEXT_ERR_OK;
  }
  if (!server->protocols_len) return SSL_TLSEXT_ERR_NOACK;
  if (rl_openssl.SSL_select_next_proto(&chosen, out_len, server->protocols, (unsigned)server->protocols_len, list,
                                       len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* ---- tickets --------------------------------------------------------------------------------------------------------------- */

static int set_up_mac(EVP_MAC_CTX *mac, rl_ticket_key *key) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      {OSSL_MAC_PARAM_KEY, OSSL_PARAM_OCTET_STRING, key->mac, sizeof key->mac, OSSL_PARAM_UNMODIFIED},
      {OSSL_MAC_PARAM_DIGEST, OSSL_PARAM_UTF8_STRING, digest, sizeof digest - 1, OSSL_PARAM_UNMODIFIED},
      {NULL, 0, NULL, 0, 0}};
  return rl_openssl.EVP_MAC_CTX_set_params(mac, params);
}

static int seal_ticket(rl_tls_server *server, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac) {
  rl_ticket_key key;
  rl_ticket_keys_active(rl_tls_store_tickets(server->store), rl_loop_wall() / 1000, &key);
  memcpy(name, key.name, RL_TICKET_NAME);
  rl_random_bytes(iv, EVP_MAX_IV_LENGTH);
  int done = rl_openssl.EVP_EncryptInit_ex(cipher, rl_openssl.EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
             set_up_mac(mac, &key) == 1;
  rl_wipe(&key, sizeof key);
  return done ? 1 : -1;
}

/* 2: it opens, and the client gets a new one. */
static int open_ticket(rl_tls_server *server, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac) {
  rl_ticket_key key;
  bool renew;
  if (!rl_ticket_keys_find(rl_tls_store_tickets(server->store), rl_loop_wall() / 1000, name, &key, &renew)) return 0;
  int done = rl_openssl.EVP_DecryptInit_ex(cipher, rl_openssl.EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 &&
             set_up_mac(mac, &key) == 1;
  rl_wipe(&key, sizeof key);
  return !done ? -1 : renew ? 2 : 1;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                         int sealing) {
  rl_tls_server *server = rl_openssl.SSL_CTX_get_ex_data(rl_openssl.SSL_get_SSL_CTX(ssl), 0);
  return sealing ? seal_ticket(server, name, iv, cipher, mac) : open_ticket(server, name, iv, cipher, mac);
}

static int on_ticket_made(SSL *ssl, void *data) {
  (void)ssl, (void)data;
  return 1;
}

/* A session does not outlive the client's certificate. Clients of TLS 1.3 use a ticket once (RFC 8446 appendix C.4), so each
 * resumption brings the next. */
static SSL_TICKET_RETURN on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t len,
                                          SSL_TICKET_STATUS status, void *data) {
  (void)ssl, (void)name, (void)len, (void)data;
  bool renew = status == SSL_TICKET_SUCCESS_RENEW;
  if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT) return SSL_TICKET_RETURN_IGNORE_RENEW;
  if ((status != SSL_TICKET_SUCCESS && !renew) || !session) return SSL_TICKET_RETURN_ABORT;
  const X509 *peer = rl_openssl.SSL_SESSION_get0_peer(session);
  time_t now = (time_t)(rl_loop_wall() / 1000);
  if (peer && rl_openssl.X509_cmp_time(rl_openssl.X509_get0_notAfter(peer), &now) < 0)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (rl_openssl.SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) renew = true;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/* ---- the context ----------------------------------------------------------------------------------------------------------- */

static SSL_CTX *make_context(rl_tls_server *server, const rl_tls_snapshot *snapshot) {
  SSL_CTX *made = rl_tls_context_new(true, rl_tls_store_only_1_3(server->store));
  if (!made) return NULL;
  rl_openssl.SSL_CTX_ctrl(made, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL); /* tickets instead */
  rl_openssl.SSL_CTX_set_timeout(made, RL_TICKET_LIFE);
  rl_openssl.SSL_CTX_set_client_hello_cb(made, on_hello, server);
  rl_openssl.SSL_CTX_set_alpn_select_cb(made, on_protocols, server);
  rl_openssl.SSL_CTX_set_session_ticket_cb(made, on_ticket_made, on_ticket_opened, server);
  bool good = rl_openssl.SSL_CTX_set_ex_data(made, 0, server) == 1 &&
              rl_openssl.SSL_CTX_set_tlsext_ticket_key_evp_cb(made, on_ticket_key) == 1;
  const rl_tls_authority *authority = rl_tls_snapshot_authority(snapshot);
  if (good && authority) good = rl_tls_authority_use(authority, made) == RL_OK;
  if (good) return made;
  rl_openssl.SSL_CTX_free(made);
  return NULL;
}

/* Follows the store. If memory is short what was there goes on. */
static bool is_current(rl_tls_server *server) {
  if (server->context && server->version == rl_tls_store_version(server->store)) return true;
  unsigned version;
  rl_tls_snapshot *snapshot = rl_tls_store_snapshot(server->store, &version);
  SSL_CTX *made = make_context(server, snapshot);
  if (!made) {
    rl_tls_snapshot_unref(snapshot);
    return server->context != NULL;
  }
  if (server->context) rl_openssl.SSL_CTX_free(server->context);
  rl_tls_snapshot_unref(server->snapshot);
  server->context = made;
  server->snapshot = snapshot;
  server->version = version;
  return true;
}

struct ssl_st *rl_tls_server_begin(rl_tls_server *server) {
  rl_openssl.ERR_clear_error();
  SSL *ssl = is_current(server) ? rl_openssl.SSL_new(server->context) : NULL;
  if (!ssl) return NULL;
  rl_openssl.SSL_set_accept_state(ssl);
  return ssl;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

int rl_tls_server_new(rl_tls_server **out, rl_loop *loop, rl_tls_store *store, const char *protocols, rl_buf *why) {
  rl_tls_server *server = rl_alloc(sizeof *server);
  if (!server) return RL_ENOMEM;
  memset(server, 0, offsetof(rl_tls_server, plain));
  int code = rl_tls_protocols(protocols, server->protocols, &server->protocols_len);
  if (code) {
    rl_buf_addf(why, "the list of protocols is too long: '%s'", protocols);
    rl_free(server);
    return code;
  }
  server->refs = 1;
  rl_tls_buffers_init(&server->buffers);
  server->loop = loop;
  server->store = rl_tls_store_ref(store);
  server->handshake_ms = rl_limits_default.tls_handshake_ms;
  rl_turns_init(&server->turns, loop);
  *out = server;
  return RL_OK;
}

rl_tls_server *rl_tls_server_ref(rl_tls_server *server) {
  server->refs++;
  return server;
}

void rl_tls_server_unref(rl_tls_server *server) {
  if (!server || --server->refs) return;
  if (server->context) rl_openssl.SSL_CTX_free(server->context);
  rl_tls_snapshot_unref(server->snapshot);
  rl_tls_store_unref(server->store);
  rl_turns_free(&server->turns);
  rl_free(server);
}

void rl_tls_server_limit(rl_tls_server *server, const rl_limits *limits) {
  server->handshake_ms = limits->tls_handshake_ms;
  server->turns.most = limits->tls_handshakes;
  server->turns.rate = limits->tls_handshake_rate;
}

uint32_t rl_tls_server_handshake_ms(const rl_tls_server *server) { return server->handshake_ms; }
rl_turns *rl_tls_server_turns(rl_tls_server *server) { return &server->turns; }
rl_tls_buffers *rl_tls_server_buffers(rl_tls_server *server) { return &server->buffers; }
char *rl_tls_server_plain(rl_tls_server *server) { return server->plain; }

bool rl_tls_server_agrees(const rl_tls_server *server, rl_slice asked, rl_slice host) {
  const rl_tls_pair *of_asked[RL_TLS_FOUND], *of_host[RL_TLS_FOUND];
  if (!asked.len || rl_slice_eq(asked, host)) return true;
  if (rl_tls_snapshot_authority(server->snapshot)) return false;
  return rl_tls_snapshot_find(server->snapshot, asked, of_asked) &&
         rl_tls_snapshot_find(server->snapshot, host, of_host) && of_asked[0] == of_host[0];
}
