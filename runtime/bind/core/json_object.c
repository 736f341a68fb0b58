/* Objects of few members; see json_object.h. */
#include "bind/core/json_object.h"

#include <string.h>

#include "base/json.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/json_many.h"

enum {
  INTERNED = 40, /* bytes up to which Lua interns strings, so that equal ones have one address */
  KEY_STEP = 16  /* bytes that are copied at once */
};

const char rl_shape_mark = 0;

typedef struct member {
  rl_slice key;
  int rank;  /* its place in the shape; a key that is not in the shape comes after all that are */
  int value; /* stack index */
} member;

int rl__json_compare(const rl_slice *x, const rl_slice *y) {
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Returns true if x comes before y. Compares the first bytes first, because most keys differ there; an empty key has its NUL. */
static inline bool is_less(const member *x, const member *y) {
  if (x->rank != y->rank) return x->rank < y->rank;
  unsigned char a = (unsigned char)*x->key.data, b = (unsigned char)*y->key.data;
  return a != b ? a < b : rl__json_compare(&x->key, &y->key) < 0;
}

void rl__json_check_key(rl_json_encoder *e) {
  if (lua_type(e->L, -2) == LUA_TSTRING) return;
  luaL_error(e->L, "cannot encode a table as JSON: key %s is neither a string nor the next of a list",
             luaL_tolstring(e->L, -2, NULL));
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

/* Returns true if the table at `index` has a shape, and reads its names. Rows of one query share a shape, so it is read once. */
static bool take_shape(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  if (e->canonical || !lua_getmetatable(L, index)) return false;
  const void *address = lua_topointer(L, -1);
  lua_pop(L, 1);
  if (address == e->shape || address == e->plain) return address == e->shape;
  if (!rl_push_shape(L, index)) {
    e->plain = address;
    return false;
  }
  read_shape(e);
  lua_pop(L, 1);
  return true;
}

static int rank_of(const rl_json_encoder *e, rl_slice key) {
  int rank = 0;
  while (rank < e->name_count && !is_same(e->names[rank], key)) rank++;
  return rank;
}

/* ---- members ------------------------------------------------------------------------------------------------------------------ */

void rl__json_write_key(rl_json_encoder *e, rl_slice key) {
  rl__json_check(e, rl_json_write_string(e->out, key));
  rl__json_put(e, ':');
}

/* Inserts the pair at the stack index at its place among the members before it. */
static void insert_member(rl_json_encoder *e, member *members, int count, int pair, bool shaped) {
  member one = {.value = pair + 1};
  one.key.data = lua_tolstring(e->L, pair, &one.key.len);
  if (shaped) one.rank = rank_of(e, one.key);
  int at = count;
  for (; at > 0 && is_less(&one, &members[at - 1]); at--) members[at] = members[at - 1];
  members[at] = one;
}

/* Remembers the text of a key, which begins at `from` of the output. Returns false if it does not fit. */
static bool keep_text(const rl_json_encoder *e, rl_json_layout *layout, int i, size_t from) {
  size_t at = i ? layout->ends[i - 1] : 0, len = e->out->len - from;
  if (at + len > RL_JSON_KEY_TEXT - KEY_STEP) return false;
  memcpy(layout->text + at, e->out->data + from, len);
  layout->ends[i] = (uint16_t)(at + len);
  return true;
}

/* Sorts and writes the pairs on the stack, of which the first key is at `first`. Remembers them in `layout`, if that is not NULL. */
static void write_sorted(rl_json_encoder *e, int first, int count, const void *shape, rl_json_layout *layout) {
  member members[RL_JSON_FEW];
  for (int i = 0; i < count; i++) insert_member(e, members, i, first + 2 * i, shape != NULL);
  for (int i = 0; layout && i < count; i++) layout->keys[i] = lua_topointer(e->L, first + 2 * i);
  for (int i = 0; i < count; i++) {
    size_t from = e->out->len;
    rl__json_put(e, i ? ',' : '{');
    rl__json_write_key(e, members[i].key);
    if (layout) layout->order[i] = (uint8_t)((members[i].value - first) / 2);
    if (layout && !keep_text(e, layout, i, from)) layout = NULL;
    rl__json_encode(e, members[i].value);
  }
  rl__json_put(e, '}');
  if (!layout) return;
  layout->shape = shape;
  layout->count = count;
}

/* Writes the pairs on the stack, which are those of the layout. */
static void write_known(rl_json_encoder *e, int first, const rl_json_layout *layout, int count) {
  for (int i = 0, from = 0; i < count; from = layout->ends[i++]) {
    int len = layout->ends[i] - from;
    char *to = rl__json_room(e, (size_t)len + KEY_STEP);
    for (int k = 0; k < len; k += KEY_STEP) memcpy(to + k, layout->text + from + k, KEY_STEP);
    e->out->len += (size_t)len;
    rl__json_encode(e, first + 2 * layout->order[i] + 1);
  }
  rl__json_put(e, '}');
}

void rl__json_encode_object(rl_json_encoder *e, int index) {
  lua_State *L = e->L;
  const void *shape = take_shape(e, index) ? e->shape : NULL;
  rl_json_layout *layout = e->lists && e->depth <= RL_JSON_LAYOUTS ? &e->layouts[e->depth - 1] : NULL;
  bool known = layout && layout->count && layout->shape == shape, many = shape && e->is_wide;
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
  if (known && count == layout->count) {
    write_known(e, first, layout, count);
  } else {
    if (layout) layout->count = 0;
    write_sorted(e, first, count, shape, layout);
  }
  lua_settop(L, first - 1);
}
