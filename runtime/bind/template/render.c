/*
 * The page a template writes to, and the few things a template does so often that they are C: printing values, looking up
 * attributes, asking whether a value counts as true. All of them handle what is plain here and leave the rest to a function
 * of lua/rille/template/, which may wait: they call it with a continuation.
 *
 * A page is bytes with marks. What is written behind a mark is a capture (a macro's result, a {% set %} block); taking it
 * cuts it off again. A page may be drained while it is written (streaming), up to its first mark.
 *
 *      data                    mark 0        mark 1         len
 *       |  may be drained       |  outer capture |  inner    |
 *
 * Values: a string, number or boolean is itself; nil is undefined; native.null is none; a table is told by its metatable:
 * markup (item 1 is text that is HTML already), undefined (prints nothing), strict (undefined that raises). Everything else
 * prints through Lua.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/html.h"
#include "base/json.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/template/template.h"
#include "vm/owner.h"

enum { MOST_MARKS = 1000 };

typedef struct page {
  rl_buf buf;
  rl_buf marks;  /* of size_t, ascending */
  bool finished; /* a macro that outlives its page must not write to it */
} page;

static const char page_name[] = "rille.page";

static size_t mark_count(const page *p) { return p->marks.len / sizeof(size_t); }
static size_t *mark_at(page *p, size_t i) { return (size_t *)(void *)p->marks.data + i; }

static void check(lua_State *L, int code) {
  if (!code) return;
  if (code == RL_ETOOBIG) rl_error_push_word(L, "too_large", 500, "a template wrote more than its page may hold");
  else rl_error_push(L, code, NULL);
  lua_error(L);
}

static page *check_page(lua_State *L) {
  page *p = lua_touserdata(L, 1);
  if (!p || lua_rawlen(L, 1) != sizeof *p) luaL_argerror(L, 1, "a page was expected");
  if (p->finished) rl_error_mistake(L, "this page has been rendered: its macros and blocks cannot be called any more");
  return p;
}

/* ---- a page's life ---------------------------------------------------------------------------------------------------------- */

/* page(limit?, expected) -> page that holds at most `limit` bytes; `expected` is how many it is likely to hold */
static int l_page(lua_State *L) {
  size_t limit = lua_isnoneornil(L, 1) ? RL_LIMIT_TEMPLATE_PAGE : (size_t)rl_check_size(L, 1);
  size_t expected = (size_t)rl_check_size(L, 2);
  page *p = lua_newuserdatauv(L, sizeof *p, 0);
  rl_buf_init(&p->buf, limit);
  rl_buf_init(&p->marks, MOST_MARKS * sizeof(size_t));
  p->finished = false;
  luaL_setmetatable(L, page_name);
  if (expected < limit) check(L, rl_buf_reserve(&p->buf, expected));
  return 1;
}

static int page_gc(lua_State *L) {
  page *p = lua_touserdata(L, 1);
  rl_buf_free(&p->buf);
  rl_buf_free(&p->marks);
  return 0;
}

/* finish(page) -> string; nothing can be written to it any more */
static int page_finish(lua_State *L) {
  page *p = check_page(L);
  rl_push_slice(L, rl_buf_slice(&p->buf));
  page_gc(L);
  p->finished = true;
  return 1;
}

/* drain(page) -> what has been written outside of captures since the last time, or nil */
static int page_drain(lua_State *L) {
  page *p = check_page(L);
  size_t len = mark_count(p) ? *mark_at(p, 0) : p->buf.len;
  if (len == 0) return 0;
  lua_pushlstring(L, p->buf.data, len);
  rl_buf_consume(&p->buf, len);
  for (size_t i = 0; i < mark_count(p); i++) *mark_at(p, i) -= len;
  return 1;
}

/* pending(page) -> how many bytes drain would give */
static int page_pending(lua_State *L) {
  page *p = check_page(L);
  lua_pushinteger(L, (lua_Integer)(mark_count(p) ? *mark_at(p, 0) : p->buf.len));
  return 1;
}

/* ---- captures ----------------------------------------------------------------------------------------------------------------- */

/* mark(page) -> number of the mark, for take and drop */
static int page_mark(lua_State *L) {
  page *p = check_page(L);
  check(L, rl_buf_add(&p->marks, &p->buf.len, sizeof p->buf.len));
  lua_pushinteger(L, (lua_Integer)mark_count(p));
  return 1;
}

