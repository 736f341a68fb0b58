#include "base/url.h"

#include "base/error.h"
#include "support/test.h"

static long decode(const char *text, bool plus, char *out) { return rl_url_decode(rl_slice_str(text), plus, out); }

TEST(decodes_escapes_in_either_case_and_plus_where_asked) {
  UNUSED;
  char out[64];
  assert_slice(rl_slice_of(out, (size_t)decode("a%20b%c3%A9+%2B", false, out)), "a b\xc3\xa9++");
  assert_slice(rl_slice_of(out, (size_t)decode("a%20b+%2B", true, out)), "a b +");
  assert_int_equal(decode("%00", false, out), 1);
  assert_int_equal(out[0], 0);
  assert_int_equal(decode("", false, out), 0);
}

TEST(refuses_a_percent_sign_without_two_digits) {
  UNUSED;
  char out[64];
  static const char *const bad[] = {"%", "%4", "a%", "%zz", "%4g", "%%41", "%+1", "%u002e", "% 1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(decode(bad[i], false, out), RL_ESYNTAX);
}

TEST(decodes_in_place) {
  UNUSED;
  char text[] = "%61%62c";
  assert_slice(rl_slice_of(text, (size_t)rl_url_decode(rl_slice_str(text), false, text)), "abc");
}

TEST(every_byte_survives_encoding) {
  UNUSED;
  char all[256], back[256];
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  for (int i = 0; i < 256; i++) all[i] = (char)i;
  assert_int_equal(rl_url_encode(&out, rl_slice_of(all, 256)), 0);
  assert_int_equal(out.len, 66 + 190 * 3);
  assert_int_equal(rl_url_decode(rl_buf_slice(&out), true, back), 256);
  assert_memory_equal(back, all, 256);
  rl_buf_free(&out);
}

TEST(encoding_keeps_the_unreserved_and_uses_capitals) {
  UNUSED;
  rl_buf out;
  rl_buf_init(&out, RL_BUF_NO_LIMIT);
  rl_url_encode(&out, RL_SLICE("aZ09-._~ /\xff"));
  assert_slice(rl_buf_slice(&out), "aZ09-._~%20%2F%FF");
  rl_buf_free(&out);
}

static void assert_pairs(const char *query, const char *joined) {
  char text[100] = "";
  rl_slice rest = rl_slice_str(query), name, value;
  while (rl_query_next(&rest, &name, &value))
    snprintf(text + strlen(text), sizeof text - strlen(text), "[%.*s|%.*s]", RL_FMT(name), RL_FMT(value));
  assert_string_equal(text, joined);
}

TEST(cuts_a_query_into_pairs) {
  UNUSED;
  assert_pairs("a=b&c=d", "[a|b][c|d]");
  assert_pairs("a=b=c&d", "[a|b=c][d|]");
  assert_pairs("&&a&&=b&=&", "[a|][|b][|]");
  assert_pairs("", "");
  assert_pairs("&", "");
  assert_pairs("a=%26&b=%3d", "[a|%26][b|%3d]");
}

static void assert_path(const char *path, const char *decoded, const char *unescaped) {
  char out[100];
  long len = rl_path_decode(rl_slice_str(path), out);
  assert_true(len >= 0);
  assert_slice(rl_slice_of(out, (size_t)len), decoded);
  assert_slice(rl_slice_of(out, rl_path_unescape(out, (size_t)len)), unescaped);
}

/* RFC 3986 section 2.4: one decoding, and an encoded slash never makes a segment. */
TEST(a_path_keeps_its_encoded_slashes_and_percent_signs_until_segments_are_cut) {
  UNUSED;
  assert_path("/a%20b", "/a b", "/a b");
  assert_path("/a%2fb%2F", "/a%2Fb%2F", "/a/b/");
  assert_path("/%2541", "/%2541", "/%41");
  assert_path("/%252f", "/%252f", "/%2f");
  assert_path("/a+b%2B", "/a+b+", "/a+b+");
  assert_path("/%C3%A9", "/\xc3\xa9", "/\xc3\xa9");
}

TEST(a_path_with_a_bad_escape_a_nul_or_bad_utf8_is_refused) {
  UNUSED;
  char out[64];
  static const char *const bad[] = {"/%", "/%zz", "/%4", "/%00", "/a%u002e"};
  static const char *const bad_utf8[] = {"/%ff", "/%c0%ae", "/%ed%a0%80", "/%c3", "/%c3/%a9"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(rl_path_decode(rl_slice_str(bad[i]), out), RL_ESYNTAX);
  for (size_t i = 0; i < sizeof bad_utf8 / sizeof *bad_utf8; i++)
    assert_int_equal(rl_path_decode(rl_slice_str(bad_utf8[i]), out), RL_EUTF8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(decodes_escapes_in_either_case_and_plus_where_asked),
      RUN(refuses_a_percent_sign_without_two_digits),
      RUN(decodes_in_place),
      RUN(every_byte_survives_encoding),
      RUN(encoding_keeps_the_unreserved_and_uses_capitals),
      RUN(cuts_a_query_into_pairs),
      RUN(a_path_keeps_its_encoded_slashes_and_percent_signs_until_segments_are_cut),
      RUN(a_path_with_a_bad_escape_a_nul_or_bad_utf8_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
