/* Files of pairs, snapshots of them, ticket keys and challenges; see store.h. */
#include "net/tls/store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "net/tls/pem_file.h"

enum { READABLE_BY_OTHERS = 0007 };

/* Where a pair comes from. */
typedef struct source {
  rl_list node;
  rl_pem_file certificate, key; /* paths NULL: it came as text; key.path NULL: the same file */
  rl_tls_pair *pair;            /* NULL: it has not come yet */
  bool warned;
} source;

typedef struct challenge {
  rl_list node;
  rl_tls_pair *pair;
} challenge;

struct rl_tls_store {
  unsigned refs, version;  /* atomic */
  pthread_mutex_t loading; /* one load at a time: guards sources and the authority's file */
  pthread_mutex_t lock;    /* guards what handshakes look at: snapshot and challenges */
  bool only_1_3;
  rl_list sources;
  rl_pem_file authority_file; /* path NULL: clients show no certificate */
  rl_tls_authority *authority;
  rl_tls_snapshot *snapshot;
  rl_list challenges;
  rl_ticket_keys tickets;
};

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

static void free_source(source *one) {
  rl_pem_file_free(&one->certificate);
  rl_pem_file_free(&one->key);
  rl_tls_pair_unref(one->pair);
  rl_free(one);
}

static void free_challenge(challenge *one) {
  rl_tls_pair_unref(one->pair);
  rl_free(one);
}

static void free_store(rl_tls_store *store) {
  for (rl_list *node; (node = rl_list_shift(&store->sources));) free_source(RL_CONTAINER(node, source, node));
  for (rl_list *node; (node = rl_list_shift(&store->challenges));) free_challenge(RL_CONTAINER(node, challenge, node));
  rl_tls_snapshot_unref(store->snapshot);
  rl_tls_authority_unref(store->authority);
  rl_pem_file_free(&store->authority_file);
  rl_ticket_keys_free(&store->tickets);
  pthread_mutex_destroy(&store->loading);
  pthread_mutex_destroy(&store->lock);
  rl_free(store);
}

rl_tls_store *rl_tls_store_ref(rl_tls_store *store) {
  __atomic_add_fetch(&store->refs, 1, __ATOMIC_RELAXED);
  return store;
}

void rl_tls_store_unref(rl_tls_store *store) {
  if (store && !__atomic_sub_fetch(&store->refs, 1, __ATOMIC_ACQ_REL)) free_store(store);
}

/* ---- snapshots ------------------------------------------------------------------------------------------------------------- */

static rl_tls_snapshot *make_snapshot(rl_tls_store *store) {
  size_t count = 0, most = 0;
  RL_LIST_EACH(&store->sources, node) most++;
  rl_tls_pair **pairs = rl_calloc(most, sizeof(rl_tls_pair *));
  if (!pairs) return NULL;
  RL_LIST_EACH(&store->sources, node) {
    rl_tls_pair *pair = RL_CONTAINER(node, source, node)->pair;
    if (pair) pairs[count++] = pair;
  }
  rl_tls_snapshot *made = rl_tls_snapshot_new(pairs, count, store->authority);
  rl_free(pairs);
  return made;
}

/* Shows handshakes what the sources hold now. Under `loading`. */
static int publish(rl_tls_store *store) {
  rl_tls_snapshot *made = make_snapshot(store);
  if (!made) return RL_ENOMEM;
  pthread_mutex_lock(&store->lock);
  rl_tls_snapshot *before = store->snapshot;
  store->snapshot = made;
  __atomic_add_fetch(&store->version, 1, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&store->lock);
  rl_tls_snapshot_unref(before);
  return RL_OK;
}

unsigned rl_tls_store_version(const rl_tls_store *store) { return __atomic_load_n(&store->version, __ATOMIC_ACQUIRE); }

rl_tls_snapshot *rl_tls_store_snapshot(rl_tls_store *store, unsigned *version) {
  pthread_mutex_lock(&store->lock);
  rl_tls_snapshot *snapshot = rl_tls_snapshot_ref(store->snapshot);
  *version = store->version;
  pthread_mutex_unlock(&store->lock);
  return snapshot;
}

bool rl_tls_store_only_1_3(const rl_tls_store *store) { return store->only_1_3; }
rl_ticket_keys *rl_tls_store_tickets(rl_tls_store *store) { return &store->tickets; }

bool rl_tls_store_is_empty(rl_tls_store *store) {
  const rl_tls_pair *found[RL_TLS_FOUND];
  pthread_mutex_lock(&store->lock);
  bool empty = !rl_tls_snapshot_find(store->snapshot, RL_SLICE_NONE, found);
  pthread_mutex_unlock(&store->lock);
  return empty;
}

