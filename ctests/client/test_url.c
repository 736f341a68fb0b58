/* URLs as a client takes them apart: written out in one way, or refused with the reason. */
#include "client/url.h"

#include "base/error.h"
#include "base/limits.h"
#include "support/test.h"

static void parse(rl_parsed_url *url, const char *text, const char *base) {
  rl_location from;
  const char *why = NULL;
  if (base) rl_location_cut(&from, rl_slice_str(base));
  int code = rl_url_parse(url, text, base ? &from : NULL, &why);
  if (code) fail_msg("'%s': %s", text, why);
  assert_null(why);
}

static void becomes_from(const char *text, const char *base, const char *wanted) {
  rl_parsed_url url;
  parse(&url, text, base);
  if (strcmp(url.text, wanted) != 0) print_error("'%s'\n", text);
  assert_string_equal(url.text, wanted);
  assert_ptr_equal(url.location.text.data, url.text);
  rl_parsed_url_free(&url);
}

/* And once more it stays what it is. */
static void becomes(const char *text, const char *url) {
  becomes_from(text, NULL, url);
  becomes_from(url, NULL, url);
}

static int refused(const char *text, const char *base, const char **why) {
  rl_parsed_url url;
  rl_location from;
  if (base) rl_location_cut(&from, rl_slice_str(base));
  int code = rl_url_parse(&url, text, base ? &from : NULL, why);
  if (!code) fail_msg("'%s' was taken: %s", text, url.text);
  return code;
}

static void is_refused(const char *text, const char *reason) {
  const char *why = NULL;
  assert_int_equal(refused(text, NULL, &why), RL_EURL);
  if (!strstr(why, reason)) fail_msg("'%s': %s", text, why);
}

TEST(urls_are_written_in_one_way) {
  UNUSED;
  becomes("HTTP://EXAMPLE.com", "http://example.com/");
  becomes("https://Example.COM:443/A?B", "https://example.com/A?B");
  becomes("http://a:80/", "http://a/");
  becomes("http://a:443/", "http://a:443/");
  becomes("https://a:80/", "https://a:80/");
  becomes("http://a:/x", "http://a/x");
  becomes("http://a/x?", "http://a/x?"); /* an empty query is one (RFC 3986 section 6.2.3) */
  becomes("http://a?x#top", "http://a/?x");
  becomes("http://u:p%40@a/", "http://a/");
  becomes("http://a/\xc3\xbc b?q=\"<\xc3\xa9>\\", "http://a/%C3%BC%20b?q=%22%3C%C3%A9%3E%5C");
  becomes("http://a/%41%zz%2F", "http://a/%41%zz%2F");
  becomes("http://a.b-c_d.example./", "http://a.b-c_d.example./");
  becomes("http://[0:0::1]:8080/", "http://[::1]:8080/");
  becomes("http://[FE80::1%25lo]/", "http://[fe80::1%25lo]/");
}

TEST(dot_segments_are_taken_out_in_each_spelling) {
  UNUSED;
  becomes("http://a/v1/../admin", "http://a/admin");
  becomes("http://a/v1/%2e%2e/admin", "http://a/admin");
  becomes("http://a/v1/.%2E/%2e/admin/%2E.", "http://a/");
  becomes("http://a/b/%2e%2e/../c", "http://a/c");
  becomes("http://a/../../..", "http://a/");
  becomes("http://a/b/.", "http://a/b/");
  becomes("http://a/b/..", "http://a/");
  becomes("http://a/b/c/..", "http://a/b/");
  becomes("http://a/b//../c", "http://a/b/c");
  becomes("http://a/.//b", "http://a//b");
  becomes("http://a/..b/.c/.../d./%2e%2e%2e", "http://a/..b/.c/.../d./%2e%2e%2e");
  becomes("http://a/b?c=/../d", "http://a/b?c=/../d");
  becomes("http://a/b/..%2f../%252e%252e/c", "http://a/b/..%2f../%252e%252e/c");
}

