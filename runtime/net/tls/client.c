/* The SSL_CTX of a client; see client.h. */
#include "net/tls/client.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypto/openssl.h"
#include "net/tls/authority.h"
#include "net/tls/pair.h"
#include "net/tls/pem_file.h"
#include "net/tls/sessions.h"
#include "net/tls/system_store.h"
#include "net/tls/wire.h"

struct rl_tls_client {
  unsigned refs; /* one thread */
  SSL_CTX *context;
  rl_tls_sessions sessions;
  bool insecure, by_system;
  uint64_t system_stamp; /* of the system's authorities, if by_system */
  rl_pem_file files[3];  /* that it was made of */
  unsigned file_count;
  rl_tls_buffers buffers;
  char plain[RL_TLS_PLAIN];
};

/* ---- sessions -------------------------------------------------------------------------------------------------------------- */

/* Returns 1 if the session was taken. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  rl_tls_client *client = rl_openssl.SSL_CTX_get_ex_data(rl_openssl.SSL_get_SSL_CTX(ssl), 0);
  const rl_tls_wire *wire = rl_openssl.SSL_get_ex_data(ssl, 0);
  return rl_tls_sessions_put(&client->sessions, rl_slice_str(wire->name), session);
}

/* ---- making one -------------------------------------------------------------------------------------------------------------- */

static int refuse(rl_buf *why, const char *file, const char *what) {
  rl_buf_addf(why, "%s: %s", file, what);
  return RL_EINVALID;
}

static bool is_text(const char *given) { return strstr(given, "-----BEGIN") != NULL; }

/* What an option is called in words: its file, or what it is. */
static const char *name_of(const char *given, const char *what) { return is_text(given) ? what : given; }

/* The next of the files that this is made of. */
static int add_file(rl_tls_client *client, const char *path, rl_pem_file **file) {
  *file = &client->files[client->file_count];
  int code = rl_pem_file_init(*file, path);
  if (!code) client->file_count++;
  return code;
}

/* Reads a PEM file, or takes the text itself. That a file cannot be read is the option's fault. */
static int read_pem(rl_tls_client *client, const char *given, rl_buf *out, rl_buf *why) {
  rl_pem_file *file;
  if (is_text(given)) return rl_buf_add_str(out, given);
  int code = add_file(client, given, &file);
  if (!code) code = rl_pem_file_read(file, out, why);
  return code == RL_EIO || code == RL_ENOTFOUND ? RL_EINVALID : code;
}

static int trust_store(rl_tls_client *client, struct x509_store_st *store) {
  return rl_openssl.SSL_CTX_ctrl(client->context, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, store) == 1 ? RL_OK : RL_ENOMEM;
}

static int trust_system(rl_tls_client *client) {
  X509_STORE *store = rl_tls_system_store(&client->system_stamp);
  int code = store ? trust_store(client, store) : RL_ENOMEM;
  rl_openssl.X509_STORE_free(store);
  client->by_system = true;
  return code;
}

/* Its certificates are found by the hash of their subject, when they are needed. */
static int trust_folder(rl_tls_client *client, const char *path, rl_buf *why) {
  rl_openssl.ERR_clear_error();
  int taken = rl_openssl.SSL_CTX_load_verify_locations(client->context, NULL, path);
  rl_openssl.ERR_clear_error();
  if (taken != 1) return refuse(why, path, "cannot be used");
  rl_pem_file *folder;
  int code = add_file(client, path, &folder);
  if (!code) rl_pem_file_note(folder);
  return code;
}

static int trust(rl_tls_client *client, const char *ca, rl_buf *why) {
  struct stat state;
  rl_tls_authority *authority = NULL;
  rl_buf text;
  if (!ca) return trust_system(client);
  if (!is_text(ca) && stat(ca, &state) == 0 && S_ISDIR(state.st_mode)) return trust_folder(client, ca, why);
  rl_buf_init(&text, RL_PEM_FILE_MOST);
  int code = read_pem(client, ca, &text, why);
  if (!code) code = rl_tls_authority_read(&authority, rl_buf_slice(&text), name_of(ca, "ca"), why);
  if (!code) code = trust_store(client, authority->trusted);
  rl_tls_authority_unref(authority);
  rl_buf_free(&text);
  return code;
}

static int read_pair(rl_tls_client *client, rl_tls_pair **pair, const rl_tls_client_options *options, rl_buf *why) {
  const char *given = options->key ? options->key : options->certificate;
  rl_buf certificate, key;
  rl_buf_init(&certificate, RL_PEM_FILE_MOST);
  rl_buf_init(&key, RL_PEM_FILE_MOST);
  int code = read_pem(client, options->certificate, &certificate, why);
  if (!code) code = read_pem(client, given, &key, why);
  if (!code)
    code = rl_tls_pair_read(pair, rl_buf_slice(&certificate), rl_buf_slice(&key), name_of(options->certificate, "cert"),
                            name_of(given, "key"), why);
  rl_buf_free(&certificate);
  rl_buf_free(&key);
  return code;
}

