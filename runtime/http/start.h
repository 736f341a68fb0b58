/*
 * The choice of the protocol of a connection that may speak more than HTTP/1: the first protocol of such a connection, which hands it
 * over as soon as it knows.
 *
 *   encrypted: ALPN has said it (RFC 7301)              "h2" -> h2/h2.h, "http/1.1" or nothing -> h1/h1.h
 *   plain:     the first bytes say it (RFC 9113 3.3)    "PRI * HTTP/2.0 …" -> h2/h2.h, all else -> h1/h1.h
 *
 * HTTP/1.1's Upgrade: h2c is not among the ways (RFC 9113 has dropped it): such a request is answered in HTTP/1.1.
 */
#ifndef RL_HTTP_START_H
#define RL_HTTP_START_H

#include "http/conn.h"

/* For encrypted listeners, and plain ones that let clients begin with HTTP/2 (h2c with prior knowledge). */
extern const rl_protocol rl_start_protocol;
/* For listeners that speak HTTP/2 only: HTTP/1 is refused with 505, of a client that has agreed on nothing too. */
extern const rl_protocol rl_start_h2_only;

#endif
