/* The Cookie and Accept headers: slices stay inside the header and are what they should be. */
#include <stdint.h>
#include <stdlib.h>

#include "http/accept.h"
#include "http/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(rl_slice part, rl_slice whole) {
  if (part.data < whole.data || part.data + part.len > whole.data + whole.len) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice header = rl_slice_of((const char *)data, size), rest = header, name, value;
  while (rl_cookie_next(&rest, &name, &value)) {
    check_inside(name, header);
    check_inside(value, header);
    if (!name.len || memchr(name.data, ';', name.len) || memchr(value.data, ';', value.len)) abort();
    rl_cookie_is_prefixed(name);
  }
  int quality = rl_accept_quality(header, RL_SLICE("text/html"));
  if (quality < 0 || quality > 1000) abort();
  return 0;
}
