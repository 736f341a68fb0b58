/*
 * A content coding undone (RFC 9110 section 8.4.1): gzip, deflate, br. Bytes in, bytes out, resumable, no I/O.
 *
 *   encoded --rl_decoder_run--> at most `cap` bytes      nothing is decoded ahead of who reads it, so what a hostile body
 *                                                        becomes never stands in memory
 *
 * Bounds: once more than RL_LIMIT_DECODED_FREE bytes have come out, they may be no more than RL_LIMIT_DECODED_RATIO times
 * those that went in; and a gzip body has at most RL_LIMIT_DECODED_MEMBERS members (CVE-2025-69223, CVE-2026-128131).
 * "deflate" is taken with its zlib wrapper or without, as browsers do. Bytes after the end are ignored.
 */
#ifndef RL_HTTP_DECODER_H
#define RL_HTTP_DECODER_H

#include <stdint.h>

#include "base/slice.h"

typedef struct rl_decoder rl_decoder;

/* A decoder for the value of Content-Encoding. RL_EUNSUPPORTED for a coding that is not known, or several; 0 with *out NULL
 * where there is nothing to undo (empty, "identity"); RL_ENOMEM. */
int rl_decoder_new(rl_slice coding, rl_decoder **out);
void rl_decoder_del(rl_decoder *decoder);

/* Decodes from `in`, which is cut by what was used, into out[0..cap). How many bytes came out; 0 means more input is needed
 * or the end was reached. RL_ESYNTAX, RL_ETOOBIG or RL_ENOMEM on failure. */
long rl_decoder_run(rl_decoder *decoder, rl_slice *in, char *out, size_t cap);
/* Returns true if the encoded bytes may end here: nothing has come yet, or the end mark has. */
bool rl_decoder_is_complete(const rl_decoder *decoder);

#endif
