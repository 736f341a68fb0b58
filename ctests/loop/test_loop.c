#include "loop/loop.h"

#include <dirent.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/test.h"

typedef struct entry {
  rl_post post;
  rl_timer timer;
  int number;
  int again; /* posts itself so many times more */
} entry;

static rl_loop loop;
static int seen[64];
static int seen_count;

static void note(int number) {
  assert_true(seen_count < 64);
  seen[seen_count++] = number;
}

static void on_post(rl_post *post) {
  entry *e = RL_CONTAINER(post, entry, post);
  note(e->number);
  if (e->again-- > 0) rl_loop_post(&loop, post, on_post);
}

static void on_timer(rl_timer *timer) { note(RL_CONTAINER(timer, entry, timer)->number); }

static void assert_seen(const int *numbers, int count) {
  assert_int_equal(seen_count, count);
  assert_memory_equal(seen, numbers, (size_t)count * sizeof *numbers);
}
#define ASSERT_SEEN(...) assert_seen((const int[]){__VA_ARGS__}, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int)))

static void settle(void) {
  loop.quiet = 0;
  while (!rl_loop_is_quiet(&loop)) uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static int setup(void **state) {
  (void)state;
  seen_count = 0;
  return rl_loop_init(&loop);
}

static int teardown(void **state) {
  (void)state;
  return rl_loop_free(&loop);
}

TEST(posts_run_in_order_and_once) {
  UNUSED;
  entry e[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
  for (int i = 0; i < 3; i++) rl_post_init(&e[i].post);
  for (int i = 2; i >= 0; i--) rl_loop_post(&loop, &e[i].post, on_post);
  rl_loop_post(&loop, &e[2].post, on_post); /* waits already */
  assert_true(rl_post_waits(&e[2].post));
  rl_loop_unpost(&loop, &e[1].post);
  rl_loop_unpost(&loop, &e[1].post);
  settle();
  ASSERT_SEEN(3, 1);
  assert_false(rl_post_waits(&e[2].post));
}

TEST(a_post_may_post_itself_after_the_others) {
  UNUSED;
  entry e[2] = {{.number = 1, .again = 2}, {.number = 2, .again = 1}};
  for (int i = 0; i < 2; i++) rl_post_init(&e[i].post), rl_loop_post(&loop, &e[i].post, on_post);
  settle();
  ASSERT_SEEN(1, 2, 1, 2, 1);
}

static void on_ending(rl_post *post) { note(RL_CONTAINER(post, entry, post)->number); }

static void on_post_that_leaves_an_end(rl_post *post) {
  static entry end = {.number = 9};
  rl_post_init(&end.post);
  on_post(post);
  rl_loop_at_turn_end(&loop, &end.post, on_ending);
}

TEST(a_turn_ends_after_what_was_ready_and_once) {
  UNUSED;
  entry e[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
  for (int i = 0; i < 4; i++) rl_post_init(&e[i].post);
  rl_loop_at_turn_end(&loop, &e[0].post, on_ending);
  rl_loop_at_turn_end(&loop, &e[0].post, on_ending); /* waits already */
  rl_loop_at_turn_end(&loop, &e[1].post, on_ending);
  rl_loop_unpost(&loop, &e[1].post);
  rl_loop_post(&loop, &e[2].post, on_post_that_leaves_an_end);
  rl_loop_post(&loop, &e[3].post, on_post);
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  ASSERT_SEEN(3, 4, 1, 9);
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  ASSERT_SEEN(3, 4, 1, 9);
}

/* A loop that is stopped by a timer, which fires after the poll, leaves no turn unended. */
static void on_timer_that_stops(rl_timer *timer) {
  static entry end = {.number = 5};
  on_timer(timer);
  rl_post_init(&end.post);
  rl_loop_at_turn_end(&loop, &end.post, on_ending);
  rl_loop_stop(&loop);
}

TEST(a_loop_that_stops_has_ended_its_turn) {
  UNUSED;
  entry late = {.number = 1};
  rl_timer_start(&loop, &late.timer, 1, on_timer_that_stops);
  rl_loop_run(&loop);
  ASSERT_SEEN(1, 5);
}

static entry endless;
static void on_endless(rl_post *post) { rl_loop_post(&loop, post, on_endless); }

TEST(posts_without_end_do_not_keep_the_loop_from_its_timers) {
  UNUSED;
  rl_post_init(&endless.post);
  rl_loop_post(&loop, &endless.post, on_endless);
  entry late = {.number = 7};
  rl_timer_start(&loop, &late.timer, 1, on_timer);
  for (int turns = 0; !seen_count && turns < 1000000; turns++) uv_run(&loop.uv, UV_RUN_NOWAIT);
  ASSERT_SEEN(7);
  rl_loop_unpost(&loop, &endless.post);
}

static void on_long_post(rl_post *post) {
  on_post(post);
  uv_sleep(1);
}

/* Posts work that is large rather than many: the sockets wait as long for both. */
TEST(a_turn_ends_before_long_posts_have_all_run) {
  UNUSED;
  enum { POSTS = 60 };
  static entry e[POSTS];
  for (int i = 0; i < POSTS; i++) {
    e[i].number = i;
    rl_post_init(&e[i].post);
    rl_loop_post(&loop, &e[i].post, on_long_post);
  }
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  assert_in_range(seen_count, 1, POSTS - 10);
  settle();
  assert_int_equal(seen_count, POSTS);
}

static uint64_t pick_last(void *ud) {
  (void)ud;
  return 1000 * 2 - 1; /* the last of two */
}

TEST(a_shuffle_chooses_what_runs_next) {
  UNUSED;
  entry e[2] = {{.number = 1}, {.number = 2}};
  for (int i = 0; i < 2; i++) rl_post_init(&e[i].post), rl_loop_post(&loop, &e[i].post, on_post);
  loop.shuffle = pick_last;
  settle();
  ASSERT_SEEN(2, 1);
}

TEST(timers_of_the_real_clock_fire_in_order_of_time) {
  UNUSED;
  entry e[3] = {{.number = 30}, {.number = 5}, {.number = 15}};
  for (int i = 0; i < 3; i++) rl_timer_start(&loop, &e[i].timer, (uint64_t)e[i].number, on_timer);
  rl_timer_stop(&loop, &e[2].timer);
  uint64_t start = rl_loop_clock(&loop);
  while (seen_count < 2) uv_run(&loop.uv, UV_RUN_ONCE);
  assert_true(rl_loop_clock(&loop) - start >= 29);
  ASSERT_SEEN(5, 30);
}

TEST(a_timer_from_now_does_not_count_what_the_turn_has_lasted) {
  UNUSED;
  entry e = {.number = 1};
  while (rl_loop_clock(&loop) < rl_loop_now(&loop) + 5) continue;
  uint64_t clock = rl_loop_clock(&loop);
  rl_timer_start(&loop, &e.timer, 20, on_timer);
  assert_true(e.timer.wheel.expires < clock + 20);
  rl_timer_start_now(&loop, &e.timer, 20, on_timer);
  assert_true(e.timer.wheel.expires >= clock + 20);
  rl_timer_stop(&loop, &e.timer);
}

TEST(frozen_time_moves_only_when_it_is_told) {
  UNUSED;
  rl_loop_clock_freeze(&loop);
  entry e[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
  uint64_t start = rl_loop_now(&loop);
  int64_t wall = rl_loop_time(&loop);
  rl_timer_start(&loop, &e[0].timer, 1000, on_timer);
  rl_timer_start(&loop, &e[1].timer, 10, on_timer);
  rl_timer_start(&loop, &e[2].timer, UINT64_MAX, on_timer);
  settle();
  assert_int_equal(seen_count, 0);
  rl_loop_advance_to(&loop, start + 999);
  ASSERT_SEEN(2);
  rl_loop_advance_to(&loop, start + 1000);
  ASSERT_SEEN(2, 1);
  assert_true(rl_loop_time(&loop) == wall + 1000);
  rl_timer_stop(&loop, &e[2].timer);
}

TEST(a_thawed_timer_keeps_the_delay_it_still_has) {
  UNUSED;
  rl_loop_clock_freeze(&loop);
  entry e = {.number = 1};
  rl_timer_start(&loop, &e.timer, 1000000, on_timer);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 999980);
  rl_loop_clock_thaw(&loop);
  uint64_t start = rl_loop_clock(&loop);
  while (!seen_count) uv_run(&loop.uv, UV_RUN_ONCE);
  uint64_t took = rl_loop_clock(&loop) - start;
  assert_true(took >= 19 && took < 5000);
}

static void on_advanced(void *ud) {
  note(*(int *)ud);
  rl_loop_stop(&loop);
}

static void on_timer_posts(rl_timer *timer) {
  entry *e = RL_CONTAINER(timer, entry, timer);
  note(e->number);
  rl_loop_post(&loop, &e->post, on_post);
}

TEST(advance_lets_everything_run_that_a_timer_sets_off_before_the_next_one) {
  UNUSED;
  rl_loop_clock_freeze(&loop);
  entry e[2] = {{.number = 1}, {.number = 2}};
  int end = 9;
  for (int i = 0; i < 2; i++) rl_post_init(&e[i].post);
  rl_timer_start(&loop, &e[0].timer, 10, on_timer_posts);
  rl_timer_start(&loop, &e[1].timer, 20, on_timer_posts);
  uint64_t target = rl_loop_now(&loop) + 50;
  assert_int_equal(rl_loop_advance(&loop, target, on_advanced, &end), 0);
  assert_int_equal(rl_loop_advance(&loop, target, on_advanced, &end), RL_EBUSY);
  rl_loop_run(&loop);
  ASSERT_SEEN(1, 1, 2, 2, 9);
  assert_true(rl_loop_now(&loop) == target);
}

TEST(the_date_is_that_of_the_loops_clock) {
  UNUSED;
  rl_loop_clock_freeze(&loop);
  char text[RL_DATE_LEN + 1] = {0};
  rl_date_format(rl_loop_time(&loop) / 1000, text);
  assert_memory_equal(rl_loop_date(&loop), text, RL_DATE_LEN);
  rl_loop_advance_to(&loop, rl_loop_now(&loop) + 86400000);
  rl_date_format(rl_loop_time(&loop) / 1000, text);
  assert_memory_equal(rl_loop_date(&loop), text, RL_DATE_LEN);
}

static void on_uv_closed(uv_handle_t *handle) { (void)handle; }

static int stuck;

static void on_stuck(rl_loop *l) {
  stuck++;
  rl_loop_stop(l);
}

TEST(a_loop_in_which_nothing_can_happen_any_more_is_told) {
  UNUSED;
  entry posted = {.number = 1, .again = 2}, timed = {.number = 2};
  stuck = 0;
  loop.on_stuck = on_stuck;
  rl_post_init(&posted.post);
  rl_loop_post(&loop, &posted.post, on_post);
  rl_timer_start(&loop, &timed.timer, 5, on_timer);
  rl_loop_run(&loop); /* and it does not sleep before it returns */
  ASSERT_SEEN(1, 1, 1, 2);
  assert_int_equal(stuck, 1);
}

static void mail_arrives(rl_mail *mail) {
  (void)mail;
  note(3);
  loop.held--;
}

static void send_late(void *arg) {
  uv_sleep(20);
  rl_inbox_send(&loop.inbox, arg);
}

static void on_socket(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  note(4);
  uv_close((uv_handle_t *)poll, NULL);
}

TEST(a_loop_that_waits_for_mail_or_a_socket_is_not_stuck) {
  UNUSED;
  uv_thread_t sender;
  uv_poll_t poll;
  int ends[2];
  rl_mail mail = {.deliver = mail_arrives};
  stuck = 0;
  loop.on_stuck = on_stuck;
  loop.held = 1; /* as the receiver of promised mail does */
  assert_int_equal(uv_thread_create(&sender, send_late, &mail), 0);
  rl_loop_run(&loop);
  ASSERT_SEEN(3);
  uv_thread_join(&sender);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(uv_poll_init(&loop.uv, &poll, ends[0]), 0);
  uv_poll_start(&poll, UV_READABLE, on_socket);
  assert_int_equal(write(ends[1], "x", 1), 1);
  rl_loop_run(&loop);
  ASSERT_SEEN(3, 4);
  assert_int_equal(stuck, 2);
  close(ends[0]);
  close(ends[1]);
}

TEST(a_handle_that_was_left_open_is_told) {
  UNUSED;
  rl_loop other;
  uv_timer_t left;
  assert_int_equal(rl_loop_init(&other), 0);
  uv_timer_init(&other.uv, &left);
  assert_int_equal(rl_loop_free(&other), RL_EBUSY);
  uv_close((uv_handle_t *)&left, on_uv_closed);
  uv_run(&other.uv, UV_RUN_NOWAIT);
  assert_int_equal(uv_loop_close(&other.uv), 0);
}

static int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  int count = -1; /* its own */
  for (struct dirent *one; (one = readdir(folder));) count += one->d_name[0] != '.';
  closedir(folder);
  return count;
}

TEST(a_loop_without_memory_leaves_nothing) {
  UNUSED;
  rl_loop one;
  int before = open_descriptors();
  for (int i = 0; i < 3; i++) {
    rl_alloc_fail_at(1, true);
    assert_int_equal(rl_loop_init(&one), RL_ENOMEM);
    rl_alloc_fail_at(0, false);
  }
  assert_int_equal(open_descriptors(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(posts_run_in_order_and_once),
      CASE(a_post_may_post_itself_after_the_others),
      CASE(a_turn_ends_after_what_was_ready_and_once),
      CASE(a_loop_that_stops_has_ended_its_turn),
      CASE(posts_without_end_do_not_keep_the_loop_from_its_timers),
      CASE(a_turn_ends_before_long_posts_have_all_run),
      CASE(a_shuffle_chooses_what_runs_next),
      CASE(timers_of_the_real_clock_fire_in_order_of_time),
      CASE(a_timer_from_now_does_not_count_what_the_turn_has_lasted),
      CASE(frozen_time_moves_only_when_it_is_told),
      CASE(a_thawed_timer_keeps_the_delay_it_still_has),
      CASE(advance_lets_everything_run_that_a_timer_sets_off_before_the_next_one),
      CASE(the_date_is_that_of_the_loops_clock),
      CASE(a_loop_in_which_nothing_can_happen_any_more_is_told),
      CASE(a_loop_that_waits_for_mail_or_a_socket_is_not_stuck),
      RUN(a_handle_that_was_left_open_is_told),
      RUN(a_loop_without_memory_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
