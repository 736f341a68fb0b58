/*
 * Percent-encoding and the pieces of a request target (RFC 3986; forms by the WHATWG URL standard, section 5).
 * Pure: bytes in, bytes out. Decoding happens once, ever (RFC 3986 section 2.4).
 */
#ifndef RL_BASE_URL_H
#define RL_BASE_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* Decodes %XX, and '+' to a space where `plus`; writes at most s.len bytes to `out` (which may be s.data itself).
 * Returns how many, or RL_ESYNTAX for a '%' without two hex digits. */
long rl_url_decode(rl_slice s, bool plus, char *out);
/* Appends s with every byte but the unreserved ones (letters, digits, -._~) as %XX. Returns 0 or the buffer's error. */
int rl_url_encode(rl_buf *out, rl_slice s);

/* Appends `s` as a URI reference (RFC 3986 section 4.1). What is not allowed in one becomes %XX: spaces, quotes,
 * backslashes, bytes beyond ASCII, a '%' that begins no escape, a second '#', brackets outside of an authority. */
int rl_url_encode_reference(rl_buf *out, rl_slice s);

/* Cuts the next pair off `name=value&name=value` (both still encoded). Skips pairs that are wholly empty ("a=1&&b=2"); a
 * pair without '=' has an empty value. Returns false at the end. */
bool rl_query_next(rl_slice *rest, rl_slice *name, rl_slice *value);

/* Decodes a path into `out` (room for path.len). Returns the length, or RL_ESYNTAX (bad escape, NUL) or RL_EUTF8. An
 * encoded slash (%2F) is kept as the three bytes "%2F", so that it never splits a segment; rl_path_unescape turns it into
 * '/' once segments are cut. */
long rl_path_decode(rl_slice path, char *out);
/* Turns each "%2F" of a decoded segment into '/', in place. Returns the new length. A "%" that was encoded as %25 in the
 * target was kept as "%25" by rl_path_decode and becomes '%' here. */
size_t rl_path_unescape(char *segment, size_t len);

#endif
