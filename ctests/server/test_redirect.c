/* The plain port beside https: whom it sends where, whom it does not, and the answers of ACME. */
#include "server/redirect.h"

#include "http/response.h"
#include "support/test.h"

static rl_redirect redirect;
static rl_req req;
static int status, released;
static char location[512], body[512];

static int respond(rl_req *r, const rl_resp *resp) {
  assert_ptr_equal(r, &req);
  assert_int_equal(rl_resp_check(resp), 0);
  status = resp->status;
  location[0] = 0;
  if (resp->header_count)
    snprintf(location, sizeof location, "%.*s", (int)resp->headers->value.len, resp->headers->value.data);
  snprintf(body, sizeof body, "%.*s", (int)resp->body.len, resp->body.data);
  return 0;
}

static void release(rl_req *r) { (void)r, released++; }

static const rl_req_ops ops = {.respond = respond, .release = release};

static rl_redirect_host knows(rl_redirect *r, rl_slice name) {
  assert_ptr_equal(r, &redirect);
  if (rl_slice_eq(name, RL_SLICE("new.example"))) return RL_REDIRECT_NOT_YET;
  bool ours = rl_slice_eq(name, RL_SLICE("a.example")) || rl_slice_eq(name, RL_SLICE("::1"));
  return ours ? RL_REDIRECT_OURS : RL_REDIRECT_STRANGE;
}

static bool find_answer(rl_redirect *r, rl_slice token, rl_buf *out) {
  (void)r;
  return rl_slice_eq(token, RL_SLICE("tok-en_1")) && rl_buf_add_str(out, "tok-en_1.thumb") == 0;
}

static int setup(void **state) {
  (void)state;
  rl_redirect_init(&redirect, 443);
  redirect.knows = knows;
  redirect.find_answer = find_answer;
  return 0;
}

static void ask(const char *host, const char *path, const char *query) {
  req = (rl_req){.ops = &ops, .host = rl_slice_str(host), .raw_path = rl_slice_str(path)};
  if (query) req.query = rl_slice_str(query);
  status = released = 0;
  redirect.handler.handle(&redirect.handler, &req);
  assert_int_equal(released, 1);
}

static void sends_to(const char *host, const char *path, const char *query, const char *wanted) {
  ask(host, path, query);
  assert_int_equal(status, 308);
  assert_string_equal(location, wanted);
}

static void refuses(const char *host, const char *path, int wanted) {
  ask(host, path, NULL);
  assert_int_equal(status, wanted);
  assert_string_equal(location, "");
}

TEST(path_and_query_stay_as_they_are) {
  UNUSED;
  sends_to("a.example", "/", NULL, "https://a.example/");
  sends_to("a.example", "/a%2Fb/../c;d//", "x=%20&y", "https://a.example/a%2Fb/../c;d//?x=%20&y");
  sends_to("a.example", "/", "", "https://a.example/?");
  sends_to("a.example", "*", NULL, "https://a.example/");
}

TEST(the_host_is_ours_whatever_its_case_port_and_dot) {
  UNUSED;
  sends_to("A.Example:8080", "/x", NULL, "https://a.example/x");
  sends_to("a.example.", "/x", NULL, "https://a.example/x");
  sends_to("a.example.:80", "/x", NULL, "https://a.example/x");
  sends_to("[::1]:80", "/x", NULL, "https://[::1]/x");
  redirect.port = 8443;
  sends_to("a.example:8080", "/x", NULL, "https://a.example:8443/x");
  sends_to("[::1]", "/x", NULL, "https://[::1]:8443/x");
}

TEST(a_host_that_is_not_ours_is_sent_nowhere) {
  UNUSED;
  refuses("evil.example", "/", 421);
  refuses("a.example.evil.example", "/", 421);
  refuses("a.example:80:80", "/", 421);
  refuses("", "/", 400);
  refuses(":80", "/", 400);
  char host[400];
  memset(host, 'a', sizeof host - 1);
  host[sizeof host - 1] = 0;
  refuses(host, "/", 400);
  refuses("new.example", "/", 503);
  assert_non_null(strstr(body, "no certificate yet"));
}

TEST(the_authority_gets_its_answer_whatever_the_host) {
  UNUSED;
  ask("elsewhere", "/.well-known/acme-challenge/tok-en_1", NULL);
  assert_int_equal(status, 200);
  assert_string_equal(body, "tok-en_1.thumb");
  sends_to("a.example", "/.well-known/acme-challenge/other", NULL,
           "https://a.example/.well-known/acme-challenge/other");
  refuses("elsewhere", "/.well-known/acme-challenge/../tok-en_1", 421);
  refuses("elsewhere", "/.well-known/acme-challenge/", 421);
  redirect.find_answer = NULL;
  refuses("elsewhere", "/.well-known/acme-challenge/tok-en_1", 421);
}

int main(void) {
#define EACH(name) cmocka_unit_test_setup(name, setup)
  const struct CMUnitTest tests[] = {
      EACH(path_and_query_stay_as_they_are),
      EACH(the_host_is_ours_whatever_its_case_port_and_dot),
      EACH(a_host_that_is_not_ours_is_sent_nowhere),
      EACH(the_authority_gets_its_answer_whatever_the_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
