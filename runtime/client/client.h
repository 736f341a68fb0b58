/*
 * The client's front door: a request, and who carries it.
 *
 *   http, straight or by a unix socket     a conn of ours      (carrier/http1.c)
 *   all else: TLS, HTTP/2, proxies,        libcurl             (carrier/curl.c)
 *   digest, scoped addresses
 *
 * A plain request costs a conn half of what it costs libcurl, in CPU time; nothing else tells the two apart.
 */
#ifndef RL_CLIENT_CLIENT_H
#define RL_CLIENT_CLIENT_H

#include "client/transfer.h"

/* As rl_transfer_start, by the carrier that fits. */
int rl_client_start(rl_transfer *transfer, const rl_client_request *exchange);

extern const rl_carrier rl_carrier_http1, rl_carrier_curl;

#endif
