/*
 * Public suffixes: names below which anybody may have one ("com", "co.uk", "github.io"). A cookie for such a name would be one
 * for strangers (RFC 6265bis section 5.7.3, a supercookie).
 *
 * The list is libpsl's: the newest one that the system has, or the one it was built with. It is loaded when it is first asked;
 * without libpsl each name is a public suffix, so that a cookie stays with the host that has set it.
 */
#ifndef RL_CLIENT_SUFFIX_H
#define RL_CLIENT_SUFFIX_H

#include <stdbool.h>

#include "base/slice.h"

/* Returns true if a domain, in small letters and ASCII, is a public suffix; a dot at its end does not count. A name without a dot in it always is.
 * Not for addresses. Any thread may ask. */
bool rl_suffix_is_public(rl_slice domain);

#endif
