/*
 * Parameters of a header value: what follows the first ';' of `multipart/form-data; boundary="x y"` or
 * `form-data; name=title` (RFC 9110 section 5.6.6). Pure: slices of the value.
 */
#ifndef RL_HTTP_PARAMS_H
#define RL_HTTP_PARAMS_H

#include <stdbool.h>

#include "base/slice.h"

typedef struct rl_param_value {
  rl_slice name;  /* a token, in the case it was sent */
  rl_slice value; /* without its quotes; escapes inside are still there */
  bool quoted;
} rl_param_value;

/* Returns the value before the first ';', trimmed; `rest` is what follows, for rl_params_next. */
rl_slice rl_params_begin(rl_slice value, rl_slice *rest);
/* Cuts the next parameter off `rest`: 1, 0 at the end, or RL_ESYNTAX (no '=', a name that is no token, a quote that does
 * not close, something after it). */
int rl_params_next(rl_slice *rest, rl_param_value *out);
/* The value of one parameter, in any case: 1, 0 if it is absent, or RL_ESYNTAX, also if it is there twice: two
 * readers could then take different ones. */
int rl_params_find(rl_slice rest, rl_slice name, rl_param_value *out);
/* In place: "\"" and "\\" of a quoted value lose their backslash; any other one stays, because old browsers send paths of
 * Windows as they are. Returns the new length. */
size_t rl_params_unescape(char *value, size_t len);

#endif
