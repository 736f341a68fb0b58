/*
 * Responses as Lua values; see answer.h.
 *
 *   what a handler returned --rl_res_from_results--> rl_res --rl_res_fill--> rl_resp, borrowed from it, for the protocol
 */
#include "app/answer.h"

#include <string.h>

#include "base/error.h"
#include "base/url.h"
#include "http/status.h"
#include "vm/frames.h"

static rl_slice text_at(lua_State *L, int index) {
  size_t len;
  const char *text = lua_tolstring(L, index, &len);
  return rl_slice_of(text, len);
}

rl_res *rl_res_at(lua_State *L, int index) {
  bool is_one = lua_type(L, index) == LUA_TUSERDATA && rl_vm_has_meta(L, index, RL_REF_RESPONSE_META);
  return is_one ? lua_touserdata(L, index) : NULL;
}

rl_res *rl_res_push(lua_State *L, int status, const char *content_type, int kind) {
  rl_res *res = lua_newuserdatauv(L, sizeof *res, 2);
  *res = (rl_res){.status = status, .kind = (uint8_t)kind, .content_type = content_type};
  rl_vm_push_ref(L, RL_REF_RESPONSE_META);
  lua_setmetatable(L, -2);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  return res;
}

/* ---- from what a handler returns -------------------------------------------------------------------------------------------- */

/* Relies on a convention: a function of the Lua library that wraps another keeps it as an upvalue named `inner`. A link of a
 * chain (bind/http/chain.c) is a C function, whose upvalues have no names, and keeps it as its first. */
void rl_returned_unwrap(lua_State *L) {
  lua_Debug ar;
  for (int depth = 0; depth < 100; depth++) {
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &ar);
    if (rl_frames_is_program(&ar)) return;
    const char *name = NULL;
    int i = 1;
    while ((name = lua_getupvalue(L, -1, i++)) && *name && strcmp(name, "inner") != 0) lua_pop(L, 1);
    if (!name) return;
    if (!lua_isfunction(L, -1)) {
      lua_pop(L, 1);
      return;
    }
    lua_replace(L, -2);
  }
}

const char *rl_returned_push_place(lua_State *L, const rl_returned *from) {
  lua_Debug ar;
  if (from->push) from->push(L, from->of);
  else lua_pushvalue(L, from->function);
  if (!lua_isfunction(L, -1)) return lua_pushliteral(L, "");
  rl_returned_unwrap(L);
  lua_getinfo(L, ">S", &ar);
  if (*ar.source != '@') return lua_pushliteral(L, "");
  const char *file = ar.source + 1, *root = rl_vm_of(L)->root;
  size_t len = strlen(root);
  if (strncmp(file, root, len) == 0 && file[len] == '/') file += len + 1;
  return lua_pushfstring(L, "%s:%d: ", file, ar.linedefined);
}

/* Raises "app/posts.lua:12: the handler of GET / returned WHAT". */
static RL_RAISES void refuse_results(lua_State *L, const rl_returned *from, const char *what) {
  const char *place = rl_returned_push_place(L, from);
  lua_pushfstring(L, "%s%s %s returned %s", place, from->who, from->label, what);
  lua_error(L);
}

static void set_status(lua_State *L, rl_res *res, int index, const rl_returned *from) {
  lua_Integer status = lua_isinteger(L, index) ? lua_tointeger(L, index) : 0;
  if (status < 200 || status > 599)
    refuse_results(L, from,
                   lua_pushfstring(L, "%s as the status: an integer from 200 to 599 was expected",
                                   luaL_tolstring(L, index, NULL)));
  res->status = (int)status;
}

/* Returns a hint for what the handler or middleware probably meant to return; begins with "; ". */
static const char *meant_by(lua_State *L, int index, const rl_returned *from) {
  switch (index ? lua_type(L, index) : LUA_TNONE) {
    case LUA_TTABLE: return "; rille.json(value) makes one of a table";
    case LUA_TNUMBER: return "; rille.empty(status) answers with a status alone, rille.abort(status) ends a request";
    case LUA_TNIL: return "; rille.empty(status) answers with a status alone";
    case LUA_TFUNCTION: return "; rille.stream(content_type, function(out) … end) sends what it writes";
    default: return strncmp(from->who, "a middleware", 12) == 0 ? ", such as handler(req) returns" : "";
  }
}

