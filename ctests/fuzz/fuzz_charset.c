/* Text in other charsets: the first byte says which, the others are the text. What is said of its size holds, what comes out is
 * UTF-8, and UTF-8 itself comes back as it is. */
#include "base/charset.h"

#include "base/error.h"
#include "base/utf8.h"
#include "fuzz/fuzz.h"

static void check(rl_slice bytes, rl_slice name) {
  long size = rl_charset_to_utf8(bytes, name, NULL);
  HOLDS(size >= 0 || size == RL_EUTF8 || size == RL_EUNSUPPORTED);
  if (size < 0) return;
  char *out = malloc((size_t)size + 1);
  HOLDS(rl_charset_to_utf8(bytes, name, out) == size);
  HOLDS(rl_utf8_valid(rl_slice_of(out, (size_t)size)));
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"iso-8859-1", "windows-1252", "Shift_JIS", "EUC-JP",     "GB18030",
                                      "Big5",       "koi8-r",       "UTF-16LE",  "ISO-2022-JP"};
  if (!size) return 0;
  rl_slice rest = fuzz_slice(data + 1, size - 1), bytes;
  char *copy = fuzz_cut(&rest, 0, NULL, &bytes);
  check(bytes, rl_slice_str(names[data[0] % (sizeof names / sizeof *names)]));
  HOLDS((rl_charset_to_utf8(bytes, RL_SLICE("utf-8"), NULL) == (long)bytes.len) == rl_utf8_valid(bytes));
  rl_charset_is_known(bytes);
  check(RL_SLICE("abc"), bytes); /* a name that is anything */
  free(copy);
  return 0;
}
