/*
 * Values as bytes; see copy.h.
 *
 *   tag                      nil, true, false, null
 *   tag, payload             numbers; a string's length and bytes
 *   tag, key, value … END    a table, a marked list, an error value
 *   AGAIN, number            a table that was written before; tables count from 1 in the order in which they begin
 *
 * The bytes are read by the process that wrote them, so numbers keep its size and byte order.
 */
#include "vm/copy.h"

#include <string.h>

#include "base/error.h"
#include "vm/error.h"

enum {
  TAG_NIL,
  TAG_FALSE,
  TAG_TRUE,
  TAG_INTEGER,
  TAG_NUMBER,
  TAG_STRING,
  TAG_NULL,
  TAG_TABLE,
  TAG_LIST,
  TAG_ERROR,
  TAG_AGAIN,
  TAG_END
};
enum { DEPTH = 200 };

/* `seen` is the stack index of a table of the tables written so far: table -> number, from 1. */
typedef struct writer {
  lua_State *L;
  rl_buf *out;
  int seen, depth;
  lua_Integer count;
  bool leaves_out; /* skips entries that cannot be copied instead of raising */
} writer;

static void put(writer *w, const void *data, size_t len) {
  if (rl_buf_add(w->out, data, len)) rl_error_raise(w->L, RL_ENOMEM, NULL);
}

static void put_tag(writer *w, int tag) { put(w, &(char){(char)tag}, 1); }

static void write_value(writer *w, int index);

/* Returns true if the table was written before, and writes its number. Else gives it a number. */
static bool write_again(writer *w, int index) {
  lua_State *L = w->L;
  lua_pushvalue(L, index);
  bool again = lua_rawget(L, w->seen) == LUA_TNUMBER;
  lua_Integer number = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (again) {
    put_tag(w, TAG_AGAIN);
    put(w, &number, sizeof number);
    return true;
  }
  lua_pushvalue(L, index);
  lua_pushinteger(L, ++w->count);
  lua_rawset(L, w->seen);
  return false;
}

static int table_tag(lua_State *L, int index) {
  if (rl_error_is(L, index)) return TAG_ERROR;
  return rl_vm_has_meta(L, index, RL_REF_ARRAY_META) ? TAG_LIST : TAG_TABLE;
}

/* Returns true if the value at `index` can be copied. Of a table it checks only the depth, not the contents. */
static bool can_write(const writer *w, int index) {
  switch (lua_type(w->L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: return true;
    case LUA_TTABLE: return w->depth < DEPTH;
    default: return rl_is_null(w->L, index);
  }
}

static void write_table(writer *w, int index) {
  lua_State *L = w->L;
  if (write_again(w, index)) return;
  w->depth++;
  luaL_checkstack(L, 8, "copy");
  put_tag(w, table_tag(L, index));
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (w->leaves_out && (!can_write(w, lua_gettop(L) - 1) || !can_write(w, lua_gettop(L)))) continue;
    write_value(w, lua_gettop(L) - 1);
    write_value(w, lua_gettop(L));
  }
  put_tag(w, TAG_END);
  w->depth--;
}

static void write_number(writer *w, int index) {
  if (lua_isinteger(w->L, index)) {
    lua_Integer integer = lua_tointeger(w->L, index);
    put_tag(w, TAG_INTEGER);
    put(w, &integer, sizeof integer);
  } else {
    lua_Number number = lua_tonumber(w->L, index);
    put_tag(w, TAG_NUMBER);
    put(w, &number, sizeof number);
  }
}

static void write_string(writer *w, int index) {
  size_t len;
  const char *text = lua_tolstring(w->L, index, &len);
  put_tag(w, TAG_STRING);
  put(w, &len, sizeof len);
  put(w, text, len);
}

static RL_RAISES void raise_cannot_write(const writer *w, int index) {
  if (lua_istable(w->L, index)) luaL_error(w->L, "cannot copy a table nested deeper than %d", DEPTH);
  luaL_error(w->L, "cannot copy a %s: plain values only", luaL_typename(w->L, index));
}

