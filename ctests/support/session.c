/* See session.h. */
#include "support/session.h"

#include "base/error.h"
#include "base/limits.h"
#include "support/test.h"

rl_loop *session_loop;
session_suite_ops session_suite;

static bool answered;

static void on_done(rl_session_call *call) {
  (void)call;
  answered = true;
}

static int wait_for(rl_session_store *store, rl_session_call *call, int code) {
  if (code != RL_SESSION_LATER) return code;
  call->done = on_done;
  answered = false;
  store->start(store, call);
  assert_false(answered);
  while (!answered) uv_run(&session_loop->uv, UV_RUN_ONCE);
  return call->code;
}

int session_load(rl_session_store *store, const rl_session_rules *rules, rl_slice token, rl_session *out) {
  rl_session_call call;
  rl_session_call_init(&call, rules);
  int code = wait_for(store, &call, store->load(store, &call, token));
  rl_session_free(out);
  *out = call.session;
  rl_session_init(&call.session);
  rl_session_call_free(&call);
  return code;
}

int session_save(rl_session_store *store, const rl_session_rules *rules, rl_session *session, rl_buf *token) {
  rl_session_call call;
  rl_session_call_init(&call, rules);
  call.session = *session;
  int code = wait_for(store, &call, store->save(store, &call));
  *session = call.session;
  rl_session_init(&call.session);
  rl_buf_add_slice(token, rl_buf_slice(&call.token));
  rl_session_call_free(&call);
  return code;
}

int session_revoke(rl_session_store *store, const rl_session_rules *rules, const rl_session *session) {
  rl_session_call call;
  rl_session_call_init(&call, rules);
  call.session = *session;
  int code = wait_for(store, &call, store->revoke(store, &call));
  rl_session_init(&call.session);
  rl_session_call_free(&call);
  return code;
}

/* ---- the suite --------------------------------------------------------------------------------------------------------------- */

static rl_session_store *store;
static rl_session_rules rules;
static rl_session session, other;
static rl_buf token;

static int setup(void **state) {
  (void)state;
  rules = (rl_session_rules){
      .name = RL_SLICE("rille"), .now_ms = INT64_C(1700000000000), .max_age_ms = 10000, .lifetime_ms = 50000};
  rl_session_init(&session);
  rl_session_init(&other);
  rl_buf_init(&token, RL_BUF_NO_LIMIT);
  store = session_suite.open();
  return store ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  session_suite.close(store);
  rl_session_free(&session);
  rl_session_free(&other);
  rl_buf_free(&token);
  return 0;
}

static void put(rl_session *s, const char *data) {
  rl_buf_clear(&s->data);
  rl_buf_add_str(&s->data, data);
}

static void start(const char *data) {
  rl_session_renew(&session, rules.now_ms);
  put(&session, data);
}

static int save(rl_session *s) {
  rl_buf_clear(&token);
  return session_save(store, &rules, s, &token);
}

static int load(rl_session *s) { return session_load(store, &rules, rl_buf_slice(&token), s); }

TEST(what_was_saved_is_loaded) {
  UNUSED;
  start("{\"n\":1}");
  assert_int_equal(save(&session), 0);
  assert_true(session.version > 0);
  assert_true(session.saved_ms == rules.now_ms);
  assert_int_equal(load(&other), 0);
  assert_slice(rl_buf_slice(&other.data), "{\"n\":1}");
  assert_memory_equal(other.id, session.id, RL_SESSION_ID);
  assert_true(other.created_ms == rules.now_ms);
  assert_true(other.saved_ms == rules.now_ms);
  assert_true(other.version == session.version);
  assert_false(other.refresh);
}

TEST(what_a_stranger_sends_finds_nothing) {
  UNUSED;
  static const char *const tokens[] = {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "' OR 1 = 1 --",
                                       "\xff\xfe"};
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
    assert_int_equal(session_load(store, &rules, rl_slice_str(tokens[i]), &other), RL_ENOTFOUND);
  start("a");
  assert_int_equal(save(&session), 0);
  token.data[3] = token.data[3] == 'A' ? 'B' : 'A';
  assert_int_equal(load(&other), RL_ENOTFOUND);
}

TEST(a_session_of_one_cookie_is_none_of_another) {
  UNUSED;
  start("a");
  assert_int_equal(save(&session), 0);
  rules.name = RL_SLICE("other");
  assert_int_equal(load(&other), RL_ENOTFOUND);
}

TEST(it_ends_max_age_after_its_last_save) {
  UNUSED;
  start("a");
  assert_int_equal(save(&session), 0);
  rules.now_ms += 10000;
  assert_int_equal(load(&other), RL_ENOTFOUND);
}

TEST(each_save_gives_it_another_max_age_up_to_its_lifetime) {
  UNUSED;
  start("a");
  for (int i = 0; i < 6; i++) {
    assert_int_equal(save(&session), 0);
    rules.now_ms += 9000;
    assert_int_equal(load(&other), i < 5 ? 0 : RL_ENOTFOUND); /* 54 seconds after it was made */
    session.version = i < 5 ? other.version : session.version;
  }
}

