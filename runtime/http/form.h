/*
 * Forms as browsers send them by default: application/x-www-form-urlencoded (WHATWG URL section 5), stricter than there: a
 * bad escape, NUL or ill-formed UTF-8 is an error, and so is one field too many, before the rest is looked at.
 */
#ifndef RL_HTTP_FORM_H
#define RL_HTTP_FORM_H

#include "base/buf.h"

typedef struct rl_form {
  rl_slice rest;       /* of the body; borrowed as long as the form */
  size_t fields, most; /* seen, and how many may be */
  bool utf8;           /* names and values must be; else they are of another charset, for the caller to turn */
  rl_buf pair;         /* the field under way, decoded */
} rl_form;

void rl_form_init(rl_form *form, rl_slice body, size_t most, bool utf8);
void rl_form_free(rl_form *form);
/* The next field, decoded; both borrowed until the next call. 1, 0 at the end, or RL_ESYNTAX, RL_EUTF8, RL_ETOOBIG,
 * RL_ENOMEM. */
int rl_form_next(rl_form *form, rl_slice *name, rl_slice *value);

#endif
