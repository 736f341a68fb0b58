/* Forms, multipart bodies, cookies and Accept for Lua: the pure parsers of http/. See lua/rille/form.lua. */
#include "http/form.h"
#include "base/ascii.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "http/accept.h"
#include "http/cookie.h"
#include "http/multipart.h"
#include "vm/owner.h"

/* ---- urlencoded ------------------------------------------------------------------------------------------------------------- */

static int form_free(lua_State *L) {
  rl_form_free(lua_touserdata(L, 1));
  return 0;
}

static RL_RAISES int raise_form_error(lua_State *L, int code) {
  switch (code) {
    case RL_ETOOBIG: rl_error_raise(L, code, "the form has more than %u fields", RL_LIMIT_FORM_FIELDS);
    case RL_EUTF8: rl_error_raise(L, code, "the form is not UTF-8");
    case RL_ENOMEM: rl_error_raise(L, code, NULL);
    default: rl_error_raise(L, code, "the form is malformed: a bad escape, or NUL");
  }
}

/* form_decode(body, utf8) -> {name, value, name, value …} */
static int l_form_decode(lua_State *L) {
  rl_slice body = rl_check_slice(L, 1), name, value;
  rl_form *form = lua_newuserdatauv(L, sizeof *form, 0); /* its __gc frees what a raise would leave */
  rl_form_init(form, body, RL_LIMIT_FORM_FIELDS, lua_toboolean(L, 2));
  luaL_setmetatable(L, "rille.form_decoder");
  lua_newtable(L);
  int code;
  for (lua_Integer i = 1; (code = rl_form_next(form, &name, &value)) == 1; i += 2) {
    rl_push_slice(L, name);
    lua_rawseti(L, -2, i);
    rl_push_slice(L, value);
    lua_rawseti(L, -2, i + 1);
  }
  if (code) return raise_form_error(L, code);
  rl_form_free(form);
  return 1;
}

/* ---- multipart --------------------------------------------------------------------------------------------------------------- */

/* User value 1: the chunk that is being parsed; `in` points into it. */
typedef struct multipart_box {
  rl_multipart multipart;
  const char *chunk;
  rl_slice in;
  int failed; /* an error ends it. While an event has not reached Lua: the one that keeps it from doing so */
} multipart_box;

static multipart_box *check_multipart(lua_State *L) {
  multipart_box *box = luaL_checkudata(L, 1, "rille.multipart");
  if (box->failed) rl_error_raise(L, box->failed, "this body could not be read before, and what was lost is lost");
  return box;
}

static int multipart_gc(lua_State *L) {
  rl_multipart_free(&((multipart_box *)lua_touserdata(L, 1))->multipart);
  return 0;
}

static RL_RAISES int raise_multipart_error(lua_State *L, int code, const char *why) {
  rl_error_raise(L, code, "%s", why ? why : rl_error_text(code));
}

/* multipart(content_type) -> parser; raises where it is not multipart or has no valid boundary */
static int l_multipart(lua_State *L) {
  rl_slice content_type = rl_check_slice(L, 1);
  multipart_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  memset(box, 0, sizeof *box);
  int code = rl_multipart_init(&box->multipart, content_type, RL_LIMIT_FORM_PARTS);
  luaL_setmetatable(L, "rille.multipart");
  if (code) return raise_multipart_error(L, code, box->multipart.why);
  return 1;
}

