/*
 * A URL taken apart, by the same parser that will connect to it (curl's URL API): two parsers that read one URL
 * differently is how filters in front of a client are passed by.
 *
 *   https://ada:secret@api.example.com:8443/v1/posts?tag=a#top
 *   scheme  user password  host       port  path    query fragment
 *
 *   url      all of it but user, password and fragment; what hooks see, what is sent, what messages may show
 *   origin   scheme://host:port, lower case, the port always there: equal for two URLs of one origin (RFC 6454)
 *
 * Only http and https, of RL_LIMIT_URL bytes. Scheme and host are written small, the host in ASCII (client/host.h), numeric
 * IPv4 forms as four decimal numbers; the scheme's own port is left out; spaces and bytes above ASCII are
 * percent-encoded, dot segments removed (client/path.h). To take `url` apart again changes nothing.
 */
#ifndef RL_CLIENT_LOCATION_H
#define RL_CLIENT_LOCATION_H

#include "base/buf.h"
#include "base/slice.h"

typedef struct rl_location {
  char *url, *scheme, *host, *path, *query, *fragment, *user, *password; /* owned; NULL where there is none */
  char *origin;
  char *raw_host; /* as it was written, without brackets */
  int port;
  bool secure;
  bool disguised; /* an IPv4 address that was not written as four decimal numbers */
} rl_location;

/* Takes `text` apart, relative to `base` (NULL: it must be absolute). 0, RL_ENOMEM, or RL_EURL: then `why` says what is
 * wrong, in a static line. On failure there is nothing to free. */
int rl_location_parse(rl_location *location, const char *text, const char *base, const char **why);
void rl_location_free(rl_location *location);

/* What a request needs of a URL: slices of its text. */
typedef struct rl_url_parts {
  rl_slice authority; /* host, and ":port" where it is not the scheme's own: what a Host field says */
  rl_slice target;    /* path and query */
  bool secure;
} rl_url_parts;

/* Cuts a URL that leaves nothing to guess, as those of rl_location_parse are: http:// or https://, a host that is a name or
 * an address as it is usually written, perhaps a port, a path; nothing in it that would have to be encoded, no credentials,
 * no fragment. False for every other one: it must be taken apart first. */
bool rl_location_cut(rl_slice url, rl_url_parts *parts);
/* Whether a URL is written as rl_location_parse would write it, by a look at its bytes; false where that would have to be
 * found out. */
bool rl_location_is_settled(rl_slice url);

#endif
