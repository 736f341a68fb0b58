/*
 * What an exchange asks for, as options of an easy handle (carrier/curl.c).
 */
#ifndef RL_CLIENT_CARRIER_CURL_SETUP_H
#define RL_CLIENT_CARRIER_CURL_SETUP_H

#include "client/transfer.h"

/* Sets the options that are the same for every request; once for a handle. */
void rl_cached_easy_prepare(rl_cached_easy *cached);
/* Sets the options of one request. Returns 0, RL_EINVALID or RL_ENOMEM. */
int rl_cached_easy_setup(rl_cached_easy *cached, const rl_client_request *exchange);

#endif