TEST(its_cookie_is_sent_anew_after_a_tenth_of_max_age) {
  UNUSED;
  start("a");
  assert_int_equal(save(&session), 0);
  rules.now_ms += 999;
  assert_int_equal(load(&other), 0);
  assert_false(other.refresh);
  rules.now_ms += 1;
  assert_int_equal(load(&other), 0);
  assert_true(other.refresh);
}

TEST(one_that_was_taken_back_is_gone_and_cannot_be_saved) {
  UNUSED;
  start("a");
  assert_int_equal(save(&session), 0);
  assert_int_equal(load(&other), 0);
  assert_int_equal(session_revoke(store, &rules, &session), 0);
  assert_int_equal(load(&session), RL_ENOTFOUND);
  rl_buf before;
  rl_buf_init(&before, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&before, rl_buf_slice(&token));
  assert_int_equal(save(&other), RL_ENOTFOUND);
  assert_int_equal(session_load(store, &rules, rl_buf_slice(&before), &session), RL_ENOTFOUND);
  rl_buf_free(&before);
}

TEST(taking_back_what_is_not_there_is_no_error) {
  UNUSED;
  start("a");
  assert_int_equal(session_revoke(store, &rules, &session), 0);
}

TEST(of_two_who_loaded_the_same_the_second_to_save_is_told) {
  UNUSED;
  if (!session_suite.keeps) skip();
  start("a");
  assert_int_equal(save(&session), 0);
  assert_int_equal(load(&session), 0);
  assert_int_equal(load(&other), 0);
  put(&session, "first");
  assert_int_equal(save(&session), 0);
  assert_true(session.version > other.version);
  put(&other, "second");
  assert_int_equal(save(&other), RL_EAGAIN);
}

/* A request that is told of a conflict loads again and puts its own changes on top. */
TEST(after_a_conflict_another_load_may_save) {
  UNUSED;
  if (!session_suite.keeps) skip();
  start("a");
  assert_int_equal(save(&session), 0);
  rl_slice kept = rl_buf_slice(&token);
  char copy[64];
  memcpy(copy, kept.data, kept.len);
  kept.data = copy;
  assert_int_equal(session_load(store, &rules, kept, &other), 0);
  put(&session, "b");
  assert_int_equal(save(&session), 0);
  put(&other, "c");
  assert_int_equal(save(&other), RL_EAGAIN);
  assert_int_equal(session_load(store, &rules, kept, &other), 0);
  assert_slice(rl_buf_slice(&other.data), "b");
  put(&other, "bc");
  assert_int_equal(save(&other), 0);
  assert_int_equal(session_load(store, &rules, kept, &session), 0);
  assert_slice(rl_buf_slice(&session.data), "bc");
}

TEST(one_that_was_taken_back_by_another_is_not_made_again) {
  UNUSED;
  if (!session_suite.keeps) skip();
  start("a");
  assert_int_equal(save(&session), 0);
  assert_int_equal(session_revoke(store, &rules, &session), 0);
  put(&session, "b");
  assert_int_equal(save(&session), RL_ENOTFOUND);
}

TEST(too_much_data_is_refused_and_nothing_is_lost) {
  UNUSED;
  start("small");
  assert_int_equal(save(&session), 0);
  rl_buf kept;
  rl_buf_init(&kept, RL_BUF_NO_LIMIT);
  rl_buf_add_slice(&kept, rl_buf_slice(&token));
  for (size_t i = 0; i <= RL_LIMIT_SESSION; i++) rl_buf_add_char(&session.data, 'x');
  assert_int_equal(save(&session), RL_ETOOBIG);
  assert_int_equal(session_load(store, &rules, rl_buf_slice(&kept), &other), 0);
  assert_slice(rl_buf_slice(&other.data), "small");
  rl_buf_free(&kept);
}

TEST(data_of_any_bytes_comes_back) {
  UNUSED;
  start("");
  assert_int_equal(save(&session), 0);
  assert_int_equal(load(&other), 0);
  assert_int_equal(other.data.len, 0);
  rl_session_renew(&session, rules.now_ms);
  put(&session, "\xc3\xa9\"'\\ ");
  assert_int_equal(save(&session), 0);
  assert_int_equal(load(&other), 0);
  assert_slice(rl_buf_slice(&other.data), "\xc3\xa9\"'\\ ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int session_suite_run(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_was_saved_is_loaded),
      CASE(what_a_stranger_sends_finds_nothing),
      CASE(a_session_of_one_cookie_is_none_of_another),
      CASE(it_ends_max_age_after_its_last_save),
      CASE(each_save_gives_it_another_max_age_up_to_its_lifetime),
      CASE(its_cookie_is_sent_anew_after_a_tenth_of_max_age),
      CASE(one_that_was_taken_back_is_gone_and_cannot_be_saved),
      CASE(taking_back_what_is_not_there_is_no_error),
      CASE(of_two_who_loaded_the_same_the_second_to_save_is_told),
      CASE(after_a_conflict_another_load_may_save),
      CASE(one_that_was_taken_back_by_another_is_not_made_again),
      CASE(too_much_data_is_refused_and_nothing_is_lost),
      CASE(data_of_any_bytes_comes_back),
  };
  return cmocka_run_group_tests_name("every store", tests, NULL, NULL);
}
