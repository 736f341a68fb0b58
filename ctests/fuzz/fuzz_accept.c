/* Accept: a quality stays in bounds, does not depend on case, and is the same for the value and for the list of its elements. */
#include "http/accept.h"

#include "fuzz/fuzz.h"

static char *upper_copy(rl_slice s) {
  char *copy = malloc(s.len + 1);
  for (size_t i = 0; i < s.len; i++)
    copy[i] = s.data[i] >= 'a' && s.data[i] <= 'z' ? (char)(s.data[i] - 32) : s.data[i];
  return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const types[] = {"text/html", "application/json", "*/*", "a/b"};
  rl_slice value = fuzz_slice(data, size);
  char *upper = upper_copy(value);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    rl_slice type = rl_slice_str(types[i]);
    int quality = rl_accept_quality(value, type);
    HOLDS(quality >= 0 && quality <= 1000);
    HOLDS(rl_accept_quality(rl_slice_of(upper, value.len), type) == quality);
    HOLDS(rl_accept_list_quality(rl_field_list_text(value), type) == quality);
  }
  free(upper);
  return 0;
}
