/*
 * Reads the bytes that a server has sent, as strictly as a wary client would, one answer at a time.
 */
#ifndef CTESTS_SUPPORT_ANSWERS_H
#define CTESTS_SUPPORT_ANSWERS_H

#include "base/buf.h"

typedef struct seen_answer {
  int status;
  rl_slice head; /* the fields, each with its CR LF; borrowed from the bytes */
  rl_buf body;   /* decoded */
  bool complete; /* all of the body was there */
} seen_answer;

/* Cuts the next answer off the front of `rest`. Returns NULL, or what is wrong with it (static). `head_only`: it answers HEAD. A
 * body without a length extends to the end. The caller frees answer->body, after an error too. */
const char *seen_answer_next(rl_slice *rest, bool head_only, seen_answer *answer);
/* Returns how many fields have that name. *value is the first one's. */
size_t seen_answer_field(const seen_answer *answer, const char *name, rl_slice *value);

#endif
