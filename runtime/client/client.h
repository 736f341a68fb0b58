/*
 * The client's front door: a request, and who carries it.
 *
 *   http, straight or by a unix socket     a link of ours      (carrier_link.c)
 *   all else: TLS, HTTP/2, proxies,        libcurl             (carrier_curl.c)
 *   digest, scoped addresses
 *
 * A plain request costs a link half of what it costs libcurl, in CPU time; nothing else tells the two apart.
 */
#ifndef RL_CLIENT_CLIENT_H
#define RL_CLIENT_CLIENT_H

#include "client/transfer.h"

/* As rl_transfer_start, by the carrier that fits. */
int rl_client_start(rl_transfer *transfer, const rl_exchange *exchange);

extern const rl_carrier rl_carrier_link, rl_carrier_curl;

#endif
