/* Accept-Encoding: qualities stay in bounds, and the choice is acceptable wherever anything is. */
#include "http/encoding.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  rl_slice value = fuzz_slice(data, size);
  rl_accepted accepted = rl_accept_encoding(rl_field_list_text(value));
  for (int i = 0; i < RL_ENCODING_COUNT; i++) HOLDS(accepted.quality[i] >= 0 && accepted.quality[i] <= 1000);
  for (unsigned set = 1; set < 1u << RL_ENCODING_COUNT; set++) {
    rl_encoding choice = rl_encoding_choose(&accepted, set);
    for (int i = 0; i < RL_ENCODING_COUNT; i++)
      if (set >> i & 1 && accepted.quality[i]) {
        HOLDS(set >> choice & 1 && accepted.quality[choice] >= accepted.quality[i]);
      }
  }
  rl_encoding_helps(value);
  return 0;
}