/* parser:feed(chunk): what next() works on; the one before must be used up */
static int l_feed(lua_State *L) {
  multipart_box *box = check_multipart(L);
  box->in = rl_check_slice(L, 2);
  box->chunk = box->in.data;
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

static void set_string(lua_State *L, const char *key, rl_slice value) {
  rl_push_slice(L, value);
  lua_setfield(L, -2, key);
}

static void push_fields(lua_State *L, const rl_multipart *m) {
  lua_createtable(L, 0, (int)m->field_count);
  for (size_t i = 0; i < m->field_count; i++) {
    char name[64];
    rl_slice from = m->fields[i].name;
    size_t len = from.len < sizeof name ? from.len : sizeof name;
    for (size_t c = 0; c < len; c++) name[c] = rl_lower(from.data[c]);
    lua_pushlstring(L, name, len);
    rl_push_slice(L, m->fields[i].value);
    lua_rawset(L, -3);
  }
}

static void push_safe_name(lua_State *L, rl_slice raw) {
  rl_buf *scratch = rl_scratch_push(L);
  rl_scratch_result(L, scratch, rl_filename_make_safe(raw, scratch));
  lua_remove(L, -2); /* its owner */
}

/* Pushes {headers, name, content_type, filename, raw_filename, form_data}. */
static void push_part(lua_State *L, multipart_box *box) {
  rl_multipart *m = &box->multipart;
  rl_part part;
  lua_createtable(L, 0, 6);
  push_fields(L, m); /* before the description takes escapes off in place */
  lua_setfield(L, -2, "headers");
  int code = rl_multipart_describe(m, &part);
  if (code) box->failed = code, raise_multipart_error(L, code, m->why);
  if (part.has_name) set_string(L, "name", part.name);
  if (part.content_type.len) set_string(L, "content_type", part.content_type);
  lua_pushboolean(L, part.is_form_data);
  lua_setfield(L, -2, "form_data");
  if (!part.is_file) return;
  set_string(L, "raw_filename", part.filename);
  push_safe_name(L, part.filename);
  lua_setfield(L, -2, "filename");
}

/* The data of the event, as a string and the positions of it: the chunk itself where it stands there. */
static int push_data(lua_State *L, const multipart_box *box) {
  rl_slice data = box->multipart.data;
  rl_slice used = rl_slice_of(box->chunk, (size_t)(box->in.data - box->chunk) + box->in.len);
  lua_pushliteral(L, "data");
  if (data.data >= used.data && data.data + data.len <= used.data + used.len) {
    lua_getiuservalue(L, 1, 1);
    lua_pushinteger(L, data.data - used.data + 1);
    lua_pushinteger(L, data.data - used.data + (lua_Integer)data.len);
  } else { /* a piece of a delimiter that was none */
    rl_push_slice(L, data);
    lua_pushinteger(L, 1);
    lua_pushinteger(L, (lua_Integer)data.len);
  }
  return 4;
}

static int push_event(lua_State *L, multipart_box *box, int event) {
  switch (event) {
    case RL_MULTIPART_PART:
      lua_pushliteral(L, "part");
      push_part(L, box);
      return 2;
    case RL_MULTIPART_DATA: return push_data(L, box);
    case RL_MULTIPART_PART_END: lua_pushliteral(L, "end_part"); return 1;
    case RL_MULTIPART_END: lua_pushliteral(L, "end"); return 1;
    default: lua_pushnil(L); return 1; /* RL_MULTIPART_MORE */
  }
}

/* parser:next() -> nil (feed it) | "part", part | "data", string, i, j | "end_part" | "end" */
static int l_next(lua_State *L) {
  multipart_box *box = check_multipart(L);
  lua_settop(L, 1);
  int event = rl_multipart_next(&box->multipart, &box->in);
  if (event < 0) return raise_multipart_error(L, event, box->multipart.why);
  box->failed = RL_ENOMEM;
  int count = push_event(L, box, event);
  box->failed = RL_OK;
  return count;
}

/* parser:finish(): raises where the body was cut off */
static int l_finish(lua_State *L) {
  multipart_box *box = check_multipart(L);
  int code = rl_multipart_finish(&box->multipart);
  return code ? raise_multipart_error(L, code, box->multipart.why) : 0;
}

/* ---- headers ------------------------------------------------------------------------------------------------------------------- */

/* cookies(header) -> {name = value}: the first of a name counts; of a __Host- or __Secure- name that comes twice, none */
static int l_cookies(lua_State *L) {
  rl_slice rest = rl_check_slice(L, 1), name, value;
  lua_newtable(L);
  lua_newtable(L); /* prefixed names that came twice */
  for (unsigned count = 0; count < RL_LIMIT_COOKIES && rl_cookie_next(&rest, &name, &value); count++) {
    rl_push_slice(L, name);
    lua_pushvalue(L, -1);
    bool seen = lua_rawget(L, 2) != LUA_TNIL;
    lua_pop(L, 1);
    if (seen && rl_cookie_is_prefixed(name)) {
      lua_pushboolean(L, 1);
      lua_rawset(L, 3);
    } else if (!seen) {
      rl_push_slice(L, value);
      lua_rawset(L, 2);
    } else {
      lua_pop(L, 1);
    }
  }
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 2);
  return 1;
}

/* accept_quality(accept, type) -> 0 to 1000 */
static int l_accept_quality(lua_State *L) {
  lua_pushinteger(L, rl_accept_quality(rl_check_slice(L, 1), rl_check_slice(L, 2)));
  return 1;
}

/* filename_safe(name) -> a name for a file, see http/multipart.h */
static int l_filename_safe(lua_State *L) {
  push_safe_name(L, rl_check_slice(L, 1));
  return 1;
}

static const luaL_Reg functions[] = {{"form_decode", l_form_decode},       {"filename_safe", l_filename_safe},
                                     {"multipart", l_multipart},           {"cookies", l_cookies},
                                     {"accept_quality", l_accept_quality}, {NULL, NULL}};

static const luaL_Reg multipart_methods[] = {{"feed", l_feed}, {"next", l_next}, {"finish", l_finish}, {NULL, NULL}};

void rl_bind_form(lua_State *L) {
  rl_new_metatable(L, "rille.form_decoder");
  lua_pushcfunction(L, form_free);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_new_metatable(L, "rille.multipart");
  luaL_newlib(L, multipart_methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, multipart_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_pushinteger(L, RL_LIMIT_SPOOL);
  lua_setfield(L, -2, "limit_spool");
  lua_pushinteger(L, RL_LIMIT_FORM_TEXT);
  lua_setfield(L, -2, "limit_form_text");
  lua_pushinteger(L, RL_LIMIT_FORM_FIELDS);
  lua_setfield(L, -2, "limit_form_fields");
  luaL_setfuncs(L, functions, 0);
}