/* ---- loading --------------------------------------------------------------------------------------------------------------- */

/* Keys that others can read are no secret. Said once, for the file stays. */
static void warn_of_mode(source *one, const rl_pem_file *file) {
  if (one->warned || !(file->mode & READABLE_BY_OTHERS)) return;
  one->warned = true;
  rl_logf(RL_LOG_WARN, "tls: %s: everybody on this machine can read the key: chmod 600", file->path);
}

static int read_pair(source *one, rl_tls_pair **out, rl_buf *texts, rl_buf *why) {
  rl_pem_file *key = one->key.path ? &one->key : &one->certificate;
  int code = rl_pem_file_read(&one->certificate, &texts[0], why);
  if (!code) code = rl_pem_file_read(key, &texts[1], why);
  if (!code)
    code =
        rl_tls_pair_read(out, rl_buf_slice(&texts[0]), rl_buf_slice(&texts[1]), one->certificate.path, key->path, why);
  if (!code) warn_of_mode(one, key);
  return code;
}

static void wipe(rl_buf *text) {
  if (text->data) rl_wipe(text->data, text->cap);
  rl_buf_free(text);
}

/* Reads the pair's files. What it had stays if that fails. */
static int load(source *one, rl_buf *why) {
  rl_tls_pair *pair;
  rl_buf texts[2];
  rl_buf_init(&texts[0], RL_PEM_FILE_MOST);
  rl_buf_init(&texts[1], RL_PEM_FILE_MOST);
  int code = read_pair(one, &pair, texts, why);
  wipe(&texts[0]);
  wipe(&texts[1]);
  if (code) return code;
  rl_tls_pair_unref(one->pair);
  one->pair = pair;
  return RL_OK;
}

static int load_authority(rl_tls_store *store, rl_buf *why) {
  rl_buf text;
  rl_tls_authority *authority;
  rl_buf_init(&text, RL_PEM_FILE_MOST);
  int code = rl_pem_file_read(&store->authority_file, &text, why);
  if (!code) code = rl_tls_authority_read(&authority, rl_buf_slice(&text), store->authority_file.path, why);
  rl_buf_free(&text);
  if (code) return code;
  rl_tls_authority_unref(store->authority);
  store->authority = authority;
  return RL_OK;
}

/* ---- adding ---------------------------------------------------------------------------------------------------------------- */

static int fill_store(rl_tls_store *store, const rl_tls_store_options *options, rl_buf *why) {
  int code = options->client_ca ? rl_pem_file_init(&store->authority_file, options->client_ca) : RL_OK;
  if (!code && options->client_ca) code = load_authority(store, why);
  return code ? code : publish(store);
}

int rl_tls_store_new(rl_tls_store **out, const rl_tls_store_options *options, rl_buf *why) {
  const char *missing;
  int code = rl_openssl_load(&missing);
  if (code) rl_buf_add_str(why, missing);
  if (code) return code;
  rl_tls_store *store = rl_calloc(1, sizeof *store);
  if (!store) return RL_ENOMEM;
  store->refs = 1;
  store->only_1_3 = options->only_1_3;
  pthread_mutex_init(&store->loading, NULL);
  pthread_mutex_init(&store->lock, NULL);
  rl_list_init(&store->sources);
  rl_list_init(&store->challenges);
  rl_ticket_keys_init(&store->tickets);
  code = fill_store(store, options, why);
  if (code) rl_tls_store_unref(store);
  else *out = store;
  return code;
}

/* Takes the source, whose pair was loaded or need not be. */
static int take_source(rl_tls_store *store, source *one) {
  rl_list_push(&store->sources, &one->node);
  int code = publish(store);
  if (!code) return RL_OK;
  rl_list_remove(&one->node);
  free_source(one);
  return code;
}

static source *new_source(const char *certificate, const char *key) {
  source *one = rl_calloc(1, sizeof *one);
  if (!one) return NULL;
  rl_list_init(&one->node);
  int code = certificate ? rl_pem_file_init(&one->certificate, certificate) : RL_OK;
  if (!code && key) code = rl_pem_file_init(&one->key, key);
  if (!code) return one;
  free_source(one);
  return NULL;
}

static int add_files(rl_tls_store *store, const char *certificate, const char *key, bool later, rl_buf *why) {
  source *one = new_source(certificate, key);
  if (!one) return RL_ENOMEM;
  size_t said = why->len;
  pthread_mutex_lock(&store->loading);
  int code = load(one, why);
  if (code == RL_ENOTFOUND && later) code = RL_OK, why->len = said;
  if (code) free_source(one);
  else code = take_source(store, one);
  pthread_mutex_unlock(&store->loading);
  return code;
}

