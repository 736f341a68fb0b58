/*
 * The writing half of a stream with TLS: parts become records of 16 KiB, which are few and fill their packets; close_notify ends it.
 */
#ifndef RL_NET_TLS_OUTPUT_H
#define RL_NET_TLS_OUTPUT_H

#include "net/tls/state.h"

/* As rl_stream_ops.write. */
ssize_t rl_tls_write(rl_tls *tls, const struct iovec *parts, int count);
/* Says close_notify, then ends the stream below; or asks for room, and is called again (tls->ending). After a record of which only a
 * part has left nothing can be said. */
void rl_tls_shutdown(rl_tls *tls);
/* Says close_notify if there is room for it, before a close. */
void rl_tls_goodbye(rl_tls *tls);

#endif
