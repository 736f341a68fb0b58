/* Forwarded: hops stand in the value, one after the other, without quotes around what is said; and what a trusted proxy adds at
 * the end is the last hop, whatever a client has sent before it. */
#include "http/forwarded.h"

#include "fuzz/fuzz.h"

static bool is_within(rl_slice part, rl_slice whole) {
  return !part.data || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_hops(rl_slice value) {
  rl_forwarded forwarded = rl_forwarded_of(value);
  rl_forwarded_hop hop;
  size_t count = 0;
  while (rl_forwarded_next(&forwarded, &hop)) {
    HOLDS(is_within(hop.node, value) && is_within(hop.proto, value) && is_within(hop.host, value));
    HOLDS(rl_slice_find(hop.node, '\\', 0) >= hop.node.len && rl_slice_find(hop.host, '\\', 0) >= hop.host.len);
    HOLDS(++count <= value.len + 1);
  }
}

static void check_last(rl_slice value) {
  rl_buf joined;
  rl_forwarded_hop hop = {.node = RL_SLICE_NONE}, last = hop;
  rl_buf_init(&joined, RL_BUF_NO_LIMIT);
  rl_buf_addf(&joined, "%.*s, for=192.0.2.1;proto=https", RL_FMT(value));
  rl_forwarded forwarded = rl_forwarded_of(rl_buf_slice(&joined));
  while (rl_forwarded_next(&forwarded, &hop)) last = hop;
  HOLDS(rl_slice_eq(last.node, RL_SLICE("192.0.2.1")) && rl_slice_eq(last.proto, RL_SLICE("https")));
  rl_buf_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice value = fuzz_slice(data, size);
  check_hops(value);
  if (size && !memchr(data, 0, size)) check_last(value);
  return 0;
}
