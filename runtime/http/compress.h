/*
 * Compressing a body, whole or as it is written: gzip (zlib) and brotli.
 *
 *   new -> write … (flush) … finish -> del        what comes out is appended to the caller's buffer
 */
#ifndef RL_HTTP_COMPRESS_H
#define RL_HTTP_COMPRESS_H

#include "base/buf.h"
#include "http/encoding.h"

typedef struct rl_compressor rl_compressor;

/* Returns NULL if out of memory, or for RL_ENCODING_IDENTITY. */
rl_compressor *rl_compressor_new(rl_encoding encoding);
void rl_compressor_del(rl_compressor *compressor);
/* 0, or the buffer's error. With `flush` everything written so far can be decoded from what came out. */
int rl_compressor_write(rl_compressor *compressor, rl_slice in, bool flush, rl_buf *out);
int rl_compressor_finish(rl_compressor *compressor, rl_buf *out);
/* The whole in one go. */
int rl_compress(rl_encoding encoding, rl_slice in, rl_buf *out);

#endif
