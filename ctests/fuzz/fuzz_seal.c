/* Opening texts that we did not seal: never opens, never reads beyond them; and what we did seal always comes back. */
#include <stdlib.h>

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static rl_keyring ring;
  if (!ring.count && rl_crypto_init()) rl_keyring_add(&ring, RL_SLICE("the secret of a fuzzer, which nobody can know"));
  rl_seal_context context = {
      .ring = &ring, .name = RL_SLICE("rille"), .purpose = RL_SLICE("session"), .now_ms = 1000, .max_age_ms = 1000};
  rl_slice input = rl_slice_of((const char *)data, size);
  rl_buf sealed, opened;
  rl_buf_init(&sealed, RL_BUF_NO_LIMIT);
  rl_buf_init(&opened, RL_BUF_NO_LIMIT);
  if (rl_unseal(&context, input, &opened, NULL) != RL_EDENIED || opened.len) abort();
  if (rl_seal(&context, input, &sealed) || rl_unseal(&context, rl_buf_slice(&sealed), &opened, NULL)) abort();
  if (!rl_slice_eq(input, rl_buf_slice(&opened))) abort();
  if (sealed.len) { /* one byte of it changed by the input */
    sealed.data[size ? data[0] % sealed.len : 0] ^= (char)(size > 1 && data[1] ? data[1] : 1);
    rl_buf_clear(&opened);
    if (rl_unseal(&context, rl_buf_slice(&sealed), &opened, NULL) != RL_EDENIED) abort();
  }
  rl_buf_free(&sealed);
  rl_buf_free(&opened);
  return 0;
}
