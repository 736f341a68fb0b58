/*
 * What curl says about a failure, as a code of ours and one line for people. The same words are used where our own links
 * fail (client/link.h), so that nobody has to know who carried a request.
 */
#ifndef RL_CLIENT_FAILURE_H
#define RL_CLIENT_FAILURE_H

#include <curl/curl.h>
#include <stdbool.h>

enum { RL_FAILURE_TEXT = 320 };

/* `detail` is the handle's error buffer; `denied`: the guard refused an address. RL_E…, and the line in `text`. */
int rl_failure_of(CURL *easy, CURLcode result, const char *detail, bool denied, char text[RL_FAILURE_TEXT]);

#endif