/* Marks behind it are those of captures that an error has ended: they go with it. */
static size_t cut(lua_State *L, page *p) {
  lua_Integer number = luaL_checkinteger(L, 2);
  luaL_argcheck(L, number >= 1 && (size_t)number <= mark_count(p), 2, "no such mark");
  size_t start = *mark_at(p, (size_t)number - 1);
  p->marks.len = ((size_t)number - 1) * sizeof(size_t);
  return start;
}

/* take(page, mark) -> what was written behind it, which is cut off */
static int page_take(lua_State *L) {
  page *p = check_page(L);
  size_t start = cut(L, p);
  lua_pushlstring(L, p->buf.data ? p->buf.data + start : "", p->buf.len - start);
  p->buf.len = start;
  return 1;
}

/* drop(page, mark): as take, without the text */
static int page_drop(lua_State *L) {
  page *p = check_page(L);
  p->buf.len = cut(L, p);
  return 0;
}

/* ---- printing ----------------------------------------------------------------------------------------------------------------- */

/* Metatables by their address; they live as long as the functions, in the upvalues. */
typedef struct kinds {
  const void *array, *tuple, *markup, *undefined, *strict;
} kinds;

static const kinds *kinds_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* The address of the metatable of the table or userdata at `index`, or NULL. A row of a query is a plain mapping. */
static const void *meta_of(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return NULL;
  if (lua_rawgeti(L, -1, 0) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &rl_shape_mark)
    return lua_pop(L, 2), NULL;
  lua_pop(L, 1);
  const void *meta = lua_topointer(L, -1);
  lua_pop(L, 1);
  return meta;
}

static int add_text(lua_State *L, rl_buf *out, int index, bool escaped) {
  rl_slice text;
  text.data = lua_tolstring(L, index, &text.len);
  return escaped ? rl_html_escape(out, text) : rl_buf_add_slice(out, text);
}

/* The fewest digits that read back as the same double, with an exponent where that is shorter. */
static int add_shortest(rl_buf *out, double number) {
  char text[40];
  for (int precision = isnormal(number) ? 15 : 1; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, number);
    if (strtod(text, NULL) == number) break;
  }
  return rl_buf_add_str(out, text);
}

/* As Python prints floats: with a point or an exponent, and that below 1e-4 and from 1e16 on. */
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

/* Appends the value at `index` (absolute). False: it prints through Lua. */
static bool add_value(lua_State *L, page *p, int index, bool escaped) {
  rl_buf *out = &p->buf;
  switch (lua_type(L, index)) {
    case LUA_TNIL: return true;
    case LUA_TSTRING: check(L, add_text(L, out, index, escaped)); return true;
    case LUA_TNUMBER: check(L, add_number(L, out, index)); return true;
    case LUA_TBOOLEAN: check(L, rl_buf_add_str(out, lua_toboolean(L, index) ? "true" : "false")); return true;
    case LUA_TTABLE: break;
    default: return false;
  }
  const void *meta = meta_of(L, index);
  if (meta && meta == kinds_of(L)->undefined) return true;
  if (!meta || meta != kinds_of(L)->markup) return false;
  lua_rawgeti(L, index, 1);
  check(L, add_text(L, out, lua_gettop(L), false));
  lua_pop(L, 1);
  return true;
}

/* Whether the key begins with an underscore and the table has a metatable: Lua knows whether it may be seen. */
static bool may_be_private(lua_State *L, int index) {
  const char *name = lua_type(L, index + 1) == LUA_TSTRING ? lua_tostring(L, index + 1) : "";
  return name[0] == '_' && meta_of(L, index);
}

/* The attribute key (index + 1) of the table at `index`: pushes it. False: that is for Lua. */
static bool push_attribute(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || may_be_private(L, index)) return false;
  lua_pushvalue(L, index + 1);
  if (lua_rawget(L, index) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static bool add_attribute(lua_State *L, page *p, int index, bool escaped) {
  if (!push_attribute(L, index)) return false;
  bool done = add_value(L, p, lua_gettop(L), escaped);
  lua_pop(L, 1);
  return done;
}

static int put_from(lua_State *L, unsigned step, int arg);

/* What Lua made of a value: a string, and whether it is HTML already. ctx: step << 8 | arg of the value it was. */
static int put_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  unsigned step = (unsigned)(ctx >> 8);
  char kind = lua_tostring(L, 2)[step];
  bool escaped = kind == 'e' || kind == 'a';
  page *p = check_page(L);
  check(L, add_text(L, &p->buf, -2, escaped && !lua_toboolean(L, -1)));
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
  page *p = check_page(L);
  for (const char *letters = lua_tostring(L, 2); letters[step]; step++) {
    char kind = letters[step];
    switch (kind) {
      case 'l': check(L, add_text(L, &p->buf, arg++, false)); break;
      case 'o':
        if (lua_toboolean(L, arg)) check(L, add_text(L, &p->buf, arg, false));
        arg++;
        break;
      case 'e':
      case 'r':
        if (!add_value(L, p, arg, kind == 'e')) return put_by_lua(L, step, arg, 1);
        arg++;
        break;
      default:
        if (!add_attribute(L, p, arg, kind == 'a')) return put_by_lua(L, step, arg, 2);
        arg += 2;
    }
  }
  return 0;
}

