#include "http/header.h"

#include "base/ascii.h"
#include "support/test.h"

TEST(every_name_finds_its_number_in_any_case) {
  UNUSED;
  for (int id = 1; id < RL_HEADER_COUNT; id++) {
    char text[32];
    rl_slice name = rl_header_name((rl_header_id)id);
    for (size_t i = 0; i < name.len; i++) text[i] = i % 2 ? name.data[i] : rl_upper(name.data[i]);
    assert_int_equal(rl_header_id_of(name), id);
    assert_int_equal(rl_header_id_of(rl_slice_of(text, name.len)), id);
  }
}

TEST(what_only_looks_like_a_name_has_none) {
  UNUSED;
  static const char *const others[] = {"hosu", "hosts", "hst", "x", "-",    "content-lengtg", "content\rlength",
                                       "te ",  "t\x05", "HOS", "H", "\xff", "x-forwarded-for"};
  assert_int_equal(rl_header_id_of(RL_SLICE("")), RL_HEADER_OTHER);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_int_equal(rl_header_id_of(rl_slice_str(others[i])), RL_HEADER_OTHER);
}

/* Each byte at each place of a text that is longer than two words. */
TEST(a_value_ends_at_the_first_control_character) {
  UNUSED;
  for (int c = 0; c < 256; c++) {
    bool fits = rl_is((unsigned char)c, RL_CHAR_FIELD);
    assert_int_equal(fits, c == '\t' || (c >= 32 && c != 127));
    for (size_t at = 0; at < 21; at++) {
      char text[21];
      memset(text, at % 2 ? 0xff : ' ', sizeof text);
      text[at] = (char)c;
      assert_int_equal(rl_header_value_end(rl_slice_of(text, sizeof text)), fits ? sizeof text : at);
      assert_int_equal(rl_header_value_end(rl_slice_of(text, at)), at);
    }
  }
}

TEST(tabs_do_not_hide_what_follows_them) {
  UNUSED;
  assert_int_equal(rl_header_value_end(RL_SLICE("a\t\t\t\t\t\t\tbcdefgh\tijk\rl")), 19);
  assert_true(rl_header_value_is_safe(RL_SLICE("a\tb\tcdefghij\t")));
  assert_false(rl_header_value_is_safe(RL_SLICE("a\tb\tcdefghij\t\n")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(every_name_finds_its_number_in_any_case),
      RUN(what_only_looks_like_a_name_has_none),
      RUN(a_value_ends_at_the_first_control_character),
      RUN(tabs_do_not_hide_what_follows_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
