/*
 * UTF-8, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef RL_BASE_UTF8_H
#define RL_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes of the sequence at `data` (1 to 4), or 0 where it is not well-formed or is cut off. len > 0. */
size_t rl_utf8_step(const char *data, size_t len);
bool rl_utf8_valid(rl_slice s);
/* Writes a code point (<= 0x10FFFF) as 1 to 4 bytes; returns how many. */
size_t rl_utf8_encode(uint32_t point, char out[4]);
/* The code point of a well-formed sequence of `step` bytes (rl_utf8_step). */
uint32_t rl_utf8_decode(const char *data, size_t step);
/* Whether it shows as nothing and changes how text around it is read: C0 and C1 controls, DEL, line and paragraph separators, and
 * the marks that reverse the direction of text (UAX #9; CVE-2021-42574). */
bool rl_utf8_is_control(uint32_t point);
/* Appends `s` in upper or lower case, letter by letter as the C library's C.UTF-8 maps them (and "SS" for a sharp s); where
 * that locale is missing ASCII alone, and what is not UTF-8 stays as it is. 0, RL_ENOMEM or RL_ETOOBIG. */
int rl_utf8_upper(rl_buf *out, rl_slice s);
int rl_utf8_lower(rl_buf *out, rl_slice s);

#endif
