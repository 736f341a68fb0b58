/*
 * Dot segments: the "." and ".." of a URL's path, in each of their spellings ("%2e", ".%2E"), of which other programs on the
 * way make a dot sooner or later (WHATWG URL, "double-dot path segment"). They are taken out once, before anybody looks at
 * the path, so that nobody sees another one than what is sent.
 *
 * Pure, linear.
 */
#ifndef RL_CLIENT_PATH_H
#define RL_CLIENT_PATH_H

#include "base/buf.h"

/* Appends a path that begins with a slash, without its dot segments (RFC 3986 section 5.2.4). 0 or RL_ENOMEM. */
int rl_path_settle(rl_slice path, rl_buf *out);
/* Returns true if the path of a target has a dot segment: a server would be asked for something else than what is written. */
bool rl_path_has_dots(rl_slice target);
/* Returns true if a path that is put below another one leads above it, at any point on its way and by anybody's reading: there are
 * servers for which an encoded slash or a backslash parts segments, and those for which an empty segment is none. */
bool rl_path_climbs(rl_slice path);

#endif