TEST(a_relative_text_is_resolved) {
  UNUSED;
  becomes_from("../c?q=1#part", "http://a/x/y/z", "http://a/x/c?q=1");
  becomes_from("%2e%2e/c", "http://a/x/y/z", "http://a/x/c");
  becomes_from("/c/../d", "http://a/x/y", "http://a/d");
  becomes_from("?q", "http://a/x?p", "http://a/x?q");
  becomes_from("", "http://a/x?p", "http://a/x?p");
  becomes_from("#top", "http://a/x?p", "http://a/x?p");
  becomes_from("//B:80/c", "http://a/x", "http://b/c");
  becomes_from("//b", "https://a/x", "https://b/");
  becomes_from("..", "http://a:81/x", "http://a:81/");
}

TEST(what_only_curl_takes_for_a_scheme_is_refused) {
  UNUSED;
  const char *why;
  assert_int_equal(refused("8ttp:/b", "http://a/", &why), RL_EURL);
  assert_non_null(strstr(why, "scheme"));
}

TEST(a_host_in_a_query_is_none) {
  UNUSED;
  rl_parsed_url url;
  parse(&url, "?u=http://127.1/", "http://a/");
  assert_string_equal(url.text, "http://a/?u=http://127.1/");
  assert_false(url.disguised);
  rl_parsed_url_free(&url);
}

TEST(credentials_are_no_part_of_a_location) {
  UNUSED;
  rl_parsed_url url;
  parse(&url, "http://ada:s%3Acret@a/x", NULL);
  assert_string_equal(url.user, "ada");
  assert_string_equal(url.password, "s:cret");
  assert_string_equal(url.text, "http://a/x");
  rl_parsed_url_free(&url);
  parse(&url, "http://a/x", NULL);
  assert_null(url.user);
  assert_null(url.password);
  rl_parsed_url_free(&url);
}

TEST(each_text_is_cut_once) {
  UNUSED;
  static const char *const texts[] = {"http://a/b?c", "HTTP://A/b", "/x", "x"};
  rl_parsed_url url;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    unsigned long before = rl_location_cut_count();
    parse(&url, texts[i], i < 2 ? NULL : "http://a/y");
    assert_int_equal(rl_location_cut_count() - before, i < 2 ? 1 : 2); /* the base is one too */
    rl_parsed_url_free(&url);
  }
}

TEST(hosts_outside_ascii_become_what_dns_knows) {
  UNUSED;
  becomes(
      "http://b\xc3\xbc"
      "cher.example/",
      "http://xn--bcher-kva.example/");
  becomes("http://B%C3%9CCHER.example/", "http://xn--bcher-kva.example/");
  becomes(
      "http://bu\xcc\x88"
      "cher.example/",
      "http://xn--bcher-kva.example/");                                /* composed */
  becomes("http://fa\xc3\x9f.example/", "http://xn--fa-hia.example/"); /* not "fass": UTS #46 is not transitional */
  becomes(
      "http://\xef\xbd\x85xample\xe3\x80\x82"
      "com/",
      "http://example.com/"); /* a wide e, an ideographic full stop */
  becomes("http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/");
  becomes("http://\xc3\xbc.example:8080/\xc3\xbc", "http://xn--tda.example:8080/%C3%BC");
}

TEST(numbers_become_addresses_and_say_so) {
  UNUSED;
  static const char *const disguises[] = {
      "http://127.1/",
      "http://2130706433/",
      "http://0x7f.1/",
      "http://0177.0.0.1/",
      "http://127.0.0.1./",
      "http://0x7f.1./",
      "http://%31%32%37.0.0.1/",
      "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",          /* wide digits */
      "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/",          /* circled ones */
      "http://127\xe3\x80\x82\x30\xef\xbc\x8e\x30\xef\xbd\xa1\x31/", /* other dots */
      "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97\xe3\x80\x82\x31/"};
  for (size_t i = 0; i < sizeof disguises / sizeof *disguises; i++) {
    rl_parsed_url url;
    parse(&url, disguises[i], NULL);
    assert_string_equal(url.text, "http://127.0.0.1/");
    if (!url.disguised) fail_msg("'%s' hides its address", disguises[i]);
    rl_parsed_url_free(&url);
  }
  rl_parsed_url plain;
  parse(&plain, "http://127.0.0.1/", NULL);
  assert_false(plain.disguised);
  rl_parsed_url_free(&plain);
}

