/*
 * The loop: one libuv loop with what every room above needs. One for each worker thread; nothing here is shared.
 *
 *   one turn:   timers (libuv's one timer drives the wheel) -> ready queue -> end of the turn -> poll: sockets, mail, jobs …
 *
 *   wheel     every timeout of the worker, 1 ms slots
 *   ready     a queue of work to run soon, in order: tasks that were woken, connections to flush
 *   chunks    the pool that request arenas draw from
 *   clock     real, or virtual for tests: then time stands still until somebody advances it
 *
 * Milliseconds throughout. rl_loop_now is monotonic and cached for a turn; rl_loop_time is the wall clock.
 */
#ifndef RL_LOOP_LOOP_H
#define RL_LOOP_LOOP_H

#include <uv.h>

#include "base/arena.h"
#include "base/date.h"
#include "base/list.h"
#include "loop/inbox.h"
#include "loop/wheel.h"

typedef struct rl_loop rl_loop;
typedef struct rl_timer rl_timer;
typedef struct rl_post rl_post;

struct rl_timer {
  rl_wheel_timer wheel;
  void (*on_timer)(rl_timer *timer);
};

/* Work to run soon, on the loop's thread. Embedded; linked while it waits. */
struct rl_post {
  rl_list node;
  void (*run)(rl_post *post);
};

struct rl_loop {
  uv_loop_t uv;
  uv_timer_t wheel_timer;
  uv_prepare_t prepare;
  uv_idle_t idle; /* active while ready is not empty, so that the poll does not block */
  rl_wheel wheel;
  uint64_t armed;                /* when wheel_timer fires; UINT64_MAX: stopped */
  rl_inbox inbox;                /* mail from other threads */
  rl_list ready, ending;         /* ending: what runs once the turn ends */
  uint64_t (*shuffle)(void *ud); /* tests: picks which ready post runs next; NULL: in order */
  void *shuffle_ud;
  rl_chunk_pool chunks;
  char *read_buffer; /* RL_LIMIT_READ_BUFFER bytes, borrowed during one read callback */
  unsigned held;     /* jobs and mail under way: virtual time does not move while there are any */
  bool virtual_clock, stopping;
  uint64_t virtual_now;
  int64_t virtual_wall;
  char date[RL_DATE_LEN + 1]; /* the Date header of this second */
  int64_t date_second;
  unsigned quiet;             /* turns in a row in which nothing ran: see rl_loop_is_quiet */
  bool active;                /* something ran in this turn */
  void (*advanced)(void *ud); /* of rl_loop_advance, NULL: not under way */
  void *advanced_ud;
  uint64_t advance_target;
  /* Set by the owner; may be NULL. Called before the loop would sleep for good: no timer, socket, job, promised mail or
   * ready post is left that could make anything happen here. A signal may still come. */
  void (*on_stuck)(rl_loop *loop);
  void *worker; /* the owner of this loop; not ours */
};

/* 0 or RL_ENOMEM (no memory, or no descriptors): then nothing is left of it. The struct may be embedded and does not move. */
int rl_loop_init(rl_loop *loop);
/* Call after every handle was closed by its owner. Waits for jobs under way. Returns 0, or RL_EBUSY if a handle is still
 * open (a leak: the caller reports it). */
int rl_loop_free(rl_loop *loop);
/* Runs until rl_loop_stop. */
void rl_loop_run(rl_loop *loop);
/* Runs on until no job and no promised mail is under way. Call before rl_loop_free. */
void rl_loop_settle(rl_loop *loop);
/* The same for at most `ms`. Returns false if something is still under way: then nothing that it may touch can be freed,
 * the loop first of all, and the process has to end by _exit. */
bool rl_loop_settle_within(rl_loop *loop, uint64_t ms);
/* Makes rl_loop_run return at the end of the turn. From the loop's thread. */
void rl_loop_stop(rl_loop *loop);

uint64_t rl_loop_now(const rl_loop *loop);
/* The same clock, not cached: to measure within a turn. */
uint64_t rl_loop_clock(const rl_loop *loop);
/* Returns milliseconds since 1970. */
int64_t rl_loop_time(const rl_loop *loop);
/* Returns the value of the Date header, formatted once a second: RL_DATE_LEN bytes, borrowed until the next call. */
const char *rl_loop_date(rl_loop *loop);

/* Starts a timer that fires once, `delay_ms` from now. An active timer is moved. Stopped timers may be freed. */
void rl_timer_start(rl_loop *loop, rl_timer *timer, uint64_t delay_ms, void (*on_timer)(rl_timer *));
/* As rl_timer_start, but counted from this moment. The turn may have begun long ago, and a sleep must not be too short. */
void rl_timer_start_now(rl_loop *loop, rl_timer *timer, uint64_t delay_ms, void (*on_timer)(rl_timer *));
void rl_timer_stop(rl_loop *loop, rl_timer *timer);
static inline bool rl_timer_active(const rl_timer *timer) { return timer->wheel.active; }

/* Runs post->run in this turn or the next, after what was posted before it. A post that waits already stays where it is. */
void rl_loop_post(rl_loop *loop, rl_post *post, void (*run)(rl_post *));
void rl_loop_unpost(rl_loop *loop, rl_post *post);
/* Runs post->run at the end of this turn: after everything that is ready, before the loop waits for anything. It tidies up, and
 * counts as nothing that happened. A post that waits already stays where it is; rl_loop_unpost takes it back. */
void rl_loop_at_turn_end(rl_loop *loop, rl_post *post, void (*run)(rl_post *));
static inline void rl_post_init(rl_post *post) { rl_list_init(&post->node); }
static inline bool rl_post_waits(const rl_post *post) { return post->node.next && !rl_list_empty(&post->node); }

/* ---- virtual time (tests) ---- */

/* Freezes the clock at its present value until rl_loop_advance_to. */
void rl_loop_clock_freeze(rl_loop *loop);
/* Returns to the real clock; timers keep their remaining delay. */
void rl_loop_clock_thaw(rl_loop *loop);
/* Returns the wall clock in milliseconds, for threads that have no loop: the virtual one while there is one. */
int64_t rl_loop_wall(void);
/* Moves a frozen clock forward to `now_ms` and fires what expired on the way. */
void rl_loop_advance_to(rl_loop *loop, uint64_t now_ms);
/* Runs until nothing is ready, moves to the next timer, and repeats, up to `target_ms`. Then calls `done` from the loop.
 * Jobs and mail under way hold the clock still. Returns 0, or RL_EBUSY while another one is under way. */
int rl_loop_advance(rl_loop *loop, uint64_t target_ms, void (*done)(void *ud), void *ud);
/* Returns when the next timer is due at the earliest; UINT64_MAX if there is none. */
uint64_t rl_loop_next_timer(const rl_loop *loop);
/* Returns true if two turns in a row found nothing ready, and no job or mail is under way. */
bool rl_loop_is_quiet(const rl_loop *loop);
/* Notes that something happened in this turn. */
static inline void rl_loop_touch(rl_loop *loop) { loop->active = true; }

#endif
