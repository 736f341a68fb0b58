/* Lists as parameters; see list.h. */
#include "bind/data/list.h"

#include <limits.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "bind/data/error.h"
#include "data/placeholder.h"
#include "vm/owner.h"

typedef struct list {
  int count;
  rl_value values[]; /* bytes are of strings in the user value */
} list;

/* ---- making one ----------------------------------------------------------------------------------------------------- */

/* Item `i` of the table at 1; the string that holds its bytes is kept in the table at 2. */
static rl_value check_item(lua_State *L, int i) {
  char where[48];
  snprintf(where, sizeof where, "rille.list: item %d is ", i);
  if (lua_rawgeti(L, 1, i) == LUA_TNIL || rl_is_null(L, -1))
    rl_sql_mistake(L, "%s%s: a list for IN (?) holds no NULL, which is equal to nothing", where,
                   lua_isnil(L, -1) ? "nil" : "rille.null");
  rl_value value = rl_check_param(L, lua_gettop(L), &(rl_param_origin){.item = where});
  if (rl_value_has_bytes(&value)) lua_rawseti(L, 2, i);
  lua_settop(L, 3);
  return value;
}

int rl_make_list(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int count = (int)lua_rawlen(L, 1), keys = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) keys++;
  if (keys != count)
    return rl_sql_mistake(L, "rille.list: a list {value, value, …} was expected, got a table with holes or names");
  lua_createtable(L, count, 0);
  list *l = lua_newuserdatauv(L, sizeof *l + (size_t)count * sizeof *l->values, 1);
  l->count = 0;
  for (int i = 1; i <= count; i++) l->values[i - 1] = check_item(L, i);
  l->count = count;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, 1);
  luaL_setmetatable(L, "rille.list");
  return 1;
}

int rl_is_list(lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, "rille.list") != NULL);
  return 1;
}

static int list_len(lua_State *L) {
  lua_pushinteger(L, ((list *)luaL_checkudata(L, 1, "rille.list"))->count);
  return 1;
}

static int list_tostring(lua_State *L) {
  lua_pushfstring(L, "list of %d for IN (?)", ((list *)luaL_checkudata(L, 1, "rille.list"))->count);
  return 1;
}

/* ---- writing it into a statement --------------------------------------------------------------------------------------- */

/* The work on one statement. It is gone through twice: first values are counted, then they are put in. */
typedef struct expansion {
  lua_State *L;
  const char *where;
  int first, table; /* where the values stand; or the table that holds them, 0: none */
  int given;        /* how many there are, by place */
  bool named;
  rl_slice sql;
  rl_buf *text; /* the new statement */
  rl_value *values;
  rl_slice *names;
  int count;   /* of values so far */
  int room;    /* for so many */
  int by_name; /* how many of them have names: they come first */
  int used;    /* `?` so far */
  bool exact;  /* no rounding: that would be too many */
} expansion;

/* Pushes the value of a placeholder. */
static void push_value(expansion *x, const rl_placeholder *p) {
  lua_State *L = x->L;
  if (x->named) {
    rl_push_slice(L, rl_slice_of(p->text.data + 1, p->text.len - 1));
    lua_rawget(L, x->table);
  } else if (x->used > x->given) {
    lua_pushnil(L);
  } else if (x->table) {
    lua_rawgeti(L, x->table, x->used);
  } else {
    lua_pushvalue(L, x->first + x->used - 1);
  }
}

/* A finalizer may have changed the table since its values were counted. */
static void put_value(expansion *x, const rl_value *value) {
  if (x->values && x->count == x->room)
    rl_sql_mistake(x->L, "%sthe parameters were changed while they were read", x->where);
  if (x->values) x->values[x->count] = *value;
  if (x->names) x->names[x->count] = RL_SLICE_NONE;
  x->count++;
}

static void put_text(expansion *x, rl_slice text) {
  if (x->values && rl_buf_add_slice(x->text, text)) rl_error_raise(x->L, x->text->error, NULL);
}

static int rounded(const expansion *x, int count) {
  int power = 1;
  while (power < count && count <= RL_LIMIT_SQL_PARAMETERS) power *= 2;
  return x->exact || power < count ? count : power;
}

static void put_list(expansion *x, const rl_placeholder *p, const list *l) {
  if (!p->in_list)
    rl_sql_mistake(x->L, "%sa rille.list stands for the values of IN (%.*s), alone in its parentheses", x->where,
                   RL_FMT(p->text));
  if (!l->count) {
    put_text(x, RL_SLICE("SELECT NULL WHERE 1 = 0"));
    return;
  }
  int count = rounded(x, l->count);
  if (!x->values) { /* so many that they overflow are too many in any case */
    x->count = x->count > INT_MAX / 4 - count ? INT_MAX / 4 : x->count + count;
    return;
  }
  for (int i = 0; i < count; i++) {
    put_text(x, i ? RL_SLICE(",?") : RL_SLICE("?"));
    put_value(x, &l->values[i < l->count ? i : l->count - 1]);
  }
}

