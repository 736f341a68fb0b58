/* Carries transfers by libcurl: HTTP/2, proxies, digest authentication. */
#ifndef RL_CLIENT_CARRIER_CURL_H
#define RL_CLIENT_CARRIER_CURL_H

#include "client/transfer.h"

extern const rl_carrier rl_carrier_curl;

#endif
