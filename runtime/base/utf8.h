/*
 * UTF-8, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef RL_BASE_UTF8_H
#define RL_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Bytes of the sequence at `data` (1 to 4), or 0 where it is not well-formed or is cut off. len > 0. */
size_t rl_utf8_step(const char *data, size_t len);
bool rl_utf8_valid(rl_slice s);
/* Writes a code point (<= 0x10FFFF) as 1 to 4 bytes; returns how many. */
size_t rl_utf8_encode(uint32_t point, char out[4]);

#endif
