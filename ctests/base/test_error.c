#include "base/error.h"
#include "base/os_error.h"

#include <errno.h>

#include "support/test.h"

static const int codes[] = {
#define X(name, number, word, status, text) RL_E##name,
    RL_ERROR_MAP(X)
#undef X
};

enum { COUNT = sizeof codes / sizeof *codes };

TEST(codes_are_negative_and_no_two_share_a_number_or_a_name) { /* a word may stand for two */
  UNUSED;
  for (int i = 0; i < COUNT; i++) {
    assert_true(codes[i] < 0);
    for (int j = 0; j < i; j++) {
      assert_int_not_equal(codes[i], codes[j]);
      assert_string_not_equal(rl_error_name(codes[i]), rl_error_name(codes[j]));
    }
  }
}

TEST(every_code_has_a_word_a_text_and_a_status_of_an_error) {
  UNUSED;
  for (int i = 0; i < COUNT; i++) {
    assert_true(*rl_error_word(codes[i]) && *rl_error_text(codes[i]));
    assert_in_range(rl_error_status(codes[i]), 400, 599);
    assert_string_equal(rl_error_word(rl_error_of_word(rl_error_word(codes[i]))), rl_error_word(codes[i]));
  }
}

TEST(success_and_the_unknown_have_names_too) {
  UNUSED;
  assert_string_equal(rl_error_name(0), "OK");
  assert_string_equal(rl_error_name(-9999), "UNKNOWN");
  assert_int_equal(rl_error_status(-9999), 500);
  assert_int_equal(rl_error_status(1), 500);
  assert_int_equal(rl_error_of_word("no such word"), 0);
}

TEST(errno_becomes_a_code) {
  UNUSED;
  static const int pairs[][2] = {{0, RL_OK},
                                 {ENOMEM, RL_ENOMEM},
                                 {EAGAIN, RL_EAGAIN},
                                 {EWOULDBLOCK, RL_EAGAIN},
                                 {EPIPE, RL_ERESET},
                                 {ECONNRESET, RL_ERESET},
                                 {ECONNREFUSED, RL_ECONNECT},
                                 {ETIMEDOUT, RL_ETIMEOUT},
                                 {ENOENT, RL_ENOTFOUND},
                                 {ENOTDIR, RL_ENOTFOUND},
                                 {ELOOP, RL_ENOTFOUND},
                                 {EACCES, RL_EDENIED},
                                 {EEXIST, RL_EEXISTS},
                                 {ENOSPC, RL_EFULL},
                                 {EDQUOT, RL_EFULL},
                                 {EINVAL, RL_EINVALID},
                                 {EMFILE, RL_ENOFILES},
                                 {ENFILE, RL_ENOFILES},
                                 {ENOBUFS, RL_ENOMEM},
                                 {EBADF, RL_EIO},
                                 {EIO, RL_EIO}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    assert_int_equal(rl_error_from_errno(pairs[i][0]), pairs[i][1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(codes_are_negative_and_no_two_share_a_number_or_a_name),
      RUN(every_code_has_a_word_a_text_and_a_status_of_an_error),
      RUN(success_and_the_unknown_have_names_too),
      RUN(errno_becomes_a_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
