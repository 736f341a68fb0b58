/*
 * Conditional requests (RFC 9110 section 13): decides whether to send a representation with these validators.
 *
 *   If-Match (strong) else If-Unmodified-Since  ->  412
 *   If-None-Match (weak) else If-Modified-Since ->  304 for GET and HEAD, else 412
 *   If-Range                                    ->  whether a Range may be honoured
 */
#ifndef RL_HTTP_CONDITIONAL_H
#define RL_HTTP_CONDITIONAL_H

#include "http/request.h"

/* `etag` as in the header ("…" or W/"…"), or empty; `modified` in seconds since 1970, or -1. Returns 0 (go on), 304 or 412. */
int rl_conditional(const rl_req *req, rl_slice etag, int64_t modified);
/* Returns true if the Range header of the request counts: there is no If-Range, or it names this representation. */
bool rl_range_applies(const rl_req *req, rl_slice etag, int64_t modified);

#endif
