/*
 * Keys of JSON objects of one kind, escaped once for all of them.
 *
 *   "id" "title"  --rl_json_keys_add-->  ,"id":  ,"title":      {"id":1,"title":"x"}  {"id":2,"title":"y"} …
 *
 * They are one text that may be kept: of each key a length and its bytes, with the comma before it and the colon after it. The
 * process that made it reads it. A writer overwrites the comma of the first key by the brace.
 */
#ifndef RL_BASE_JSON_KEYS_H
#define RL_BASE_JSON_KEYS_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Appends a key. Returns 0, RL_ENOMEM, or RL_EUTF8; then the keys are as they were. */
int rl_json_keys_add(rl_buf *keys, rl_slice name);
/* Takes the next key off the front of keys, which are not empty. */
static inline rl_slice rl_json_keys_take(rl_slice *keys) {
  uint32_t len;
  memcpy(&len, keys->data, sizeof len);
  rl_slice key = {keys->data + sizeof len, len};
  keys->data += sizeof len + len;
  keys->len -= sizeof len + len;
  return key;
}
/* Returns the name in a key, as JSON writes it, without its quotes. */
static inline rl_slice rl_json_key_name(rl_slice key) { return (rl_slice){key.data + 2, key.len - 4}; }
/* Returns the first key that comes twice; no data if there is none. */
rl_slice rl_json_keys_twice(rl_slice keys);

#endif
