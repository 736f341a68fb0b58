/*
 * What all workers of the process have done, for whoever watches it. Each worker counts on its own, in words that only it
 * writes (relaxed atomic stores); a reader on any thread adds them up. Counting costs a few plain stores a request.
 *
 * The text is Prometheus' (Exposition formats, text version 0.0.4):
 *
 *   rille_requests_total{class="2xx"} 1042
 *   rille_request_seconds_bucket{le="0.005"} 1001
 */
#ifndef RL_SERVER_METRICS_H
#define RL_SERVER_METRICS_H

#include "base/buf.h"
#include "base/list.h"
#include "http/conn.h"

enum { RL_METRICS_CLASSES = 6, RL_METRICS_BUCKETS = 12 };

/* One for each worker; written by its thread. */
typedef struct rl_metrics {
  rl_list node;
  uint64_t requests[RL_METRICS_CLASSES]; /* by the first digit of the status; 0: the client left before there was one */
  uint64_t refused;                      /* answered before they were a request */
  uint64_t bytes;                        /* of bodies, as sent */
  uint64_t accepted;
  uint64_t connections;              /* now */
  uint64_t took[RL_METRICS_BUCKETS]; /* requests by how long they took, not added up */
  uint64_t took_ms;
  uint64_t lua_bytes, lua_tasks; /* set by the owner of the Lua state */
} rl_metrics;

/* Adds one to what is read; removes it, and keeps its counts for the sums. From any thread. */
void rl_metrics_open(rl_metrics *metrics);
void rl_metrics_close(rl_metrics *metrics);

void rl_metrics_count(rl_metrics *metrics, bool is_request, const rl_exchange_report *how, uint64_t now_ms);
static inline void rl_metrics_set(uint64_t *gauge, uint64_t value) { __atomic_store_n(gauge, value, __ATOMIC_RELAXED); }
static inline void rl_metrics_add(uint64_t *counter, uint64_t by) {
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED); /* one writer */
}

/* Appends the text. From any thread. 0 or RL_ENOMEM. */
int rl_metrics_write(rl_buf *out);

#endif
