/*
 * Text in other charsets, by the C library's iconv. Names are as the IANA registers them ("koi8-r", "Shift_JIS"), in any case;
 * iconv's other names (a path, "//TRANSLIT") are refused.
 *
 * Pure: bytes in, bytes out. The program chooses the charset, never the peer: some charsets turn bytes that look harmless into
 * markup (UTF-7, ISO-2022).
 */
#ifndef RL_BASE_CHARSET_H
#define RL_BASE_CHARSET_H

#include <stdbool.h>

#include "base/slice.h"

bool rl_charset_is_known(rl_slice name);
/* Writes the bytes as UTF-8 to `out` and returns the length. A call with NULL as `out` returns the room that is needed.
 * RL_EUNSUPPORTED: there is no such charset; RL_EUTF8: the bytes are not of it; RL_ENOMEM. */
long rl_charset_to_utf8(rl_slice bytes, rl_slice name, char *out);

#endif
