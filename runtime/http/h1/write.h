/*
 * HTTP/1 on its way out: heads, chunks and trailers appended to a buffer. Pure.
 */
#ifndef RL_HTTP_H1_WRITE_H
#define RL_HTTP_H1_WRITE_H

#include "base/buf.h"
#include "http/response.h"

/* The status line and all fields with the empty line behind them. `date` is the 29 bytes of a Date header. With `close`
 * the response says Connection: close; `keep_alive` says keep-alive (to an HTTP/1.0 client that asked for it).
 * 0, RL_EINVALID (an unsafe header: nothing was appended) or the buffer's error. */
int rl_h1_write_head(rl_buf *out, const rl_resp *resp, const rl_framing *framing, const char *date, bool close,
                     bool keep_alive);
/* One chunk; nothing for an empty piece, which would end the body. */
int rl_h1_write_chunk(rl_buf *out, rl_slice piece);
/* The last chunk and the trailer section. */
int rl_h1_write_last_chunk(rl_buf *out, const rl_header *trailers, size_t count);

#endif
