/*
 * Plans: straight parts of templates, which C runs without generated Lua (lua/rille/template/plan.lua, compile/plan.lua). This
 * file has what a plan is, plan.c makes it of a spec, walk.c runs it.
 *
 *   plan(spec, leaves) -> run;  run(c, page, variables …)
 *
 * A plan is steps and cells. Steps do what is plain: print text, read a field of a table, escape, count, jump. A step that meets
 * anything else gives up, and the leaf of its cell, a Lua function, does the whole cell instead.
 *
 * Kinds of cells, by what becomes of the leaf's results:
 *   print   it printed, and gives none
 *   test    a boolean: the run jumps to `to` if it is `want`
 *   items   list, length, function of more: into the first slots of a loop (rille/template/items.lua)
 *   value   one for each slot
 *   item    the next item of a loop; if it is nil and `want` is set, the loop ends, at `to`
 */
#ifndef RL_BIND_TEMPLATE_PLAN_H
#define RL_BIND_TEMPLATE_PLAN_H

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum rl__plan_op {
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
} rl__plan_op;

typedef enum rl__cell_kind { CELL_PRINT, CELL_TEST, CELL_ITEMS, CELL_VALUE, CELL_ITEM } rl__cell_kind;

/* What OP_COUNT gives. */
typedef enum rl__count_kind { INDEX, INDEX0, IS_FIRST, IS_LAST, LENGTH, REVINDEX, REVINDEX0 } rl__count_kind;

/* The slots of a loop's state, from its first one. */
enum { ITEMS_SLOT, N_SLOT, MORE_SLOT, I_SLOT };

typedef struct rl__plan_step {
  uint8_t op;
  bool
      is_method; /* the key names a method of lists or mappings, or the template is strict: Lua answers where it is missing */
  uint16_t slot;
  uint32_t a, b, cell;
} rl__plan_step;

typedef struct rl__plan_cell {
  uint8_t kind, want, params, results;
  uint32_t leaf, done, to,
      slots; /* done and to are steps; slots: where its params stand in plan.slots, then its results */
} rl__plan_cell;

/* A userdata. Its user value is the text. The arrays follow it in the same block. */
typedef struct rl__plan {
  uint32_t step_count, cell_count, slot_count;
  int variables;
  const char *text;
  rl__plan_step *steps;
  rl__plan_cell *cells;
  uint16_t *slots;
} rl__plan;

/* Upvalues of the function that runs a plan: 1 the kinds (kinds.h), the plan, the table of leaves, the names of methods or nil, two
 * names, and the plan's keys, because an upvalue is the quickest string to push. */
enum { PLAN_SELF = 2, PLAN_LEAVES, PLAN_METHODS, PLAN_VARS, PLAN_STREAM, PLAN_FIRST_KEY };
enum { PLAN_MOST_SLOTS = 200, PLAN_MOST_PARAMS = 200, PLAN_MOST_KEYS = 240 };

/* plan({steps =, cells =, keys =, text =, slots =, count =, cell_count =}, leaves) -> a closure of `run`. Upvalues of the caller: 1
 * the kinds, 4 the names of methods or nil. Raises for a spec that does not hang together. */
int rl__plan_new(lua_State *L, lua_CFunction run);

#endif
