/*
 * The page that a template writes to. Plain values are printed here. For the others a function of lua/rille/template/ is
 * called with a continuation, because it may wait.
 *
 * A page is a buffer with marks. The bytes after a mark are a capture (the result of a macro, a {% set %} block). Taking a
 * capture removes it from the buffer. A page may be drained while it is written (streaming), up to its first mark.
 *
 *      data                    mark 0        mark 1         len
 *       |  may be drained       |  outer capture |  inner    |
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/html.h"
#include "base/json.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/template/kinds.h"
#include "bind/template/page.h"
#include "bind/template/template.h"
#include "vm/owner.h"

enum { MOST_MARKS = 1000 };

static const char page_name[] = "rille.page";

static size_t mark_count(const rl__page *p) { return p->marks.len / sizeof(size_t); }
static size_t *mark_at(rl__page *p, size_t i) { return (size_t *)(void *)p->marks.data + i; }

void rl__page_check(lua_State *L, int code) {
  if (!code) return;
  if (code == RL_ETOOBIG) rl_error_push_word(L, "too_large", 500, "a template wrote more than its page may hold");
  else rl_error_push(L, code, NULL);
  lua_error(L);
}

rl__page *rl__page_at(lua_State *L, int index) {
  rl__page *p = lua_touserdata(L, index);
  if (!p || lua_rawlen(L, index) != sizeof *p) luaL_argerror(L, index, "a page was expected");
  if (p->finished) rl_error_mistake(L, "this page has been rendered: its macros and blocks cannot be called any more");
  return p;
}

/* ---- a page's life ---------------------------------------------------------------------------------------------------------- */

void rl__page_push(lua_State *L, size_t limit, size_t expected) {
  rl__page *p = lua_newuserdatauv(L, sizeof *p, 0);
  rl_buf_init(&p->buf, limit);
  rl_buf_init(&p->marks, MOST_MARKS * sizeof(size_t));
  p->finished = false;
  luaL_setmetatable(L, page_name);
  if (expected < limit) rl__page_check(L, rl_buf_reserve(&p->buf, expected));
}

/* page(limit?, expected) -> page that holds at most `limit` bytes; `expected` is how many it is likely to hold */
static int l_page(lua_State *L) {
  size_t limit = lua_isnoneornil(L, 1) ? RL_LIMIT_TEMPLATE_PAGE : (size_t)rl_check_size(L, 1);
  rl__page_push(L, limit, (size_t)rl_check_size(L, 2));
  return 1;
}

static void free_page(rl__page *p) {
  rl_buf_free(&p->buf);
  rl_buf_free(&p->marks);
}

static int page_gc(lua_State *L) {
  free_page(lua_touserdata(L, 1));
  return 0;
}

size_t rl__page_finish(lua_State *L, int index) {
  rl__page *p = rl__page_at(L, index);
  size_t len = p->buf.len;
  rl_push_slice(L, rl_buf_slice(&p->buf));
  free_page(p);
  p->finished = true;
  return len;
}

/* finish(page) -> string; later writes raise */
static int page_finish(lua_State *L) {
  rl__page_finish(L, 1);
  return 1;
}

/* drain(page) -> the bytes written outside of captures since the last time, or nil */
static int page_drain(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  size_t len = mark_count(p) ? *mark_at(p, 0) : p->buf.len;
  if (len == 0) return 0;
  lua_pushlstring(L, p->buf.data, len);
  rl_buf_consume(&p->buf, len);
  for (size_t i = 0; i < mark_count(p); i++) *mark_at(p, i) -= len;
  return 1;
}

/* pending(page) -> how many bytes drain would give */
static int page_pending(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  lua_pushinteger(L, (lua_Integer)(mark_count(p) ? *mark_at(p, 0) : p->buf.len));
  return 1;
}

/* ---- captures ----------------------------------------------------------------------------------------------------------------- */

/* mark(page) -> number of the mark, for take and drop */
static int page_mark(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  rl__page_check(L, rl_buf_add(&p->marks, &p->buf.len, sizeof p->buf.len));
  lua_pushinteger(L, (lua_Integer)mark_count(p));
  return 1;
}

