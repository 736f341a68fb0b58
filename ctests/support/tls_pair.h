/*
 * Two ends of a TLS connection without a socket: each an rl_tls over a mem_stream, on one loop. What one writes is fed to the other.
 *
 *   tls_pair_init(…) -> tls_pair_run: carries bytes and turns the loop until nothing happens -> look at end->text -> tls_pair_free
 */
#ifndef CTESTS_SUPPORT_TLS_PAIR_H
#define CTESTS_SUPPORT_TLS_PAIR_H

#include "net/tls/tls.h"
#include "support/mem_stream.h"

typedef struct tls_end {
  rl_tls tls; /* first */
  mem_stream below;
  size_t carried; /* of below.out */
  rl_buf text;    /* what on_data told */
  unsigned datas, eofs, errors, writables, closed;
  int code; /* of on_error */
  bool close_on_data, stop_on_data;
} tls_end;

typedef struct tls_pair {
  rl_loop *loop;
  tls_end server, client;
  size_t piece; /* how many bytes are fed at a time; 0: all */
} tls_pair;

/* `client` NULL: the test feeds bytes by itself. */
void tls_pair_init(tls_pair *pair, rl_loop *loop, rl_tls_server *server, rl_tls_client *client, const char *name);
/* Closes both ends, with a reset, unless they are closed. */
void tls_pair_free(tls_pair *pair);
/* Until neither the loop nor the wire moves any more. */
void tls_pair_run(tls_pair *pair);
/* Writes all of it from one end to the other. Fails the test if it is not taken. */
void tls_end_say(tls_pair *pair, tls_end *end, rl_slice bytes);

#endif
