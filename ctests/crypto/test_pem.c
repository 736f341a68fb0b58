/* runtime/crypto/pem.c: there and back, and what is no PEM. */
#include "crypto/pem.h"

#include "base/error.h"
#include "crypto/digest.h"
#include "support/test.h"

TEST(blocks_go_there_and_back) {
  UNUSED;
  char bytes[200];
  rl_buf text, back;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_buf_init(&back, RL_BUF_NO_LIMIT);
  rl_random_bytes(bytes, sizeof bytes);
  for (size_t len = 1; len <= sizeof bytes; len++) {
    rl_buf_clear(&text);
    rl_buf_clear(&back);
    rl_buf_add_str(&text, "a comment\n");
    assert_int_equal(rl_pem_encode(&text, RL_PEM_KEY, RL_SLICE("of another kind")), 0);
    assert_int_equal(rl_pem_encode(&text, RL_PEM_CERTIFICATE, rl_slice_of(bytes, len)), 0);
    rl_slice rest = rl_buf_slice(&text);
    assert_int_equal(rl_pem_next(&rest, RL_PEM_CERTIFICATE, &back), 0);
    assert_true(rl_slice_eq(rl_buf_slice(&back), rl_slice_of(bytes, len)));
    assert_int_equal(rl_pem_next(&rest, RL_PEM_CERTIFICATE, &back), RL_ENOTFOUND);
  }
  rl_buf_free(&text);
  rl_buf_free(&back);
}

TEST(lines_have_64_letters) {
  UNUSED;
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_pem_encode(&text, "X", RL_SLICE("0123456789012345678901234567890123456789012345678"));
  assert_slice(rl_buf_slice(&text),
               "-----BEGIN X-----\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\n"
               "OA==\n-----END X-----\n");
  rl_buf_free(&text);
}

TEST(what_is_no_block_is_an_error_and_is_passed) {
  UNUSED;
  static const char *const wrong[] = {"-----BEGIN X-----\n!!!\n-----END X-----\n", "-----BEGIN X-----\nAAAA",
                                      "-----BEGIN X-----", "-----BEGIN X-----\nA\n-----END X-----\n"};
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    rl_slice rest = rl_slice_str(wrong[i]);
    assert_int_equal(rl_pem_next(&rest, "X", &out), RL_ESYNTAX);
    assert_int_equal(rl_pem_next(&rest, "X", &out), RL_ENOTFOUND);
  }
  rl_slice nothing = RL_SLICE_NONE;
  assert_int_equal(rl_pem_next(&nothing, "X", &out), RL_ENOTFOUND);
  assert_int_equal(out.len, 0);
  rl_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(blocks_go_there_and_back),
      RUN(lines_have_64_letters),
      RUN(what_is_no_block_is_an_error_and_is_passed),
  };
  return rl_crypto_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
