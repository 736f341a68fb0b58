/* What the parts of the encoder share; see json_encoder.h. */
#include "bind/core/json_encoder.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "bind/bind.h"

void rl__json_fail(rl_json_encoder *e, int code) {
  if (code == RL_EUTF8) luaL_error(e->L, "cannot encode a string that is not UTF-8 as JSON");
  if (code == RL_EINVALID) luaL_error(e->L, "cannot encode NaN or an infinity as JSON");
  rl_error_raise(e->L, code, NULL);
}

void rl__json_forget(rl_json_encoder *e) { e->plain = NULL; }

void rl__json_check_key(rl_json_encoder *e) {
  if (lua_type(e->L, -2) == LUA_TSTRING) return;
  luaL_error(e->L, "cannot encode a table as JSON: key %s is neither a string nor the next of a list",
             luaL_tolstring(e->L, -2, NULL));
}

void rl__json_write_key(rl_json_encoder *e, rl_slice key) {
  rl__json_check(e, rl_json_write_string(e->out, key));
  rl__json_put(e, ':');
}

int rl__json_compare(const rl_slice *x, const rl_slice *y) {
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}
