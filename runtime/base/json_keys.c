/* Keys of JSON that are written once; see json_keys.h. */
#include "base/json_keys.h"

#include "base/error.h"
#include "base/json.h"

int rl_json_keys_add(rl_buf *keys, rl_slice name) {
  uint32_t len = 0;
  size_t before = keys->len;
  rl_buf_add(keys, &len, sizeof len);
  rl_buf_add_char(keys, ',');
  int code = keys->error ? keys->error : rl_json_write_string(keys, name);
  if (!code) code = rl_buf_add_char(keys, ':');
  if (!code && keys->len - before > UINT32_MAX) code = RL_ENOMEM;
  if (code) {
    keys->len = before;
    return code;
  }
  len = (uint32_t)(keys->len - before - sizeof len);
  memcpy(keys->data + before, &len, sizeof len);
  return RL_OK;
}

rl_slice rl_json_keys_twice(rl_slice keys) {
  while (keys.len) {
    rl_slice key = rl_json_keys_take(&keys);
    for (rl_slice rest = keys; rest.len;)
      if (rl_slice_eq(rl_json_keys_take(&rest), key)) return key;
  }
  return RL_SLICE_NONE;
}
