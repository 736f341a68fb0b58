/*
 * Two ends of a TLS connection without a socket: each an rl_tls over a mem_stream, on one loop. What one writes is fed to the other.
 *
 *   tls_pair_init(…) -> tls_pair_run: carries bytes and turns the loop until nothing happens -> look at end->text -> tls_pair_free
 */
#ifndef CTESTS_SUPPORT_TLS_PAIR_H
#define CTESTS_SUPPORT_TLS_PAIR_H

#include "net/tls/tls.h"
#include "support/certificates.h"
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
  size_t piece;    /* how many bytes are fed at a time; 0: all */
  rl_slice noise;  /* what is laid over what the client sends (xor) … */
  size_t noise_at; /* … from this byte on */
} tls_pair;

/* `client` NULL: the test feeds bytes by itself; as where memory is short (rl_alloc_fail_at). */
void tls_pair_init(tls_pair *pair, rl_loop *loop, rl_tls_server *server, rl_tls_client *client, const char *name);
/* Closes both ends, with a reset, unless they are closed. Does nothing to a pair of zeros, nor a second time. */
void tls_pair_free(tls_pair *pair);
/* Until neither the loop nor the wire moves any more. */
void tls_pair_run(tls_pair *pair);
/* Writes all of it from one end to the other. Fails the test if it is not taken. */
void tls_end_say(tls_pair *pair, tls_end *end, rl_slice bytes);

/* ---- what both ends need --------------------------------------------------------------------------------------------- */

typedef struct tls_site {
  rl_loop loop;
  rl_tls_store *store;
  rl_tls_server *server; /* "h2,http/1.1" */
  rl_tls_client *client; /* trusts the authority of certificates.h, offers "http/1.1" */
  rl_buf why;
  tls_pair pair;
} tls_site;

/* Without a certificate, and with a clock that stands still. */
void tls_site_init(tls_site *site, const rl_tls_store_options *options);
/* Adds a certificate. Fails the test if it is not taken. */
void tls_site_add(tls_site *site, const test_certificate_options *options);
/* Connects the pair, whose client asks for that name, and runs it. */
void tls_site_connect(tls_site *site, const char *name);
/* Frees the pair too. Fails the test if anything is left in the loop. */
void tls_site_free(tls_site *site);
/* Lets time pass. */
void tls_site_pause(tls_site *site, uint64_t delay_ms);

#endif
