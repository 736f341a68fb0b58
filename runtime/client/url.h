/*
 * Parses the text of a URL, as programs and servers write it, into a location (client/location.h).
 *
 *   HTTP://Ada:secret@API.example.com:80/v1/../posts?tag=ä#top
 *        -> http://api.example.com/posts?tag=%C3%A4     and user "Ada", password "secret"
 *
 * The parser is curl's, which also makes connections: filters in front of a client are bypassed where two parsers read one
 * URL differently (CVE-2019-9636). The text is normalized:
 *
 *   http and https only, RL_LIMIT_URL bytes at most; scheme and host in small letters, the host in ASCII (client/host.h);
 *   IPv4 addresses as four decimal numbers; no port if it is the scheme's own; spaces and bytes above ASCII
 *   percent-encoded; no dot segments (client/path.h); no user, password or fragment
 *
 * Parsing a normalized text again changes nothing.
 */
#ifndef RL_CLIENT_URL_H
#define RL_CLIENT_URL_H

#include "client/location.h"

/* The result of parsing a text. */
typedef struct rl_parsed_url {
  rl_location location;  /* slices of `text` */
  char *text;            /* owned; normalized */
  char *user, *password; /* owned; NULL if there are none */
  bool disguised;        /* the host is an IPv4 address that was not written as four decimal numbers */
} rl_parsed_url;

/* Parses `text`, relative to `base` unless that is NULL. Returns 0, RL_ENOMEM, or RL_EURL: then `why` is a static line that
 * says what is wrong. On failure there is nothing to free. */
int rl_url_parse(rl_parsed_url *parsed, const char *text, const rl_location *base, const char **why);
void rl_parsed_url_free(rl_parsed_url *parsed);

#endif
