/*
 * UTF-8, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef RL_BASE_UTF8_H
#define RL_BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Returns the bytes of the sequence at `data` (1 to 4), or 0 if it is malformed or cut off. len > 0. */
size_t rl_utf8_step(const char *data, size_t len);
bool rl_utf8_valid(rl_slice s);
/* Writes a code point (<= 0x10FFFF) as 1 to 4 bytes; returns how many. */
size_t rl_utf8_encode(uint32_t point, char out[4]);
/* Returns the code point of a well-formed sequence of `step` bytes (rl_utf8_step). */
uint32_t rl_utf8_decode(const char *data, size_t step);
/* Returns true if it is invisible and changes how the text around it is read: C0 and C1 controls, DEL, line and paragraph
 * separators, and the marks that reverse the direction of text (UAX #9; CVE-2021-42574). */
bool rl_utf8_is_control(uint32_t point);
/* Appends `s` in upper or lower case, letter by letter as the C library's C.UTF-8 maps them (and "SS" for a sharp s).
 * Without that locale only ASCII changes. Bytes that are not UTF-8 stay. Returns 0, RL_ENOMEM or RL_ETOOBIG. */
int rl_utf8_upper(rl_buf *out, rl_slice s);
int rl_utf8_lower(rl_buf *out, rl_slice s);

#endif
