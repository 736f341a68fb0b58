/*
 * Who keeps OpenSSL's buffers between two records: the connections of a worker that were used last. To make and free both for each
 * request costs 7 % of it; for every idle connection to keep them would cost 33 KB each.
 *
 *   touch: [least recently used … most recently used]     the first loses its buffers when there are more than RL_TLS_BUFFERS
 */
#ifndef RL_NET_TLS_BUFFERS_H
#define RL_NET_TLS_BUFFERS_H

#include "base/list.h"

struct ssl_st;

enum { RL_TLS_BUFFERS = 64 };

/* Embedded in a connection; zeroed or dropped it is not linked. */
typedef struct rl_tls_buffered {
  rl_list node;
  struct ssl_st *ssl;
} rl_tls_buffered;

typedef struct rl_tls_buffers {
  rl_list recent;
  unsigned count;
} rl_tls_buffers;

void rl_tls_buffers_init(rl_tls_buffers *buffers);
/* Its SSL has read or written: it is the most recently used one now. */
void rl_tls_buffers_touch(rl_tls_buffers *buffers, rl_tls_buffered *one);
/* Before its SSL is freed. */
void rl_tls_buffers_drop(rl_tls_buffers *buffers, rl_tls_buffered *one);

#endif
