/* Sets of TLS options, and what was made of them; see trust.h. */
#include "client/trust.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "loop/job.h"

enum { WHY = 400 };

struct rl_trust {
  rl_list node; /* of rl_trusts.list, unless it was forgotten */
  rl_trusts *home;
  rl_loop *loop;
  unsigned refs;
  uint64_t number, looked_ms;
  char *ca, *cert, *key; /* NULL: not given */
  bool insecure, loading;
  rl_job job;
  int code;              /* of the job */
  char why[WHY];         /* of the job */
  rl_tls_client *client; /* NULL: not made */
  rl_list waiting;
};

static atomic_uint_fast64_t last_number;

static rl_trust *trust_at(rl_list *node) { return RL_CONTAINER(node, rl_trust, node); }

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

void rl_trust_unref(rl_trust *trust) {
  if (--trust->refs) return;
  rl_tls_client_unref(trust->client);
  rl_free(trust->ca);
  rl_free(trust->cert);
  rl_free(trust->key);
  rl_free(trust);
}

/* Takes it off the list. Who holds it may use it to the end. */
static void forget(rl_trust *trust) {
  if (!trust->home) return;
  trust->home->count--;
  trust->home = NULL;
  rl_list_remove(&trust->node);
  rl_trust_unref(trust);
}

static bool copy(char **to, const char *text) {
  if (text) *to = rl_strndup(text, strlen(text));
  return !text || *to;
}

static rl_trust *make(rl_loop *loop, const rl_trust_options *options) {
  rl_trust *trust = rl_calloc(1, sizeof *trust);
  if (!trust) return NULL;
  trust->refs = 1;
  trust->loop = loop;
  trust->number = atomic_fetch_add(&last_number, 1) + 1;
  trust->insecure = options->insecure;
  rl_list_init(&trust->node);
  rl_list_init(&trust->waiting);
  if (copy(&trust->ca, options->ca) && copy(&trust->cert, options->cert) && copy(&trust->key, options->key))
    return trust;
  rl_trust_unref(trust);
  return NULL;
}

/* ---- the list --------------------------------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static bool fits(const rl_trust *trust, const rl_trust_options *options) {
  return trust->insecure == options->insecure && is_same(trust->ca, options->ca) &&
         is_same(trust->cert, options->cert) && is_same(trust->key, options->key);
}

/* Returns true if its files are to be read again. The real clock: files belong to the machine. */
static bool is_outdated(rl_trust *trust) {
  uint64_t now = uv_now(&trust->loop->uv);
  if (trust->loading || !trust->client || now - trust->looked_ms < RL_LIMIT_CLIENT_TRUST_MS) return false;
  trust->looked_ms = now;
  return rl_tls_client_has_changed(trust->client);
}

static rl_trust *find(const rl_trusts *trusts, const rl_trust_options *options) {
  RL_LIST_EACH(&trusts->list, node)
    if (fits(trust_at(node), options)) return trust_at(node);
  return NULL;
}

static void put_first(rl_trusts *trusts, rl_trust *trust) {
  rl_list_remove(&trust->node);
  rl_list_push(trusts->list.next, &trust->node);
}

rl_trust *rl_trusts_find(rl_trusts *trusts, const rl_trust_options *options) {
  rl_trust *trust = find(trusts, options);
  if (trust && is_outdated(trust)) forget(trust), trust = NULL;
  if (!trust) {
    trust = make(trusts->loop, options);
    if (!trust) return NULL;
    trust->home = trusts; /* whose reference the first one is */
    if (++trusts->count > RL_LIMIT_CLIENT_TRUSTS) forget(trust_at(trusts->list.prev));
  }
  put_first(trusts, trust);
  trust->refs++;
  return trust;
}

void rl_trusts_init(rl_trusts *trusts, rl_loop *loop) {
  *trusts = (rl_trusts){.loop = loop};
  rl_list_init(&trusts->list);
}

void rl_trusts_free(rl_trusts *trusts) {
  while (!rl_list_empty(&trusts->list)) forget(trust_at(trusts->list.next));
}

/* ---- making it -------------------------------------------------------------------------------------------------------------- */

/* On a thread of the pool, which alone has the trust's client until on_made. */
static void on_make(rl_job *job) {
  rl_trust *trust = RL_CONTAINER(job, rl_trust, job);
  rl_buf why;
  rl_buf_init(&why, WHY);
  trust->code = rl_tls_client_new(&trust->client,
                                  &(rl_tls_client_options){.insecure = trust->insecure,
                                                           .ca = trust->ca,
                                                           .certificate = trust->cert,
                                                           .key = trust->key,
                                                           .protocols = "http/1.1"},
                                  &why);
  rl_slice words = why.len ? rl_buf_slice(&why) : rl_slice_str(rl_error_text(trust->code));
  snprintf(trust->why, WHY, "%.*s", RL_FMT(words));
  rl_buf_free(&why);
}

/* What is wrong with a file of ours is wrong with the connection; a library that is missing is not. */
static int code_of(const rl_trust *trust) {
  bool other = !trust->code || trust->code == RL_ENOMEM || trust->code == RL_ENOFILES || trust->code == RL_EIO;
  return other ? trust->code : RL_ETLS;
}

static void on_made(rl_job *job, bool ran) {
  rl_trust *trust = RL_CONTAINER(job, rl_trust, job);
  trust->loading = false;
  trust->looked_ms = uv_now(&trust->loop->uv);
  if (!ran) trust->code = RL_ECANCELLED;
  int code = code_of(trust);
  if (code) forget(trust);
  for (rl_list *node; (node = rl_list_shift(&trust->waiting));) {
    rl_trust_wait *wait = RL_CONTAINER(node, rl_trust_wait, node);
    wait->on_ready(wait, code, trust->why);
  }
  rl_trust_unref(trust); /* the job's */
}

bool rl_trust_ready(rl_trust *trust, rl_trust_wait *wait) {
  if (!trust->loading && trust->client) return true;
  rl_list_push(&trust->waiting, &wait->node);
  if (trust->loading) return false;
  trust->loading = true;
  trust->refs++;
  trust->job.run = on_make;
  trust->job.done = on_made;
  rl_job_start(trust->loop, &trust->job);
  return false;
}

void rl_trust_leave(rl_trust_wait *wait) { rl_list_remove(&wait->node); }

rl_tls_client *rl_trust_client(const rl_trust *trust) { return trust->client; }
uint64_t rl_trust_number(const rl_trust *trust) { return trust->number; }
