/* The table of memory.h. */
#include "session/memory.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "crypto/digest.h"

enum { KEY = 32, FIRST_BUCKETS = 256, SWEPT_PER_SAVE = 2 };

typedef struct record {
  rl_list bucket, recent;
  uint8_t key[KEY];
  int64_t created_ms, saved_ms, expires_ms;
  uint64_t version;
  size_t len;
  char data[];
} record;

struct rl_session_memory {
  rl_session_store store; /* first */
  uv_mutex_t lock;
  rl_list *buckets;
  size_t bucket_count, swept; /* a power of two; the bucket that is looked at next */
  size_t count, bytes, most, most_bytes;
  rl_list recent;
  uint64_t next_version;
};

/* ---- the table, under its lock ---------------------------------------------------------------------------------------------- */

static rl_list *bucket_of(const rl_session_memory *m, const uint8_t key[KEY]) {
  uint64_t hash; /* the key is a hash already, and no peer can choose it */
  memcpy(&hash, key, sizeof hash);
  return &m->buckets[hash & (m->bucket_count - 1)];
}

static size_t size_of(const record *r) { return sizeof *r + r->len; }

static void drop(rl_session_memory *m, record *r) {
  rl_list_remove(&r->bucket);
  rl_list_remove(&r->recent);
  m->count--;
  m->bytes -= size_of(r);
  rl_free(r);
}

static record *find(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms) {
  RL_LIST_EACH(bucket_of(m, key), node) {
    record *r = RL_CONTAINER(node, record, bucket);
    if (memcmp(r->key, key, KEY) != 0) continue;
    if (r->expires_ms > now_ms) return r;
    drop(m, r);
    return NULL;
  }
  return NULL;
}

static rl_list *new_buckets(size_t count) {
  rl_list *buckets = rl_calloc(count, sizeof *buckets);
  for (size_t i = 0; buckets && i < count; i++) rl_list_init(&buckets[i]);
  return buckets;
}

/* Twice as many buckets; where memory is short they only grow longer. */
static void grow(rl_session_memory *m) {
  rl_list *old = m->buckets, *buckets = new_buckets(m->bucket_count * 2);
  size_t count = m->bucket_count;
  if (!buckets) return;
  m->buckets = buckets;
  m->bucket_count *= 2;
  for (size_t i = 0; i < count; i++)
    for (rl_list *node; (node = rl_list_shift(&old[i]));)
      rl_list_push(bucket_of(m, RL_CONTAINER(node, record, bucket)->key), node);
  rl_free(old);
}

static void sweep(rl_session_memory *m, int64_t now_ms) {
  for (int i = 0; i < SWEPT_PER_SAVE; i++) {
    rl_list *bucket = &m->buckets[m->swept++ & (m->bucket_count - 1)];
    for (rl_list *node = bucket->next, *next; node != bucket; node = next) {
      next = node->next;
      record *r = RL_CONTAINER(node, record, bucket);
      if (r->expires_ms <= now_ms) drop(m, r);
    }
  }
}

static void make_room(rl_session_memory *m, size_t size) {
  while (m->count && (m->count >= m->most || m->bytes + size > m->most_bytes))
    drop(m, RL_CONTAINER(m->recent.next, record, recent));
}

static void insert(rl_session_memory *m, record *r) {
  make_room(m, size_of(r));
  if (m->count >= m->bucket_count) grow(m);
  rl_list_push(bucket_of(m, r->key), &r->bucket);
  rl_list_push(&m->recent, &r->recent);
  m->count++;
  m->bytes += size_of(r);
}

static record *new_record(const uint8_t key[KEY], rl_slice data) {
  record *r = rl_calloc(1, sizeof *r + data.len);
  if (!r) return NULL;
  memcpy(r->key, key, KEY);
  r->len = data.len;
  if (data.len) memcpy(r->data, data.data, data.len);
  return r;
}

/* ---- as a store --------------------------------------------------------------------------------------------------------------- */

static rl_session_memory *of(rl_session_store *store) { return (rl_session_memory *)store; }

/* When a session that was used just now ends. */
static int64_t end_of(const rl_session_rules *rules, int64_t created_ms) {
  int64_t idle = rules->now_ms + rules->max_age_ms, absolute = created_ms + rules->lifetime_ms;
  return idle < absolute ? idle : absolute;
}

/* Using it moves its end and makes it the most recent. */
static int copy_out(rl_session_memory *m, const rl_session_rules *rules, record *r, rl_session *out) {
  r->expires_ms = end_of(rules, r->created_ms);
  rl_list_remove(&r->recent);
  rl_list_push(&m->recent, &r->recent);
  out->created_ms = r->created_ms;
  out->saved_ms = r->saved_ms;
  out->version = r->version;
  out->refresh = rl_session_wants_refresh(rules, r->saved_ms);
  return rl_buf_add(&out->data, r->data, r->len);
}

