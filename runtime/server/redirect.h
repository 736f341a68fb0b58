/*
 * The plain port beside one that speaks TLS: sends everybody there, and answers the authority that asks whether a name is ours.
 *
 *   /.well-known/acme-challenge/TOKEN   the answer that was laid down for it (RFC 8555 section 8.3), else as below
 *   a host of ours                      308 to https://HOST[:PORT], path and query byte for byte (RFC 9110 section 15.4.9)
 *   a host of ours, no certificate yet  503
 *   any other host                      421: a redirect to a name that the client chose would lead people astray
 *   none                                400
 *
 * The owner keeps it and sets what it asks, before the first request. Requests of several threads come at once.
 */
#ifndef RL_SERVER_REDIRECT_H
#define RL_SERVER_REDIRECT_H

#include "server/worker.h"

typedef struct rl_redirect rl_redirect;

typedef enum rl_redirect_host { RL_REDIRECT_STRANGE, RL_REDIRECT_OURS, RL_REDIRECT_NOT_YET } rl_redirect_host;

struct rl_redirect {
  rl_handler handler; /* first: give its address to a listener */
  int port;           /* of https, where clients find it */
  /* Says whose name it is: in lower case, without port and without a dot at its end. */
  rl_redirect_host (*knows)(rl_redirect *redirect, rl_slice name);
  /* Appends the answer for a token of ACME. Returns false if there is none. NULL: there are none. */
  bool (*find_answer)(rl_redirect *redirect, rl_slice token, rl_buf *out);
  void *owner;
};

void rl_redirect_init(rl_redirect *redirect, int port);

#endif
