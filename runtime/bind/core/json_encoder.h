/*
 * The state of one encoding of a Lua value as JSON (RFC 8259), and what its parts share: json_value.h writes values and lists,
 * json_object.h objects, json_many.h large ones.
 *
 * An encoder keeps the address of a metatable, which lives as long as the tables that are encoded. Only a finalizer can change those
 * meanwhile. Finalizers run only where Lua makes objects, which is in json_many.c: it calls rl__json_forget.
 */
#ifndef RL_BIND_CORE_JSON_ENCODER_H
#define RL_BIND_CORE_JSON_ENCODER_H

#include "base/buf.h"
#include "vm/vm.h"

enum {
  RL_JSON_FEW = 24 /* members of an object that are sorted on Lua's stack */
};

typedef struct rl_json_encoder rl_json_encoder;

struct rl_json_encoder {
  lua_State *L;
  void (*encode)(rl_json_encoder *e, int index); /* writes the value at the stack index (json_value.c) */
  rl_buf *out;                                   /* without a limit */
  int depth;
  int sure;          /* stack index up to which Lua's stack is known to reach */
  bool canonical;    /* orders members by their keys alone */
  const void *plain; /* address of a metatable that is no shape */
  int slot;          /* stack index of the shape whose names these are */
  const void *shape; /* its address */
  bool is_wide;      /* it has more names than fit here */
  int name_count;
  rl_slice names[RL_JSON_FEW];
};

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

/* Raises unless the key below the value on top of the stack is a string. */
void rl__json_check_key(rl_json_encoder *e);
/* Writes a key and its colon. */
void rl__json_write_key(rl_json_encoder *e, rl_slice key);
/* Compares as qsort wants it: by bytes. */
int rl__json_compare(const rl_slice *x, const rl_slice *y);

#endif