int rl_tls_store_add(rl_tls_store *store, const char *certificate, const char *key, rl_buf *why) {
  return add_files(store, certificate, key, false, why);
}

int rl_tls_store_expect(rl_tls_store *store, const char *certificate, const char *key, rl_buf *why) {
  return add_files(store, certificate, key, true, why);
}

int rl_tls_store_add_text(rl_tls_store *store, rl_slice certificate, rl_slice key, rl_buf *why) {
  source *one = new_source(NULL, NULL);
  if (!one) return RL_ENOMEM;
  int code = rl_tls_pair_read(&one->pair, certificate, key, "the certificate", "the key", why);
  if (code) {
    free_source(one);
    return code;
  }
  pthread_mutex_lock(&store->loading);
  code = take_source(store, one);
  pthread_mutex_unlock(&store->loading);
  return code;
}

/* ---- reloading --------------------------------------------------------------------------------------------------------------- */

/* Ends the line of a failure. */
static void end_line(rl_buf *why) {
  if (why->len && why->data[why->len - 1] != '\n') rl_buf_add_char(why, '\n');
}

static int load_again(source *one, rl_buf *why) {
  size_t said = why->len;
  if (!one->certificate.path) return RL_OK;
  int code = load(one, why);
  if (code != RL_ENOTFOUND || one->pair) return code;
  why->len = said; /* it is still expected */
  return RL_OK;
}

static int load_all(rl_tls_store *store, rl_buf *why) {
  int first = store->authority_file.path ? load_authority(store, why) : RL_OK;
  RL_LIST_EACH(&store->sources, node) {
    end_line(why);
    int code = load_again(RL_CONTAINER(node, source, node), why);
    if (!first) first = code;
  }
  if (why->len && why->data[why->len - 1] == '\n') why->len--;
  return first;
}

int rl_tls_store_reload(rl_tls_store *store, rl_buf *why) {
  pthread_mutex_lock(&store->loading);
  int code = load_all(store, why), published = publish(store);
  pthread_mutex_unlock(&store->loading);
  return code ? code : published;
}

static bool source_has_changed(const source *one) {
  if (!one->certificate.path) return false;
  return rl_pem_file_has_changed(&one->certificate) || (one->key.path && rl_pem_file_has_changed(&one->key));
}

bool rl_tls_store_has_changed(rl_tls_store *store) {
  pthread_mutex_lock(&store->loading);
  bool changed = store->authority_file.path && rl_pem_file_has_changed(&store->authority_file);
  RL_LIST_EACH(&store->sources, node) changed = changed || source_has_changed(RL_CONTAINER(node, source, node));
  pthread_mutex_unlock(&store->loading);
  return changed;
}

/* ---- challenges ---------------------------------------------------------------------------------------------------------------- */

static challenge *find_challenge(rl_tls_store *store, rl_slice name) {
  RL_LIST_EACH(&store->challenges, node) {
    challenge *one = RL_CONTAINER(node, challenge, node);
    if (rl_slice_eq_nocase(rl_slice_str(one->pair->names[0]), name)) return one;
  }
  return NULL;
}

static void remove_challenge(rl_tls_store *store, rl_slice name) {
  challenge *one = find_challenge(store, name);
  if (!one) return;
  rl_list_remove(&one->node);
  free_challenge(one);
}

int rl_tls_store_set_challenge(rl_tls_store *store, rl_slice name, rl_slice certificate, rl_slice key) {
  challenge *one = rl_calloc(1, sizeof *one);
  if (!one) return RL_ENOMEM;
  int code = name.len ? rl_tls_pair_of_der(&one->pair, name, certificate, key) : RL_EINVALID;
  if (code) {
    rl_free(one);
    return code;
  }
  pthread_mutex_lock(&store->lock);
  remove_challenge(store, name);
  rl_list_push(&store->challenges, &one->node);
  pthread_mutex_unlock(&store->lock);
  return RL_OK;
}

void rl_tls_store_clear_challenge(rl_tls_store *store, rl_slice name) {
  pthread_mutex_lock(&store->lock);
  remove_challenge(store, name);
  pthread_mutex_unlock(&store->lock);
}

rl_tls_pair *rl_tls_store_challenge(rl_tls_store *store, rl_slice name) {
  pthread_mutex_lock(&store->lock);
  challenge *one = find_challenge(store, name);
  rl_tls_pair *pair = one ? rl_tls_pair_ref(one->pair) : NULL;
  pthread_mutex_unlock(&store->lock);
  return pair;
}