/* put(page, letters, ...): appends what the letters say of each argument. l: literal text; o: the same, or false; e: a value,
 * escaped; r: a value as it is; a, b: an object and the key of its attribute, escaped or not. At most 200 arguments. Generated
 * code calls it. */
static int page_put(lua_State *L) { return put_from(L, 0, 3); }

/* text(page, string): appends it as it is */
static int page_text(lua_State *L) {
  page *p = check_page(L);
  check(L, rl_buf_add_slice(&p->buf, rl_check_slice(L, 2)));
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

/* quoted(string) -> it as a Lua literal without line breaks */
static int l_quoted(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  rl_buf *scratch = rl_scratch_push(L);
  rl_buf_add_char(scratch, '"');
  for (size_t from = 0, at = 0; at <= text.len; at++) {
    unsigned char c = (unsigned char)text.data[at]; /* a NUL behind the last one */
    if (c >= ' ' && c != '"' && c != '\\' && c != 0x7f) continue;
    rl_buf_add(scratch, text.data + from, at - from);
    if (at < text.len) add_quoted(scratch, c);
    from = at + 1;
  }
  rl_buf_add_char(scratch, '"');
  return rl_scratch_result(L, scratch, scratch->error);
}

/* ---- looking up ------------------------------------------------------------------------------------------------------------------- */

static int results_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

/* Leaves it to the function in upvalue 2. */
static int by_lua(lua_State *L, int count, int results) {
  lua_settop(L, count);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_callk(L, count, results, 0, results_k);
  return lua_gettop(L);
}

/* attr(object, name) -> value, peek(object, name) -> value or nil; Lua's part is asked for what is not a field of a table itself */
static int l_attr(lua_State *L) { return push_attribute(L, 1) ? 1 : by_lua(L, 2, 1); }

/* An item of a list by its number from 0; pushes it. Internals of our own values hide at numbers, behind metatables. */
static bool push_item(lua_State *L) {
  if (lua_type(L, 1) != LUA_TTABLE) return false;
  if (lua_type(L, 2) == LUA_TSTRING) return push_attribute(L, 1);
  if (!lua_isinteger(L, 2) || lua_tointeger(L, 2) < 0 || meta_of(L, 1)) return false;
  if (lua_rawgeti(L, 1, 1) == LUA_TNIL) return false;
  return lua_rawgeti(L, 1, lua_tointeger(L, 2) + 1) != LUA_TNIL;
}

/* item(object, key) -> value */
static int l_item(lua_State *L) { return push_item(L) ? 1 : by_lua(L, 2, 1); }

static bool is_empty(lua_State *L, int index) {
  lua_pushnil(L);
  if (!lua_next(L, index)) return true;
  lua_pop(L, 2);
  return false;
}

/* The address of a table in the table at `index`. */
static const void *field_address(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  luaL_checktype(L, -1, LUA_TTABLE);
  const void *address = lua_topointer(L, -1);
  lua_pop(L, 1);
  return address;
}

/* Pushes the metatables in the table at `index`, which live as long: that is its user value. */
static void new_kinds(lua_State *L, int index) {
  kinds *k = lua_newuserdatauv(L, sizeof *k, 1);
  *k = (kinds){field_address(L, index, "array"), field_address(L, index, "tuple"), field_address(L, index, "markup"),
               field_address(L, index, "undefined"), field_address(L, index, "strict")};
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
}

/* ---- items ------------------------------------------------------------------------------------------------------------------------------- */

/* The length of the value at `index` where it is a plain list or an empty table; else -1: that is for Lua. */
static lua_Integer plain_length(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return -1;
  const void *meta = meta_of(L, index);
  if (meta && meta != kinds_of(L)->array && meta != kinds_of(L)->tuple) return -1;
  lua_Integer len = (lua_Integer)lua_rawlen(L, index);
  return len > 0 || meta || is_empty(L, index) ? len : -1;
}

/* items(c, value) -> list, length, function of more; all_items(c, value) -> list, length; see template/items.lua */
static int l_items(lua_State *L) {
  lua_settop(L, 2);
  lua_Integer len = plain_length(L, 2);
  if (len < 0) return by_lua(L, 2, LUA_MULTRET);
  lua_pushinteger(L, len);
  return 2;
}

/* unpack(value, n) -> its n items */
static int l_unpack(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 2);
  lua_settop(L, 2);
  if (plain_length(L, 1) != n) return by_lua(L, 2, LUA_MULTRET);
  luaL_checkstack(L, (int)n, "too many items to unpack");
  for (lua_Integer i = 1; i <= n; i++) lua_rawgeti(L, 1, i);
  return (int)n;
}

