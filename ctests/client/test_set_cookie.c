/* Set-Cookie fields, cut; and the suffixes that no cookie is for. */
#include "client/set_cookie.h"

#include "base/limits.h"
#include "client/suffix.h"
#include "support/test.h"

static void cuts(rl_slice field, const char *wanted) {
  rl_set_cookie cookie;
  char text[512];
  const char *name;
  rl_slice value;
  if (!rl_set_cookie_cut(field, &cookie)) {
    assert_string_equal("ignored", wanted);
    return;
  }
  int at = snprintf(text, sizeof text, "[%.*s]=[%.*s]", RL_FMT(cookie.name), RL_FMT(cookie.value));
  while (rl_set_cookie_next(&cookie, &name, &value))
    at += snprintf(text + at, sizeof text - (size_t)at, " %s=[%.*s]", name, RL_FMT(value));
  assert_string_equal(text, wanted);
}

#define CUTS(field, wanted) cuts(RL_SLICE(field), wanted)

TEST(a_field_is_cut_into_name_value_and_attributes) {
  UNUSED;
  CUTS("a=b", "[a]=[b]");
  CUTS(" a = b ; PATH = /x ;\tSecure ; max-age=5", "[a]=[b] path=[/x] secure=[] max-age=[5]");
  CUTS("a=b=c; Path==/", "[a]=[b=c] path=[=/]");
  CUTS("a=\"b c\";;; ; =; httponly", "[a]=[\"b c\"] httponly=[]");
  CUTS("a=; Other=x; Domain", "[a]=[] domain=[]");
  CUTS("a=b; Path=/1; Path=/2", "[a]=[b] path=[/1] path=[/2]");
  CUTS("a=1\t2", "[a]=[1\t2]");
}

TEST(what_has_no_equals_sign_is_a_value) {
  UNUSED;
  CUTS("a", "[]=[a]");
  CUTS("=a", "[]=[a]");
  CUTS(" ; Path=/", "ignored");
  CUTS("", "ignored");
  CUTS("=", "ignored");
  CUTS("__host-a", "ignored");
  CUTS("=__Secure-a=b; Secure", "ignored");
  CUTS("__host-a=", "[__host-a]=[]");
}

TEST(a_control_character_makes_it_ignored) {
  UNUSED;
  CUTS("a=\1", "ignored");
  CUTS("a=b; Path=/\x7f", "ignored");
  CUTS("a=b; X=\0", "ignored");
  CUTS("a\r=b", "ignored");
}

TEST(name_value_and_attributes_have_a_limit) {
  UNUSED;
  static char field[2 * RL_LIMIT_COOKIE];
  rl_set_cookie cookie;
  const char *name;
  rl_slice value;
  memset(field, 'x', sizeof field);
  field[1000] = '=';
  assert_true(rl_set_cookie_cut(rl_slice_of(field, RL_LIMIT_COOKIE + 1), &cookie));
  assert_false(rl_set_cookie_cut(rl_slice_of(field, RL_LIMIT_COOKIE + 2), &cookie));
  memcpy(field, "a=b;path=", 9);
  field[1000] = 'x';
  assert_true(rl_set_cookie_cut(rl_slice_of(field, 9 + RL_LIMIT_COOKIE_ATTRIBUTE), &cookie));
  assert_true(rl_set_cookie_next(&cookie, &name, &value));
  assert_true(rl_set_cookie_cut(rl_slice_of(field, 10 + RL_LIMIT_COOKIE_ATTRIBUTE), &cookie));
  assert_false(rl_set_cookie_next(&cookie, &name, &value));
}

TEST(suffixes_that_anybody_may_be_below_are_public) {
  UNUSED;
  static const char *const public[] = {"com",      "co.uk", "co.uk.", "github.io", "localhost",
                                       "internal", "",      ".",      "xn--p1ai",  "b.kobe.jp"};
  static const char *const own[] = {"example.com",  "example.co.uk",     "a.github.io",
                                    "city.kobe.jp", "svc.cluster.local", "example.com."};
  for (size_t i = 0; i < sizeof public / sizeof *public; i++)
    if (!rl_suffix_is_public(rl_slice_str(public[i]))) fail_msg("'%s' is public", public[i]);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (rl_suffix_is_public(rl_slice_str(own[i]))) fail_msg("'%s' is somebody's", own[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_field_is_cut_into_name_value_and_attributes), RUN(what_has_no_equals_sign_is_a_value),
      RUN(a_control_character_makes_it_ignored),          RUN(name_value_and_attributes_have_a_limit),
      RUN(suffixes_that_anybody_may_be_below_are_public),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