/* Removes the mark at index 2 and all later ones, and returns where it was. Later marks are of captures that an error has ended. */
static size_t cut(lua_State *L, rl__page *p) {
  lua_Integer number = luaL_checkinteger(L, 2);
  luaL_argcheck(L, number >= 1 && (size_t)number <= mark_count(p), 2, "no such mark");
  size_t start = *mark_at(p, (size_t)number - 1);
  p->marks.len = ((size_t)number - 1) * sizeof(size_t);
  return start;
}

/* take(page, mark) -> the bytes written after the mark, which are removed from the page */
static int page_take(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  size_t start = cut(L, p);
  lua_pushlstring(L, p->buf.data ? p->buf.data + start : "", p->buf.len - start);
  p->buf.len = start;
  return 1;
}

/* drop(page, mark): as take, without the text */
static int page_drop(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  p->buf.len = cut(L, p);
  return 0;
}

/* ---- printing ----------------------------------------------------------------------------------------------------------------- */

static int add_text(lua_State *L, rl_buf *out, int index, bool escaped) {
  rl_slice text;
  text.data = lua_tolstring(L, index, &text.len);
  return escaped ? rl_html_escape(out, text) : rl_buf_add_slice(out, text);
}

/* Adds the fewest digits that read back as the same double, with an exponent if that is shorter. */
static int add_shortest(rl_buf *out, double number) {
  char text[40];
  for (int precision = isnormal(number) ? 15 : 1; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, number);
    if (strtod(text, NULL) == number) break;
  }
  return rl_buf_add_str(out, text);
}

/* Adds a float as Python prints it: with a point, or with an exponent below 1e-4 and from 1e16 on. */
static int add_float(rl_buf *out, double number) {
  double size = fabs(number);
  if (isnan(number)) return rl_buf_add_str(out, "nan");
  if (isinf(number)) return rl_buf_add_str(out, number < 0 ? "-inf" : "inf");
  if (number != 0 && (size < 1e-4 || size >= 1e16)) return add_shortest(out, number);
  if (size >= 1e15 && number == floor(number)) return rl_buf_addf(out, "%.1f", number);
  return rl_json_write_number(out, number);
}

static int add_number(lua_State *L, rl_buf *out, int index) {
  if (lua_isinteger(L, index)) return rl_json_write_integer(out, lua_tointeger(L, index));
  return add_float(out, lua_tonumber(L, index));
}

bool rl__page_add_value(lua_State *L, rl__page *p, int index, bool escaped) {
  rl_buf *out = &p->buf;
  switch (lua_type(L, index)) {
    case LUA_TNIL: return true;
    case LUA_TSTRING: rl__page_check(L, add_text(L, out, index, escaped)); return true;
    case LUA_TNUMBER: rl__page_check(L, add_number(L, out, index)); return true;
    case LUA_TBOOLEAN: rl__page_check(L, rl_buf_add_str(out, lua_toboolean(L, index) ? "true" : "false")); return true;
    case LUA_TTABLE: break;
    default: return false;
  }
  const void *meta = rl__meta_of(L, index);
  if (meta && meta == rl__kinds_of(L)->undefined) return true;
  if (!meta || meta != rl__kinds_of(L)->markup) return false;
  lua_rawgeti(L, index, 1);
  rl__page_check(L, add_text(L, out, lua_gettop(L), false));
  lua_pop(L, 1);
  return true;
}

static bool add_attribute(lua_State *L, rl__page *p, int index, bool escaped) {
  if (!rl__push_attribute(L, index)) return rl__lacks_attribute(L, index, lua_upvalueindex(4));
  bool done = rl__page_add_value(L, p, lua_gettop(L), escaped);
  lua_pop(L, 1);
  return done;
}

static int put_from(lua_State *L, unsigned step, int arg);

/* Appends the result of Lua's function: a string, and true if it is HTML already. Then goes on with the next letter. ctx is
 * step << 8 | arg of the value. */
