/*
 * The nghttp2 session of a connection: its memory, options, settings and callbacks. The callbacks only note what has come (stream.h); no
 * handler of a request starts inside of them.
 */
#ifndef RL_HTTP_H2_SESSION_H
#define RL_HTTP_H2_SESSION_H

#include "http/h2/connection.h"

/* Makes h2->session, with our settings in its queue. 0 or RL_ENOMEM; then h2->session is what there is to delete, or NULL. */
int rl_h2_session_start(rl_h2 *h2);

#endif
