/* Who may see pages of development: hosts, sites, machines. */
#include "cli/dev_access.h"

#include "fake_request.h"
#include "support/test.h"

static rl_options o;
static fake_request f;

static int setup(void **state) {
  (void)state;
  o = (rl_options){.hosts = {"127.0.0.1"}, .host_count = 1};
  return 0;
}

static void ours_at(const char *host, bool wanted, int line) {
  if (rl_dev_host_is_ours(&o, rl_slice_str(host)) == wanted) return;
  print_error("%s: '%s'\n", wanted ? "not ours" : "ours", host);
  _fail(__FILE__, line);
}
#define OURS(host) ours_at((host), true, __LINE__)
#define NOT_OURS(host) ours_at((host), false, __LINE__)

TEST(hosts_of_this_machine) {
  UNUSED;
  static const char *const ours[] = {
      "localhost",  "LocalHost:80", "localhost.", "a.localhost", "127.0.0.1", "127.0.0.1:80",       "127.1",
      "0x7f000001", "2130706433",   "127.0.0.1.", "[::1]",       "[::1]:80",  "[::ffff:127.0.0.1]", "127.255.255.255"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) OURS(ours[i]);
}

TEST(hosts_of_others) {
  UNUSED;
  static const char *const others[] = {"",
                                       ":80",
                                       "evil.example",
                                       "localhost.evil.example",
                                       "evillocalhost",
                                       "128.0.0.1",
                                       "0.0.0.0",
                                       "[::]",
                                       "[::2]",
                                       "[::ffff:10.0.0.1]",
                                       "[",
                                       "[]",
                                       "[::1",
                                       "::1",
                                       ".",
                                       "localhost\n",
                                       "127.0.0.1.evil.example",
                                       "user@localhost"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) NOT_OURS(others[i]);
}

TEST(a_host_longer_than_any_is_nobodys) {
  UNUSED;
  char host[512];
  memset(host, 'a', sizeof host);
  memcpy(host + sizeof host - 11, ".localhost", 11);
  NOT_OURS(host);
  OURS(host + sizeof host - 299); /* one that fits */
  host[0] = '[';
  NOT_OURS(host);
}

TEST(addresses_that_it_listens_on) {
  UNUSED;
  NOT_OURS("192.0.2.7");
  o.hosts[o.host_count++] = "192.0.2.7";
  OURS("192.0.2.7:8080");
  OURS("[::ffff:192.0.2.7]");
  NOT_OURS("192.0.2.8");
  o.hosts[o.host_count++] = "blog.test";
  OURS("BLOG.test:80");
  NOT_OURS("a.blog.test");
}

TEST(one_that_listens_everywhere_has_the_addresses_of_the_machine_alone) {
  UNUSED;
  o.hosts[0] = "0.0.0.0";
  OURS("127.0.0.1");
  NOT_OURS("192.0.2.7"); /* TEST-NET-1 (RFC 5737): no interface has it */
  o.hosts[0] = "::";
  OURS("[::1]");
  NOT_OURS("[2001:db8::1]");
}

TEST(hosts_that_were_allowed) {
  UNUSED;
  o.allowed[o.allowed_count++] = "blog.test";
  o.allowed[o.allowed_count++] = ".example.org";
  o.allowed[o.allowed_count++] = "192.0.2.7";
  OURS("blog.test");
  OURS("Blog.Test.:80");
  NOT_OURS("a.blog.test");
  OURS("a.example.org");
  OURS("a.b.example.org:1");
  NOT_OURS("example.org");
  NOT_OURS("evilexample.org");
  OURS("192.0.2.7");
  OURS("0xC0000207");
  NOT_OURS("192.0.2.8");
}

/* ---- requests ------------------------------------------------------------------------------------------------------------------- */

TEST(the_host_of_the_target_and_the_header_both_count) {
  UNUSED;
  fake_request_init(&f, "/", "localhost");
  assert_true(rl_dev_may_see_pages(&o, &f.req));
  f.headers[0].value = RL_SLICE("evil.example");
  assert_false(rl_dev_may_see_pages(&o, &f.req));
  f.headers[0].value = RL_SLICE("localhost");
  f.req.host = RL_SLICE("evil.example");
  assert_false(rl_dev_may_see_pages(&o, &f.req));
  f.req.header_count = 0; /* HTTP/1.0 needs none */
  f.req.host = RL_SLICE("localhost");
  assert_true(rl_dev_may_see_pages(&o, &f.req));
}

static bool may_ask(const char *path, const char *name, const char *value) {
  fake_request_init(&f, path, "localhost:8080");
  if (name) fake_request_add(&f, name, value);
  return rl_dev_may_ask_dashboard(&o, &f.req);
}

