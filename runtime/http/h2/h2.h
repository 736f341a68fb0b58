/*
 * HTTP/2 on a connection (RFC 9113), by nghttp2: frames in, frames out, and one rl_h2_stream for each request (stream.h).
 *
 *   on_data -> guard -> nghttp2_session_mem_recv -> callbacks: fields, pieces of bodies, ends, resets
 *                                                      |  note what has come; streams with news stand in `todo`
 *                                                      v
 *              work: begin requests, hand bodies over, tell who may write again            (outside of nghttp2)
 *                                                      |
 *                                                      v
 *   rl_conn_out <- nghttp2_session_mem_send <- rl_h2_pump, within RL_LIMIT_WRITE_HIGH; flushed once a turn
 *
 * nghttp2 must not be entered from its own callbacks, and handlers may call anything at any time. So handlers of requests run outside
 * of it, from `work`; a piece of a body is handed over from a callback, and what its handler then sends leaves afterwards
 * (h2->inside). A stream is freed by `work` only, so it outlives every call that is under way in it.
 *
 * Bodies of requests are bounded by windows: credit is given for what a handler has taken, or for what was dropped.
 */
#ifndef RL_HTTP_H2_H2_H
#define RL_HTTP_H2_H2_H

#include "http/conn.h"

/* Makes its state itself when a connection becomes one of it. */
extern const rl_protocol rl_h2_protocol;

#endif
