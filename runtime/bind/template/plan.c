/*
 * Runs plans; see plan.h. No step allocates in Lua or calls anything, so that no finalizer runs and no list changes between two
 * leaves. The plan is a userdata, upvalue 2 of the function that runs it; keys are upvalues, because that is the quickest way to
 * push a string.
 */
#include "bind/template/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/html.h"
#include "base/json.h"
#include "bind/template/kinds.h"
#include "bind/template/page.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

enum { C = 1, PAGE = 2, FIRST_SLOT = 3 };
enum { PLAN = 2, LEAVES = 3, METHODS = 4, VARS = 5, STREAM = 6, FIRST_KEY = 7, MOST_KEYS = 240 };
enum { MOST_SLOTS = 200, MOST_PARAMS = 200, MOST_FILTERED = 1 << 16, ROUNDS = 64, MOST_LEFT = 32 };
enum { ITEMS_SLOT, N_SLOT, MORE_SLOT, I_SLOT }; /* of a loop, from its first one */

typedef enum op {
  OP_TEXT,   /* print b bytes of the text from a on */
  OP_GET,    /* value = slot */
  OP_FIELD,  /* value = slot.key */
  OP_SUB,    /* value = value.key */
  OP_COUNT,  /* value = what a says (count_kind) of the loop's i in slot and n in slot b */
  OP_FILTER, /* the value is text: its first character if a; in upper (1) or lower (2) case as b says */
  OP_PUT,    /* print the value, escaped if a */
  OP_SHOW,   /* print slot.key, escaped if b */
  OP_EQUAL,  /* value = value == key, or its opposite if b */
  OP_TEST,   /* jump to b if the value's truth is a */
  OP_GO,     /* jump to b */
  OP_ITEMS,  /* start the loop at slot with the value's items */
  OP_NEXT,   /* slot a = the loop's next item, or jump to b */
  OP_AGAIN,  /* jump to b; a page that is streamed may wait */
  OP_RAN,    /* jump to b if the loop whose i is slot had a round */
  OP_LOAD,   /* slot = the context's variable key */
  OP_UNPACK, /* the cell's slots = items of slot */
  OP_LEAF    /* give up */
} op;

static const char *const op_names[] = {"text", "get",   "field",  "sub",  "count", "filter", "put",
                                       "show", "equal", "test",   "go",   "items", "next",   "again",
                                       "ran",  "load",  "unpack", "leaf", NULL};

typedef enum cell_kind { CELL_PRINT, CELL_TEST, CELL_ITEMS, CELL_VALUE, CELL_ITEM } cell_kind;
static const char *const cell_names[] = {"print", "test", "items", "value", "item", NULL};

typedef enum count_kind { INDEX, INDEX0, IS_FIRST, IS_LAST, LENGTH, REVINDEX, REVINDEX0 } count_kind;

typedef struct step {
  uint8_t op;
  bool
      is_method; /* the key names a method of lists or mappings, or the template is strict: Lua answers where it is missing */
  uint16_t slot;
  uint32_t a, b, cell;
} step;

typedef struct cell {
  uint8_t kind, want, params, results;
  uint32_t leaf, done, to,
      slots; /* done and to are steps; slots: where its params stand in plan.slots, then its results */
} cell;

/* Its user value is the text. The arrays follow it in the same block. */
typedef struct plan {
  uint32_t step_count, cell_count, slot_count;
  int variables;
  const char *text;
  step *steps;
  cell *cells;
  uint16_t *slots;
} plan;