TEST(what_cannot_be_fetched_is_refused_with_its_reason) {
  UNUSED;
  is_refused("", "http:// or https:// in front");
  is_refused("/x", "http:// or https:// in front");
  is_refused("example.com", "http:// or https:// in front");
  is_refused(" http://a/", "http:// or https:// in front");
  is_refused("ftp://a/", "its scheme cannot be fetched");
  is_refused("javascript:alert(1)", "its scheme cannot be fetched");
  is_refused("localhost:8080/", "its scheme cannot be fetched");
  is_refused("http:/a", "two slashes");
  is_refused("http:a", "two slashes");
  is_refused("http://", "no host");
  is_refused("http:///a", "no host");
  is_refused("http://:80/", "no host");
  is_refused("http://u@/", "no host");
  is_refused("http://a:0/", "port");
  is_refused("http://a:65536/", "port");
  is_refused("http://a:8x/", "port");
  is_refused("http://a:-1/", "port");
  is_refused("http://[::1", "IPv6");
  is_refused("http://[v1.a]/", "IPv6");
  is_refused("http://a\tb/", "control character");
  is_refused("http://a/\r\nX: y", "control character");
  is_refused("http://a/\x7f", "control character");
  is_refused("http://a\\@b/", "backslash");
  is_refused("http://a/b\\..\\c", "backslash");
  is_refused("http://a b/", "its host holds a character");
  is_refused("http://a%00b/", "its host holds a character");
  is_refused("http://a%2fb/", "its host holds a character");
  is_refused("http://a~b/", "its host holds a character");
  is_refused("http://u@v@a/", "its host holds a character");
  is_refused("http://a..b/", "empty label");
  is_refused("http://.a/", "empty label");
  is_refused("http://./", "empty label");
  is_refused("http://256.1.1.1/", "is a number, and no IPv4 address");
  is_refused("http://1.2.3.4.5/", "is a number, and no IPv4 address");
  is_refused("http://4294967296/", "is a number, and no IPv4 address");
  is_refused("http://a.0x/", "is a number, and no IPv4 address");
  is_refused("http://a%ff.example/", "not UTF-8");
  is_refused(
      "http://a\xef\xbc\x8f"
      "b.example/",
      "its host holds a character");                                        /* a wide slash */
  is_refused("http://\xe2\x84\x80.example/", "its host holds a character"); /* a/c in one character */
  is_refused(
      "http://a\xef\xbc\xa0"
      "b.example/",
      "its host holds a character");                                         /* a wide at sign */
  is_refused("http://a\xef\xbc\x9a\x38\x30/", "its host holds a character"); /* a wide colon */
  is_refused(
      "http://\xcc\x80"
      "a.example/",
      "IDNA");                               /* begins with an accent */
  is_refused("http://\xc2\xad/", "no host"); /* a soft hyphen is nothing */
  is_refused("http://u%00:p@a/", "control character");
}

static char *with_host(const char *part, size_t times, const char *end) {
  static char text[RL_LIMIT_URL + 64];
  strcpy(text, "http://");
  for (size_t i = 0; i < times; i++) strcat(text, part);
  return strcat(text, end);
}

TEST(what_is_too_long_is_refused) {
  UNUSED;
  static char text[RL_LIMIT_URL + 2];
  is_refused(with_host("a", 64, "/"), "longer than 63");
  is_refused(with_host("\xc3\xbc", 64, "/"), "longer than 63");
  is_refused(with_host("a.", 128, "/"), "longer than 253");
  is_refused(with_host("\xc3\xbc.", 127, "/"), "longer than 253");
  is_refused(with_host("\xc3\xbc", 2000, "/"), "longer than 253");
  memset(text, 'a', sizeof text - 1);
  memcpy(text, "http://a/", 9);
  is_refused(text, "longer than 64 KiB");
  text[sizeof text - 2] = 0;
  becomes(text, text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(urls_are_written_in_one_way),
      RUN(dot_segments_are_taken_out_in_each_spelling),
      RUN(a_relative_text_is_resolved),
      RUN(what_only_curl_takes_for_a_scheme_is_refused),
      RUN(a_host_in_a_query_is_none),
      RUN(credentials_are_no_part_of_a_location),
      RUN(each_text_is_cut_once),
      RUN(hosts_outside_ascii_become_what_dns_knows),
      RUN(numbers_become_addresses_and_say_so),
      RUN(what_cannot_be_fetched_is_refused_with_its_reason),
      RUN(what_is_too_long_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
