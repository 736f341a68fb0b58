/*
 * Memory of nghttp2. It comes from rl_alloc; when that fails, from a reserve of the worker, and the connection is marked to end.
 *
 * nghttp2 1.52 does not survive a failed allocation in the middle of sending: what it has half built is left behind, and its
 * assertions end the process when the session is deleted. So it must never see one, but for a peer that outruns the reserve:
 * a connection that had to use it makes no more frames (rl_h2.broken).
 */
#ifndef RL_HTTP_H2_MEMORY_H
#define RL_HTTP_H2_MEMORY_H

#include <nghttp2/nghttp2.h>

#include "http/h2/connection.h"

/* Makes the worker's reserve if there is none yet; it lives as long as the host. 0 or RL_ENOMEM. */
int rl_h2_memory_start(rl_conn_host *host);
/* The allocator of one session. */
nghttp2_mem rl_h2_memory_of(rl_h2 *h2);

#endif
