/*
 * One Set-Cookie field, cut as RFC 6265bis section 5.6 says.
 *
 *   sid=31d4; Path=/; Secure; HttpOnly; Max-Age=3600
 *   name value ---- attributes, in their order: what they mean and which of two counts is for the jar to say
 *
 *   no '='          the whole is the value, of a cookie without a name
 *   ignored whole   with a control character in it; name and value longer than RL_LIMIT_COOKIE together; both empty; a cookie
 *                   without a name that a server would read as one with __Host- or __Secure- in front
 *   ignored         attributes that nobody knows, and those longer than RL_LIMIT_COOKIE_ATTRIBUTE
 *
 * Pure and linear; slices of the field.
 */
#ifndef RL_CLIENT_SET_COOKIE_H
#define RL_CLIENT_SET_COOKIE_H

#include <stdbool.h>

#include "base/slice.h"

typedef struct rl_set_cookie {
  rl_slice name, value, rest; /* rest: the attributes that have not been asked for */
} rl_set_cookie;

/* False where it is ignored. */
bool rl_set_cookie_cut(rl_slice field, rl_set_cookie *cookie);
/* The next attribute: its name in lower case, static, and its value. False at the end. */
bool rl_set_cookie_next(rl_set_cookie *cookie, const char **name, rl_slice *value);

#endif
