/* What lua/rille/acme/ tells the certificates of the process (net/tls/store.h). Only the state that keeps them has any. */
#include "app/main.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "crypto/digest.h"
#include "crypto/pem.h"
#include "net/tls/store.h"
#include "vm/owner.h"

static rl_tls_store *store_of(lua_State *L) {
  rl_tls_store *store = rl_main_of(L)->certificates;
  if (!store) luaL_error(L, "this state keeps no certificates");
  return store;
}

/* acme_reload() -> true | nil, what is wrong, one line for each pair */
static int l_acme_reload(lua_State *L) {
  rl_tls_store *store = store_of(L);
  rl_buf *why = rl_scratch_push(L);
  int code = rl_tls_store_reload(store, why);
  if (!code) return rl_scratch_give(why), lua_pushboolean(L, 1), 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  if (!why->len) rl_buf_add_str(why, rl_error_text(code));
  rl_scratch_result(L, why, RL_OK);
  lua_remove(L, -2);
  return 2;
}

static rl_buf *push_der(lua_State *L, int index, const char *label) {
  rl_slice text = rl_check_slice(L, index);
  rl_buf *der = rl_scratch_push(L);
  if (rl_pem_next(&text, label, der)) luaL_argerror(L, index, "no PEM");
  return der;
}

/* acme_set_challenge(name, certificate, key) -> true | nil, what is wrong */
static int l_acme_set_challenge(lua_State *L) {
  rl_tls_store *store = store_of(L);
  rl_slice name = rl_check_slice(L, 1);
  rl_buf *certificate = push_der(L, 2, RL_PEM_CERTIFICATE), *key = push_der(L, 3, RL_PEM_KEY);
  int code = rl_tls_store_set_challenge(store, name, rl_buf_slice(certificate), rl_buf_slice(key));
  rl_wipe(key->data, key->len);
  rl_scratch_give(key);
  rl_scratch_give(certificate);
  if (!code) return lua_pushboolean(L, 1), 1;
  lua_pushnil(L);
  lua_pushstring(L, rl_error_text(code));
  return 2;
}

/* acme_clear_challenge(name) */
static int l_acme_clear_challenge(lua_State *L) {
  rl_tls_store_clear_challenge(store_of(L), rl_check_slice(L, 1));
  return 0;
}

static const luaL_Reg functions[] = {{"acme_reload", l_acme_reload},
                                     {"acme_set_challenge", l_acme_set_challenge},
                                     {"acme_clear_challenge", l_acme_clear_challenge},
                                     {NULL, NULL}};

void rl_bind_acme(lua_State *L) { luaL_setfuncs(L, functions, 0); }
