/* Sets of TLS options: made once by a job, shared, kept apart, forgotten. */
#include "client/trust.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "support/certificates.h"
#include "support/test.h"

static rl_loop loop;
static rl_trusts trusts;
static int told, code;
static char why[400];

static void on_ready(rl_trust_wait *wait, int failure, const char *words) {
  (void)wait;
  told++;
  code = failure;
  snprintf(why, sizeof why, "%s", words);
}

static rl_trust_wait waits[3];

static int setup(void **state) {
  (void)state;
  told = code = 0;
  for (int i = 0; i < 3; i++) {
    waits[i].on_ready = on_ready;
    rl_list_init(&waits[i].node);
  }
  if (rl_loop_init(&loop)) return -1;
  rl_trusts_init(&trusts, &loop);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_trusts_free(&trusts);
  rl_loop_settle(&loop);
  return rl_loop_free(&loop);
}

static rl_trust *find(rl_trust_options options) {
  rl_trust *trust = rl_trusts_find(&trusts, &options);
  assert_non_null(trust);
  return trust;
}

static void wait_for(int wanted) {
  for (int i = 0; told < wanted && i < 20000; i++) uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(500);
  assert_int_equal(told, wanted);
}

static bool is_ready(rl_trust *trust) {
  rl_trust_wait wait = {.on_ready = on_ready};
  rl_list_init(&wait.node);
  bool ready = rl_trust_ready(trust, &wait);
  rl_trust_leave(&wait);
  return ready;
}

TEST(it_is_made_once_for_all_who_wait) {
  UNUSED;
  rl_trust *trust = find((rl_trust_options){.ca = test_authority_file()});
  for (int i = 0; i < 3; i++) assert_false(rl_trust_ready(trust, &waits[i]));
  rl_trust_leave(&waits[1]);
  rl_trust_leave(&waits[1]);
  wait_for(2);
  assert_int_equal(code, 0);
  assert_non_null(rl_trust_client(trust));
  assert_true(rl_trust_ready(trust, &waits[0]));
  rl_trust *again = find((rl_trust_options){.ca = test_authority_file()});
  assert_ptr_equal(again, trust);
  rl_trust_unref(again);
  rl_trust_unref(trust);
}

TEST(other_options_are_another_one) {
  UNUSED;
  const rl_trust_options all[] = {{0},         {.insecure = true}, {.ca = "a"},
                                  {.ca = "b"}, {.cert = "a"},      {.cert = "a", .key = "a"}};
  enum { COUNT = sizeof all / sizeof *all };
  rl_trust *found[COUNT];
  for (int i = 0; i < COUNT; i++) {
    found[i] = find(all[i]);
    for (int j = 0; j < i; j++) assert_true(rl_trust_number(found[j]) != rl_trust_number(found[i]));
  }
  for (int i = 0; i < COUNT; i++) {
    rl_trust *again = find(all[i]);
    assert_ptr_equal(again, found[i]);
    rl_trust_unref(again);
    rl_trust_unref(found[i]);
  }
}

TEST(one_that_fails_is_forgotten) {
  UNUSED;
  const rl_trust_options missing = {.ca = "/nowhere.pem"};
  rl_trust *trust = find(missing);
  assert_false(rl_trust_ready(trust, &waits[0]));
  wait_for(1);
  assert_int_equal(code, RL_ETLS);
  assert_string_equal(why, "/nowhere.pem: No such file or directory");
  rl_trust *again = find(missing);
  assert_ptr_not_equal(again, trust);
  rl_trust_unref(again);
  assert_false(rl_trust_ready(trust, &waits[0])); /* who holds it may ask again */
  wait_for(2);
  rl_trust_unref(trust);
}

