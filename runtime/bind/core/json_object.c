/* Objects of few members; see json_object.h. */
#include "bind/core/json_object.h"

#include <string.h>

#include "base/json.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/json_layout.h"
#include "bind/core/json_many.h"

enum { INTERNED = 40 }; /* bytes up to which Lua interns strings, so that equal ones have one address */

const char rl_shape_mark = 0;

typedef struct member {
  rl_slice key;
  int rank;  /* its place in the shape; a key that is not in the shape comes after all that are */
  int value; /* stack index */
} member;

/* Returns true if x comes before y. Compares the first bytes first, because most keys differ there; an empty key has its NUL. */
static inline bool is_less(const member *x, const member *y) {
  if (x->rank != y->rank) return x->rank < y->rank;
  unsigned char a = (unsigned char)*x->key.data, b = (unsigned char)*y->key.data;
  return a != b ? a < b : rl__json_compare(&x->key, &y->key) < 0;
}

static bool is_same(rl_slice a, rl_slice b) {
  return a.data == b.data || (a.len > INTERNED && a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------------- */

/* Keeps the shape on top of the stack in the slot while its names are in use. */
static void read_shape(rl_json_encoder *e) {
  lua_State *L = e->L;
  e->shape = lua_topointer(L, -1);
  e->name_count = 0;
  e->is_wide = false;
  for (; lua_rawgeti(L, -1, (lua_Integer)e->name_count + 1) == LUA_TSTRING; lua_pop(L, 1)) {
    e->is_wide = e->name_count == RL_JSON_FEW;
    if (e->is_wide) break;
    rl_slice *name = &e->names[e->name_count++];
    name->data = lua_tolstring(L, -1, &name->len);
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lua_replace(L, e->slot);
}

/* Returns the address of the metatable of the table at `index`, or NULL. */
static const void *metatable_of(const rl_json_encoder *e, int index) {
  if (e->canonical || !lua_getmetatable(e->L, index)) return NULL;
  const void *address = lua_topointer(e->L, -1);
  lua_pop(e->L, 1);
  return address;
}

/* Returns the shape of the table at `index`, whose metatable is at `address`, and reads its names; or NULL. Rows of one query share a
 * shape, so it is read once. */
static const void *take_shape(rl_json_encoder *e, int index, const void *address) {
  if (!address || address == e->plain) return NULL;
  if (address == e->shape) return address;
  if (!rl_push_shape(e->L, index)) {
    e->plain = address;
    return NULL;
  }
  read_shape(e);
  lua_pop(e->L, 1);
  return address;
}

static int rank_of(const rl_json_encoder *e, rl_slice key) {
  int rank = 0;
  while (rank < e->name_count && !is_same(e->names[rank], key)) rank++;
  return rank;
}

/* ---- members ------------------------------------------------------------------------------------------------------------------ */

/* Inserts the pair at the stack index at its place among the members before it. */
static void insert_member(rl_json_encoder *e, member *members, int count, int pair, bool shaped) {
  member one = {.value = pair + 1};
  one.key.data = lua_tolstring(e->L, pair, &one.key.len);
  if (shaped) one.rank = rank_of(e, one.key);
  int at = count;
  for (; at > 0 && is_less(&one, &members[at - 1]); at--) members[at] = members[at - 1];
  members[at] = one;
}

static void sort_members(rl_json_encoder *e, member *members, int first, int count, bool shaped) {
  for (int i = 0; i < count; i++) insert_member(e, members, i, first + 2 * i, shaped);
}

static void write_members(rl_json_encoder *e, const member *members, int count) {
  for (int i = 0; i < count; i++) {
    rl__json_put(e, i ? ',' : '{');
    rl__json_write_key(e, members[i].key);
    e->encode(e, members[i].value);
  }
  rl__json_put(e, '}');
}

/* Prepares the texts of the keys, at the end of the output, where they do not stay. Returns false if they do not fit. */
static bool make_plan(rl_json_encoder *e, const member *members, int first, int count, rl_json_plan *plan) {
  size_t start = e->out->len;
  for (int i = 0; i < count && e->out->len - start <= RL_JSON_KEY_TEXT; i++) {
    rl__json_put(e, i ? ',' : '{');
    rl__json_write_key(e, members[i].key);
    plan->order[i] = (uint8_t)((members[i].value - first) / 2);
    plan->ends[i] = (uint16_t)(e->out->len - start);
  }
  size_t len = e->out->len - start;
  if (len <= RL_JSON_KEY_TEXT) memcpy(plan->text, e->out->data + start, len);
  e->out->len = start;
  return len <= RL_JSON_KEY_TEXT;
}

/* Writes the pairs on the stack by a plan, which nobody else changes meanwhile. */
static void write_planned(rl_json_encoder *e, int first, int count, const rl_json_plan *plan) {
  for (int i = 0, from = 0; i < count; from = plan->ends[i++]) {
    int len = plan->ends[i] - from;
    char *to = rl__json_room(e, (size_t)len + RL_JSON_KEY_STEP);
    for (int at = 0; at < len; at += RL_JSON_KEY_STEP) memcpy(to + at, plan->text + from + at, RL_JSON_KEY_STEP);
    e->out->len += (size_t)len;
    e->encode(e, first + 2 * plan->order[i] + 1);
  }
  rl__json_put(e, '}');
}

/* Writes the pairs on the stack, of which the first key is at `first`, and whose keys are others than those of the layout. */
static void write_sorted(rl_json_encoder *e, int first, int count, const void *shape, rl_json_layout *layout) {
  member members[RL_JSON_FEW];
  rl_json_plan plan;
  sort_members(e, members, first, count, shape != NULL);
  if (rl__json_layout_is_due(e->L, layout, first, count, shape) && make_plan(e, members, first, count, &plan)) {
    rl__json_layout_keep(e, layout, &plan, first, count, shape);
    write_planned(e, first, count, &plan);
  } else {
    write_members(e, members, count);
  }
}

/* Writes the pairs on the stack, whose keys are those of the layout. Uses a copy, because a value may be an object that takes the
 * layout's place. */
static void write_known(rl_json_encoder *e, int first, const rl_json_layout *layout) {
  rl_json_plan plan;
  int count = layout->count;
  rl__json_plan_copy(&plan, &layout->plan, count);
  write_planned(e, first, count, &plan);
}

/* A layout keeps its shape alive, so a metatable at that address is the shape: its names are read only where the keys are others. */
void rl__json_encode_object(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  rl_json_layout *layout = rl__json_layout_find(L);
  const void *address = metatable_of(e, index);
  bool known = layout->count && layout->shape == address, many = false;
  if (!known) {
    const void *shape = take_shape(e, index, address);
    known = layout->count && layout->shape == shape;
    many = shape && e->is_wide;
  }
  int first = lua_gettop(L) - 1, count = 0;
  do {
    if (many || count == RL_JSON_FEW) {
      lua_settop(L, first - 1);
      rl__json_encode_many(e, index);
      return;
    }
    if (known) known = count < layout->count && lua_topointer(L, -2) == layout->keys[count];
    if (!known) rl__json_check_key(e);
    count++;
    lua_pushvalue(L, -2);
  } while (lua_next(L, index));
  if (known && count == layout->count) write_known(e, first, layout);
  else write_sorted(e, first, count, take_shape(e, index, address), layout);
  lua_settop(L, first - 1);
}