/* What is known while steps run, until the next leaf. */
typedef struct walk {
  lua_State *L;
  const plan *plan;
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

static void push_key(const walk *w, uint32_t key) { lua_pushvalue(w->L, lua_upvalueindex(FIRST_KEY + (int)key)); }

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
static bool push_field(walk *w, int index, const step *s) {
  lua_State *L = w->L;
  if (lua_type(L, index) != LUA_TTABLE) return false;
  push_key(w, s->a);
  if (lua_rawget(L, index) != LUA_TNIL) return true;
  return !s->is_method && !rl__meta_of(L, index);
}

static void push_count(walk *w, const step *s) {
  lua_State *L = w->L;
  lua_Integer i = lua_tointeger(L, slot_index(s->slot)), n = lua_tointeger(L, slot_index(s->b));
  switch ((count_kind)s->a) {
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
static bool replace_by_field(walk *w, const step *s) {
  if (!push_field(w, lua_gettop(w->L), s)) return false;
  lua_replace(w->L, -2);
  return true;
}

/* Compares a string with a string, or a number with a number. */
static bool compare(walk *w, const step *s) {
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
static bool filter(walk *w, const step *s) {
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

static bool put(walk *w, const step *s) {
  if (w->view.data) put_view(w, s->a);
  else if (!rl__page_add_value(w->L, w->page, lua_gettop(w->L), s->a)) return false;
  drop(w);
  return true;
}

/* Does what a template mostly does in one step. */
static bool show(walk *w, const step *s) {
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

static bool test(walk *w, const step *s) {
  rl__truth truth = rl__truth_of(w->L, lua_gettop(w->L));
  if (truth == RL__TRUTH_ASK) return false;
  drop(w);
  if ((truth == RL__TRUE) == (s->a != 0)) w->pc = s->b;
  return true;
}

static bool start_loop(walk *w, const step *s) {
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
static bool next_item(walk *w, const step *s) {
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

static bool unpack(walk *w, const step *s) {
  lua_State *L = w->L;
  const cell *c = &w->plan->cells[s->cell];
  const uint16_t *slots = w->plan->slots + c->slots + c->params;
  int list = slot_index(s->slot);
  if (rl__plain_length(L, list) != c->results) return false;
  for (unsigned i = 0; i < c->results; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    lua_replace(L, slot_index(slots[i]));
  }
  return true;
}

static bool load(walk *w, const step *s) {
  lua_State *L = w->L;
  lua_pushvalue(L, lua_upvalueindex(VARS));
  if (lua_rawget(L, C) != LUA_TTABLE) return false;
  push_key(w, s->a);
  if (lua_rawget(L, -2) == LUA_TNIL) return false;
  lua_replace(L, slot_index(s->slot));
  drop(w);
  return true;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------ */

/* Does one step. Returns false if the leaf of cell w->leaf must. */
static bool do_step(walk *w, const step *s) {
  lua_State *L = w->L;
  w->leaf = s->cell;
  switch ((op)s->op) {
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
  const plan *p = lua_touserdata(L, lua_upvalueindex(PLAN));
  walk w = {.L = L, .plan = p, .page = rl__page_at(L, PAGE), .top = FIRST_SLOT - 1 + p->variables, .pc = pc};
  w.strict = lua_isnil(L, lua_upvalueindex(METHODS));
  lua_pushvalue(L, lua_upvalueindex(STREAM));
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
static uint32_t take_item(lua_State *L, const cell *c, const uint16_t *slots) {
  if (c->want && lua_isnil(L, -1)) {
    int i = slot_index(slots[1]); /* the round that is not */
    set_integer(L, i, lua_tointeger(L, i) - 1);
    return c->to;
  }
  lua_replace(L, slot_index(slots[0]));
  return c->done;
}

/* Takes a leaf's results off the stack. Returns the step to go on at. */
static uint32_t take_results(lua_State *L, const plan *p, uint32_t number) {
  const cell *c = &p->cells[number];
  const uint16_t *slots = p->slots + c->slots + c->params;
  switch ((cell_kind)c->kind) {
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
static int push_leaf(lua_State *L, const plan *p, uint32_t number) {
  const cell *c = &p->cells[number];
  lua_rawgeti(L, lua_upvalueindex(LEAVES), c->leaf);
  lua_pushvalue(L, C);
  lua_pushvalue(L, PAGE);
  for (unsigned i = 0; i < c->params; i++) lua_pushvalue(L, slot_index(p->slots[c->slots + i]));
  return 2 + c->params;
}

static int results_of(const cell *c) {
  static const int counts[] = {[CELL_PRINT] = 0, [CELL_TEST] = 1, [CELL_ITEMS] = 3, [CELL_ITEM] = 1};
  return c->kind == CELL_VALUE ? c->results : counts[c->kind];
}

static int go(lua_State *L, uint32_t pc);

static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return go(L, take_results(L, lua_touserdata(L, lua_upvalueindex(PLAN)), (uint32_t)ctx));
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

/* run(c, page, ...) */
static int run(lua_State *L) {
  const plan *p = lua_touserdata(L, lua_upvalueindex(PLAN));
  luaL_checktype(L, C, LUA_TTABLE);
  luaL_checkstack(L, p->variables + MOST_PARAMS + 16, "a template");
  lua_settop(L, FIRST_SLOT - 1 + p->variables);
  return go(L, 0);
}

/* ---- making plans ----------------------------------------------------------------------------------------------------------- */

enum { STEP_FIELDS = 5, CELL_FIELDS = 7 };
enum { SPEC = 1, SPEC_LEAVES, SPEC_STEPS, SPEC_CELLS, SPEC_KEYS, SPEC_TEXT, MADE };

static lua_Integer item_at(lua_State *L, int index, size_t i, lua_Integer least, lua_Integer most) {
  lua_rawgeti(L, index, (lua_Integer)i + 1);
  lua_Integer n = luaL_checkinteger(L, -1);
  if (n < least || n > most) luaL_error(L, "a plan does not hang together");
  lua_pop(L, 1);
  return n;
}

static uint8_t word_at(lua_State *L, int index, size_t i, const char *const words[]) {
  lua_rawgeti(L, index, (lua_Integer)i + 1);
  int word = luaL_checkoption(L, -1, NULL, words);
  lua_pop(L, 1);
  return (uint8_t)word;
}

static uint32_t count_at(lua_State *L, const char *name) {
  lua_getfield(L, SPEC, name);
  lua_Integer n = luaL_checkinteger(L, -1);
  luaL_argcheck(L, n >= 0 && n < INT32_MAX / 64, SPEC, name);
  lua_pop(L, 1);
  return (uint32_t)n;
}

/* Returns how many slots the cells name. */
static uint32_t count_slots(lua_State *L, uint32_t cells) {
  size_t at = 0;
  lua_Integer slots = 0;
  for (uint32_t i = 0; i < cells; i++) {
    lua_Integer here = item_at(L, SPEC_CELLS, at + 5, 0, MOST_PARAMS) + item_at(L, SPEC_CELLS, at + 6, 0, MOST_PARAMS);
    slots += here;
    at += CELL_FIELDS + (size_t)here;
  }
  return (uint32_t)slots;
}

/* Pushes a new plan with room for what the spec counts. */
static plan *push_plan(lua_State *L) {
  uint32_t steps = count_at(L, "count"), cells = count_at(L, "cell_count"), slots = count_slots(L, cells);
  size_t size = sizeof(plan) + steps * sizeof(step) + cells * sizeof(cell) + slots * sizeof(uint16_t);
  plan *p = lua_newuserdatauv(L, size, 1);
  memset(p, 0, size);
  p->step_count = steps, p->cell_count = cells, p->slot_count = slots;
  p->variables = (int)count_at(L, "slots");
  p->steps = (step *)(void *)(p + 1);
  p->cells = (cell *)(void *)(p->steps + steps);
  p->slots = (uint16_t *)(void *)(p->cells + cells);
  p->text = lua_tostring(L, SPEC_TEXT);
  lua_pushvalue(L, SPEC_TEXT);
  lua_setiuservalue(L, -2, 1);
  luaL_argcheck(L, p->variables <= MOST_SLOTS, SPEC, "too many variables");
  return p;
}

static void read_cells(lua_State *L, plan *p) {
  size_t at = 0, slot = 0;
  lua_Integer leaves = (lua_Integer)lua_rawlen(L, SPEC_LEAVES);
  for (uint32_t i = 0; i < p->cell_count; i++) {
    cell *c = &p->cells[i];
    c->kind = word_at(L, SPEC_CELLS, at, cell_names);
    c->leaf = (uint32_t)item_at(L, SPEC_CELLS, at + 1, 1, leaves);
    c->done = (uint32_t)item_at(L, SPEC_CELLS, at + 2, 0, p->step_count);
    c->to = (uint32_t)item_at(L, SPEC_CELLS, at + 3, 0, p->step_count);
    c->want = (uint8_t)item_at(L, SPEC_CELLS, at + 4, 0, 1);
    c->params = (uint8_t)item_at(L, SPEC_CELLS, at + 5, 0, MOST_PARAMS);
    c->results = (uint8_t)item_at(L, SPEC_CELLS, at + 6, 0, MOST_PARAMS);
    c->slots = (uint32_t)slot;
    at += CELL_FIELDS;
    if ((c->kind == CELL_ITEMS && c->results != 3) || (c->kind == CELL_ITEM && c->results != 2))
      luaL_error(L, "cell %d of a plan does not hang together", (int)i);
    for (int n = c->params + c->results; n > 0; n--)
      p->slots[slot++] = (uint16_t)item_at(L, SPEC_CELLS, at++, 0, p->variables - 1);
    if (c->kind == CELL_ITEMS && p->slots[slot - 3] + I_SLOT >= p->variables)
      luaL_error(L, "the loop of cell %d has no room", (int)i);
  }
}

/* Returns true if Lua must answer for a key that a plain table does not have. */
static bool is_method(lua_State *L, uint32_t key) {
  if (lua_isnil(L, lua_upvalueindex(METHODS))) return true;
  lua_rawgeti(L, SPEC_KEYS, (lua_Integer)key + 1);
  bool found = lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

/* Checks that what a step names is there. */
static bool holds(const plan *p, const step *s, lua_Integer keys, size_t text) {
  bool jumps = s->op == OP_TEST || s->op == OP_GO || s->op == OP_NEXT || s->op == OP_AGAIN || s->op == OP_RAN;
  bool names = s->op == OP_FIELD || s->op == OP_SHOW || s->op == OP_SUB || s->op == OP_EQUAL || s->op == OP_LOAD;
  bool loops = s->op == OP_ITEMS || s->op == OP_NEXT;
  if (s->op == OP_TEXT) return s->a <= text && s->b <= text - s->a;
  if (jumps && s->b > p->step_count) return false;
  if (names && s->a >= keys) return false;
  if (s->op == OP_COUNT && s->b >= (uint32_t)p->variables) return false;
  if (s->op == OP_NEXT && s->a >= (uint32_t)p->variables) return false;
  bool has_cell = s->op != OP_GO && s->op != OP_RAN;
  if (has_cell && s->cell + (s->op == OP_NEXT) >= p->cell_count) return false;
  return s->slot + (loops ? I_SLOT : 0) < p->variables || (s->slot == 0 && !loops);
}

static void read_steps(lua_State *L, plan *p) {
  lua_Integer keys = (lua_Integer)lua_rawlen(L, SPEC_KEYS);
  for (uint32_t i = 0; i < p->step_count; i++) {
    size_t at = (size_t)i * STEP_FIELDS;
    step *s = &p->steps[i];
    s->op = word_at(L, SPEC_STEPS, at, op_names);
    s->slot = (uint16_t)item_at(L, SPEC_STEPS, at + 1, 0, MOST_SLOTS);
    s->a = (uint32_t)item_at(L, SPEC_STEPS, at + 2, 0, INT32_MAX);
    s->b = (uint32_t)item_at(L, SPEC_STEPS, at + 3, 0, INT32_MAX);
    s->cell = (uint32_t)item_at(L, SPEC_STEPS, at + 4, 0, INT32_MAX);
    if (!holds(p, s, keys, lua_rawlen(L, SPEC_TEXT))) luaL_error(L, "step %d of a plan does not hang together", (int)i);
    s->is_method = (s->op == OP_FIELD || s->op == OP_SUB || s->op == OP_SHOW) && is_method(L, s->a);
  }
}

static void push_spec(lua_State *L, const char *name, int type) {
  lua_getfield(L, SPEC, name);
  luaL_argcheck(L, lua_type(L, -1) == type, SPEC, name);
}

int rl__plan_new(lua_State *L) {
  luaL_checktype(L, SPEC, LUA_TTABLE);
  luaL_checktype(L, SPEC_LEAVES, LUA_TTABLE);
  lua_settop(L, SPEC_LEAVES);
  push_spec(L, "steps", LUA_TTABLE);
  push_spec(L, "cells", LUA_TTABLE);
  push_spec(L, "keys", LUA_TTABLE);
  push_spec(L, "text", LUA_TSTRING);
  plan *p = push_plan(L);
  read_cells(L, p);
  read_steps(L, p);
  int keys = (int)lua_rawlen(L, SPEC_KEYS);
  luaL_argcheck(L, keys <= MOST_KEYS, SPEC, "too many keys");
  luaL_checkstack(L, keys + FIRST_KEY, "a plan");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, MADE);
  lua_pushvalue(L, SPEC_LEAVES);
  lua_pushvalue(L, lua_upvalueindex(METHODS));
  lua_pushliteral(L, "vars");
  lua_pushliteral(L, "stream");
  for (int i = 1; i <= keys; i++) lua_rawgeti(L, SPEC_KEYS, i);
  lua_pushcclosure(L, run, FIRST_KEY - 1 + keys);
  return 1;
}

void rl__plan_open(lua_State *L) { rl_lets_waits_through(L, run); }
