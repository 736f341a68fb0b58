#include "session/sealed.h"

#include "base/error.h"
#include "base/limits.h"
#include "crypto/digest.h"
#include "support/session.h"
#include "support/test.h"

static rl_keyring ring;
static rl_session_memory *revoked;
static rl_session_store *store;
static rl_session session;
static rl_buf token;
static rl_session_rules rules;

static int setup(void **state) {
  (void)state;
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  revoked = rl_session_memory_new(100, 1 << 20);
  store = rl_session_sealed_new(&ring, revoked);
  rules = (rl_session_rules){.name = RL_SLICE("rille"), .now_ms = 1000000, .max_age_ms = 1000, .lifetime_ms = 5000};
  rl_session_init(&session);
  rl_session_renew(&session, rules.now_ms);
  rl_buf_add_str(&session.data, "hello");
  rl_buf_init(&token, RL_BUF_NO_LIMIT);
  return session_save(store, &rules, &session, &token);
}

static int teardown(void **state) {
  (void)state;
  store->del(store);
  rl_session_memory_del(revoked);
  rl_session_free(&session);
  rl_buf_free(&token);
  return 0;
}

static int load(void) {
  rl_session_free(&session);
  rl_session_init(&session);
  return session_load(store, &rules, rl_buf_slice(&token), &session);
}

TEST(the_token_is_the_session) {
  UNUSED;
  uint8_t id[RL_SESSION_ID];
  memcpy(id, session.id, sizeof id);
  assert_int_equal(load(), 0);
  assert_slice(rl_buf_slice(&session.data), "hello");
  assert_memory_equal(session.id, id, sizeof id);
  assert_int_equal(session.created_ms, 1000000);
  assert_int_equal(session.saved_ms, 1000000);
}

TEST(every_change_of_it_is_refused) {
  UNUSED;
  size_t whole = token.len;
  for (size_t bit = 0; bit < token.len * 8; bit++) {
    token.data[bit / 8] = (char)(token.data[bit / 8] ^ (1 << (bit % 8)));
    assert_int_equal(load(), RL_ENOTFOUND);
    token.data[bit / 8] = (char)(token.data[bit / 8] ^ (1 << (bit % 8)));
  }
  for (token.len = 0; token.len < whole; token.len++) assert_int_equal(load(), RL_ENOTFOUND);
  assert_int_equal(load(), 0);
  rules.name = RL_SLICE("other");
  assert_int_equal(load(), RL_ENOTFOUND);
}

TEST(age_and_lifetime_are_inside) {
  UNUSED;
  rules.now_ms += 999;
  assert_int_equal(load(), 0);
  assert_true(session.refresh);
  rl_buf_clear(&token);
  assert_int_equal(session_save(store, &rules, &session, &token), 0);
  rules.now_ms += 999;
  assert_int_equal(load(), 0);
  rules.lifetime_ms = 1998;
  assert_int_equal(load(), RL_ENOTFOUND);
  rules.lifetime_ms = 5000;
  rules.now_ms++;
  assert_int_equal(load(), RL_ENOTFOUND);
}

TEST(what_was_taken_back_stays_so_until_every_copy_has_expired) {
  UNUSED;
  assert_int_equal(load(), 0);
  assert_int_equal(session_revoke(store, &rules, &session), 0);
  rl_buf other;
  rl_buf_init(&other, RL_BUF_NO_LIMIT);
  assert_int_equal(session_save(store, &rules, &session, &other), RL_ENOTFOUND);
  assert_int_equal(load(), RL_ENOTFOUND);
  rules.now_ms += 999;
  assert_int_equal(load(), RL_ENOTFOUND);
  assert_int_equal(rl_session_memory_count(revoked), 1);
  rules.now_ms += 1;
  assert_int_equal(load(), RL_ENOTFOUND); /* by its age now */
  rl_buf_free(&other);
}

TEST(it_fits_a_cookie_or_is_refused) {
  UNUSED;
  size_t most = 0;
  for (size_t len = 2900; len < 3100; len++) {
    rl_buf_clear(&session.data);
    rl_buf_clear(&token);
    for (size_t i = 0; i < len; i++) rl_buf_add_char(&session.data, 'x');
    int code = session_save(store, &rules, &session, &token);
    assert_true(code == 0 || code == RL_ETOOBIG);
    assert_int_equal(code == 0, token.len + 5 <= RL_LIMIT_COOKIE);
    if (!code) most = len;
  }
  assert_in_range(most, 2950, 3000);
}

/* A store derives its keys when it is made. */
static void make_store_again(void) {
  store->del(store);
  store = rl_session_sealed_new(&ring, revoked);
}

TEST(an_older_key_opens_and_asks_for_a_new_seal) {
  UNUSED;
  rl_key old = ring.keys[0];
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("the new secret, which is long enough as well"));
  make_store_again();
  assert_int_equal(load(), RL_ENOTFOUND);
  ring.keys[ring.count++] = old;
  make_store_again();
  assert_int_equal(load(), 0);
  assert_true(session.refresh);
}

static rl_session_store *open_store(void) {
  rl_keyring_init(&ring);
  rl_keyring_add(&ring, RL_SLICE("a secret that is long enough to be one"));
  revoked = rl_session_memory_new(100, 1 << 20);
  return rl_session_sealed_new(&ring, revoked);
}

static void close_store(rl_session_store *closed) {
  closed->del(closed);
  rl_session_memory_del(revoked);
}

int main(void) {
  if (!rl_crypto_init()) return 1;
#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      EACH(the_token_is_the_session),       EACH(every_change_of_it_is_refused),
      EACH(age_and_lifetime_are_inside),    EACH(what_was_taken_back_stays_so_until_every_copy_has_expired),
      EACH(it_fits_a_cookie_or_is_refused), EACH(an_older_key_opens_and_asks_for_a_new_seal),
  };
  session_suite = (session_suite_ops){.open = open_store, .close = close_store};
  return cmocka_run_group_tests(tests, NULL, NULL) + session_suite_run();
}
