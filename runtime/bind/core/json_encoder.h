/*
 * Writes Lua values as JSON (RFC 8259): the values and lists here, objects in json_object.h.
 *
 * A table is walked once. While its keys come as 1, 2, 3 … it is a list; otherwise all keys must be strings. An empty table
 * is {} unless rille.array has marked it. A value that JSON cannot express (a function, NaN, a list with a hole, mixed keys)
 * raises.
 *
 * An encoder keeps the address of a metatable, which lives as long as the tables that are encoded. Only a finalizer can change those
 * meanwhile. Finalizers run only where Lua allocates, which is in json_many.c and json_layout.c: they call rl__json_forget.
 */
#ifndef RL_BIND_CORE_JSON_ENCODER_H
#define RL_BIND_CORE_JSON_ENCODER_H

#include "base/buf.h"
#include "vm/vm.h"

enum {
  RL_JSON_FEW = 24 /* members of an object that are sorted on Lua's stack */
};

typedef struct rl_json_encoder {
  lua_State *L;
  rl_buf *out; /* without a limit */
  int depth;
  int sure;          /* stack index up to which Lua's stack is known to reach */
  bool canonical;    /* orders members by their keys alone */
  const void *plain; /* address of a metatable that is no shape */
  int slot;          /* stack index of the shape whose names these are */
  const void *shape; /* its address */
  bool is_wide;      /* it has more names than fit here */
  int name_count;
  rl_slice names[RL_JSON_FEW];
} rl_json_encoder;

/* Writes the value at `index` to `out`, which has no limit. Raises if JSON cannot express it. canonical: ignores shapes, so that equal
 * values give equal texts. */
void rl__json_encode_from(lua_State *L, int index, rl_buf *out, bool canonical);

/* ---- for json_object.c and json_many.c ------------------------------------------------------------------------------------------ */

/* Writes the value at the stack index. */
void rl__json_encode(rl_json_encoder *e, int index);
/* Raises what `code` says. */
RL_RAISES void rl__json_fail(rl_json_encoder *e, int code);
static inline void rl__json_check(rl_json_encoder *e, int code) {
  if (code) rl__json_fail(e, code);
}
/* Makes room for `len` bytes. Returns where they go. */
static inline char *rl__json_room(rl_json_encoder *e, size_t len) {
  rl_buf *out = e->out;
  if (out->cap - out->len < len) rl__json_check(e, rl_buf_grow(out, len));
  return out->data + out->len;
}
static inline void rl__json_put(rl_json_encoder *e, char c) {
  *rl__json_room(e, 1) = c;
  e->out->len++;
}
/* Forgets the address, because finalizers may have run. */
void rl__json_forget(rl_json_encoder *e);

#endif
