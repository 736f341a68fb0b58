/* Normalized URLs: which texts pass for one, and what they are cut into. */
#include "client/location.h"

#include "support/test.h"

TEST(a_normalized_text_is_taken_as_it_stands) {
  UNUSED;
  rl_location location;
  static const char *const settled[] = {"http://a/",           "https://a.b-c.example:8443/x/%20?a=b&c=[1]",
                                        "http://a_b:65535/.a", "http://127.0.0.1/?../.",
                                        "http://a/x/..%2f",    "http://a/x?"};
  static const char *const other[] = {"",
                                      "http://",
                                      "http:///x",
                                      "http://a",
                                      "HTTP://a/",
                                      "http://A/",
                                      "ftp://a/",
                                      "http://a?",
                                      "http://u:p@a/",
                                      "http://a/#b",
                                      "http://a/ b",
                                      "http://127.1/",
                                      "http://1.a.1/",
                                      "http://a:",
                                      "http://a:/",
                                      "http://a:80/",
                                      "https://a:443/",
                                      "http://a:0/",
                                      "http://a:080/",
                                      "http://a:65536/",
                                      "http://[",
                                      "http://[::1]/",
                                      "http://a..b/",
                                      "http://.a/",
                                      "http://a/../b",
                                      "http://a/.",
                                      "http://a/%2E%2e/b",
                                      "http://\n",
                                      "http://a/\\",
                                      "http://a%2e/",
                                      "http://a/b/.%2e",
                                      "http://a/b/..?x"};
  for (size_t i = 0; i < sizeof settled / sizeof *settled; i++) {
    assert_true(rl_location_take(&location, rl_slice_str(settled[i])));
    assert_slice(location.text, settled[i]);
  }
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    if (rl_location_take(&location, rl_slice_str(other[i]))) fail_msg("'%s' is taken", other[i]);
}

static void cuts(const char *text, const char *authority, const char *host, int port, const char *path,
                 const char *query) {
  rl_location l;
  rl_location_cut(&l, rl_slice_str(text));
  assert_slice(l.text, text);
  assert_slice(l.authority, authority);
  assert_slice(l.host, host);
  assert_int_equal(l.port, port);
  assert_slice(l.path, path);
  assert_slice(l.target, strchr(text + strlen("https://"), '/'));
  assert_true(query ? l.query.data && rl_slice_eq(l.query, rl_slice_str(query)) : !l.query.data);
  assert_int_equal(l.secure, strncmp(text, "https", 5) == 0);
}

TEST(a_text_is_cut_into_its_parts) {
  UNUSED;
  cuts("http://ab/", "ab", "ab", 80, "/", NULL);
  cuts("https://a.b/c/d?", "a.b", "a.b", 443, "/c/d", "");
  cuts("https://a.b:8443/c?d=/e?f", "a.b:8443", "a.b", 8443, "/c", "d=/e?f");
  cuts("http://[::1]/x", "[::1]", "[::1]", 80, "/x", NULL);
  cuts("http://[fe80::1%25lo]:81/", "[fe80::1%25lo]:81", "[fe80::1%25lo]", 81, "/", NULL);
}

TEST(some_hosts_are_left_to_curl) {
  UNUSED;
  static const char *const ours[] = {"http://a/", "http://127.0.0.1/", "http://[::1]/", "http://1a.b/"};
  static const char *const curls[] = {"http://[fe80::1%25lo]/", "http://a.1b/"};
  rl_location l;
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
    rl_location_cut(&l, rl_slice_str(ours[i]));
    if (l.for_curl) fail_msg("%s", ours[i]);
  }
  for (size_t i = 0; i < sizeof curls / sizeof *curls; i++) {
    rl_location_cut(&l, rl_slice_str(curls[i]));
    if (!l.for_curl) fail_msg("%s", curls[i]);
  }
}

TEST(it_moves_to_another_copy_of_its_text) {
  UNUSED;
  char first[] = "http://a:81/b?c", second[] = "http://a:81/b?c";
  rl_location from;
  rl_location_cut(&from, rl_slice_str(first));
  rl_location to = rl_location_move(&from, second);
  memset(first, 'x', sizeof first - 1);
  assert_ptr_equal(to.text.data, second);
  assert_slice(to.authority, "a:81");
  assert_slice(to.target, "/b?c");
  assert_slice(to.query, "c");
}

static uint64_t hash_of(const char *text) {
  rl_location l;
  rl_location_cut(&l, rl_slice_str(text));
  return rl_location_origin_hash(&l);
}

TEST(locations_of_one_origin_hash_alike) {
  UNUSED;
  assert_true(hash_of("http://a/b") == hash_of("http://a/c?d"));
  assert_true(hash_of("http://a/") != hash_of("https://a/"));
  assert_true(hash_of("http://a/") != hash_of("http://a:81/"));
  assert_true(hash_of("http://a/") != hash_of("http://b/"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(a_normalized_text_is_taken_as_it_stands),
      RUN(a_text_is_cut_into_its_parts),
      RUN(some_hosts_are_left_to_curl),
      RUN(it_moves_to_another_copy_of_its_text),
      RUN(locations_of_one_origin_hash_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
