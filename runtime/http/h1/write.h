/*
 * HTTP/1 on its way out: heads, chunks and trailers appended to a buffer. Pure.
 */
#ifndef RL_HTTP_H1_WRITE_H
#define RL_HTTP_H1_WRITE_H

#include "base/buf.h"
#include "http/h1/framing.h"

/* Appends the status line and all fields with the empty line after them. The response is safe (rl_resp_check). `date` is the
 * 29 bytes of a Date header. With `close` the response says Connection: close; with `keep_alive` it says keep-alive, to an
 * HTTP/1.0 client that asked for it. 0 or the buffer's error. */
int rl_h1_write_head(rl_buf *out, const rl_resp *resp, const rl_h1_framing *framing, const char *date, bool close,
                     bool keep_alive);
/* Appends an informational head (RFC 9110 section 15.2); the fields are safe. All or nothing: 0 or RL_ENOMEM. */
int rl_h1_write_informational(rl_buf *out, int status, const rl_header *headers, size_t count);
/* Appends one chunk; nothing for an empty piece, which would end the body. */
int rl_h1_write_chunk(rl_buf *out, rl_slice piece);
/* Appends the last chunk and the trailer section. The trailers are safe (rl_trailers_check). */
int rl_h1_write_last_chunk(rl_buf *out, const rl_header *trailers, size_t count);

#endif
