/*
 * What curl says about a failure, as a code of ours and one line for people. The same words are used where our own connections
 * fail (client/connection.h), so that nobody has to know who carried a request.
 */
#ifndef RL_CLIENT_CARRIER_CURL_ERROR_H
#define RL_CLIENT_CARRIER_CURL_ERROR_H

#include <stdbool.h>
#include "client/libcurl.h"

enum { RL_CURL_ERROR_TEXT = 320 };

/* `detail` is the handle's error buffer; `denied`: the address policy refused an address. RL_E…, and the line in `text`. */
int rl_curl_error_of(CURL *easy, CURLcode result, const char *detail, bool denied, char text[RL_CURL_ERROR_TEXT]);

#endif
