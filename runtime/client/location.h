/*
 * A location: a URL that was parsed, once. It travels from rille.fetch through cookies, redirects, the address policy and the
 * pool to the wire, so that none of them reads the URL's text again.
 *
 *   https://api.example.com:8443/v1/posts?tag=a        normalized (client/url.h): written in the one way we write it
 *           host            port path     query
 *           authority (Host field)  target (request line)
 *
 * Pure: bytes in, slices out.
 */
#ifndef RL_CLIENT_LOCATION_H
#define RL_CLIENT_LOCATION_H

#include "base/slice.h"

/* Slices of its text, which somebody else owns and which ends in a NUL that is not counted. Immutable. */
typedef struct rl_location {
  rl_slice text;
  rl_slice authority;   /* the host, and ":port" unless it is the scheme's own */
  rl_slice host;        /* with its brackets, if it has any, and the zone in them (RFC 6874) */
  rl_slice target;      /* path and query */
  rl_slice path, query; /* query.data is NULL if there is none */
  int port;
  bool secure;   /* https */
  bool for_curl; /* only curl knows how to reach it: an address with a zone, a name that ends like a number */
} rl_location;

/* Cuts a text that client/url.h has normalized. */
void rl_location_cut(rl_location *location, rl_slice text);
/* Cuts a text if its bytes show that it is normalized. Returns false for every other text, and for a few that only
 * rl_url_parse can tell. */
bool rl_location_take(rl_location *location, rl_slice text);
/* The same location, as slices of another copy of its text. */
rl_location rl_location_move(const rl_location *location, const char *text);
/* Returns true if a text has nothing in it that would need encoding, no credentials and no fragment: it could be sent as it
 * stands, though it may not be normalized. */
bool rl_location_is_plain(rl_slice text);
/* The same number for all locations of one origin: scheme, host and port (RFC 6454 section 4). */
uint64_t rl_location_origin_hash(const rl_location *location);
/* How many locations this thread has cut; for tests. */
unsigned long rl_location_cut_count(void);

#endif
