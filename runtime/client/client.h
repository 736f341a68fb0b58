/*
 * The client's front door: takes a request and chooses who carries it.
 *
 *   HTTP/1.1, directly or by a unix socket  a connection of our own     (carrier/http1.h)
 *   everything else: HTTP/2, proxies,       libcurl                     (carrier/curl.h)
 *   digest authentication, scoped addresses
 *
 * A request by a connection of our own takes half of the CPU time that it takes by libcurl. There is no other
 * difference between the two.
 */
#ifndef RL_CLIENT_CLIENT_H
#define RL_CLIENT_CLIENT_H

#include "client/transfer.h"

/* Starts a transfer like rl_transfer_start, with the carrier that fits. */
int rl_client_start(rl_transfer *transfer, const rl_client_request *request);

#endif
