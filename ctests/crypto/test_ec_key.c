/* runtime/crypto/ec_key.c: keys are those of P-256, and nothing else passes for one. Signatures are verified by what does not share
 * our code in spec/rille/acme/certificate_spec.lua (openssl) and acme_pebble_spec.lua. */
#include "crypto/ec_key.h"

#include "base/error.h"
#include "crypto/digest.h"
#include "support/test.h"

static rl_buf new_key(void) {
  rl_buf key;
  rl_buf_init(&key, 4096);
  assert_int_equal(rl_ec_key_new(&key), 0);
  return key;
}

TEST(a_key_has_a_point_and_signs) {
  UNUSED;
  uint8_t point[RL_EC_KEY_POINT], other[RL_EC_KEY_POINT], first[RL_EC_KEY_SIGNATURE], second[RL_EC_KEY_SIGNATURE];
  rl_buf a = new_key(), b = new_key();
  assert_int_equal(rl_ec_key_public(rl_buf_slice(&a), point), 0);
  assert_int_equal(rl_ec_key_public(rl_buf_slice(&b), other), 0);
  assert_memory_not_equal(point, other, sizeof point);
  assert_int_equal(rl_ec_key_sign(rl_buf_slice(&a), RL_SLICE("text"), first), 0);
  assert_int_equal(rl_ec_key_sign(rl_buf_slice(&a), RL_SLICE("text"), second), 0);
  assert_memory_not_equal(first, second, sizeof first); /* a nonce that comes twice gives the key away */
  rl_buf_free(&a);
  rl_buf_free(&b);
}

TEST(what_is_no_key_is_refused) {
  UNUSED;
  uint8_t out[RL_EC_KEY_POINT];
  rl_buf key = new_key();
  for (size_t len = 0; len < key.len; len++) {
    assert_int_equal(rl_ec_key_public(rl_slice_of(key.data, len), out), RL_EINVALID);
    assert_int_equal(rl_ec_key_sign(rl_slice_of(key.data, len), RL_SLICE("x"), out), RL_EINVALID);
  }
  rl_buf_free(&key);
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(a_key_has_a_point_and_signs), RUN(what_is_no_key_is_refused)};
  return rl_crypto_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