static int put_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  unsigned step = (unsigned)(ctx >> 8);
  char kind = lua_tostring(L, 2)[step];
  bool escaped = kind == 'e' || kind == 'a';
  rl__page *p = rl__page_at(L, 1);
  rl__page_check(L, add_text(L, &p->buf, -2, escaped && !lua_toboolean(L, -1)));
  lua_pop(L, 2);
  return put_from(L, step + 1, (int)(ctx & 0xFF) + (kind == 'a' || kind == 'b' ? 2 : 1));
}

/* Calls text(value) or attribute_text(object, key), upvalues 2 and 3, for the argument at `arg`. */
static int put_by_lua(lua_State *L, unsigned step, int arg, int count) {
  lua_KContext ctx = (lua_KContext)step << 8 | arg;
  luaL_checkstack(L, 8, "a template");
  lua_pushvalue(L, lua_upvalueindex(count + 1));
  for (int i = 0; i < count; i++) lua_pushvalue(L, arg + i);
  lua_callk(L, count, 2, ctx, put_k);
  return put_k(L, LUA_OK, ctx);
}

/* Goes on with the letter number `step`, whose argument is at `arg`. */
static int put_from(lua_State *L, unsigned step, int arg) {
  rl__page *p = rl__page_at(L, 1);
  for (const char *letters = lua_tostring(L, 2); letters[step]; step++) {
    char kind = letters[step];
    switch (kind) {
      case 'l': rl__page_check(L, add_text(L, &p->buf, arg++, false)); break;
      case 'o':
        if (lua_toboolean(L, arg)) rl__page_check(L, add_text(L, &p->buf, arg, false));
        arg++;
        break;
      case 'e':
      case 'r':
        if (!rl__page_add_value(L, p, arg, kind == 'e')) return put_by_lua(L, step, arg, 1);
        arg++;
        break;
      default:
        if (!add_attribute(L, p, arg, kind == 'a')) return put_by_lua(L, step, arg, 2);
        arg += 2;
    }
  }
  return 0;
}

/* put(page, letters, ...): appends each argument as its letter says. l: literal text; o: the same, or false; e: a value,
 * escaped; r: a value as it is; a, b: an object and the key of its attribute, escaped or not. At most 200 arguments. Generated
 * code calls it. */
int rl__page_put(lua_State *L) { return put_from(L, 0, 3); }

/* text(page, string): appends it as it is */
static int page_text(lua_State *L) {
  rl__page *p = rl__page_at(L, 1);
  rl__page_check(L, rl_buf_add_slice(&p->buf, rl_check_slice(L, 2)));
  return 0;
}

/* float_text(number) -> as a template prints it */
static int l_float_text(lua_State *L) {
  rl_buf *scratch = rl_scratch_push(L);
  return rl_scratch_result(L, scratch, add_number(L, scratch, 1));
}

/* ---- generated code ------------------------------------------------------------------------------------------------------------- */

static void add_quoted(rl_buf *out, unsigned char c) {
  if (c != '\n' && c != '"' && c != '\\') {
    rl_buf_addf(out, "\\%03d", c);
    return;
  }
  rl_buf_add_char(out, '\\');
  rl_buf_add_char(out, c == '\n' ? 'n' : (char)c);
}

/* quoted(string) -> the string as a Lua literal without line breaks */
static int l_quoted(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl_buf_add_char(scratch, '"');
  for (size_t from = 0, at = 0; at <= text.len; at++) {
    unsigned char c = (unsigned char)text.data[at]; /* the NUL after the last byte ends the loop */
    if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f) continue;
    rl_buf_add(scratch, text.data + from, at - from);
    if (at < text.len) add_quoted(scratch, c);
    from = at + 1;
  }
  rl_buf_add_char(scratch, '"');
  return rl_scratch_result(L, scratch, scratch->error);
}

const luaL_Reg rl__page_methods[] = {{"mark", page_mark},     {"take", page_take},   {"drop", page_drop},
                                     {"finish", page_finish}, {"drain", page_drain}, {"pending", page_pending},
                                     {"text", page_text},     {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"page", l_page}, {"float_text", l_float_text}, {"quoted", l_quoted}, {NULL, NULL}};

void rl_bind_page(lua_State *L) {
  rl_new_metatable(L, page_name);
  lua_pushcfunction(L, page_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_lets_waits_through(L, rl__page_put);
  luaL_setfuncs(L, functions, 0);
}
