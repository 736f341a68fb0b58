/* Names on threads: remembered, shared, in line, given up. */
#define _GNU_SOURCE
#include "client/resolver.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "support/test.h"

static rl_loop loop;
static rl_resolver *resolver;
static atomic_int asked, under_way, most;
static atomic_bool stuck;
static int answers, count, code;

/* Knows 127.0.0.1 of every name but "none"; waits while it is stuck. */
static int find(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  struct addrinfo only = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  (void)service, (void)hints;
  int now = atomic_fetch_add(&under_way, 1) + 1;
  atomic_fetch_add(&asked, 1);
  if (now > atomic_load(&most)) atomic_store(&most, now);
  while (atomic_load(&stuck)) usleep(1000);
  atomic_fetch_sub(&under_way, 1);
  return strcmp(name, "none") == 0 ? EAI_NONAME : getaddrinfo("127.0.0.1", NULL, &only, found);
}

static int setup(void **state) {
  (void)state;
  answers = count = code = 0;
  atomic_store(&asked, 0);
  atomic_store(&most, 0);
  atomic_store(&stuck, false);
  rl_resolver_getaddrinfo = find;
  if (rl_loop_init(&loop)) return -1;
  resolver = rl_resolver_new(&loop);
  return resolver ? 0 : -1;
}

static void turn(void) { uv_run(&loop.uv, UV_RUN_NOWAIT), usleep(500); }

static int teardown(void **state) {
  (void)state;
  if (resolver) rl_resolver_del(resolver);
  atomic_store(&stuck, false);
  while (atomic_load(&under_way)) usleep(1000);
  for (int i = 0; i < 3; i++) turn();
  rl_resolver_getaddrinfo = getaddrinfo;
  assert_int_equal(loop.held, 0);
  return rl_loop_free(&loop);
}

static void on_answer(rl_question *question, const rl_ip_address *addresses, unsigned found, int failure) {
  (void)question;
  answers++;
  count = (int)found;
  code = failure;
  if (found) assert_int_equal(ntohl(addresses[0].v4.sin_addr.s_addr), INADDR_LOOPBACK);
}

static void ask(rl_question *question, const char *name) {
  question->on_answer = on_answer;
  assert_int_equal(rl_resolver_ask(resolver, question, rl_slice_str(name)), 0);
}

static void wait_for(int wanted) {
  for (int i = 0; answers < wanted && i < 10000; i++) turn();
  assert_int_equal(answers, wanted);
}

static void wait_for_threads(int wanted) {
  for (int i = 0; atomic_load(&under_way) < wanted && i < 10000; i++) turn();
  assert_int_equal(atomic_load(&under_way), wanted);
}

TEST(a_name_is_remembered) {
  UNUSED;
  rl_question first, second;
  ask(&first, "a.test");
  assert_int_equal(answers, 0);
  wait_for(1);
  assert_true(count == 1 && code == 0);
  ask(&second, "a.test");
  assert_int_equal(answers, 2);
  assert_int_equal(atomic_load(&asked), 1);
}

TEST(a_failure_is_not) {
  UNUSED;
  rl_question question;
  for (int i = 1; i <= 2; i++) {
    ask(&question, "none");
    wait_for(i);
    assert_true(count == 0 && code == RL_ECONNECT);
  }
  assert_int_equal(atomic_load(&asked), 2);
}

TEST(those_who_ask_for_one_name_share_a_lookup) {
  UNUSED;
  rl_question questions[3];
  atomic_store(&stuck, true);
  for (int i = 0; i < 3; i++) ask(&questions[i], "a.test");
  rl_resolver_withdraw(resolver, &questions[1]);
  rl_resolver_withdraw(resolver, &questions[1]);
  wait_for_threads(1);
  atomic_store(&stuck, false);
  wait_for(2);
  assert_int_equal(atomic_load(&asked), 1);
}

TEST(one_that_nobody_waits_for_is_remembered_all_the_same) {
  UNUSED;
  rl_question question;
  atomic_store(&stuck, true);
  ask(&question, "a.test");
  assert_int_equal(loop.held, 1);
  rl_resolver_withdraw(resolver, &question);
  assert_int_equal(loop.held, 0);
  atomic_store(&stuck, false);
  for (int i = 0; i < 2000 && !answers; i++) {
    turn();
    if (atomic_load(&under_way) || !atomic_load(&asked)) continue;
    for (int j = 0; j < 20; j++) turn();
    ask(&question, "a.test");
  }
  assert_int_equal(answers, 1);
  assert_int_equal(atomic_load(&asked), 1);
}

TEST(so_many_run_at_once_and_the_others_wait_in_line) {
  UNUSED;
  static rl_question questions[RL_LIMIT_CLIENT_LOOKUPS + 3];
  const int all = RL_LIMIT_CLIENT_LOOKUPS + 3;
  char name[32];
  atomic_store(&stuck, true);
  for (int i = 0; i < all; i++) {
    snprintf(name, sizeof name, "n%d.test", i);
    ask(&questions[i], name);
  }
  rl_resolver_withdraw(resolver, &questions[all - 1]); /* before its turn */
  wait_for_threads(RL_LIMIT_CLIENT_LOOKUPS);
  atomic_store(&stuck, false);
  wait_for(all - 1);
  assert_int_equal(atomic_load(&asked), all - 1);
  assert_true(atomic_load(&most) <= (int)RL_LIMIT_CLIENT_LOOKUPS);
}

TEST(a_thread_may_outlive_all_of_it) {
  UNUSED;
  rl_question question;
  atomic_store(&stuck, true);
  ask(&question, "a.test");
  wait_for_threads(1);
  rl_resolver_withdraw(resolver, &question);
  rl_resolver_del(resolver);
  resolver = NULL;
  for (int i = 0; i < 3; i++) turn();
  assert_int_equal(answers, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_name_is_remembered),
      CASE(a_failure_is_not),
      CASE(those_who_ask_for_one_name_share_a_lookup),
      CASE(one_that_nobody_waits_for_is_remembered_all_the_same),
      CASE(so_many_run_at_once_and_the_others_wait_in_line),
      CASE(a_thread_may_outlive_all_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
