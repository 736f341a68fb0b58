#include "crypto/password.h"

#include "base/error.h"
#include "crypto/digest.h"
#include "support/test.h"

TEST(a_hash_fits_its_password_only) {
  UNUSED;
  char hash[RL_PASSWORD_HASH];
  assert_int_equal(rl_password_hash(RL_SLICE("correct horse"), hash), 0);
  assert_true(rl_slice_starts(rl_slice_str(hash), RL_SLICE("$argon2id$v=19$m=65536,t=2,p=1$")));
  assert_int_equal(rl_password_verify(RL_SLICE("correct horse"), rl_slice_str(hash)), 0);
  assert_int_equal(rl_password_verify(RL_SLICE("correct hors"), rl_slice_str(hash)), RL_EDENIED);
  assert_false(rl_password_is_stale(rl_slice_str(hash)));
}

TEST(what_does_not_fit_is_refused_before_it_costs_anything) {
  UNUSED;
  static char longest[RL_PASSWORD_MOST + 1];
  char hash[RL_PASSWORD_HASH];
  assert_int_equal(rl_password_hash(rl_slice_of(longest, sizeof longest), hash), RL_EINVALID);
  assert_int_equal(rl_password_hash(RL_SLICE(""), hash), RL_EINVALID);
  assert_int_equal(rl_password_verify(RL_SLICE(""), rl_password_of_nobody), RL_EDENIED);
  assert_int_equal(rl_password_verify(rl_slice_of(longest, sizeof longest), rl_password_of_nobody), RL_EDENIED);
}

TEST(what_is_no_hash_fits_nothing_and_is_stale) {
  UNUSED;
  static char endless[4096];
  memset(endless, '$', sizeof endless);
  const rl_slice wrong[] = {RL_SLICE(""), RL_SLICE("x"), RL_SLICE("$argon2id$v=19$m=65536,t=2,p=1$"),
                            rl_slice_of(endless, sizeof endless), RL_SLICE("$argon2id$\0")};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(rl_password_verify(RL_SLICE("x"), wrong[i]), RL_EDENIED);
    assert_true(rl_password_is_stale(wrong[i]));
  }
}

TEST(the_hash_of_nobody_is_a_current_one) {
  UNUSED;
  assert_false(rl_password_is_stale(rl_password_of_nobody));
  assert_int_equal(rl_password_verify(RL_SLICE("x"), rl_password_of_nobody), RL_EDENIED);
}

int main(void) {
  if (!rl_crypto_init()) return 1;
  const struct CMUnitTest tests[] = {
      RUN(a_hash_fits_its_password_only),
      RUN(what_does_not_fit_is_refused_before_it_costs_anything),
      RUN(what_is_no_hash_fits_nothing_and_is_stale),
      RUN(the_hash_of_nobody_is_a_current_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
