/* Lookups on threads, and what they found; see resolver.h. */
#include "client/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"

enum { STACK = 1 << 20 };

/* What a thread works on. The last of its two holders frees it: the thread may outlive the loop. */
typedef struct query {
  atomic_uint holders;
  int wake; /* an eventfd, written once the thread is through */
  int result;
  struct addrinfo *found;
  char name[];
} query;

typedef struct rl_lookup {
  rl_list node; /* of rl_resolver.lookups */
  rl_list questions;
  rl_resolver *resolver;
  query *query;
  uv_poll_t poll;
  bool running; /* its thread is; otherwise it waits in line */
  bool held;    /* somebody waits for a thread, and virtual time with them */
} rl_lookup;

/* A name that is remembered. */
typedef struct answer {
  rl_list node;
  uint64_t until_ms;
  char *name; /* after the addresses */
  unsigned count;
  rl_ip_address addresses[];
} answer;

struct rl_resolver {
  rl_loop *loop;
  rl_list lookups; /* in the order in which they came */
  rl_list answers; /* the newest first */
  unsigned running, answer_count, refs;
};

int (*rl_resolver_getaddrinfo)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = getaddrinfo;

/* ---- on the thread ------------------------------------------------------------------------------------------------------ */

static void release(query *q) {
  if (atomic_fetch_sub(&q->holders, 1) > 1) return;
  if (q->found) freeaddrinfo(q->found);
  if (q->wake >= 0) close(q->wake);
  rl_free(q);
}

static void *look_up(void *ud) {
  query *q = ud;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  q->result = rl_resolver_getaddrinfo(q->name, NULL, &hints, &q->found);
  if (q->result) q->found = NULL;
  eventfd_write(q->wake, 1);
  release(q);
  return NULL;
}

/* Signals of the process go to the threads that wait for them. */
static int start_thread(query *q) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&thread, &attributes, look_up, q);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return code ? RL_ENOMEM : RL_OK;
}

/* ---- what is known ------------------------------------------------------------------------------------------------------ */

static uint64_t clock_of(const rl_resolver *resolver) { return uv_now(&resolver->loop->uv); }

static answer *answer_at(rl_list *node) { return RL_CONTAINER(node, answer, node); }

static void forget(rl_resolver *resolver, answer *a) {
  rl_list_remove(&a->node);
  resolver->answer_count--;
  rl_free(a);
}

static answer *find_answer(const rl_resolver *resolver, rl_slice name) {
  RL_LIST_EACH(&resolver->answers, node)
    if (rl_slice_eq(rl_slice_str(answer_at(node)->name), name)) return answer_at(node);
  return NULL;
}

static unsigned copy_addresses(rl_ip_address *to, const struct addrinfo *found) {
  unsigned count = 0;
  for (const struct addrinfo *at = found; at && count < RL_RESOLVED_MOST; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    memcpy(&to[count++], at->ai_addr, at->ai_family == AF_INET ? sizeof to->v4 : sizeof to->v6);
  }
  return count;
}

/* Returns NULL if memory runs out. */
static answer *remember(rl_resolver *resolver, const query *q) {
  size_t len = strlen(q->name) + 1;
  answer *a = rl_alloc(sizeof *a + RL_RESOLVED_MOST * sizeof *a->addresses + len);
  if (!a) return NULL;
  a->count = copy_addresses(a->addresses, q->found);
  a->name = memcpy(a->addresses + RL_RESOLVED_MOST, q->name, len);
  a->until_ms = clock_of(resolver) + RL_LIMIT_CLIENT_DNS_S * 1000;
  answer *before = find_answer(resolver, rl_slice_str(q->name));
  if (before) forget(resolver, before);
  rl_list_push(resolver->answers.next, &a->node); /* in front */
  if (++resolver->answer_count > RL_LIMIT_CLIENT_NAMES) forget(resolver, answer_at(resolver->answers.prev));
  return a;
}

/* ---- lookups ------------------------------------------------------------------------------------------------------------ */

static rl_lookup *lookup_at(rl_list *node) { return RL_CONTAINER(node, rl_lookup, node); }

/* While somebody waits for a thread, virtual time stands still (loop/job.h does the same). */
static void hold(rl_lookup *lookup) {
  bool now = lookup->running && !rl_list_empty(&lookup->questions);
  if (now == lookup->held) return;
  lookup->held = now;
  if (now) lookup->resolver->loop->held++;
  else lookup->resolver->loop->held--;
}

static void on_lookup_closed(uv_handle_t *handle) { rl_free(handle->data); }

/* Ends it for the loop; a thread that runs goes on alone. Its questions have been taken out. */
static void drop(rl_lookup *lookup) {
  query *q = lookup->query;
  rl_list_remove(&lookup->node);
  if (lookup->running) {
    lookup->running = false;
    hold(lookup);
    lookup->resolver->running--;
    uv_poll_stop(&lookup->poll);
    uv_close((uv_handle_t *)&lookup->poll, on_lookup_closed);
  } else {
    rl_free(lookup);
  }
  release(q);
}

static void answer_all(rl_list *questions, const answer *a, int code) {
  for (rl_list *node; (node = rl_list_shift(questions));) {
    rl_question *question = RL_CONTAINER(node, rl_question, node);
    question->lookup = NULL;
    if (a && a->count) question->on_answer(question, a->addresses, a->count, RL_OK);
    else question->on_answer(question, NULL, 0, code ? code : RL_ECONNECT);
  }
}

