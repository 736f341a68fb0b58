#include "session/memory.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "support/session.h"
#include "support/test.h"

static rl_session_memory *memory;
static rl_session_store *store;
static rl_session session;
static rl_buf token;
static rl_session_rules rules;

static int setup(void **state) {
  (void)state;
  memory = rl_session_memory_new(1000, 1 << 20);
  store = rl_session_memory_store(memory);
  rules = (rl_session_rules){.name = RL_SLICE("rille"), .now_ms = 1000000, .max_age_ms = 1000, .lifetime_ms = 5000};
  rl_session_init(&session);
  rl_buf_init(&token, RL_BUF_NO_LIMIT);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_session_memory_del(memory);
  rl_session_free(&session);
  rl_buf_free(&token);
  return 0;
}

static void start(const char *data) {
  rl_session_free(&session);
  rl_session_init(&session);
  rl_session_renew(&session, rules.now_ms);
  rl_buf_add_str(&session.data, data);
}

static int save(void) {
  rl_buf_clear(&token);
  return session_save(store, &rules, &session, &token);
}

/* Into `session`. */
static int load(void) {
  rl_session_free(&session);
  rl_session_init(&session);
  return session_load(store, &rules, rl_buf_slice(&token), &session);
}

TEST(what_was_saved_is_found_by_its_token) {
  UNUSED;
  start("hello");
  assert_int_equal(save(), 0);
  assert_int_equal(token.len, 43);
  assert_int_equal(load(), 0);
  assert_slice(rl_buf_slice(&session.data), "hello");
  assert_int_equal(session.created_ms, 1000000);
  assert_false(session.refresh);
}

TEST(another_name_or_token_finds_nothing) {
  UNUSED;
  start("hello");
  save();
  rules.name = RL_SLICE("other");
  assert_int_equal(load(), RL_ENOTFOUND);
  rules.name = RL_SLICE("rille");
  token.data[0] = token.data[0] == 'A' ? 'B' : 'A';
  assert_int_equal(load(), RL_ENOTFOUND);
  token.len = 42;
  assert_int_equal(load(), RL_ENOTFOUND);
}

TEST(it_ends_max_age_after_its_last_use_and_at_its_lifetime) {
  UNUSED;
  start("hello");
  save();
  for (int i = 0; i < 5; i++) {
    rules.now_ms += 999;
    assert_int_equal(load(), 0);
  }
  rules.now_ms += 5; /* 5000 after it was made */
  assert_int_equal(load(), RL_ENOTFOUND);
  start("again");
  save();
  rules.now_ms += 1000;
  assert_int_equal(load(), RL_ENOTFOUND);
  assert_int_equal(rl_session_memory_count(memory), 0);
}

TEST(its_cookie_wants_to_be_sent_anew_after_a_tenth_of_max_age) {
  UNUSED;
  start("hello");
  save();
  rules.now_ms += 99;
  load();
  assert_false(session.refresh);
  rules.now_ms += 1;
  load();
  assert_true(session.refresh);
}

TEST(a_save_on_top_of_another_one_is_a_conflict) {
  UNUSED;
  rl_session mine;
  start("one");
  save();
  load();
  mine = session;
  rl_buf_init(&mine.data, RL_BUF_NO_LIMIT);
  rl_buf_add_str(&session.data, "two");
  assert_int_equal(save(), 0);
  assert_int_equal(save(), 0); /* its own is none */
  rl_buf_clear(&token);
  assert_int_equal(session_save(store, &rules, &mine, &token), RL_EAGAIN);
  rl_session_free(&mine);
}

TEST(what_was_revoked_is_gone_and_cannot_be_saved_again) {
  UNUSED;
  start("hello");
  save();
  load();
  assert_int_equal(session_revoke(store, &rules, &session), 0);
  assert_int_equal(save(), RL_ENOTFOUND);
  assert_int_equal(load(), RL_ENOTFOUND);
}

TEST(a_session_has_its_bound) {
  UNUSED;
  start("");
  for (int i = 0; i < 65536; i++) rl_buf_add_char(&session.data, 'x');
  assert_int_equal(save(), 0);
  rl_buf_add_char(&session.data, 'x');
  assert_int_equal(save(), RL_ETOOBIG);
}

TEST(the_least_recently_used_go_when_there_are_too_many) {
  UNUSED;
  char first[43];
  for (int i = 0; i < 1000; i++) {
    start("hello");
    save();
    if (i == 0) memcpy(first, token.data, sizeof first);
  }
  rl_buf_clear(&token);
  rl_buf_add(&token, first, sizeof first);
  assert_int_equal(load(), 0); /* the first is used: now the second is the oldest */
  for (int i = 0; i < 999; i++) {
    start("hello");
    save();
  }
  assert_int_equal(rl_session_memory_count(memory), 1000);
  rl_buf_clear(&token);
  rl_buf_add(&token, first, sizeof first);
  assert_int_equal(load(), 0);
  start("hello");
  save();
  start("hello");
  save();
  assert_int_equal(rl_session_memory_count(memory), 1000);
}

