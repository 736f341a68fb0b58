/* Cutting the Cookie header; see cookie.h. */
#include "http/cookie.h"

#include "base/ascii.h"

static bool name_is_valid(rl_slice name) {
  for (size_t i = 0; i < name.len; i++)
    if ((unsigned char)name.data[i] <= ' ' || name.data[i] == 0x7f) return false;
  return name.len > 0;
}

bool rl_cookie_next(rl_slice *rest, rl_slice *name, rl_slice *value) {
  while (rest->len) {
    size_t end = rl_slice_find(*rest, ';', 0);
    rl_slice pair = rl_slice_of(rest->data, end);
    size_t skip = end < rest->len ? end + 1 : end;
    rest->data += skip;
    rest->len -= skip;
    size_t eq = rl_slice_find(pair, '=', 0);
    if (eq == pair.len) continue;
    *name = rl_slice_trim(rl_slice_of(pair.data, eq));
    *value = rl_slice_trim(rl_slice_of(pair.data + eq + 1, pair.len - eq - 1));
    if (name_is_valid(*name)) return true;
  }
  return false;
}

static bool begins(rl_slice name, rl_slice prefix) {
  return name.len >= prefix.len && rl_slice_eq_nocase(rl_slice_of(name.data, prefix.len), prefix);
}

bool rl_cookie_is_prefixed(rl_slice name) {
  return begins(name, RL_SLICE("__host-")) || begins(name, RL_SLICE("__secure-"));
}