/* ---- what a value is ------------------------------------------------------------------------------------------------------------------ */

/* Upvalues of kind, behind the metatables' addresses: the key of ordered mappings, then these words. */
enum {
  WORD_UNDEFINED = 3,
  WORD_NONE,
  WORD_BOOLEAN,
  WORD_NUMBER,
  WORD_STRING,
  WORD_MARKUP,
  WORD_LIST,
  WORD_TUPLE,
  WORD_MAPPING,
  WORD_FUNCTION,
  WORD_OBJECT,
  WORD_THREAD
};
static const char *const words[] = {"undefined", "none",  "boolean", "number",   "string", "markup",
                                    "list",      "tuple", "mapping", "function", "object", "thread"};

/* Whether the metatable of the table at 1 has the key of upvalue 2. */
static bool is_ordered_mapping(lua_State *L) {
  lua_getmetatable(L, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  return lua_rawget(L, -2) != LUA_TNIL;
}

static int kind_of_table(lua_State *L) {
  const kinds *known = kinds_of(L);
  const void *meta = meta_of(L, 1);
  if (!meta) return lua_rawgeti(L, 1, 1) != LUA_TNIL ? WORD_LIST : WORD_MAPPING;
  if (meta == known->array) return WORD_LIST;
  if (meta == known->markup) return WORD_MARKUP;
  if (meta == known->undefined || meta == known->strict) return WORD_UNDEFINED;
  if (meta == known->tuple) return WORD_TUPLE;
  return is_ordered_mapping(L) ? WORD_MAPPING : WORD_OBJECT;
}

static int kind_of(lua_State *L) {
  switch (lua_type(L, 1)) {
    case LUA_TNONE:
    case LUA_TNIL: return WORD_UNDEFINED;
    case LUA_TBOOLEAN: return WORD_BOOLEAN;
    case LUA_TNUMBER: return WORD_NUMBER;
    case LUA_TSTRING: return WORD_STRING;
    case LUA_TTABLE: return kind_of_table(L);
    case LUA_TFUNCTION: return WORD_FUNCTION;
    case LUA_TTHREAD: return WORD_THREAD;
    default: return rl_is_null(L, 1) ? WORD_NONE : WORD_OBJECT;
  }
}

/* kind(value) -> one of the words */
static int l_kind(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(kind_of(L)));
  return 1;
}

/* kind_function({array=, tuple=, markup=, undefined=, strict=}, keys) -> kind */
static int l_kind_function(lua_State *L) {
  lua_settop(L, 2);
  new_kinds(L, 1);
  lua_replace(L, 1);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) lua_pushstring(L, words[i]);
  lua_pushcclosure(L, l_kind, 2 + (int)(sizeof words / sizeof *words));
  return 1;
}

/* ---- truth ------------------------------------------------------------------------------------------------------------------------------- */

enum { FALSE, TRUE, ASK };

static int truth_of_table(lua_State *L) {
  const void *meta = meta_of(L, 1);
  if (!meta) return is_empty(L, 1) ? FALSE : TRUE;
  if (meta == kinds_of(L)->undefined) return FALSE;
  if (meta != kinds_of(L)->markup) return ASK;
  lua_rawgeti(L, 1, 1);
  return lua_rawlen(L, -1) > 0 ? TRUE : FALSE;
}

