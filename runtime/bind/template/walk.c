/*
 * Runs plans; see walk.h. No step allocates in Lua or calls anything, so that no finalizer runs and no list changes between two
 * leaves.
 */
#include "bind/template/walk.h"

#include <string.h>

#include "base/error.h"
#include "base/html.h"
#include "base/json.h"
#include "bind/template/kinds.h"
#include "bind/template/page.h"
#include "bind/template/plan.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

enum { C = 1, PAGE = 2, FIRST_SLOT = 3 };
enum { MOST_FILTERED = 1 << 16, ROUNDS = 64, MOST_LEFT = 32 };

/* What is known while steps run, until the next leaf. */
typedef struct walk {
  lua_State *L;
  const rl__plan *plan;
  rl__page *page;
  int top;
  uint32_t pc, leaf; /* leaf: the cell to do by Lua */
  unsigned left;     /* cells whose values, four at most, still stand on the stack */
  bool strict, streamed;
  rl_slice view; /* what of the value is to be printed, if a filter chose; else without data */
  uint32_t letters;
  unsigned rounds;
} walk;

static int slot_index(uint32_t slot) { return FIRST_SLOT + (int)slot; }

static void push_key(const walk *w, uint32_t key) { lua_pushvalue(w->L, lua_upvalueindex(PLAN_FIRST_KEY + (int)key)); }

/* Ends a cell. To pop each one's value would cost more than the rest of it. */
static void drop(walk *w) {
  if (++w->left < MOST_LEFT) return;
  lua_settop(w->L, w->top);
  w->left = 0;
}

static void add_text(walk *w, const char *data, size_t len) {
  rl_buf *out = &w->page->buf;
  if (rl_buf_reserve(out, len)) rl__page_check(w->L, out->error);
  memcpy(out->data + out->len, data, len);
  out->len += len;
}

