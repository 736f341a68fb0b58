#include "crypto/digest.h"

#include "base/error.h"
#include "support/test.h"

TEST(sha256_and_hmac_give_lower_case_hex) {
  UNUSED;
  char hex[RL_SHA256_HEX];
  rl_sha256_hex(RL_SLICE("abc"), hex);
  assert_slice(rl_slice_of(hex, sizeof hex), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  rl_sha256_hex(RL_SLICE_NONE, hex);
  assert_slice(rl_slice_of(hex, sizeof hex), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  rl_hmac_sha256_hex(RL_SLICE("Jefe"), RL_SLICE("what do ya want for nothing?"), hex);
  assert_slice(rl_slice_of(hex, sizeof hex), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(hashes_of_two_domains_differ) {
  UNUSED;
  uint8_t a[RL_HASH_SIZE], b[RL_HASH_SIZE];
  rl_hash(RL_SLICE("one"), RL_SLICE("x"), a);
  rl_hash(RL_SLICE("two"), RL_SLICE("x"), b);
  assert_memory_not_equal(a, b, sizeof a);
  rl_hash(RL_SLICE("one"), RL_SLICE("x"), b);
  assert_memory_equal(a, b, sizeof a);
}

TEST(equality_looks_at_every_byte_and_at_the_length) {
  UNUSED;
  assert_true(rl_equal_in_constant_time(RL_SLICE("abc"), RL_SLICE("abc")));
  assert_true(rl_equal_in_constant_time(RL_SLICE_NONE, RL_SLICE("")));
  assert_false(rl_equal_in_constant_time(RL_SLICE("abc"), RL_SLICE("abd")));
  assert_false(rl_equal_in_constant_time(RL_SLICE("abc"), RL_SLICE("ab")));
}

TEST(base64url_goes_there_and_back_for_every_length) {
  UNUSED;
  uint8_t bytes[67];
  rl_buf text, back;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_buf_init(&back, RL_BUF_NO_LIMIT);
  for (size_t len = 0; len <= sizeof bytes; len++) {
    rl_random_bytes(bytes, len);
    rl_buf_clear(&text);
    rl_buf_clear(&back);
    assert_int_equal(rl_base64url_encode(&text, rl_slice_of((char *)bytes, len)), 0);
    assert_int_equal(text.len, (len * 8 + 5) / 6);
    assert_int_equal(rl_base64url_decode(&back, rl_buf_slice(&text)), 0);
    assert_true(rl_slice_eq(rl_buf_slice(&back), rl_slice_of((char *)bytes, len)));
  }
  rl_buf_free(&text);
  rl_buf_free(&back);
}

TEST(base64url_has_one_text_for_one_value) {
  UNUSED;
  static const char *const wrong[] = {"A", "AB=", "AA==", "+A", "/A", "AB", "AAB", " AA", "AA ", "A\nA"};
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(rl_base64url_decode(&out, rl_slice_str(wrong[i])), RL_ESYNTAX);
    assert_int_equal(out.len, 0);
  }
  assert_int_equal(rl_base64url_decode(&out, RL_SLICE("AQ")), 0);
  rl_buf_free(&out);
}

int main(void) {
  if (!rl_crypto_init()) return 1;
  const struct CMUnitTest tests[] = {
      RUN(sha256_and_hmac_give_lower_case_hex),
      RUN(hashes_of_two_domains_differ),
      RUN(equality_looks_at_every_byte_and_at_the_length),
      RUN(base64url_goes_there_and_back_for_every_length),
      RUN(base64url_has_one_text_for_one_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
