/* runtime/net/tls/turns.c: who does a step of a handshake now, who waits, and who gives up. */
#include "net/tls/turns.h"

#include "support/test.h"

enum { MANY = 40 };

typedef struct shaker {
  rl_turn turn; /* first */
  unsigned runs;
  bool gave_up, leaves;
  uint64_t work_ns;
} shaker;

static rl_loop loop;
static rl_turns turns;
static shaker shakers[MANY];
static unsigned order[MANY], count;

static void work(uint64_t ns) {
  for (uint64_t start = uv_hrtime(); uv_hrtime() - start < ns;) {
  }
}

static void on_run(rl_turn *turn) {
  shaker *s = (shaker *)turn;
  s->runs++;
  if (count < MANY) order[count++] = (unsigned)(s - shakers);
  work(s->work_ns);
  if (s->leaves) rl_turns_leave(&turns, turn);
}

static void on_give_up(rl_turn *turn) { ((shaker *)turn)->gave_up = true; }

static int setup(void **state) {
  (void)state;
  if (rl_loop_init(&loop)) return -1;
  rl_loop_clock_freeze(&loop);
  rl_turns_init(&turns, &loop);
  memset(shakers, 0, sizeof shakers);
  count = 0;
  for (int i = 0; i < MANY; i++) {
    rl_list_init(&shakers[i].turn.queue);
    rl_list_init(&shakers[i].turn.age);
    shakers[i].turn.run = on_run;
    shakers[i].turn.give_up = on_give_up;
  }
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++) rl_turns_leave(&turns, &shakers[i].turn);
  assert_int_equal(turns.count, 0);
  rl_turns_free(&turns);
  rl_loop_clock_thaw(&loop);
  return rl_loop_free(&loop);
}

static void turn(void) { uv_run(&loop.uv, UV_RUN_NOWAIT); }

/* Asks for a step and does it if it may be done now. */
static bool ask(int i) {
  if (!rl_turns_enter(&turns, &shakers[i].turn)) return false;
  on_run(&shakers[i].turn);
  rl_turns_done(&turns);
  return true;
}

/* The same in a turn of its own, so that a machine that is busy with others changes nothing. */
static bool ask_alone(int i) {
  turn();
  return ask(i);
}

TEST(a_step_is_done_at_once_while_there_is_time) {
  UNUSED;
  assert_true(ask_alone(0));
  assert_true(ask_alone(1));
  assert_true(ask_alone(0));
  assert_int_equal(turns.count, 2);
}

TEST(when_the_time_of_a_turn_is_over_the_others_wait_for_the_next) {
  UNUSED;
  shakers[0].work_ns = RL_TURNS_NS;
  assert_true(ask(0));
  assert_false(ask(1));
  assert_false(ask(2));
  assert_int_equal(shakers[1].runs, 0);
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(shakers[1].runs + shakers[2].runs, 2);
  assert_true(ask_alone(3)); /* nobody waits any more */
}

TEST(they_come_in_the_order_in_which_they_asked_and_each_in_its_turn) {
  UNUSED;
  for (int i = 0; i < 10; i++) shakers[i].work_ns = RL_TURNS_NS;
  ask(0);
  for (int i = 1; i < 10; i++) assert_false(ask(i));
  for (unsigned seen = 1; seen < 10; seen++) {
    for (int i = 0; i < 3 && count == seen; i++) turn();
    assert_int_equal(count, seen + 1); /* one a turn: others have theirs between them */
  }
  for (unsigned i = 0; i < 10; i++) assert_int_equal(order[i], i);
}

TEST(one_that_left_is_not_run) {
  UNUSED;
  shakers[0].work_ns = RL_TURNS_NS;
  ask(0);
  ask(1);
  rl_turns_leave(&turns, &shakers[1].turn);
  turn(), turn(), turn();
  assert_int_equal(shakers[1].runs, 0);
}

/* Whoever sends a hello byte by byte may have many small steps. */
TEST(many_steps_of_others_do_not_keep_newcomers_out) {
  UNUSED;
  for (int i = 0; i < 5; i++) ask_alone(i), shakers[i].work_ns = RL_TURNS_NS;
  assert_true(ask_alone(0));
  assert_false(ask(10));
  for (int i = 0; i < 4; i++) {
    ask(1 + i);
    turn();
  }
  assert_int_equal(shakers[10].runs, 1);
}

TEST(only_so_many_are_under_way) {
  UNUSED;
  turns.most = 3;
  for (int i = 0; i < 3; i++) assert_true(ask_alone(i));
  assert_false(ask(3));
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(shakers[3].runs, 0);
  assert_true(ask_alone(1)); /* who has begun goes on */
  rl_turns_leave(&turns, &shakers[1].turn);
  turn(), turn();
  assert_int_equal(shakers[3].runs, 1);
}

TEST(the_oldest_gives_up_when_it_has_had_its_time) {
  UNUSED;
  turns.most = 2;
  ask(0);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + RL_TURNS_PATIENCE_MS / 2);
  ask_alone(1);
  ask(2);
  turn(), turn();
  assert_false(shakers[0].gave_up);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + RL_TURNS_PATIENCE_MS - RL_TURNS_PATIENCE_MS / 2);
  turn(), turn();
  assert_true(shakers[0].gave_up);
  assert_false(shakers[1].gave_up);
  assert_int_equal(shakers[2].runs, 1);
}

TEST(nobody_gives_up_while_there_is_room) {
  UNUSED;
  ask(0);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 60000);
  ask_alone(1);
  turn(), turn();
  assert_false(shakers[0].gave_up);
}

TEST(only_so_many_begin_in_a_second) {
  UNUSED;
  rl_loop_advance_to(&loop, (rl_loop_now(&loop) / 1000 + 1) * 1000);
  turns.rate = 2;
  assert_true(ask_alone(0));
  assert_true(ask_alone(1));
  for (int i = 2; i < 6; i++) assert_false(ask(i));
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(count, 2);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 1000);
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(count, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      CASE(a_step_is_done_at_once_while_there_is_time),
      CASE(when_the_time_of_a_turn_is_over_the_others_wait_for_the_next),
      CASE(they_come_in_the_order_in_which_they_asked_and_each_in_its_turn),
      CASE(one_that_left_is_not_run),
      CASE(many_steps_of_others_do_not_keep_newcomers_out),
      CASE(only_so_many_are_under_way),
      CASE(the_oldest_gives_up_when_it_has_had_its_time),
      CASE(nobody_gives_up_while_there_is_room),
      CASE(only_so_many_begin_in_a_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
