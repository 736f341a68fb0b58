#include "session/csrf.h"

#include "base/alloc.h"
#include "crypto/digest.h"
#include "support/test.h"

static rl_keyring ring;
static uint8_t id[RL_SESSION_ID] = "a session that somebody has ...";
static rl_buf token;

static int setup(void **state) {
  (void)state;
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  rl_buf_init(&token, RL_BUF_NO_LIMIT);
  return rl_csrf_token(&ring, id, &token);
}

static int teardown(void **state) {
  (void)state;
  rl_buf_free(&token);
  return 0;
}

TEST(a_token_is_its_sessions_only) {
  UNUSED;
  uint8_t other[RL_SESSION_ID] = "another one";
  assert_true(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
  assert_false(rl_csrf_check(&ring, other, rl_buf_slice(&token)));
}

TEST(no_two_look_alike_and_all_are_good) {
  UNUSED;
  rl_buf again;
  rl_buf_init(&again, RL_BUF_NO_LIMIT);
  rl_csrf_token(&ring, id, &again);
  assert_int_equal(again.len, 86);
  assert_false(rl_slice_eq(rl_buf_slice(&token), rl_buf_slice(&again)));
  assert_true(rl_csrf_check(&ring, id, rl_buf_slice(&again)));
  rl_buf_free(&again);
}

TEST(every_change_and_every_other_length_is_refused) {
  UNUSED;
  size_t whole = token.len;
  for (size_t bit = 0; bit < token.len * 8; bit++) {
    token.data[bit / 8] = (char)(token.data[bit / 8] ^ (1 << (bit % 8)));
    assert_false(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
    token.data[bit / 8] = (char)(token.data[bit / 8] ^ (1 << (bit % 8)));
  }
  for (token.len = 0; token.len < whole; token.len++) assert_false(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
  rl_buf_add_char(&token, 'A');
  assert_false(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
}

TEST(a_good_one_is_good_where_memory_is_short) {
  UNUSED;
  rl_alloc_fail_at(1, true);
  bool good = rl_csrf_check(&ring, id, rl_buf_slice(&token));
  rl_alloc_fail_at(0, false);
  assert_true(good);
}

TEST(a_token_longer_than_any_is_refused) {
  UNUSED;
  char text[4096];
  memset(text, 'A', sizeof text);
  for (size_t len = 86; len < 200; len++) assert_false(rl_csrf_check(&ring, id, rl_slice_of(text, len)));
  assert_false(rl_csrf_check(&ring, id, rl_slice_of(text, sizeof text)));
}

TEST(a_new_secret_in_front_keeps_old_forms_good) {
  UNUSED;
  rl_key old = ring.keys[0];
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("the new secret, which is long enough as well"));
  assert_false(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
  ring.keys[ring.count++] = old;
  assert_true(rl_csrf_check(&ring, id, rl_buf_slice(&token)));
}

int main(void) {
  if (!rl_crypto_init()) return 1;
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(a_token_is_its_sessions_only),
      EACH(no_two_look_alike_and_all_are_good),
      EACH(every_change_and_every_other_length_is_refused),
      EACH(a_good_one_is_good_where_memory_is_short),
      EACH(a_token_longer_than_any_is_refused),
      EACH(a_new_secret_in_front_keeps_old_forms_good),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
