/*
 * JSON (RFC 8259): writes scalars into a buffer. json_reader.h reads it.
 */
#ifndef RL_BASE_JSON_H
#define RL_BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Each appends to `out`. Returns 0, the buffer's error, or as said. */
int rl_json_write_string(rl_buf *out, rl_slice s); /* RL_EUTF8 */
/* The same of a string that has a special byte, and whose front (rl_json_put_front) stands after what is in `out`. */
int rl_json_finish_string(rl_buf *out, rl_slice s, size_t front);
/* Writes any bytes, for logs: bytes that are no UTF-8 become \u0080 to \u00ff, and what would act on a terminal
 * (rl_utf8_is_control) is escaped too. */
int rl_json_write_bytes(rl_buf *out, rl_slice s);
int rl_json_write_integer(rl_buf *out, int64_t number);
/* Writes the shortest digits that read back as the same double, always with a point or an exponent. RL_EINVALID for NaN and
 * infinities. */
int rl_json_write_number(rl_buf *out, double number);

#endif
