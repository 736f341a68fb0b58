/* The loop of loop.h on libuv. */
#include "loop/loop.h"

#include <stdatomic.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

enum { CHUNKS_KEPT = 4096, READY_BUDGET = 1024, READY_LOOKS = 16, READY_NS = 2000000 };

static rl_loop *loop_of(const void *handle) { return ((const uv_handle_t *)handle)->data; }

/* ---- timers ---------------------------------------------------------------------------------------------------- */

static void on_wheel_timer(uv_timer_t *handle);

/* Arms libuv's timer at or before the wheel's next expiry; moves it only when that comes nearer. */
static void arm(rl_loop *loop) {
  if (loop->virtual_clock) return;
  uint64_t next = rl_wheel_next(&loop->wheel);
  if (next >= loop->armed) return;
  uint64_t now = uv_now(&loop->uv);
  loop->armed = next;
  uv_timer_start(&loop->wheel_timer, on_wheel_timer, next > now ? next - now : 0, 0);
}

static void fire(rl_loop *loop, uint64_t now) {
  for (rl_wheel_timer *due; (due = rl_wheel_expire(&loop->wheel, now));) {
    rl_timer *timer = RL_CONTAINER(due, rl_timer, wheel);
    loop->active = true;
    timer->on_timer(timer);
  }
}

static void on_wheel_timer(uv_timer_t *handle) {
  rl_loop *loop = loop_of(handle);
  loop->armed = UINT64_MAX;
  if (loop->virtual_clock) return;
  fire(loop, uv_now(&loop->uv));
  arm(loop);
}

void rl_timer_start(rl_loop *loop, rl_timer *timer, uint64_t delay_ms, void (*on_timer)(rl_timer *)) {
  uint64_t now = rl_loop_now(loop);
  timer->on_timer = on_timer;
  rl_wheel_start(&loop->wheel, &timer->wheel, delay_ms > UINT64_MAX - now ? UINT64_MAX : now + delay_ms);
  if (timer->wheel.expires < loop->armed) arm(loop);
}

void rl_timer_start_now(rl_loop *loop, rl_timer *timer, uint64_t delay_ms, void (*on_timer)(rl_timer *)) {
  uint64_t turn = rl_loop_clock(loop) - rl_loop_now(loop);
  if (!loop->virtual_clock) turn++; /* the millisecond that has begun is cut off */
  rl_timer_start(loop, timer, delay_ms > UINT64_MAX - turn ? UINT64_MAX : delay_ms + turn, on_timer);
}

void rl_timer_stop(rl_loop *loop, rl_timer *timer) { rl_wheel_stop(&loop->wheel, &timer->wheel); }

/* ---- the ready queue ------------------------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *handle) { (void)handle; }

void rl_loop_post(rl_loop *loop, rl_post *post, void (*run)(rl_post *)) {
  if (rl_post_waits(post)) return;
  post->run = run;
  if (rl_list_empty(&loop->ready)) uv_idle_start(&loop->idle, on_idle);
  rl_list_push(&loop->ready, &post->node);
}

void rl_loop_unpost(rl_loop *loop, rl_post *post) {
  (void)loop;
  if (rl_post_waits(post)) rl_list_remove(&post->node);
}

void rl_loop_at_turn_end(rl_loop *loop, rl_post *post, void (*run)(rl_post *)) {
  if (rl_post_waits(post)) return;
  post->run = run;
  rl_list_push(&loop->ending, &post->node);
}

static void end_turn(rl_loop *loop) {
  for (rl_list *node; (node = rl_list_shift(&loop->ending));) {
    rl_post *post = RL_CONTAINER(node, rl_post, node);
    post->run(post);
  }
}

static rl_list *pick(rl_loop *loop) {
  if (!loop->shuffle || rl_list_empty(&loop->ready)) return rl_list_shift(&loop->ready);
  uint64_t count = 1; /* the first, which is there */
  for (rl_list *next = loop->ready.next->next; next != &loop->ready; next = next->next) count++;
  rl_list *node = loop->ready.next;
  for (uint64_t skip = loop->shuffle(loop->shuffle_ud) % count; skip > 0; skip--) node = node->next;
  rl_list_remove(node);
  return node;
}

/* Returns true if a turn has had its time. Looks only now and then, and never while the clock is virtual. */
static bool is_over(const rl_loop *loop, int budget, uint64_t start) {
  return budget % READY_LOOKS == 0 && !loop->virtual_clock && uv_hrtime() - start > READY_NS;
}

/* Runs what is ready, and what becomes ready by that, up to a budget of pieces and of time. Then the sockets get a turn: a
 * few large streams are pieces of 256 KiB each, without end. */