/* A value of another kind; of names it is known already. */
static void put_other(expansion *x, const rl_placeholder *p) {
  if (!x->named && x->used <= x->given) {
    rl_value value = rl_check_param(x->L, lua_gettop(x->L), &(rl_param_origin){.where = x->where, .number = x->used});
    put_value(x, &value);
  }
  put_text(x, p->text);
}

static void check_kind(expansion *x, const rl_placeholder *p) {
  bool plain = p->text.len == 1;
  if (x->named ? *p->text.data != '?' : plain) return;
  rl_sql_mistake(x->L, "%sbeside a rille.list parameters are %s, not %.*s", x->where, x->named ? ":names" : "plain ?",
                 RL_FMT(p->text));
}

/* Leaves the values it takes on the stack, which keeps their bytes. */
static void walk(expansion *x) {
  rl_placeholder_scan scan = rl_placeholders_of(x->sql);
  rl_placeholder p;
  size_t done = 0;
  for (x->count = x->by_name, x->used = 0; rl_placeholder_next(&scan, &p); done = scan.at) {
    luaL_checkstack(x->L, 8, "too many parameters");
    check_kind(x, &p);
    x->used++;
    put_text(x, rl_slice_of(x->sql.data + done, (size_t)(p.text.data - x->sql.data) - done));
    push_value(x, &p);
    const list *l = luaL_testudata(x->L, -1, "rille.list");
    if (l) put_list(x, &p, l);
    else put_other(x, &p);
  }
  put_text(x, rl_slice_of(x->sql.data + done, x->sql.len - done));
}

/* Values of the table that have names and are no lists. They stay on the stack. */
static int read_named(expansion *x) {
  lua_State *L = x->L;
  int count = 0;
  for (lua_pushnil(L); lua_next(L, x->table);) {
    luaL_checkstack(L, 8, "too many parameters");
    int value = lua_gettop(L);
    if (luaL_testudata(L, value, "rille.list")) {
      lua_pop(L, 1);
      continue;
    }
    if (x->values && count == x->by_name) return count;
    if (x->values) {
      x->names[count].data = lua_tolstring(L, value - 1, &x->names[count].len);
      x->values[count] = rl_check_param(L, value, &(rl_param_origin){.where = x->where, .name = x->names[count].data});
    }
    count++;
    lua_pushvalue(L, value - 1);
  }
  return count;
}

static void count_values(expansion *x) {
  if (x->named) x->by_name = read_named(x);
  walk(x);
  x->exact = x->count > RL_LIMIT_SQL_PARAMETERS;
  if (x->exact) walk(x);
  if (x->count > RL_LIMIT_SQL_PARAMETERS)
    rl_sql_mistake(x->L,
                   "%sthe lists make %d parameters, and a statement takes %d: for so many write IN (SELECT value FROM "
                   "json_each(?)) with rille.json_encode(values)",
                   x->where, x->count, RL_LIMIT_SQL_PARAMETERS);
}

/* Pushes room for what was counted. */
static void make_room(expansion *x) {
  size_t values_size = (size_t)(x->count + 1) * sizeof *x->values;
  char *block = lua_newuserdatauv(x->L, values_size + (size_t)(x->count + 1) * sizeof *x->names, 0);
  x->room = x->count;
  x->values = (rl_value *)(void *)block;
  if (x->named) x->names = (rl_slice *)(void *)(block + values_size);
}

static int check_given(const expansion *x) {
  if (x->named || x->used == x->given) return 0;
  return rl_sql_mistake(x->L, "%sthe statement has %d parameter%s, %d value%s given", x->where, x->used,
                        x->used == 1 ? "" : "s", x->given, x->given == 1 ? " was" : "s were");
}

rl_slice rl_expand_lists(lua_State *L, int first, int last, const char *where, rl_slice sql, rl_lua_params *params) {
  expansion x = {.L = L, .where = where, .first = first, .given = last - first + 1, .sql = sql};
  if (first == last && lua_istable(L, first)) {
    x.table = first;
    x.given = (int)lua_rawlen(L, first);
    x.named = x.given == 0;
  }
  int top = lua_gettop(L);
  count_values(&x);
  check_given(&x);
  lua_settop(L, top);
  make_room(&x);
  x.text = rl_scratch_push(L);
  if (x.named) x.by_name = read_named(&x);
  walk(&x);
  params->params =
      (rl_sql_params){.values = x.values, .names = x.names, .count = x.count, .unnamed = x.count - x.by_name};
  rl_measure_params(params);
  rl_scratch_result(L, x.text, RL_OK);
  return rl_check_slice(L, lua_gettop(L));
}

void rl_bind_list(lua_State *L) {
  rl_new_metatable(L, "rille.list");
  lua_pushcfunction(L, list_len);
  lua_setfield(L, -2, "__len");
  lua_pushcfunction(L, list_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}
