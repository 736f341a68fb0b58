/*
 * HTTP dates (RFC 9110 section 5.6.7): written as IMF-fixdate, read in all three forms. No locale, no time zone data.
 */
#ifndef RL_BASE_DATE_H
#define RL_BASE_DATE_H

#include <stdint.h>

#include "base/slice.h"

enum { RL_DATE_LEN = 29 };

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL for seconds since 1970. Years 1 to 9999. */
void rl_date_format(int64_t seconds, char out[RL_DATE_LEN + 1]);
/* Reads seconds since 1970 into *out. Returns 0 or RL_ESYNTAX. `now` decides the century of the two-digit form. */
int rl_date_parse(rl_slice s, int64_t now, int64_t *out);
/* Writes "22/Nov/2026:14:17:32 +0000" (26 bytes and a NUL): the form of access logs. */
void rl_date_format_clf(int64_t seconds, char out[27]);
/* Writes "2026-11-22T14:17:32.123Z" (24 bytes and a NUL) for milliseconds since 1970: the form of our logs. */
void rl_date_format_iso(int64_t milliseconds, char out[25]);

#endif
