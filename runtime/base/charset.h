/*
 * Text in other charsets, by the C library's iconv. Names are as the IANA registers them ("koi8-r", "Shift_JIS"), in any case;
 * nothing of what iconv makes of a name otherwise (a path, "//TRANSLIT") can be said.
 *
 * Pure: bytes in, bytes out. A charset is the program's to choose: what a peer names is not looked for here, because some of
 * them make letters of what looks harmless (UTF-7, ISO-2022).
 */
#ifndef RL_BASE_CHARSET_H
#define RL_BASE_CHARSET_H

#include <stdbool.h>

#include "base/slice.h"

bool rl_charset_is_known(rl_slice name);
/* The bytes as UTF-8, written to `out`, which has room for what a call with NULL has returned. RL_EUNSUPPORTED: there is no
 * such charset; RL_EUTF8: the bytes are not of it; RL_ENOMEM. */
long rl_charset_to_utf8(rl_slice bytes, rl_slice name, char *out);

#endif
