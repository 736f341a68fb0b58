/* `out` of a streamed response: out:write(s) returns when the client has taken enough that more may follow. */
#include "base/error.h"
#include "vm/bind/bind.h"
#include "vm/serve.h"

enum { PIECE = 64 << 10 };

void rl_out_push(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, "rille.out");
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
}

static rl_serving *check_out(lua_State *L) {
  luaL_checkudata(L, 1, "rille.out");
  lua_getiuservalue(L, 1, 1);
  rl_serving *serving = *(rl_serving **)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (!serving) luaL_error(L, "this response has ended");
  return serving;
}

static int write_from(lua_State *L, size_t done);

static int write_k(lua_State *L, int status, lua_KContext done) {
  (void)status;
  return write_from(L, (size_t)done);
}

static int raise_write_error(lua_State *L, int code) {
  if (code == RL_ETOOBIG) return luaL_error(L, "more was written than the length that was announced");
  return rl_error_raise(L, RL_ECANCELLED, "cancelled: the client has gone");
}

/* What is left of the string at index 2, piece by piece. */
static int write_from(lua_State *L, size_t done) {
  rl_serving *s = check_out(L);
  rl_slice all = rl_check_slice(L, 2);
  while (done < all.len) {
    size_t piece = all.len - done < PIECE ? all.len - done : PIECE;
    int code = s->gone ? RL_ERESET : s->req->ops->write(s->req, rl_slice_of(all.data + done, piece));
    done += piece;
    if (code == RL_EAGAIN) {
      s->awaits = RL_AWAITS_DRAIN;
      return rl_task_wait(L, "the client to take the response", NULL, NULL, write_k, (lua_KContext)done);
    }
    if (code) return raise_write_error(L, code);
  }
  lua_settop(L, 1);
  return 1;
}

/* out:write(s) -> out */
static int out_write(lua_State *L) {
  rl_serving *s = check_out(L);
  luaL_checkstring(L, 2);
  if (rl_task_may_wait(L, "out:write") != s->task)
    return luaL_error(L, "a response is written by the task of its request only");
  return write_from(L, 0);
}

static const luaL_Reg methods[] = {{"write", out_write}, {NULL, NULL}};

void rl_bind_out(lua_State *L) {
  luaL_newmetatable(L, "rille.out");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
