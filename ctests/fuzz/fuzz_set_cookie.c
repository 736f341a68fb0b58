/* Set-Cookie fields: slices stay inside the field, bounds hold, and what was cut, put together, is cut in the same way. */
#include "client/set_cookie.h"

#include "base/limits.h"
#include "client/suffix.h"
#include "fuzz/fuzz.h"
#include "http/header.h"

static void check_inside(rl_slice part, rl_slice whole) {
  HOLDS(!part.len || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
  HOLDS(!part.len || rl_slice_eq(part, rl_slice_trim(part)));
  HOLDS(!memchr(part.data, ';', part.len));
}

static void check_pair(rl_slice name, rl_slice value) {
  rl_buf text;
  rl_set_cookie again;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&text, name);
  rl_buf_add_char(&text, '=');
  rl_buf_add_slice(&text, value);
  HOLDS(rl_set_cookie_cut(rl_buf_slice(&text), &again));
  HOLDS(rl_slice_eq(again.name, name) && rl_slice_eq(again.value, value) && !again.rest.len);
  rl_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size + 1);
  rl_slice field = rl_slice_of(copy, size), value;
  rl_set_cookie cookie;
  const char *name;
  memcpy(copy, data, size);
  if (rl_set_cookie_cut(field, &cookie)) {
    HOLDS(rl_header_value_is_safe(field));
    check_inside(cookie.name, field);
    check_inside(cookie.value, field);
    HOLDS(cookie.name.len + cookie.value.len > 0 && cookie.name.len + cookie.value.len <= RL_LIMIT_COOKIE);
    HOLDS(!memchr(cookie.name.data, '=', cookie.name.len));
    check_pair(cookie.name, cookie.value);
    while (rl_set_cookie_next(&cookie, &name, &value)) {
      check_inside(value, field);
      HOLDS(value.len <= RL_LIMIT_COOKIE_ATTRIBUTE);
      if (strcmp(name, "domain") == 0) rl_suffix_is_public(value);
    }
  }
  free(copy);
  return 0;
}
