/*
 * Heads of responses as nghttp2 takes them (RFC 9113 section 8.3.2): ":status" first, names in lower case, no fields of the
 * connection (rl_resp_check has refused those of a handler).
 */
#ifndef RL_HTTP_H2_WRITE_H
#define RL_HTTP_H2_WRITE_H

#include <nghttp2/nghttp2.h>

#include "http/response.h"

/* Numbers of a head as text. */
typedef struct rl_h2_digits {
  char status[3], length[20];
} rl_h2_digits;

/* Submits the head. `body` is where its body comes from; NULL: there is none, and the head ends the stream. `lasts`: names, values,
 * `date` and `digits` stay where they are until nghttp2 has made a frame of them, so it need not copy them. 0, RL_ENOMEM or
 * RL_ERESET. */
int rl_h2_write_head(nghttp2_session *session, int32_t stream, const rl_resp *resp, const rl_framing *framing,
                     const char *date, const nghttp2_data_provider *body, rl_h2_digits *digits, bool lasts);
/* Submits trailers, copied, which end the stream. */
int rl_h2_write_trailers(nghttp2_session *session, int32_t stream, const rl_header *trailers, size_t count);
/* Submits an informational head, copied (RFC 9110 section 15.2). */
int rl_h2_write_informational(nghttp2_session *session, int32_t stream, int status, const rl_header *headers,
                              size_t count);
/* 0, RL_ENOMEM or RL_ERESET for what nghttp2 returns. */
int rl_h2_code_of(int nghttp2_code);

#endif
