/* An urlencoded body: what is decoded is valid and no longer than its source, and there are not too many fields. */
#include <stdlib.h>

#include "base/utf8.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_form form;
  rl_slice name, value;
  size_t count = 0, bytes = 0;
  rl_form_init(&form, rl_slice_of((const char *)data, size), 16, true);
  while (rl_form_next(&form, &name, &value) == 1) {
    count++;
    bytes += name.len + value.len;
    if (!rl_utf8_valid(name) || !rl_utf8_valid(value) || memchr(name.data, 0, name.len) ||
        memchr(value.data, 0, value.len))
      abort();
  }
  if (count > 16 || bytes > size) abort();
  rl_form_free(&form);
  return 0;
}