void rl_res_from_results(lua_State *L, int count, const rl_returned *from) {
  int first = lua_gettop(L) - count + 1;
  if (count == 0 || (count == 1 && lua_isnil(L, first)))
    refuse_results(L, from, lua_pushfstring(L, "nothing: return a string or a response%s", meant_by(L, 0, from)));
  if (count > 2) refuse_results(L, from, lua_pushfstring(L, "%d values: a body and a status at most", count));
  rl_res *res = rl_res_at(L, first);
  if (!res && lua_type(L, first) != LUA_TSTRING)
    refuse_results(
        L, from,
        lua_pushfstring(L, "a %s: return a string or a response%s", luaL_typename(L, first), meant_by(L, first, from)));
  if (!res) {
    lua_pushvalue(L, first);
    res = rl_res_push(L, 200, "text/plain; charset=utf-8", RL_RES_BYTES);
    lua_replace(L, first);
  }
  if (count == 2 && !lua_isnil(L, first + 1)) set_status(L, res, first + 1, from);
  lua_settop(L, first);
}

/* ---- headers ------------------------------------------------------------------------------------------------------------------- */

void rl_res_push_headers(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (lua_getiuservalue(L, index, 2) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 4, 0);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, index, 2);
}

/* Pushes the value at `index` as the target of a redirect. Bytes that a URI reference may not contain are encoded (RFC 9110
 * section 10.2.2), because proxies and browsers differ in how they read them. */
static void push_reference(lua_State *L, int index) {
  rl_slice s = text_at(L, index);
  size_t most = 3 * s.len;
  luaL_Buffer b;
  char *room = luaL_buffinitsize(L, &b, most);
  rl_buf out = {.data = room, .cap = most, .limit = most}; /* it never grows */
  rl_url_encode_reference(&out, s);
  luaL_pushresultsize(&b, out.len);
}

void rl_res_append_header(lua_State *L, int name_index, int value_index) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  lua_pushvalue(L, name_index);
  lua_rawseti(L, -2, count + 1);
  if (rl_header_id_of(text_at(L, name_index)) == RL_HEADER_LOCATION) push_reference(L, value_index);
  else lua_pushvalue(L, value_index);
  lua_tostring(L, -1); /* a number becomes a string here, not in the caller's variable */
  lua_rawseti(L, -2, count + 2);
}

void rl_res_add_header(lua_State *L, const char *name, rl_slice value) {
  int res = lua_gettop(L);
  lua_pushstring(L, name);
  lua_pushlstring(L, value.data, value.len);
  rl_res_push_headers(L, res);
  rl_res_append_header(L, res + 1, res + 2);
  lua_settop(L, res);
}

/* ---- to the wire -------------------------------------------------------------------------------------------------------------- */

bool rl_res_read_length(rl_slice value, uint64_t *out) {
  unsigned long long length;
  if (rl_slice_to_u64(value, &length) || length > INT64_MAX) return false;
  *out = length;
  return true;
}

/* Fills the headers of `resp` from the list on top of the stack. A Content-Length becomes resp->length instead of a header,
 * because the protocol frames the body. */
static int fill_headers(lua_State *L, rl_resp *resp, rl_arena *arena) {
  lua_Unsigned pairs = lua_rawlen(L, -1) / 2, count = 0;
  rl_header *headers = rl_arena_alloc(arena, (pairs + 1) * sizeof *headers);
  if (!headers) return RL_ENOMEM;
  for (lua_Unsigned i = 0; i < pairs; i++) {
    rl_header *h = &headers[count];
    lua_rawgeti(L, -1, (lua_Integer)(2 * i + 1));
    lua_rawgeti(L, -2, (lua_Integer)(2 * i + 2));
    h->name.data = lua_tolstring(L, -2, &h->name.len); /* anchored by the list */
    h->value.data = lua_tolstring(L, -1, &h->value.len);
    h->id = (uint8_t)rl_header_id_of(h->name);
    if (h->id == RL_HEADER_CONTENT_TYPE) resp->content_type = RL_SLICE_NONE;
    if (h->id == RL_HEADER_CONTENT_LENGTH) resp->has_length = rl_res_read_length(h->value, &resp->length);
    else count++;
    lua_pop(L, 2);
  }
  resp->headers = headers;
  resp->header_count = count;
  return RL_OK;
}

int rl_res_fill(lua_State *L, int index, rl_resp *resp, rl_arena *arena) {
  rl_res *res = lua_touserdata(L, index);
  index = lua_absindex(L, index);
  *resp = (rl_resp){.status = res->status, .content_type = rl_slice_str(res->content_type)};
  if (rl_status_is_bodiless(res->status)) resp->content_type = RL_SLICE_NONE;
  lua_getiuservalue(L, index, 1);
  if (res->kind == RL_RES_BYTES) resp->body.data = lua_tolstring(L, -1, &resp->body.len);
  else resp->streamed = res->kind == RL_RES_STREAM;
  lua_getiuservalue(L, index, 2);
  int code = lua_istable(L, -1) ? fill_headers(L, resp, arena) : RL_OK;
  lua_pop(L, 2);
  return code;
}