TEST(text_stands_for_a_file) {
  UNUSED;
  test_certificate own;
  char *ca = rl_strndup(test_authority_pem().data, test_authority_pem().len);
  test_certificate_make(&own, &(test_certificate_options){.names = "a.example"});
  rl_buf_add_char(&own.certificate, 0);
  rl_buf_add_char(&own.key, 0);
  rl_trust *trust = find((rl_trust_options){.ca = ca, .cert = own.certificate.data, .key = own.key.data});
  assert_false(rl_trust_ready(trust, &waits[0]));
  wait_for(1);
  assert_int_equal(code, 0);
  rl_trust_unref(trust);
  trust = find((rl_trust_options){.cert = own.certificate.data});
  assert_false(rl_trust_ready(trust, &waits[0]));
  wait_for(2);
  assert_int_equal(code, RL_ETLS);
  assert_null(strstr(why, "\nM")); /* nothing of the text is shown */
  rl_trust_unref(trust);
  test_certificate_free(&own);
  rl_free(ca);
}

TEST(so_many_are_remembered) {
  UNUSED;
  char name[32];
  rl_trust *first = find((rl_trust_options){.ca = "first"}), *second = find((rl_trust_options){.ca = "second"});
  for (unsigned i = 0; i < RL_LIMIT_CLIENT_TRUSTS - 1; i++) {
    snprintf(name, sizeof name, "%u", i);
    rl_trust_unref(find((rl_trust_options){.ca = name}));
    rl_trust_unref(find((rl_trust_options){.ca = "first"})); /* used again and again */
  }
  rl_trust *again = find((rl_trust_options){.ca = "first"}), *other = find((rl_trust_options){.ca = "second"});
  assert_ptr_equal(again, first);
  assert_ptr_not_equal(other, second);
  rl_trust_unref(again), rl_trust_unref(other);
  rl_trust_unref(first), rl_trust_unref(second);
}

TEST(a_job_may_outlive_who_asked) {
  UNUSED;
  rl_trust *trust = find((rl_trust_options){0});
  assert_false(rl_trust_ready(trust, &waits[0]));
  rl_trust_leave(&waits[0]);
  rl_trust_unref(trust);
  rl_trusts_free(&trusts);
  rl_loop_settle(&loop);
  assert_int_equal(told, 0);
}

/* What was made of a file notices that it is another one. */
TEST(a_changed_file_is_noticed) {
  UNUSED;
  char path[64];
  snprintf(path, sizeof path, "/tmp/rille-trust-%d.pem", getpid());
  test_write_pem(path, test_authority_pem());
  rl_trust *trust = find((rl_trust_options){.ca = path});
  assert_false(rl_trust_ready(trust, &waits[0]));
  wait_for(1);
  assert_false(rl_tls_client_has_changed(rl_trust_client(trust)));
  unlink(path);
  assert_false(rl_tls_client_has_changed(rl_trust_client(trust))); /* about to be replaced, perhaps */
  test_write_pem(path, RL_SLICE("x"));
  assert_true(rl_tls_client_has_changed(rl_trust_client(trust)));
  unlink(path);
  rl_trust_unref(trust);
  trust = find((rl_trust_options){0});
  assert_false(rl_trust_ready(trust, &waits[0]));
  wait_for(2);
  assert_false(rl_tls_client_has_changed(rl_trust_client(trust)));
  rl_trust_unref(trust);
}

TEST(without_memory_nothing_is_lost) {
  UNUSED;
  const rl_trust_options options = {.ca = "a", .cert = "b", .key = "c"};
  for (long i = 1; i <= 4; i++) {
    rl_alloc_fail_at(i, true);
    assert_null(rl_trusts_find(&trusts, &options));
    rl_alloc_fail_at(0, false);
  }
  rl_trust *trust = find(options);
  assert_false(is_ready(trust));
  rl_trust_unref(trust);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(it_is_made_once_for_all_who_wait), CASE(other_options_are_another_one),  CASE(one_that_fails_is_forgotten),
      CASE(text_stands_for_a_file),           CASE(so_many_are_remembered),         CASE(a_job_may_outlive_who_asked),
      CASE(a_changed_file_is_noticed),        CASE(without_memory_nothing_is_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
