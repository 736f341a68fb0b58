/*
 * Status codes and their reason phrases (RFC 9110 section 15, the IANA registry).
 */
#ifndef RL_HTTP_STATUS_H
#define RL_HTTP_STATUS_H

#include <stdbool.h>

/* "Not Found"; "" for a code without a phrase of its own. */
const char *rl_status_text(int status);
/* Never a body: 1xx, 204 and 304 (RFC 9110 section 6.4.1). */
bool rl_status_is_bodiless(int status);

#endif
