/* Sessions by name; see sessions.h. */
#include "net/tls/sessions.h"

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"

typedef struct entry {
  rl_lru_node node;
  SSL_SESSION *session;
} entry;

int rl_tls_sessions_init(rl_tls_sessions *sessions, size_t most) {
  sessions->most = most;
  return rl_lru_init(&sessions->table);
}

static void drop(rl_tls_sessions *sessions, entry *one) {
  rl_lru_remove(&sessions->table, &one->node);
  rl_openssl.SSL_SESSION_free(one->session);
  rl_free(one);
}

void rl_tls_sessions_free(rl_tls_sessions *sessions) {
  for (rl_lru_node *node; (node = rl_lru_oldest(&sessions->table));) drop(sessions, RL_CONTAINER(node, entry, node));
  rl_lru_free(&sessions->table);
}

static entry *find(rl_tls_sessions *sessions, const uint8_t key[RL_LRU_KEY]) {
  rl_lru_node *node = rl_lru_find(&sessions->table, key);
  return node ? RL_CONTAINER(node, entry, node) : NULL;
}

static entry *add(rl_tls_sessions *sessions, const uint8_t key[RL_LRU_KEY]) {
  entry *one = rl_calloc(1, sizeof *one);
  if (!one) return NULL;
  if (sessions->table.count >= sessions->most)
    drop(sessions, RL_CONTAINER(rl_lru_oldest(&sessions->table), entry, node));
  memcpy(one->node.key, key, RL_LRU_KEY);
  rl_lru_insert(&sessions->table, &one->node);
  return one;
}

bool rl_tls_sessions_put(rl_tls_sessions *sessions, rl_slice name, struct ssl_session_st *session) {
  uint8_t key[RL_LRU_KEY];
  rl_hash(RL_SLICE("session"), name, key);
  entry *one = find(sessions, key);
  if (!one) one = add(sessions, key);
  if (!one) return false;
  if (one->session) rl_openssl.SSL_SESSION_free(one->session);
  one->session = session;
  rl_lru_touch(&sessions->table, &one->node);
  return true;
}

void rl_tls_sessions_use(rl_tls_sessions *sessions, rl_slice name, struct ssl_st *ssl) {
  uint8_t key[RL_LRU_KEY];
  rl_hash(RL_SLICE("session"), name, key);
  entry *one = find(sessions, key);
  if (!one) return;
  if (rl_openssl.SSL_SESSION_is_resumable(one->session)) rl_openssl.SSL_set_session(ssl, one->session);
  rl_lru_touch(&sessions->table, &one->node);
  if (rl_openssl.SSL_SESSION_get_protocol_version(one->session) >= TLS1_3_VERSION) drop(sessions, one);
}