static int load(rl_session_store *store, const rl_session_rules *rules, rl_slice token, rl_session *out) {
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  int code = rl_session_read_token(token, out->id);
  if (code) return code;
  rl_session_key(rules->name, out->id, key);
  uv_mutex_lock(&m->lock);
  record *r = find(m, key, rules->now_ms);
  code = r && !rl_session_has_ended(rules, r->created_ms) ? copy_out(m, rules, r, out) : RL_ENOTFOUND;
  uv_mutex_unlock(&m->lock);
  return code;
}

/* What stands there must be what the session was loaded from. */
static int check_version(const record *r, const rl_session *session) {
  if (!session->version) return RL_OK;
  if (!r) return RL_ENOTFOUND;
  return r->version == session->version ? RL_OK : RL_EAGAIN;
}

static int replace(rl_session_memory *m, const rl_session_rules *rules, record *r, rl_session *session) {
  record *old = find(m, r->key, rules->now_ms);
  int code = check_version(old, session);
  if (code) return code;
  if (old) drop(m, old);
  r->created_ms = session->created_ms;
  r->saved_ms = session->saved_ms = rules->now_ms;
  r->version = session->version = ++m->next_version;
  r->expires_ms = end_of(rules, session->created_ms);
  insert(m, r);
  sweep(m, rules->now_ms);
  return RL_OK;
}

static int save(rl_session_store *store, const rl_session_rules *rules, rl_session *session, rl_buf *token) {
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  if (session->data.len > RL_LIMIT_SESSION) return RL_ETOOBIG;
  if (rl_base64url_encode(token, rl_slice_of((const char *)session->id, RL_SESSION_ID))) return RL_ENOMEM;
  rl_session_key(rules->name, session->id, key);
  record *r = new_record(key, rl_buf_slice(&session->data));
  if (!r) return RL_ENOMEM;
  uv_mutex_lock(&m->lock);
  int code = replace(m, rules, r, session);
  uv_mutex_unlock(&m->lock);
  if (code) rl_free(r);
  return code;
}

static int revoke(rl_session_store *store, const rl_session_rules *rules, const rl_session *session) {
  rl_session_memory *m = of(store);
  uint8_t key[KEY];
  rl_session_key(rules->name, session->id, key);
  uv_mutex_lock(&m->lock);
  record *r = find(m, key, rules->now_ms);
  if (r) drop(m, r);
  uv_mutex_unlock(&m->lock);
  return RL_OK;
}

static void keep(rl_session_store *store) { (void)store; }

/* ---- marks ---------------------------------------------------------------------------------------------------------------------- */

int rl_session_memory_mark(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms, int64_t expires_ms) {
  record *r = new_record(key, RL_SLICE_NONE);
  if (!r) return RL_ENOMEM;
  r->expires_ms = expires_ms;
  uv_mutex_lock(&m->lock);
  record *old = find(m, key, now_ms);
  if (old) drop(m, old);
  insert(m, r);
  sweep(m, now_ms);
  uv_mutex_unlock(&m->lock);
  return RL_OK;
}

bool rl_session_memory_is_marked(rl_session_memory *m, const uint8_t key[KEY], int64_t now_ms) {
  uv_mutex_lock(&m->lock);
  bool marked = find(m, key, now_ms) != NULL;
  uv_mutex_unlock(&m->lock);
  return marked;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------- */

rl_session_memory *rl_session_memory_new(size_t most, size_t most_bytes) {
  rl_session_memory *m = rl_calloc(1, sizeof *m);
  if (!m) return NULL;
  m->buckets = new_buckets(FIRST_BUCKETS);
  if (!m->buckets || uv_mutex_init(&m->lock)) {
    rl_free(m->buckets);
    rl_free(m);
    return NULL;
  }
  m->store = (rl_session_store){.load = load, .save = save, .revoke = revoke, .del = keep};
  m->bucket_count = FIRST_BUCKETS;
  m->most = most;
  m->most_bytes = most_bytes;
  rl_list_init(&m->recent);
  return m;
}

void rl_session_memory_del(rl_session_memory *m) {
  while (m->count) drop(m, RL_CONTAINER(m->recent.next, record, recent));
  uv_mutex_destroy(&m->lock);
  rl_free(m->buckets);
  rl_free(m);
}

static rl_session_memory *shared;

static void make_shared(void) { shared = rl_session_memory_new(RL_LIMIT_SESSIONS, RL_LIMIT_SESSIONS_SIZE); }

rl_session_memory *rl_session_memory_shared(void) {
  static uv_once_t once = UV_ONCE_INIT;
  uv_once(&once, make_shared);
  return shared;
}

rl_session_store *rl_session_memory_store(rl_session_memory *m) { return &m->store; }

size_t rl_session_memory_count(rl_session_memory *m) {
  uv_mutex_lock(&m->lock);
  size_t count = m->count;
  uv_mutex_unlock(&m->lock);
  return count;
}
