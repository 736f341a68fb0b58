/*
 * The Cookie header (RFC 6265 section 5.4, read as RFC 6265bis says): `name=value; name=value`. Pure: slices of the header,
 * bytes as they are; no quotes are taken off and nothing is decoded.
 */
#ifndef RL_HTTP_COOKIE_H
#define RL_HTTP_COOKIE_H

#include <stdbool.h>

#include "base/slice.h"

/* Cuts the next pair off `rest`; false at the end. What has no '=', no name, or a name with a blank or control character
 * in it is skipped. */
bool rl_cookie_next(rl_slice *rest, rl_slice *name, rl_slice *value);

/* Returns true if a name promises what only its prefix can: then two of it are none, because one of them was not set by us
 * (a neighbour host can set the plain name for our domain too: cookie tossing). */
bool rl_cookie_is_prefixed(rl_slice name);

#endif
