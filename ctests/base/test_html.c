#include "base/html.h"

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

static void check(const char *text, const char *expected) {
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_html_escape(&out, rl_slice_str(text)), 0);
  assert_slice(rl_buf_slice(&out), expected);
  rl_buf_free(&out);
}

TEST(escapes_the_five) {
  UNUSED;
  check("", "");
  check("plain", "plain");
  check("&<>\"'", "&amp;&lt;&gt;&#34;&#39;");
  check("a<b>c&d\"e'f", "a&lt;b&gt;c&amp;d&#34;e&#39;f");
}

/* Puts one special byte at every place of texts of every length: blocks of 16, the rest of them, pieces of 512. */
TEST(finds_a_special_wherever_it_stands) {
  UNUSED;
  char text[600], expected[600 + 8];
  for (size_t len = 1; len <= 70; len++) {
    for (size_t at = 0; at < len; at++) {
      memset(text, 'x', len);
      text[at] = '<';
      text[len] = 0;
      snprintf(expected, sizeof expected, "%.*s&lt;%s", (int)at, text, text + at + 1);
      check(text, expected);
    }
  }
  memset(text, 'x', 599);
  text[599] = 0;
  for (size_t at = 500; at < 599; at++) {
    text[at] = '&';
    snprintf(expected, sizeof expected, "%.*s&amp;%s", (int)at, text, text + at + 1);
    check(text, expected);
    text[at] = 'x';
  }
}

TEST(takes_bytes_beyond_ascii_and_nul_as_they_are) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_slice text = RL_SLICE("\xC3\xA9\0<\xFF\xE2\x99\xA8 0123456789 ' \xE2\x99\xA8");
  assert_int_equal(rl_html_escape(&out, text), 0);
  rl_slice expected = RL_SLICE("\xC3\xA9\0&lt;\xFF\xE2\x99\xA8 0123456789 &#39; \xE2\x99\xA8");
  assert_true(rl_slice_eq(rl_buf_slice(&out), expected));
  rl_buf_free(&out);
}

TEST(escapes_nothing_but_specials) {
  UNUSED;
  rl_buf out;
  char text[2000];
  memset(text, '"', sizeof text);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  assert_int_equal(rl_html_escape(&out, rl_slice_of(text, sizeof text)), 0);
  assert_int_equal(out.len, sizeof text * 5);
  for (size_t i = 0; i < sizeof text; i++) assert_memory_equal(out.data + 5 * i, "&#34;", 5);
  rl_buf_free(&out);
}

TEST(refuses_what_exceeds_the_limit_and_what_cannot_be_had) {
  UNUSED;
  rl_buf out;
  char text[4000];
  memset(text, 'x', sizeof text);
  rl_buf_init(&out, 3000);
  assert_int_equal(rl_html_escape(&out, rl_slice_of(text, sizeof text)), RL_ETOOBIG);
  assert_true(out.len <= 3000);
  rl_buf_free(&out);
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_alloc_fail_at(1, false);
  assert_int_equal(rl_html_escape(&out, rl_slice_of(text, sizeof text)), RL_ENOMEM);
  rl_alloc_fail_at(0, false);
  rl_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(escapes_the_five),
      RUN(finds_a_special_wherever_it_stands),
      RUN(takes_bytes_beyond_ascii_and_nul_as_they_are),
      RUN(escapes_nothing_but_specials),
      RUN(refuses_what_exceeds_the_limit_and_what_cannot_be_had),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