static void write_value(writer *w, int index) {
  lua_State *L = w->L;
  if (!can_write(w, index)) raise_cannot_write(w, index);
  switch (lua_type(L, index)) {
    case LUA_TNIL: put_tag(w, TAG_NIL); break;
    case LUA_TBOOLEAN: put_tag(w, lua_toboolean(L, index) ? TAG_TRUE : TAG_FALSE); break;
    case LUA_TNUMBER: write_number(w, index); break;
    case LUA_TSTRING: write_string(w, index); break;
    case LUA_TTABLE: write_table(w, index); break;
    default: put_tag(w, TAG_NULL);
  }
}

static void copy_out(lua_State *L, int index, rl_buf *out, bool leaves_out) {
  index = lua_absindex(L, index);
  lua_newtable(L);
  writer w = {.L = L, .out = out, .seen = lua_gettop(L), .leaves_out = leaves_out};
  write_value(&w, index);
  lua_remove(L, w.seen);
}

void rl_copy_out(lua_State *L, int index, rl_buf *out) { copy_out(L, index, out, false); }
void rl_copy_out_what_can(lua_State *L, int index, rl_buf *out) { copy_out(L, index, out, true); }

/* ---- reading: every length and tag is checked, and damaged bytes raise ------------------------------------------------------- */

typedef struct reader {
  lua_State *L;
  rl_slice *in;
  int seen; /* stack index of the list of tables read so far, in the order in which they began */
  int depth;
  lua_Integer count;
} reader;

static RL_RAISES void raise_damaged(reader *r) {
  luaL_error(r->L, "a copy of values is damaged, this is a bug in rille");
}

static const char *take_bytes(reader *r, size_t len) {
  const char *bytes = r->in->data;
  if (len > r->in->len) raise_damaged(r);
  r->in->data += len;
  r->in->len -= len;
  return bytes;
}

static void take(reader *r, void *out, size_t len) { memcpy(out, take_bytes(r, len), len); }

static int take_tag(reader *r) { return *take_bytes(r, 1); }

static void read_value(reader *r, int tag);

static void read_table(reader *r, int tag) {
  lua_State *L = r->L;
  if (++r->depth > DEPTH) raise_damaged(r);
  luaL_checkstack(L, 8, "copy");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, r->seen, ++r->count);
  for (int next; (next = take_tag(r)) != TAG_END;) {
    read_value(r, next);
    if (lua_isnil(L, -1)) raise_damaged(r);
    read_value(r, take_tag(r));
    lua_rawset(L, -3);
  }
  r->depth--;
  if (tag == TAG_TABLE) return;
  rl_vm_push_ref(L, tag == TAG_LIST ? RL_REF_ARRAY_META : RL_REF_ERROR_META);
  lua_setmetatable(L, -2);
}

static void read_string(reader *r) {
  size_t len;
  take(r, &len, sizeof len);
  const char *bytes = take_bytes(r, len);
  lua_pushlstring(r->L, len ? bytes : "", len);
}

/* Pushes a table that was read before. Raises if the number is not that of one. */
static void read_again(reader *r) {
  lua_Integer number;
  take(r, &number, sizeof number);
  if (number < 1 || number > r->count) raise_damaged(r);
  lua_rawgeti(r->L, r->seen, number);
}

static void read_value(reader *r, int tag) {
  lua_State *L = r->L;
  lua_Integer integer;
  lua_Number number;
  switch (tag) {
    case TAG_NIL: lua_pushnil(L); break;
    case TAG_FALSE:
    case TAG_TRUE: lua_pushboolean(L, tag == TAG_TRUE); break;
    case TAG_INTEGER:
      take(r, &integer, sizeof integer);
      lua_pushinteger(L, integer);
      break;
    case TAG_NUMBER:
      take(r, &number, sizeof number);
      lua_pushnumber(L, number);
      break;
    case TAG_STRING: read_string(r); break;
    case TAG_NULL: rl_push_null(L); break;
    case TAG_AGAIN: read_again(r); break;
    case TAG_TABLE:
    case TAG_LIST:
    case TAG_ERROR: read_table(r, tag); break;
    default: raise_damaged(r);
  }
}

void rl_copy_in(lua_State *L, rl_slice *in) {
  lua_newtable(L);
  reader r = {.L = L, .in = in, .seen = lua_gettop(L)};
  read_value(&r, take_tag(&r));
  lua_remove(L, r.seen);
}