static void set_integer(lua_State *L, int index, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_replace(L, index);
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

/* Pushes a field of the table at `index`. Of a plain list or mapping, one that is missing is nil. */
static bool push_field(walk *w, int index, const rl__plan_step *s) {
  lua_State *L = w->L;
  if (lua_type(L, index) != LUA_TTABLE) return false;
  push_key(w, s->a);
  if (lua_rawget(L, index) != LUA_TNIL) return true;
  return !s->is_method && !rl__meta_of(L, index);
}

static void push_count(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  lua_Integer i = lua_tointeger(L, slot_index(s->slot)), n = lua_tointeger(L, slot_index(s->b));
  switch ((rl__count_kind)s->a) {
    case INDEX: lua_pushinteger(L, i); break;
    case INDEX0: lua_pushinteger(L, i - 1); break;
    case IS_FIRST: lua_pushboolean(L, i == 1); break;
    case IS_LAST: lua_pushboolean(L, i == n); break;
    case LENGTH: lua_pushinteger(L, n); break;
    case REVINDEX: lua_pushinteger(L, n - i + 1); break;
    default: lua_pushinteger(L, n - i);
  }
}

/* value = value.key */
static bool replace_by_field(walk *w, const rl__plan_step *s) {
  if (!push_field(w, lua_gettop(w->L), s)) return false;
  lua_replace(w->L, -2);
  return true;
}

/* Compares a string with a string, or a number with a number. */
static bool compare(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  int type = lua_type(L, -1);
  if (type != LUA_TSTRING && type != LUA_TNUMBER) return false;
  push_key(w, s->a);
  if (lua_type(L, -1) != type) return false;
  lua_pushboolean(L, lua_rawequal(L, -1, -2) != (s->b != 0));
  return true;
}

/* ---- printing ----------------------------------------------------------------------------------------------------------- */

static bool is_ascii(rl_slice text) {
  unsigned char all = 0;
  for (size_t i = 0; i < text.len; i++) all |= (unsigned char)text.data[i];
  return all < 0x80;
}

/* Narrows the value, which stays on the stack, to what filters leave of it. Only text whose characters are bytes is plain. */
static bool filter(walk *w, const rl__plan_step *s) {
  if (lua_type(w->L, -1) != LUA_TSTRING) return false;
  rl_slice text;
  text.data = lua_tolstring(w->L, -1, &text.len);
  if (s->a && text.len > 1) text.len = 1;
  if ((s->a && text.len == 0) || text.len > MOST_FILTERED) return false;
  if ((s->a || s->b) && !is_ascii(text)) return false;
  w->view = text, w->letters = s->b;
  return true;
}

static char changed(char c, uint32_t letters) {
  if (letters == 1) return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int add_view(rl_buf *out, rl_slice text, bool escaped) {
  return escaped ? rl_html_escape(out, text) : rl_buf_add_slice(out, text);
}

static void put_view(walk *w, bool escaped) {
  rl_buf *out = &w->page->buf;
  char piece[256];
  rl_slice view = w->view;
  w->view.data = NULL;
  if (!w->letters) rl__page_check(w->L, add_view(out, view, escaped));
  while (w->letters && view.len) {
    size_t len = view.len < sizeof piece ? view.len : sizeof piece;
    for (size_t i = 0; i < len; i++) piece[i] = changed(view.data[i], w->letters);
    rl__page_check(w->L, add_view(out, (rl_slice){piece, len}, escaped));
    view.data += len, view.len -= len;
  }
}

static bool put(walk *w, const rl__plan_step *s) {
  if (w->view.data) put_view(w, s->a);
  else if (!rl__page_add_value(w->L, w->page, lua_gettop(w->L), s->a)) return false;
  drop(w);
  return true;
}

/* Does what a template mostly does in one step. */
static bool show(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  int object = slot_index(s->slot);
  rl_slice text;
  if (lua_type(L, object) != LUA_TTABLE) return false;
  push_key(w, s->a);
  switch (lua_rawget(L, object)) {
    case LUA_TSTRING:
      text.data = lua_tolstring(L, -1, &text.len);
      if (s->b) rl__page_check(L, rl_html_escape(&w->page->buf, text));
      else add_text(w, text.data, text.len);
      break;
    case LUA_TNUMBER:
      if (!lua_isinteger(L, -1)) rl__page_add_value(L, w->page, lua_gettop(L), s->b);
      else rl__page_check(L, rl_json_write_integer(&w->page->buf, lua_tointeger(L, -1)));
      break;
    case LUA_TNIL:
      if (s->is_method || rl__meta_of(L, object)) return false;
      break;
    default:
      if (!rl__page_add_value(L, w->page, lua_gettop(L), s->b)) return false;
  }
  drop(w);
  return true;
}

/* ---- branches and loops --------------------------------------------------------------------------------------------------- */

static bool test(walk *w, const rl__plan_step *s) {
  rl__truth truth = rl__truth_of(w->L, lua_gettop(w->L));
  if (truth == RL__TRUTH_ASK) return false;
  drop(w);
  if ((truth == RL__TRUE) == (s->a != 0)) w->pc = s->b;
  return true;
}

static bool start_loop(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  int first = slot_index(s->slot);
  lua_Integer n = rl__plain_length(L, lua_gettop(L));
  if (n < 0) return false;
  lua_replace(L, first + ITEMS_SLOT);
  set_integer(L, first + N_SLOT, n);
  lua_pushnil(L);
  lua_replace(L, first + MORE_SLOT);
  set_integer(L, first + I_SLOT, 0);
  return true;
}

/* A list of which C knows all there is to know has nil as the function of more. True stands there where Lua must index it. */
static bool next_item(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  int first = slot_index(s->slot);
  lua_Integer i = lua_tointeger(L, first + I_SLOT) + 1;
  if (i > lua_tointeger(L, first + N_SLOT)) {
    w->pc = s->b;
    return true;
  }
  if (++w->rounds % ROUNDS == 0) rl_heartbeat_attend(L);
  int more = lua_type(L, first + MORE_SLOT);
  if (more == LUA_TNIL && lua_rawgeti(L, first + ITEMS_SLOT, i) != LUA_TNIL) {
    lua_replace(L, slot_index(s->a));
    set_integer(L, first + I_SLOT, i);
    return true;
  }
  lua_settop(L, w->top);
  bool ends = more == LUA_TNIL && !lua_getmetatable(L, first + ITEMS_SLOT);
  if (ends && w->plan->cells[s->cell].want) {
    w->pc = s->b;
    return true;
  }
  set_integer(L, first + I_SLOT, i);
  if (ends) {
    lua_pushnil(L);
    lua_replace(L, slot_index(s->a));
    return true;
  }
  w->leaf = s->cell + (more == LUA_TNIL || more == LUA_TBOOLEAN);
  return false;
}

static bool unpack(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  const rl__plan_cell *c = &w->plan->cells[s->cell];
  const uint16_t *slots = w->plan->slots + c->slots + c->params;
  int list = slot_index(s->slot);
  if (rl__plain_length(L, list) != c->results) return false;
  for (unsigned i = 0; i < c->results; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_replace(L, slot_index(slots[i]));
  }
  return true;
}

static bool load(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  lua_pushvalue(L, lua_upvalueindex(PLAN_VARS));
  if (lua_rawget(L, C) != LUA_TTABLE) return false;
  push_key(w, s->a);
  if (lua_rawget(L, -2) == LUA_TNIL) return false;
  lua_replace(L, slot_index(s->slot));
  drop(w);
  return true;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------ */

/* Does one step. Returns false if the leaf of cell w->leaf must. */
static bool do_step(walk *w, const rl__plan_step *s) {
  lua_State *L = w->L;
  w->leaf = s->cell;
  switch ((rl__plan_op)s->op) {
    case OP_TEXT: add_text(w, w->plan->text + s->a, s->b); return true;
    case OP_GET: lua_pushvalue(L, slot_index(s->slot)); return !w->strict || !lua_isnil(L, -1);
    case OP_FIELD: return push_field(w, slot_index(s->slot), s);
    case OP_SUB: return replace_by_field(w, s);
    case OP_COUNT: push_count(w, s); return true;
    case OP_FILTER: return filter(w, s);
    case OP_PUT: return put(w, s);
    case OP_SHOW: return show(w, s);
    case OP_EQUAL: return compare(w, s);
    case OP_TEST: return test(w, s);
    case OP_GO: w->pc = s->b; return true;
    case OP_ITEMS: return start_loop(w, s);
    case OP_NEXT: return next_item(w, s);
    case OP_AGAIN: w->pc = s->b; return !w->streamed;
    case OP_RAN:
      if (lua_tointeger(L, slot_index(s->slot)) > 0) w->pc = s->b;
      return true;
    case OP_LOAD: return load(w, s);
    case OP_UNPACK: return unpack(w, s);
    default: return false;
  }
}

static walk start_walk(lua_State *L, uint32_t pc) {
  const rl__plan *p = lua_touserdata(L, lua_upvalueindex(PLAN_SELF));
  walk w = {.L = L, .plan = p, .page = rl__page_at(L, PAGE), .top = FIRST_SLOT - 1 + p->variables, .pc = pc};
  w.strict = lua_isnil(L, lua_upvalueindex(PLAN_METHODS));
  lua_pushvalue(L, lua_upvalueindex(PLAN_STREAM));
  w.streamed = lua_rawget(L, C) != LUA_TNIL;
  lua_settop(L, w.top);
  return w;
}

/* ---- leaves ----------------------------------------------------------------------------------------------------------------- */

static lua_Integer length_of(lua_State *L, int index) {
  if (lua_isinteger(L, index)) return lua_tointeger(L, index);
  lua_Number n = lua_tonumber(L, index);
  return n < 1 ? 0 : n < 1e15 ? (lua_Integer)n : LUA_MAXINTEGER;
}

/* Stores a loop's list, length and function of more, which are the three topmost values. */
static void take_items(lua_State *L, int first) {
  lua_Integer n = length_of(L, -2);
  bool by_lua = lua_isnil(L, -1) && rl__plain_length(L, lua_absindex(L, -3)) < 0;
  if (by_lua) lua_pushboolean(L, 1), lua_replace(L, -2);
  lua_replace(L, first + MORE_SLOT);
  lua_pop(L, 1);
  lua_replace(L, first + ITEMS_SLOT);
  set_integer(L, first + N_SLOT, n);
  set_integer(L, first + I_SLOT, 0);
}

/* Stores a loop's next item. Returns the step to go on at. */
static uint32_t take_item(lua_State *L, const rl__plan_cell *c, const uint16_t *slots) {
  if (c->want && lua_isnil(L, -1)) {
    int i = slot_index(slots[1]); /* the round that is not */
    set_integer(L, i, lua_tointeger(L, i) - 1);
    return c->to;
  }
  lua_replace(L, slot_index(slots[0]));
  return c->done;
}

/* Takes a leaf's results off the stack. Returns the step to go on at. */
static uint32_t take_results(lua_State *L, const rl__plan *p, uint32_t number) {
  const rl__plan_cell *c = &p->cells[number];
  const uint16_t *slots = p->slots + c->slots + c->params;
  switch ((rl__cell_kind)c->kind) {
    case CELL_TEST: return lua_toboolean(L, -1) == c->want ? c->to : c->done;
    case CELL_ITEMS: take_items(L, slot_index(slots[0])); return c->done;
    case CELL_ITEM: return take_item(L, c, slots);
    case CELL_VALUE:
      for (unsigned i = c->results; i > 0; i--) lua_replace(L, slot_index(slots[i - 1]));
      return c->done;
    default: return c->done;
  }
}

/* Pushes the leaf of a cell and its arguments. Returns how many these are. */
static int push_leaf(lua_State *L, const rl__plan *p, uint32_t number) {
  const rl__plan_cell *c = &p->cells[number];
  lua_rawgeti(L, lua_upvalueindex(PLAN_LEAVES), c->leaf);
  lua_pushvalue(L, C);
  lua_pushvalue(L, PAGE);
  for (unsigned i = 0; i < c->params; i++) lua_pushvalue(L, slot_index(p->slots[c->slots + i]));
  return 2 + c->params;
}

static int results_of(const rl__plan_cell *c) {
  static const int counts[] = {[CELL_PRINT] = 0, [CELL_TEST] = 1, [CELL_ITEMS] = 3, [CELL_ITEM] = 1};
  return c->kind == CELL_VALUE ? c->results : counts[c->kind];
}

static int go(lua_State *L, uint32_t pc);

static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return go(L, take_results(L, lua_touserdata(L, lua_upvalueindex(PLAN_SELF)), (uint32_t)ctx));
}

/* Runs from step `pc` to the end. */
static int go(lua_State *L, uint32_t pc) {
  walk w = start_walk(L, pc);
  while (w.pc < w.plan->step_count) {
    if (do_step(&w, &w.plan->steps[w.pc++])) continue;
    lua_settop(L, w.top);
    w.view.data = NULL;
    w.left = 0;
    int count = push_leaf(L, w.plan, w.leaf);
    lua_callk(L, count, results_of(&w.plan->cells[w.leaf]), (lua_KContext)w.leaf, go_on);
    w.pc = take_results(L, w.plan, w.leaf);
    lua_settop(L, w.top);
    w.page = rl__page_at(L, PAGE);
  }
  return 0;
}

int rl__walk_run(lua_State *L) {
  const rl__plan *p = lua_touserdata(L, lua_upvalueindex(PLAN_SELF));
  luaL_checktype(L, C, LUA_TTABLE);
  luaL_checkstack(L, p->variables + PLAN_MOST_PARAMS + 16, "a template");
  lua_settop(L, FIRST_SLOT - 1 + p->variables);
  return go(L, 0);
}

void rl__walk_open(lua_State *L) { rl_lets_waits_through(L, rl__walk_run); }
