/* Set-Cookie; see set_cookie.h. */
#include "client/set_cookie.h"

#include "base/limits.h"
#include "http/cookie.h"
#include "http/header.h"

/* Cuts the text up to `c` off the front, without it. */
static rl_slice cut(rl_slice *rest, char c) {
  size_t end = rl_slice_find(*rest, c, 0), skip = end < rest->len ? end + 1 : end;
  rl_slice front = rl_slice_of(rest->data, end);
  rl_slice_skip(rest, skip);
  return front;
}

static bool has_equals(rl_slice text) { return rl_slice_find(text, '=', 0) < text.len; }

bool rl_set_cookie_cut(rl_slice field, rl_set_cookie *cookie) {
  if (!rl_header_value_is_safe(field)) return false;
  cookie->rest = field;
  rl_slice pair = cut(&cookie->rest, ';');
  cookie->name = has_equals(pair) ? rl_slice_trim(cut(&pair, '=')) : RL_SLICE("");
  cookie->value = rl_slice_trim(pair);
  if (cookie->name.len + cookie->value.len > RL_LIMIT_COOKIE) return false;
  if (!cookie->name.len) return cookie->value.len && !rl_cookie_is_prefixed(cookie->value);
  return true;
}

static const char *known(rl_slice name) {
  static const char *const names[] = {"expires", "max-age", "domain", "path", "secure", "httponly", "samesite"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (rl_slice_eq_nocase(name, rl_slice_str(names[i]))) return names[i];
  return NULL;
}

bool rl_set_cookie_next(rl_set_cookie *cookie, const char **name, rl_slice *value) {
  while (cookie->rest.len) {
    rl_slice text = cut(&cookie->rest, ';');
    *name = known(rl_slice_trim(cut(&text, '=')));
    *value = rl_slice_trim(text);
    if (*name && value->len <= RL_LIMIT_COOKIE_ATTRIBUTE) return true;
  }
  return false;
}