static int truth_of(lua_State *L) {
  switch (lua_type(L, 1)) {
    case LUA_TNONE:
    case LUA_TNIL: return FALSE;
    case LUA_TBOOLEAN: return lua_toboolean(L, 1) ? TRUE : FALSE;
    case LUA_TSTRING: return lua_rawlen(L, 1) > 0 ? TRUE : FALSE;
    case LUA_TNUMBER: return lua_tonumber(L, 1) != 0 ? TRUE : FALSE;
    case LUA_TLIGHTUSERDATA: return rl_is_null(L, 1) ? FALSE : TRUE;
    case LUA_TTABLE: return truth_of_table(L);
    default: return TRUE;
  }
}

/* truth(value) -> boolean: false are false, none, undefined, 0, and what is empty */
static int l_truth(lua_State *L) {
  int truth = truth_of(L);
  if (truth == ASK) return by_lua(L, 1, 1);
  lua_pushboolean(L, truth);
  return 1;
}

/* truth_of_attribute(object, name) -> truth(attr(object, name)) in one step */
static int l_truth_of_attribute(lua_State *L) {
  if (!push_attribute(L, 1)) return by_lua(L, 2, 1);
  lua_replace(L, 1);
  lua_settop(L, 1);
  int truth = truth_of(L);
  if (truth == ASK) {
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_insert(L, 1);
    lua_callk(L, 1, 1, 0, results_k);
  } else {
    lua_pushboolean(L, truth);
  }
  return 1;
}

/* defined(value) -> boolean */
static int l_defined(lua_State *L) {
  bool defined = !lua_isnoneornil(L, 1);
  if (lua_type(L, 1) == LUA_TTABLE) {
    const void *meta = meta_of(L, 1);
    defined = !meta || (meta != kinds_of(L)->undefined && meta != kinds_of(L)->strict);
  }
  lua_pushboolean(L, defined);
  return 1;
}

/* ---- putting it together -------------------------------------------------------------------------------------------------------------- */

/* Upvalues: 1 the kinds, then the fields of the argument that are named. Sets it in the table at index 3. */
static void add_function(lua_State *L, const char *name, lua_CFunction function, const char *lua, const char *more) {
  lua_pushvalue(L, 2);
  lua_getfield(L, 1, lua);
  lua_getfield(L, 1, more);
  lua_pushcclosure(L, function, 3);
  lua_setfield(L, 3, name);
}

/* page_functions{array=, tuple=, markup=, undefined=, strict=, text=, attribute_text=, attr=, peek=, item=, truth=, truth_of_attribute=, items=, all_items=,
 * unpack=}
 * -> table of functions. Metatables, and what these functions leave to Lua. */
static int l_page_functions(lua_State *L) {
  static const luaL_Reg plain[] = {{"mark", page_mark},     {"take", page_take},   {"drop", page_drop},
                                   {"finish", page_finish}, {"drain", page_drain}, {"pending", page_pending},
                                   {"text", page_text},     {NULL, NULL}};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  new_kinds(L, 1);
  luaL_newlib(L, plain);
  add_function(L, "put", page_put, "text", "attribute_text");
  add_function(L, "attr", l_attr, "attr", "none");
  add_function(L, "peek", l_attr, "peek", "none");
  add_function(L, "item", l_item, "item", "none");
  add_function(L, "truth", l_truth, "truth", "none");
  add_function(L, "truth_of_attribute", l_truth_of_attribute, "truth_of_attribute", "truth");
  add_function(L, "items", l_items, "items", "none");
  add_function(L, "all_items", l_items, "all_items", "none");
  add_function(L, "unpack", l_unpack, "unpack", "none");
  add_function(L, "defined", l_defined, "none", "none");
  return 1;
}

static const luaL_Reg functions[] = {{"page", l_page},
                                     {"page_functions", l_page_functions},
                                     {"kind_function", l_kind_function},
                                     {"float_text", l_float_text},
                                     {"quoted", l_quoted},
                                     {NULL, NULL}};

void rl_bind_render(lua_State *L) {
  rl_new_metatable(L, page_name);
  lua_pushcfunction(L, page_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  rl_lets_waits_through(L, page_put);
  rl_lets_waits_through(L, l_attr);
  rl_lets_waits_through(L, l_item);
  rl_lets_waits_through(L, l_truth);
  rl_lets_waits_through(L, l_truth_of_attribute);
  rl_lets_waits_through(L, l_items);
  rl_lets_waits_through(L, l_unpack);
  luaL_setfuncs(L, functions, 0);
}
