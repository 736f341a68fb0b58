#include "http/forwarded.h"

#include "support/test.h"

static void add(char *text, const char *name, rl_slice value) {
  if (value.data) sprintf(text + strlen(text), "%s=%.*s ", name, RL_FMT(value));
}

static void assert_hops(const char *value, const char *joined) {
  char text[400] = "";
  rl_forwarded forwarded = rl_forwarded_of(rl_slice_str(value));
  rl_forwarded_hop hop;
  while (rl_forwarded_next(&forwarded, &hop)) {
    strcat(text, "[");
    add(text, "for", hop.node);
    add(text, "proto", hop.proto);
    add(text, "host", hop.host);
    strcat(text, "]");
  }
  assert_string_equal(text, joined);
}

TEST(reads_hops_as_rfc_7239_has_them) {
  UNUSED;
  assert_hops("for=192.0.2.1;proto=http;by=203.0.113.43", "[for=192.0.2.1 proto=http ]");
  assert_hops("For=\"[2001:db8:cafe::17]:4711\"", "[for=[2001:db8:cafe::17]:4711 ]");
  assert_hops("for=192.0.2.43, for=198.51.100.17;HOST=a.example",
              "[for=192.0.2.43 ][for=198.51.100.17 host=a.example ]");
  assert_hops("for = 192.0.2.1 ; proto = \"https\"", "[for=192.0.2.1 proto=https ]");
  assert_hops(", for=a,, ,for=b,", "[for=a ][for=b ]");
  assert_hops("by=x, secret=\"a,b;for=c\"", "[][]");
  assert_hops("", "");
}

TEST(what_is_malformed_says_nothing) {
  UNUSED;
  assert_hops("for", "[]");
  assert_hops("=x;for=", "[for= ]");
  assert_hops("for=\"a\\\"b\"", "[]");
  assert_hops("for=a;for=b", "[for=b ]");
}

/* A quote that a client leaves open must not take in the entries that the proxy adds. */
TEST(an_open_quote_swallows_no_hop) {
  UNUSED;
  assert_hops("for=\"x, for=192.0.2.1", "[for=\"x ][for=192.0.2.1 ]");
  assert_hops("\", for=\"[::1]\"", "[][for=[::1] ]");
  assert_hops("for=\"x\\\", for=\"[::1]\";proto=https", "[][for=[::1] proto=https ]");
  assert_hops("for=\"\\, for=192.0.2.1", "[][for=192.0.2.1 ]");
}

int main(void) {
  const struct CMUnitTest tests[] = {RUN(reads_hops_as_rfc_7239_has_them), RUN(what_is_malformed_says_nothing),
                                     RUN(an_open_quote_swallows_no_hop)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
