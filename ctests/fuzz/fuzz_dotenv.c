/* .env: every entry has a name, values are no longer than what they were written as, and reading comes to an end. */
#include "base/dotenv.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_dotenv d;
  size_t total = 0;
  unsigned line = 0;
  rl_dotenv_init(&d, fuzz_slice(data, size));
  while (rl_dotenv_next(&d) > 0) {
    HOLDS(d.name.len > 0 && d.at >= line);
    line = d.at;
    total += d.name.len + d.value.len + 1;
    HOLDS(total <= size);
    HOLDS(!d.value.len || !memchr(d.value.data, 0, d.value.len));
  }
  rl_dotenv_free(&d);
  return 0;
}