static void run_ready(rl_loop *loop) {
  if (rl_list_empty(&loop->ready)) return;
  uint64_t start = uv_hrtime();
  rl_list *node;
  for (int budget = READY_BUDGET; budget > 0 && !is_over(loop, budget, start) && (node = pick(loop)); budget--) {
    rl_post *post = RL_CONTAINER(node, rl_post, node);
    loop->active = true;
    post->run(post);
  }
}

/* Moves on when nothing is left to run at this moment of virtual time: to the next timer, or to the end. */
static void step_clock(rl_loop *loop) {
  uint64_t next = rl_loop_next_timer(loop);
  loop->quiet = 0;
  if (next <= loop->advance_target) {
    rl_loop_advance_to(loop, next);
    return;
  }
  rl_loop_advance_to(loop, loop->advance_target);
  void (*done)(void *ud) = loop->advanced;
  loop->advanced = NULL;
  done(loop->advanced_ud);
}

int rl_loop_advance(rl_loop *loop, uint64_t target_ms, void (*done)(void *ud), void *ud) {
  if (loop->advanced) return RL_EBUSY;
  loop->advanced = done;
  loop->advanced_ud = ud;
  loop->advance_target = target_ms;
  loop->quiet = 0;
  uv_idle_start(&loop->idle, on_idle);
  return RL_OK;
}

/* Returns true if nothing can wake this loop. The inbox alone cannot: promised mail is counted in `held`. */
static bool is_stuck(rl_loop *loop) {
  if (!rl_list_empty(&loop->ready) || loop->advanced || loop->held || loop->armed != UINT64_MAX) return false;
  if (rl_loop_next_timer(loop) != UINT64_MAX || !rl_inbox_is_empty(&loop->inbox)) return false;
  uv_unref((uv_handle_t *)&loop->inbox.async);
  bool alive = uv_loop_alive(&loop->uv);
  uv_ref((uv_handle_t *)&loop->inbox.async);
  return !alive;
}

static void on_prepare(uv_prepare_t *handle) {
  rl_loop *loop = loop_of(handle);
  run_ready(loop);
  loop->quiet = loop->active ? 0 : loop->quiet + 1;
  loop->active = false;
  if (loop->advanced && rl_loop_is_quiet(loop)) step_clock(loop);
  for (int i = 0; i < 2 && loop->on_stuck && !loop->stopping && is_stuck(loop); i++)
    loop->on_stuck(loop);                 /* again, if that has woken nobody: there is no next turn */
  if (loop->stopping) uv_stop(&loop->uv); /* a loop that was just stopped must not sleep first */
  if (rl_list_empty(&loop->ready) && !loop->advanced) uv_idle_stop(&loop->idle);
  end_turn(loop);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void unreferenced(rl_loop *loop, uv_handle_t *handle) {
  handle->data = loop;
  uv_unref(handle);
}

static void on_delivery(rl_inbox *inbox) { rl_loop_touch(RL_CONTAINER(inbox, rl_loop, inbox)); }

static int start_uv(rl_loop *loop) {
  if (uv_loop_init(&loop->uv)) return RL_ENOMEM;
  if (!rl_inbox_init(&loop->inbox, &loop->uv, on_delivery)) return RL_OK;
  uv_loop_close(&loop->uv);
  return RL_ENOMEM;
}

int rl_loop_init(rl_loop *loop) {
  memset(loop, 0, sizeof *loop);
  loop->read_buffer = rl_alloc(RL_LIMIT_READ_BUFFER);
  if (!loop->read_buffer || start_uv(loop)) {
    rl_free(loop->read_buffer);
    return RL_ENOMEM;
  }
  loop->armed = UINT64_MAX;
  loop->date_second = INT64_MIN;
  rl_list_init(&loop->ready);
  rl_list_init(&loop->ending);
  rl_chunk_pool_init(&loop->chunks, CHUNKS_KEPT);
  rl_wheel_init(&loop->wheel, uv_now(&loop->uv));
  uv_timer_init(&loop->uv, &loop->wheel_timer);
  uv_prepare_init(&loop->uv, &loop->prepare);
  uv_idle_init(&loop->uv, &loop->idle);
  loop->wheel_timer.data = loop->idle.data = loop;
  unreferenced(loop, (uv_handle_t *)&loop->prepare);
  uv_prepare_start(&loop->prepare, on_prepare);
  return RL_OK;
}

int rl_loop_free(rl_loop *loop) {
  while (loop->held) uv_run(&loop->uv, UV_RUN_ONCE); /* jobs of the pool write to the loop when they end */
  uv_close((uv_handle_t *)&loop->wheel_timer, NULL);
  uv_close((uv_handle_t *)&loop->prepare, NULL);
  uv_close((uv_handle_t *)&loop->idle, NULL);
  rl_inbox_close(&loop->inbox);
  uv_run(&loop->uv, UV_RUN_NOWAIT);
  int open = uv_loop_close(&loop->uv);
  rl_inbox_free(&loop->inbox);
  rl_chunk_pool_free(&loop->chunks);
  rl_free(loop->read_buffer);
  return open ? RL_EBUSY : RL_OK;
}

void rl_loop_run(rl_loop *loop) {
  loop->stopping = false;
  while (!loop->stopping && uv_run(&loop->uv, UV_RUN_ONCE)) {
  }
  end_turn(loop); /* timers and closed handles come after the poll */
}

void rl_loop_settle(rl_loop *loop) {
  while (loop->held) uv_run(&loop->uv, UV_RUN_ONCE);
}

static void on_late(uv_timer_t *timer) { *(bool *)timer->data = true; }

bool rl_loop_settle_within(rl_loop *loop, uint64_t ms) {
  bool late = false;
  uv_timer_t timer;
  uv_timer_init(&loop->uv, &timer);
  timer.data = &late;
  uv_update_time(&loop->uv);
  uv_timer_start(&timer, on_late, ms, 0);
  while (loop->held && !late) uv_run(&loop->uv, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&loop->uv, UV_RUN_NOWAIT); /* the timer is on our stack */
  return !loop->held;
}

void rl_loop_stop(rl_loop *loop) { loop->stopping = true; }

/* ---- clocks ---------------------------------------------------------------------------------------------------- */

uint64_t rl_loop_clock(const rl_loop *loop) { return loop->virtual_clock ? loop->virtual_now : uv_hrtime() / 1000000; }

uint64_t rl_loop_now(const rl_loop *loop) { return loop->virtual_clock ? loop->virtual_now : uv_now(&loop->uv); }

static int64_t wall_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The time that every thread sees while a loop's clock is virtual; 0: none is. */
static _Atomic int64_t frozen_wall;

int64_t rl_loop_wall(void) {
  int64_t frozen = atomic_load_explicit(&frozen_wall, memory_order_relaxed);
  return frozen ? frozen : wall_clock();
}

int64_t rl_loop_time(const rl_loop *loop) { return loop->virtual_clock ? loop->virtual_wall : wall_clock(); }

const char *rl_loop_date(rl_loop *loop) {
  struct timespec now;
  if (loop->virtual_clock) now.tv_sec = loop->virtual_wall / 1000;
  else clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != loop->date_second) {
    loop->date_second = now.tv_sec;
    rl_date_format(now.tv_sec, loop->date);
  }
  return loop->date;
}