static int use_pair(rl_tls_client *client, const rl_tls_client_options *options, rl_buf *why) {
  rl_tls_pair *pair;
  int code = read_pair(client, &pair, options, why);
  if (code) return code;
  int taken = rl_openssl.SSL_CTX_use_cert_and_key(client->context, pair->certificate, pair->key, pair->chain, 1);
  rl_tls_pair_unref(pair);
  return taken == 1 ? RL_OK : refuse(why, name_of(options->certificate, "cert"), "OpenSSL refuses it");
}

static int offer(rl_tls_client *client, const char *protocols, rl_buf *why) {
  uint8_t list[RL_TLS_PROTOCOLS];
  size_t len;
  if (rl_tls_protocols(protocols, list, &len)) return refuse(why, protocols, "the list of protocols is too long");
  return rl_openssl.SSL_CTX_set_alpn_protos(client->context, list, (unsigned)len) == 0 ? RL_OK : RL_ENOMEM;
}

enum { KEEP_SESSIONS = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL };

static int set_up(rl_tls_client *client, const rl_tls_client_options *options, rl_buf *why) {
  client->context = rl_tls_context_new(false, false);
  if (!client->context || rl_openssl.SSL_CTX_set_ex_data(client->context, 0, client) != 1) return RL_ENOMEM;
  rl_openssl.SSL_CTX_set_verify(client->context, options->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  rl_openssl.SSL_CTX_ctrl(client->context, SSL_CTRL_SET_SESS_CACHE_MODE, KEEP_SESSIONS, NULL);
  rl_openssl.SSL_CTX_sess_set_new_cb(client->context, on_session);
  client->insecure = options->insecure;
  int code = options->insecure ? RL_OK : trust(client, options->ca, why);
  if (!code && options->certificate) code = use_pair(client, options, why);
  if (!code && options->protocols) code = offer(client, options->protocols, why);
  return code;
}

int rl_tls_client_new(rl_tls_client **out, const rl_tls_client_options *options, rl_buf *why) {
  const char *missing;
  int code = rl_openssl_load(&missing);
  if (code) rl_buf_add_str(why, missing);
  if (code) return code;
  rl_tls_client *client = rl_alloc(sizeof *client);
  if (!client) return RL_ENOMEM;
  memset(client, 0, offsetof(rl_tls_client, plain));
  client->refs = 1;
  rl_tls_buffers_init(&client->buffers);
  if (rl_tls_sessions_init(&client->sessions, RL_LIMIT_TLS_SESSIONS)) {
    rl_free(client);
    return RL_ENOMEM;
  }
  code = set_up(client, options, why);
  if (code) rl_tls_client_unref(client);
  else *out = client;
  return code;
}

rl_tls_client *rl_tls_client_ref(rl_tls_client *client) {
  client->refs++;
  return client;
}

void rl_tls_client_unref(rl_tls_client *client) {
  if (!client || --client->refs) return;
  rl_tls_sessions_free(&client->sessions);
  for (unsigned i = 0; i < client->file_count; i++) rl_pem_file_free(&client->files[i]);
  if (client->context) rl_openssl.SSL_CTX_free(client->context);
  rl_free(client);
}

bool rl_tls_client_has_changed(const rl_tls_client *client) {
  if (client->by_system && rl_tls_system_store_stamp() != client->system_stamp) return true;
  for (unsigned i = 0; i < client->file_count; i++)
    if (rl_pem_file_has_changed(&client->files[i])) return true;
  return false;
}

/* ---- connections -------------------------------------------------------------------------------------------------------------- */

static bool is_address(const char *name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* An address is no server name (RFC 6066 section 3). */
static bool ask_for(const rl_tls_client *client, SSL *ssl, const char *name) {
  if (is_address(name))
    return client->insecure || rl_openssl.X509_VERIFY_PARAM_set1_ip_asc(rl_openssl.SSL_get0_param(ssl), name) == 1;
  rl_openssl.SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  char *asked = (char *)(uintptr_t)name; /* copied by OpenSSL */
  return rl_openssl.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, asked) == 1 &&
         (client->insecure || rl_openssl.SSL_set1_host(ssl, name) == 1);
}

struct ssl_st *rl_tls_client_begin(rl_tls_client *client, const char *name) {
  rl_openssl.ERR_clear_error();
  SSL *ssl = rl_openssl.SSL_new(client->context);
  if (!ssl) return NULL;
  rl_openssl.SSL_set_connect_state(ssl);
  if (ask_for(client, ssl, name)) {
    rl_tls_sessions_use(&client->sessions, rl_slice_str(name), ssl);
    return ssl;
  }
  rl_openssl.ERR_clear_error();
  rl_openssl.SSL_free(ssl);
  return NULL;
}

rl_tls_buffers *rl_tls_client_buffers(rl_tls_client *client) { return &client->buffers; }
char *rl_tls_client_plain(rl_tls_client *client) { return client->plain; }
