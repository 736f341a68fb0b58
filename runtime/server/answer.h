/*
 * Answers of the server's own, without a program: one line of text that echoes nothing.
 */
#ifndef RL_SERVER_ANSWER_H
#define RL_SERVER_ANSWER_H

#include "http/response.h"

/* Sends a plain-text answer and releases the request. */
void rl_answer_plain(rl_req *req, int status, const rl_header *headers, size_t count);
/* The same with another text than that of the status: "421: not here". */
void rl_answer_text(rl_req *req, int status, const char *text, const rl_header *headers, size_t count);

#endif
