/* runtime/net/tls/ticket.c: which key encrypts and which decrypt, at each age. */
#include "net/tls/ticket.h"

#include "crypto/digest.h"
#include "support/test.h"

enum { START = 1000000000 };

static rl_ticket_keys keys;

static int setup(void **state) {
  (void)state;
  rl_crypto_init();
  rl_ticket_keys_init(&keys);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_ticket_keys_free(&keys);
  return 0;
}

static rl_ticket_key active(int64_t now) {
  rl_ticket_key key;
  rl_ticket_keys_active(&keys, now, &key);
  return key;
}

static bool same(const rl_ticket_key *a, const rl_ticket_key *b) { return memcmp(a, b, sizeof *a) == 0; }

typedef enum verdict { UNKNOWN, GOOD, RENEW } verdict;

static verdict find(const rl_ticket_key *key, int64_t now) {
  rl_ticket_key found;
  bool renew;
  if (!rl_ticket_keys_find(&keys, now, key->name, &found, &renew)) return UNKNOWN;
  assert_true(same(key, &found));
  return renew ? RENEW : GOOD;
}

TEST(one_key_encrypts_for_half_a_day) {
  UNUSED;
  rl_ticket_key first = active(START), later = active(START + RL_TICKET_ROTATE - 1);
  assert_true(same(&first, &later));
  assert_int_equal(find(&first, START + RL_TICKET_ROTATE - 1), GOOD);
}

TEST(a_new_key_waits_a_minute_before_it_encrypts) {
  UNUSED;
  rl_ticket_key first = active(START), still = active(START + RL_TICKET_ROTATE);
  assert_true(same(&first, &still));
  still = active(START + RL_TICKET_ROTATE + RL_TICKET_DELAY - 1);
  assert_true(same(&first, &still));
  assert_int_equal(find(&first, START + RL_TICKET_ROTATE + RL_TICKET_DELAY - 1), GOOD);
  rl_ticket_key second = active(START + RL_TICKET_ROTATE + RL_TICKET_DELAY);
  assert_false(same(&first, &second));
  assert_int_equal(find(&second, START + RL_TICKET_ROTATE + RL_TICKET_DELAY), GOOD);
}

TEST(an_old_key_decrypts_for_the_life_of_its_tickets_and_asks_for_new_ones) {
  UNUSED;
  rl_ticket_key first = active(START);
  int64_t end = START + RL_TICKET_ROTATE + RL_TICKET_DELAY;
  active(START + RL_TICKET_ROTATE);
  assert_int_equal(find(&first, end), RENEW);
  for (int64_t now = end; now < end + RL_TICKET_LIFE; now += 3600) active(now);
  assert_int_equal(find(&first, end + RL_TICKET_LIFE), RENEW);
  assert_int_equal(find(&first, end + RL_TICKET_LIFE + 1), UNKNOWN);
}

TEST(a_name_that_nobody_made_is_unknown) {
  UNUSED;
  rl_ticket_key other = active(START);
  other.name[0] ^= 1;
  assert_int_equal(find(&other, START), UNKNOWN);
}

TEST(a_year_does_not_fill_the_table) {
  UNUSED;
  for (int64_t now = START; now < START + 365 * 86400; now += 1800) {
    rl_ticket_key key = active(now);
    assert_int_equal(find(&key, now), GOOD);
  }
  assert_in_range(keys.count, 3, 5);
}

/* The first use after a long pause: the old key is what there is for one more minute. */
TEST(after_a_long_pause_it_goes_on) {
  UNUSED;
  rl_ticket_key first = active(START), then = active(START + 30 * 86400);
  assert_true(same(&first, &then));
  then = active(START + 30 * 86400 + RL_TICKET_DELAY);
  assert_false(same(&first, &then));
}

TEST(a_clock_that_was_set_back_finds_its_key) {
  UNUSED;
  rl_ticket_key first = active(START), then = active(START - 86400);
  assert_true(same(&first, &then));
  assert_int_equal(find(&first, START - 86400), GOOD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(one_key_encrypts_for_half_a_day),
      CASE(a_new_key_waits_a_minute_before_it_encrypts),
      CASE(an_old_key_decrypts_for_the_life_of_its_tickets_and_asks_for_new_ones),
      CASE(a_name_that_nobody_made_is_unknown),
      CASE(a_year_does_not_fill_the_table),
      CASE(after_a_long_pause_it_goes_on),
      CASE(a_clock_that_was_set_back_finds_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
