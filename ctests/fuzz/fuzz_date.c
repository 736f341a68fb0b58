/* HTTP dates: what can be read has a fixed form that reads the same; but for the leap second that ends the year 9999. */
#include "base/date.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t now = 1795270652, end = 253402300800; /* 2026-11-22, the year 10000 */
  int64_t seconds, again;
  char text[RL_DATE_LEN + 1];
  if (rl_date_parse(fuzz_slice(data, size), now, &seconds)) return 0;
  HOLDS(seconds >= -62167219200 && seconds <= end); /* from the year 0 */
  if (seconds == end) return 0;
  rl_date_format(seconds, text);
  HOLDS(strlen(text) == RL_DATE_LEN);
  HOLDS(rl_date_parse(rl_slice_str(text), now, &again) == 0 && again == seconds);
  return 0;
}