/* The resolver does not say that it found no descriptor for a socket. */
static int code_of(const query *q) {
  int code = q->result == EAI_MEMORY ? RL_ENOMEM : rl_descriptors_check();
  return code ? code : RL_ECONNECT;
}

/* Ends a lookup with its result, or a code. */
static void finish(rl_lookup *lookup, int code) {
  rl_list questions;
  answer *a = NULL;
  rl_list_init(&questions);
  rl_list_append(&questions, &lookup->questions);
  RL_LIST_EACH(&questions, node) RL_CONTAINER(node, rl_question, node)->lookup = NULL;
  if (!code && !lookup->query->found) code = code_of(lookup->query);
  if (!code && !(a = remember(lookup->resolver, lookup->query))) code = RL_ENOMEM;
  drop(lookup);
  answer_all(&questions, a, code);
}

static void on_found(uv_poll_t *poll, int status, int events);

static int begin(rl_lookup *lookup) {
  rl_resolver *resolver = lookup->resolver;
  query *q = lookup->query;
  q->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int code = q->wake < 0 ? rl_descriptors_check_errno(errno) : RL_OK;
  if (q->wake < 0) return code ? code : RL_ENOMEM;
  if (uv_poll_init(&resolver->loop->uv, &lookup->poll, q->wake)) return RL_ENOMEM;
  lookup->poll.data = lookup;
  lookup->running = true;
  resolver->running++;
  hold(lookup);
  uv_poll_start(&lookup->poll, UV_READABLE, on_found);
  atomic_store(&q->holders, 2);
  code = start_thread(q);
  if (code) atomic_store(&q->holders, 1);
  return code;
}

static rl_lookup *first_in_line(const rl_resolver *resolver) {
  if (resolver->running >= RL_LIMIT_CLIENT_LOOKUPS) return NULL;
  RL_LIST_EACH(&resolver->lookups, node)
    if (!lookup_at(node)->running) return lookup_at(node);
  return NULL;
}

/* Whoever is answered may ask again, or drop the last hold of the resolver. */
static void on_found(uv_poll_t *poll, int status, int events) {
  rl_lookup *lookup = poll->data;
  rl_resolver *resolver = lookup->resolver;
  (void)status, (void)events;
  rl_loop_touch(resolver->loop);
  resolver->refs++;
  finish(lookup, RL_OK);
  for (int code; (lookup = first_in_line(resolver));)
    if ((code = begin(lookup))) finish(lookup, code);
  rl_resolver_del(resolver);
}

/* Returns the lookup of that name, a new one perhaps, which waits in line; NULL if memory runs out. */
static rl_lookup *lookup_for(rl_resolver *resolver, rl_slice name) {
  RL_LIST_EACH(&resolver->lookups, node)
    if (rl_slice_eq(rl_slice_str(lookup_at(node)->query->name), name)) return lookup_at(node);
  rl_lookup *lookup = rl_calloc(1, sizeof *lookup);
  query *q = lookup ? rl_calloc(1, sizeof *q + name.len + 1) : NULL;
  if (!q) {
    rl_free(lookup);
    return NULL;
  }
  memcpy(q->name, name.data, name.len);
  q->wake = -1;
  atomic_store(&q->holders, 1);
  lookup->query = q;
  lookup->resolver = resolver;
  rl_list_init(&lookup->questions);
  rl_list_push(&resolver->lookups, &lookup->node);
  return lookup;
}

int rl_resolver_ask(rl_resolver *resolver, rl_question *question, rl_slice name) {
  const answer *known = find_answer(resolver, name);
  question->lookup = NULL;
  rl_list_init(&question->node);
  if (known && known->until_ms > clock_of(resolver)) {
    question->on_answer(question, known->addresses, known->count, known->count ? RL_OK : RL_ECONNECT);
    return RL_OK;
  }
  rl_lookup *lookup = lookup_for(resolver, name);
  if (!lookup) return RL_ENOMEM;
  int code = !lookup->running && resolver->running < RL_LIMIT_CLIENT_LOOKUPS ? begin(lookup) : RL_OK;
  if (code) {
    drop(lookup);
    return code;
  }
  question->lookup = lookup;
  rl_list_push(&lookup->questions, &question->node);
  hold(lookup);
  return RL_OK;
}

void rl_resolver_withdraw(rl_resolver *resolver, rl_question *question) {
  rl_lookup *lookup = question->lookup;
  (void)resolver;
  rl_list_remove(&question->node);
  question->lookup = NULL;
  if (!lookup) return;
  if (lookup->running) hold(lookup);
  else if (rl_list_empty(&lookup->questions)) drop(lookup);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

rl_resolver *rl_resolver_new(rl_loop *loop) {
  rl_resolver *resolver = rl_calloc(1, sizeof *resolver);
  if (!resolver) return NULL;
  resolver->loop = loop;
  resolver->refs = 1;
  rl_list_init(&resolver->lookups);
  rl_list_init(&resolver->answers);
  return resolver;
}

void rl_resolver_del(rl_resolver *resolver) {
  if (--resolver->refs) return;
  while (!rl_list_empty(&resolver->lookups)) drop(lookup_at(resolver->lookups.next));
  while (!rl_list_empty(&resolver->answers)) forget(resolver, answer_at(resolver->answers.next));
  rl_free(resolver);
}
