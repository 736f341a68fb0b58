/*
 * Everything that an HTTP/2 connection may wait for, on the one clock of the connection:
 *
 *   the first request, or the next (header_timeout, keep_alive)      the rest of a header block (header_timeout)
 *   SETTINGS to be acknowledged (header_timeout)                     a body that comes too slowly (body_grace, body_rate)
 *   a response that the client gives no window (write_timeout)       the last requests after GOAWAY
 *
 * The clock is set for the earliest of them that was told, and never moved back: when it fires it looks at all of them. So a
 * request costs no timer.
 */
#ifndef RL_HTTP_H2_CLOCK_H
#define RL_HTTP_H2_CLOCK_H

#include "http/h2/connection.h"

/* Starts: waits for the first request and for SETTINGS. */
void rl_h2_clock_start(rl_h2 *h2);
/* Looks at what has begun or ended in this turn: streams, header blocks. */
void rl_h2_clock_note(rl_h2 *h2);
/* The clock has fired. */
void rl_h2_clock_fire(rl_h2 *h2);

/* Ours were acknowledged. */
void rl_h2_clock_settings(rl_h2 *h2);
/* A PING of ours has come back: whoever sent it has seen the GOAWAY before it. */
void rl_h2_clock_ping(rl_h2 *h2);

#endif
