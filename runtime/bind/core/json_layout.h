/*
 * What the encoder remembers of objects it has written: their keys in the order in which a table has them, and as text in the order of
 * the members. Programs write the same few kinds of objects again and again. A table that was made in the same way has its keys in the
 * same places, so comparing addresses is enough to know the kind.
 *
 *   first key --hash--> layout: keys[]  = id, tags, ok, name           as lua_next gives them
 *                               text    = {"id": ,"name": ,"ok": ,"tags":
 *                               order[] = 0 3 2 1
 *
 * A layout is kept when the same keys were seen twice in a row, so that a table used as a map costs nothing. Its keys and its shape are in
 * a table, which keeps them alive: an address stays that of the same string. One memory a state, in its registry; about 20 KB.
 */
#ifndef RL_BIND_CORE_JSON_LAYOUT_H
#define RL_BIND_CORE_JSON_LAYOUT_H

#include <string.h>

#include "bind/core/json_encoder.h"

enum {
  RL_JSON_LAYOUTS = 16,
  RL_JSON_KEY_TEXT = 480, /* bytes of the keys of one as text */
  RL_JSON_KEY_STEP = 16   /* bytes of it that are copied at once */
};

/* The texts of the keys, and where the values are. */
typedef struct rl_json_plan {
  uint8_t order[RL_JSON_FEW];                     /* for each member in the order of the text: its place in the table */
  uint16_t ends[RL_JSON_FEW];                     /* where the text of its key ends: {"key": or ,"key": */
  char text[RL_JSON_KEY_TEXT + RL_JSON_KEY_STEP]; /* the last step may read beyond the end */
} rl_json_plan;

typedef struct rl_json_layout {
  int count;         /* 0: nothing is remembered */
  const void *shape; /* or NULL; see rl_push_shape */
  const void *keys[RL_JSON_FEW];
  uintptr_t candidate; /* the keys that were seen last, mixed: to know them again */
  rl_json_plan plan;
} rl_json_layout;

/* Returns the layout that an object may have whose first key is below the value on top of the stack. */
rl_json_layout *rl__json_layout_find(lua_State *L);
/* Notes that an object has other keys, those at first, first + 2, … of the stack. Returns true if it is the second in a row that has
 * them. */
bool rl__json_layout_is_due(lua_State *L, rl_json_layout *layout, int first, int count, const void *shape);
/* Keeps a plan and its keys. May allocate. */
void rl__json_layout_keep(rl_json_encoder *e, rl_json_layout *layout, const rl_json_plan *plan, int first, int count,
                          const void *shape);
/* Copies as much of a plan as is in use. */
static inline void rl__json_plan_copy(rl_json_plan *to, const rl_json_plan *from, int count) {
  memcpy(to->order, from->order, sizeof to->order);
  memcpy(to->ends, from->ends, sizeof to->ends);
  for (int at = 0; at < from->ends[count - 1]; at += RL_JSON_KEY_STEP)
    memcpy(to->text + at, from->text + at, RL_JSON_KEY_STEP);
}

/* Makes the memory, once for each state. */
void rl__json_layout_open(lua_State *L);

#endif