void rl_loop_clock_freeze(rl_loop *loop) {
  uv_update_time(&loop->uv);
  fire(loop, uv_now(&loop->uv));
  loop->virtual_now = uv_now(&loop->uv);
  loop->virtual_wall = wall_clock();
  atomic_store(&frozen_wall, loop->virtual_wall);
  loop->virtual_clock = true;
  loop->armed = UINT64_MAX;
  uv_timer_stop(&loop->wheel_timer);
}

/* Moves every timer by how far virtual time has run ahead of the real one, so that delays stay. */
void rl_loop_clock_thaw(rl_loop *loop) {
  if (!loop->virtual_clock) return;
  loop->virtual_clock = false;
  atomic_store(&frozen_wall, 0);
  uv_update_time(&loop->uv);
  uint64_t was = loop->virtual_now, now = uv_now(&loop->uv);
  rl_list all;
  rl_list_init(&all);
  for (int level = 0; level < RL_WHEEL_LEVELS; level++)
    for (int slot = 0; slot < RL_WHEEL_SLOTS; slot++) rl_list_append(&all, &loop->wheel.slots[level][slot]);
  rl_wheel_init(&loop->wheel, now);
  for (rl_list *node; (node = rl_list_shift(&all));) {
    rl_wheel_timer *timer = RL_CONTAINER(node, rl_wheel_timer, node);
    timer->active = false;
    rl_wheel_start(&loop->wheel, timer, now + (timer->expires > was ? timer->expires - was : 0));
  }
  arm(loop);
}

void rl_loop_advance_to(rl_loop *loop, uint64_t now_ms) {
  if (now_ms > loop->virtual_now) {
    loop->virtual_wall += (int64_t)(now_ms - loop->virtual_now);
    atomic_store(&frozen_wall, loop->virtual_wall);
    loop->virtual_now = now_ms;
  }
  fire(loop, now_ms);
}

uint64_t rl_loop_next_timer(const rl_loop *loop) { return rl_wheel_next(&loop->wheel); }

bool rl_loop_is_quiet(const rl_loop *loop) { return loop->quiet >= 2 && !loop->held && rl_list_empty(&loop->ready); }