TEST(the_dashboard_answers_its_own_pages_and_programs) {
  UNUSED;
  assert_true(may_ask("/_rille", NULL, NULL)); /* curl */
  assert_true(may_ask("/_rille/state", "Sec-Fetch-Site", "same-origin"));
  assert_true(may_ask("/_rille", "Sec-Fetch-Site", "none")); /* typed by a person */
  assert_false(may_ask("/_rille/state", "Sec-Fetch-Site", "cross-site"));
  assert_false(may_ask("/_rille/state", "Sec-Fetch-Site", "same-site"));
}

TEST(an_origin_must_be_its_own) {
  UNUSED;
  assert_true(may_ask("/_rille/state", "Origin", "http://localhost:8080"));
  assert_true(may_ask("/_rille/state", "Origin", "http://LOCALHOST:8080"));
  static const char *const others[] = {"http://localhost",
                                       "http://localhost:8081",
                                       "http://evil.example",
                                       "null",
                                       "",
                                       "ftp://localhost:8080",
                                       "localhost:8080",
                                       "http://localhost:8080.evil.example"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (may_ask("/_rille/state", "Origin", others[i])) fail_msg("asked from: %s", others[i]);
}

TEST(the_port_of_a_scheme_may_be_left_out) {
  UNUSED;
  fake_request_init(&f, "/_rille/state", "localhost");
  fake_request_add(&f, "Origin", "http://localhost:80");
  assert_true(rl_dev_may_ask_dashboard(&o, &f.req));
  f.headers[1].value = RL_SLICE("https://localhost:443");
  assert_true(rl_dev_may_ask_dashboard(&o, &f.req));
  f.headers[1].value = RL_SLICE("https://localhost:80");
  assert_false(rl_dev_may_ask_dashboard(&o, &f.req));
}

TEST(a_link_from_another_site_is_followed_and_nothing_else) {
  UNUSED;
  static const char *const paths[] = {"/_rille", "/_rille/source", "/_rille/state", "/_rille/live.js"};
  for (int i = 0; i < 4; i++) {
    fake_request_init(&f, paths[i], "localhost");
    fake_request_add(&f, "Sec-Fetch-Site", "cross-site");
    fake_request_add(&f, "Sec-Fetch-Mode", "navigate");
    fake_request_add(&f, "Sec-Fetch-Dest", "document");
    assert_int_equal(rl_dev_may_ask_dashboard(&o, &f.req), i < 2);
    f.headers[3].value = RL_SLICE("iframe");
    assert_false(rl_dev_may_ask_dashboard(&o, &f.req));
    f.headers[3].value = RL_SLICE("document");
    f.headers[2].value = RL_SLICE("no-cors");
    assert_false(rl_dev_may_ask_dashboard(&o, &f.req));
  }
}

TEST(another_machine_gets_live_reload_by_a_host_of_ours_and_no_panel) {
  UNUSED;
  o.hosts[o.host_count++] = "192.0.2.7";
  static const char *const paths[] = {"/_rille/live.js", "/_rille/events", "/_rille", "/_rille/state",
                                      "/_rille/source"};
  for (int i = 0; i < 5; i++) {
    fake_request_init(&f, paths[i], "192.0.2.7");
    f.req.remote = RL_SLICE("192.0.2.9");
    assert_int_equal(rl_dev_may_ask_dashboard(&o, &f.req), i < 2);
    f.req.remote = RL_SLICE("::1");
    assert_true(rl_dev_may_ask_dashboard(&o, &f.req));
  }
}

TEST(a_host_that_was_allowed_by_name_opens_the_panel_to_other_machines) {
  UNUSED;
  o.allowed[o.allowed_count++] = "blog.test";
  fake_request_init(&f, "/_rille", "blog.test");
  f.req.remote = RL_SLICE("192.0.2.9");
  assert_true(rl_dev_may_ask_dashboard(&o, &f.req));
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {
      EACH(hosts_of_this_machine),
      EACH(hosts_of_others),
      EACH(a_host_longer_than_any_is_nobodys),
      EACH(addresses_that_it_listens_on),
      EACH(one_that_listens_everywhere_has_the_addresses_of_the_machine_alone),
      EACH(hosts_that_were_allowed),
      EACH(the_host_of_the_target_and_the_header_both_count),
      EACH(the_dashboard_answers_its_own_pages_and_programs),
      EACH(an_origin_must_be_its_own),
      EACH(the_port_of_a_scheme_may_be_left_out),
      EACH(a_link_from_another_site_is_followed_and_nothing_else),
      EACH(another_machine_gets_live_reload_by_a_host_of_ours_and_no_panel),
      EACH(a_host_that_was_allowed_by_name_opens_the_panel_to_other_machines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
