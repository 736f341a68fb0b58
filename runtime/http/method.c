/* The table of methods; see method.h. */
#include "http/method.h"

static const rl_slice names[] = {
#define X(name, text) {text, sizeof(text) - 1},
    RL_METHOD_MAP(X)
#undef X
};

rl_method rl_method_of(rl_slice name) {
  for (int i = 0; i < RL_METHOD_COUNT; i++)
    if (names[i].len == name.len && memcmp(names[i].data, name.data, name.len) == 0) return (rl_method)i;
  return RL_METHOD_NONE;
}

rl_slice rl_method_name(rl_method method) { return method < RL_METHOD_COUNT ? names[method] : RL_SLICE(""); }
