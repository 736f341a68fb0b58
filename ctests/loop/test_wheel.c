#include "loop/wheel.h"

#include "support/test.h"

static uint64_t seed = 88172645463325252u;

static uint64_t draw(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed;
}

TEST(nothing_expires_where_nothing_was_started) {
  UNUSED;
  rl_wheel wheel;
  rl_wheel_init(&wheel, 5);
  assert_true(rl_wheel_next(&wheel) == UINT64_MAX);
  assert_null(rl_wheel_expire(&wheel, 1000000));
  assert_int_equal(wheel.now, 1000000);
}

TEST(a_timer_fires_at_its_millisecond_and_once) {
  UNUSED;
  static const uint64_t delays[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 1u << 24, 1u << 30};
  static const uint64_t starts[] = {0, 1, 63, 64, 1000, (1u << 24) - 1, UINT64_C(1) << 40};
  for (size_t s = 0; s < sizeof starts / sizeof *starts; s++)
    for (size_t d = 0; d < sizeof delays / sizeof *delays; d++) {
      rl_wheel wheel;
      rl_wheel_timer timer = {0};
      uint64_t due = starts[s] + delays[d];
      rl_wheel_init(&wheel, starts[s]);
      rl_wheel_start(&wheel, &timer, due);
      assert_true(rl_wheel_next(&wheel) <= due);
      assert_null(rl_wheel_expire(&wheel, due - 1));
      assert_ptr_equal(rl_wheel_expire(&wheel, due), &timer);
      assert_false(timer.active);
      assert_null(rl_wheel_expire(&wheel, due + 100000));
    }
}

TEST(one_in_the_past_fires_at_the_next_millisecond) {
  UNUSED;
  rl_wheel wheel;
  rl_wheel_timer timer = {0};
  rl_wheel_init(&wheel, 1000);
  rl_wheel_start(&wheel, &timer, 3);
  assert_null(rl_wheel_expire(&wheel, 1000));
  assert_ptr_equal(rl_wheel_expire(&wheel, 1001), &timer);
}

TEST(one_that_is_stopped_or_moved_does_not_fire_at_its_old_time) {
  UNUSED;
  rl_wheel wheel;
  rl_wheel_timer stopped = {0}, moved = {0};
  rl_wheel_init(&wheel, 0);
  rl_wheel_start(&wheel, &stopped, 100);
  rl_wheel_start(&wheel, &moved, 100);
  rl_wheel_start(&wheel, &moved, 5000);
  rl_wheel_stop(&wheel, &stopped);
  rl_wheel_stop(&wheel, &stopped);
  assert_null(rl_wheel_expire(&wheel, 4999));
  assert_ptr_equal(rl_wheel_expire(&wheel, 5000), &moved);
  assert_true(rl_wheel_next(&wheel) == UINT64_MAX);
}

TEST(a_delay_without_end_is_cut_to_what_the_wheel_holds) {
  UNUSED;
  rl_wheel wheel;
  rl_wheel_timer timer = {0};
  rl_wheel_init(&wheel, 7);
  rl_wheel_start(&wheel, &timer, UINT64_MAX);
  uint64_t due = timer.expires;
  assert_true(due > UINT64_C(60) * 365 * 86400 * 1000);
  assert_null(rl_wheel_expire(&wheel, due - 1));
  assert_ptr_equal(rl_wheel_expire(&wheel, due), &timer);
}

/* Also if they came to their slot by different levels. */
TEST(those_of_one_millisecond_fire_in_the_order_in_which_they_were_started) {
  UNUSED;
  rl_wheel wheel;
  rl_wheel_timer timers[50];
  memset(timers, 0, sizeof timers);
  rl_wheel_init(&wheel, 0);
  for (int i = 0; i < 50; i++) {
    rl_wheel_start(&wheel, &timers[i], 6000);
    assert_null(rl_wheel_expire(&wheel, (uint64_t)(i + 1) * 119));
  }
  for (int i = 0; i < 50; i++) assert_ptr_equal(rl_wheel_expire(&wheel, 9000), &timers[i]);
  assert_null(rl_wheel_expire(&wheel, 9000));
}

/* ---- against a plain array ---------------------------------------------------------------------------------------------- */

enum { TIMERS = 200 };

typedef struct model {
  rl_wheel wheel;
  rl_wheel_timer timers[TIMERS];
  uint64_t due[TIMERS]; /* 0: stopped */
  uint64_t now;
} model;

static uint64_t earliest(const model *m) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < TIMERS; i++)
    if (m->due[i] && m->due[i] < least) least = m->due[i];
  return least;
}

static void start_one(model *m) {
  int i = (int)(draw() % TIMERS);
  m->due[i] = m->now + 1 + draw() % (UINT64_C(1) << draw() % 36);
  rl_wheel_start(&m->wheel, &m->timers[i], m->due[i]);
}

static void stop_one(model *m) {
  int i = (int)(draw() % TIMERS);
  m->due[i] = 0;
  rl_wheel_stop(&m->wheel, &m->timers[i]);
}

/* Checks that all due timers come, and no other, earlier milliseconds first. */
static void pass_time(model *m) {
  m->now += draw() % (UINT64_C(1) << draw() % 30);
  uint64_t last = 0;
  for (rl_wheel_timer *timer; (timer = rl_wheel_expire(&m->wheel, m->now));) {
    int i = (int)(timer - m->timers);
    assert_true(m->due[i] && m->due[i] <= m->now && m->due[i] >= last);
    last = m->due[i];
    m->due[i] = 0;
  }
  assert_true(earliest(m) > m->now);
}

TEST(agrees_with_a_plain_array_whatever_is_started_stopped_and_moved) {
  UNUSED;
  static model m;
  rl_wheel_init(&m.wheel, 0);
  for (int round = 0; round < 40000; round++) {
    uint64_t what = draw() % 10;
    if (what < 6) start_one(&m);
    else if (what < 8) stop_one(&m);
    else pass_time(&m);
    uint64_t next = rl_wheel_next(&m.wheel);
    assert_true(next <= earliest(&m));
    assert_int_equal(next == UINT64_MAX, earliest(&m) == UINT64_MAX);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(nothing_expires_where_nothing_was_started),
      RUN(a_timer_fires_at_its_millisecond_and_once),
      RUN(one_in_the_past_fires_at_the_next_millisecond),
      RUN(one_that_is_stopped_or_moved_does_not_fire_at_its_old_time),
      RUN(a_delay_without_end_is_cut_to_what_the_wheel_holds),
      RUN(those_of_one_millisecond_fire_in_the_order_in_which_they_were_started),
      RUN(agrees_with_a_plain_array_whatever_is_started_stopped_and_moved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
