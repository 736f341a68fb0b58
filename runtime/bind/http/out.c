/* `out` of a streamed response: out:write(s) returns when the client has taken enough that more may follow; out:trailer. */
#include "app/serving.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"

enum { PIECE = 64 << 10, TRAILERS = 32 };

static rl_serving *check_out(lua_State *L) {
  luaL_checkudata(L, 1, "rille.out");
  lua_getiuservalue(L, 1, 1);
  rl_serving *serving = *(rl_serving **)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (!serving) rl_error_mistake(L, "this response has ended");
  return serving;
}

static int write_from(lua_State *L, size_t done);

static int write_k(lua_State *L, int status, lua_KContext done) {
  (void)status;
  return write_from(L, (size_t)done);
}

static RL_RAISES int raise_write_error(lua_State *L, int code) {
  if (code == RL_ETOOBIG) luaL_error(L, "more was written than the length that was announced");
  rl_error_raise(L, RL_ECANCELLED, "cancelled: the client has gone");
}

/* What is left of the string at index 2, piece by piece. */
static int write_from(lua_State *L, size_t done) {
  rl_serving *s = check_out(L);
  rl_slice all = rl_check_slice(L, 2);
  while (done < all.len) {
    size_t piece = all.len - done < PIECE ? all.len - done : PIECE;
    int code = s->gone ? RL_ERESET : s->req->ops->write(s->req, rl_slice_of(all.data + done, piece));
    done += piece;
    if (code == RL_EAGAIN) return rl_serving_wait_drain(L, s, write_k, (lua_KContext)done);
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
    return rl_error_mistake(L, "a response is written by the task of its request only");
  if (s->clogged && !s->gone) return rl_serving_wait_drain(L, s, write_k, 0); /* a write before was cancelled */
  return write_from(L, 0);
}

/* Room for one more, and the strings that it will hold; NULL where memory is short. */
static rl_header *add_trailer(rl_serving *s) {
  rl_arena *arena = &s->req->arena;
  if (!s->trailers) s->trailers = rl_arena_alloc(arena, TRAILERS * sizeof *s->trailers);
  return s->trailers ? &s->trailers[s->trailer_count] : NULL;
}

/* out:trailer(name, value) -> out: a field behind the body. Dropped where the response is not chunked (HTTP/1.0), as RFC 9110
 * section 6.5 allows. Names that mean something in a head are refused (section 6.5.1). */
static int out_trailer(lua_State *L) {
  rl_serving *s = check_out(L);
  rl_slice name = rl_check_slice(L, 2), value = rl_check_slice(L, 3);
  if (!rl_header_name_is_safe(name)) return luaL_error(L, "trailer: the name is not a token");
  if (!rl_header_value_is_safe(value))
    return luaL_error(L, "trailer '%s': the value holds a control character", name.data);
  if (rl_header_id_of(name) != RL_HEADER_OTHER)
    return luaL_error(L, "'%s' means something in a head and cannot be a trailer", name.data);
  if (s->trailer_count == TRAILERS) return luaL_error(L, "more than %d trailers", TRAILERS);
  rl_header *trailer = add_trailer(s);
  if (!trailer) return rl_error_raise(L, RL_ENOMEM, NULL);
  *trailer = (rl_header){.name = rl_arena_copy(&s->req->arena, name), .value = rl_arena_copy(&s->req->arena, value)};
  if (!trailer->name.data || !trailer->value.data) return rl_error_raise(L, RL_ENOMEM, NULL);
  s->trailer_count++;
  lua_settop(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {{"write", out_write}, {"trailer", out_trailer}, {NULL, NULL}};

void rl_bind_out(lua_State *L) {
  rl_new_metatable(L, "rille.out");
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "out_methods"); /* for lua/rille/names.lua */
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