TEST(they_go_as_well_when_they_are_too_large_together) {
  UNUSED;
  for (int i = 0; i < 100; i++) {
    start("");
    for (int k = 0; k < 50000; k++) rl_buf_add_char(&session.data, 'x');
    assert_int_equal(save(), 0);
  }
  assert_in_range(rl_session_memory_count(memory), 19, 20);
}

TEST(expired_ones_are_swept_by_the_saves_of_others) {
  UNUSED;
  for (int i = 0; i < 200; i++) {
    start("hello");
    save();
  }
  rules.now_ms += 2000;
  for (int i = 0; i < 300; i++) {
    start("hello");
    save();
    session_revoke(store, &rules, &session);
  }
  assert_int_equal(rl_session_memory_count(memory), 0);
}

TEST(marks_last_until_their_time) {
  UNUSED;
  uint8_t key[32] = {7}, other[32] = {7, 1};
  assert_int_equal(rl_session_memory_mark(memory, key, 1000, 2000), 0);
  assert_int_equal(rl_session_memory_mark(memory, key, 1000, 3000), 0);
  assert_true(rl_session_memory_is_marked(memory, key, 2999));
  assert_false(rl_session_memory_is_marked(memory, other, 1000));
  assert_false(rl_session_memory_is_marked(memory, key, 3000));
  assert_int_equal(rl_session_memory_count(memory), 0);
}

TEST(memory_that_is_short_loses_nothing) {
  UNUSED;
  start("hello");
  save();
  for (long nth = 1; nth <= 4; nth++) {
    rl_session copy = session;
    rl_buf out;
    rl_buf_init(&out, RL_BUF_NO_LIMIT);
    rl_buf_init(&copy.data, RL_BUF_NO_LIMIT);
    rl_alloc_fail_at(nth, false);
    int code = session_save(store, &rules, &session, &out);
    rl_alloc_fail_at(0, false);
    assert_true(code == 0 || code == RL_ENOMEM);
    rl_alloc_fail_at(nth, false);
    code = session_load(store, &rules, rl_buf_slice(&token), &copy);
    rl_alloc_fail_at(0, false);
    assert_true(code == 0 || code == RL_ENOMEM);
    rl_session_free(&copy);
    rl_buf_free(&out);
  }
  assert_int_equal(load(), 0);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void hammer(void *arg) {
  rl_session_rules own = rules;
  rl_session s;
  rl_buf text;
  (void)arg;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  for (int i = 0; i < ROUNDS; i++) {
    rl_session_init(&s);
    rl_session_renew(&s, own.now_ms);
    rl_buf_add_str(&s.data, "hello");
    rl_buf_clear(&text);
    session_save(store, &own, &s, &text);
    rl_buf_clear(&s.data);
    session_load(store, &own, rl_buf_slice(&text), &s);
    if (i % 2) session_revoke(store, &own, &s);
    own.now_ms++;
    rl_session_free(&s);
  }
  rl_buf_free(&text);
}

TEST(threads_share_it) {
  UNUSED;
  uv_thread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) uv_thread_create(&threads[i], hammer, NULL);
  for (int i = 0; i < THREADS; i++) uv_thread_join(&threads[i]);
  assert_true(rl_session_memory_count(memory) <= 1000);
}

static rl_session_store *open_store(void) {
  memory = rl_session_memory_new(1000, 1 << 20);
  return memory ? rl_session_memory_store(memory) : NULL;
}

static void close_store(rl_session_store *closed) {
  closed->del(closed);
  rl_session_memory_del(memory);
}

int main(void) {
  if (!rl_crypto_init()) return 1;
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(what_was_saved_is_found_by_its_token),
      EACH(another_name_or_token_finds_nothing),
      EACH(it_ends_max_age_after_its_last_use_and_at_its_lifetime),
      EACH(its_cookie_wants_to_be_sent_anew_after_a_tenth_of_max_age),
      EACH(a_save_on_top_of_another_one_is_a_conflict),
      EACH(what_was_revoked_is_gone_and_cannot_be_saved_again),
      EACH(a_session_has_its_bound),
      EACH(the_least_recently_used_go_when_there_are_too_many),
      EACH(they_go_as_well_when_they_are_too_large_together),
      EACH(expired_ones_are_swept_by_the_saves_of_others),
      EACH(marks_last_until_their_time),
      EACH(memory_that_is_short_loses_nothing),
      EACH(threads_share_it),
  };
  session_suite = (session_suite_ops){.open = open_store, .close = close_store, .keeps = true};
  return cmocka_run_group_tests(tests, NULL, NULL) + session_suite_run();
}
