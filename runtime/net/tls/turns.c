/* Steps of handshakes, bounded in each turn of the loop; see turns.h. */
#include "net/tls/turns.h"

#include "base/limits.h"

enum { SECOND_MS = 1000 };

void rl_turns_init(rl_turns *turns, rl_loop *loop) {
  *turns =
      (rl_turns){.loop = loop, .most = rl_limits_default.tls_handshakes, .rate = rl_limits_default.tls_handshake_rate};
  rl_list_init(&turns->steps);
  rl_list_init(&turns->newcomers);
  rl_list_init(&turns->under_way);
  rl_post_init(&turns->next);
  rl_post_init(&turns->end);
}

void rl_turns_free(rl_turns *turns) {
  rl_loop_unpost(turns->loop, &turns->next);
  rl_loop_unpost(turns->loop, &turns->end);
  rl_timer_stop(turns->loop, &turns->clock);
}

/* ---- who may begin ----------------------------------------------------------------------------------------------------- */

static bool has_place(rl_turns *turns) {
  uint64_t second = rl_loop_now(turns->loop) / SECOND_MS;
  if (second != turns->second) turns->second = second, turns->begun = 0;
  return turns->count < turns->most && turns->begun < turns->rate;
}

static void begin(rl_turns *turns, rl_turn *turn) {
  turn->under_way = true;
  turn->began_ms = rl_loop_now(turns->loop);
  rl_list_push(&turns->under_way, &turn->age);
  turns->count++;
  turns->begun++;
}

static rl_turn *oldest(const rl_turns *turns) { return RL_CONTAINER(turns->under_way.next, rl_turn, age); }

/* Takes the place of the oldest if that has had its time. */
static void make_place(rl_turns *turns) {
  if (turns->count < turns->most || !turns->count) return;
  rl_turn *turn = oldest(turns);
  if (rl_loop_now(turns->loop) - turn->began_ms < RL_TURNS_PATIENCE_MS) return;
  rl_turns_leave(turns, turn);
  turn->give_up(turn);
}

/* ---- the queues ---------------------------------------------------------------------------------------------------------- */

static void on_next(rl_post *post);

static void go_on_soon(rl_turns *turns) { rl_loop_post(turns->loop, &turns->next, on_next); }

static void on_clock(rl_timer *timer) { go_on_soon(RL_CONTAINER(timer, rl_turns, clock)); }

/* Until this second is over, or the oldest has had its time. One that leaves before wakes those who wait. */
static void wait_for_place(rl_turns *turns) {
  uint64_t now = rl_loop_now(turns->loop), delay = SECOND_MS - now % SECOND_MS;
  if (turns->count >= turns->most && turns->count) {
    uint64_t until = oldest(turns)->began_ms + RL_TURNS_PATIENCE_MS;
    delay = until > now ? until - now : 1;
  }
  rl_timer_start(turns->loop, &turns->clock, delay, on_clock);
}

/* Runs after the sockets of a turn, so that they have theirs between two runs of the queues. */
static void on_turn_end(rl_post *post) {
  rl_turns *turns = RL_CONTAINER(post, rl_turns, end);
  turns->spent_ns = 0;
  if (!rl_list_empty(&turns->steps)) go_on_soon(turns);
  else if (!rl_list_empty(&turns->newcomers) && !rl_timer_active(&turns->clock)) go_on_soon(turns);
}

static void look_again_at_turn_end(rl_turns *turns) { rl_loop_at_turn_end(turns->loop, &turns->end, on_turn_end); }

static bool has_time(const rl_turns *turns) { return turns->spent_ns < RL_TURNS_NS; }

static void start(rl_turns *turns) { turns->since_ns = uv_hrtime(); }

void rl_turns_done(rl_turns *turns) {
  turns->spent_ns += uv_hrtime() - turns->since_ns;
  look_again_at_turn_end(turns);
}

static void run_first(rl_turns *turns, rl_list *queue) {
  rl_turn *turn = RL_CONTAINER(rl_list_shift(queue), rl_turn, queue);
  turn->waiting = false;
  if (!turn->under_way) begin(turns, turn);
  start(turns);
  turn->run(turn);
  rl_turns_done(turns);
}

/* At least one newcomer is looked at, so that many small steps of others do not keep them out. */
static void run_newcomers(rl_turns *turns) {
  rl_timer_stop(turns->loop, &turns->clock);
  do {
    if (!has_place(turns)) make_place(turns);
    if (rl_list_empty(&turns->newcomers)) return; /* one who gave up may have taken it along */
    if (!has_place(turns)) {
      wait_for_place(turns);
      return;
    }
    run_first(turns, &turns->newcomers);
  } while (has_time(turns) && !rl_list_empty(&turns->newcomers));
}

static void on_next(rl_post *post) {
  rl_turns *turns = RL_CONTAINER(post, rl_turns, next);
  while (has_time(turns) && !rl_list_empty(&turns->steps)) run_first(turns, &turns->steps);
  if (!rl_list_empty(&turns->newcomers)) run_newcomers(turns);
  look_again_at_turn_end(turns);
}

/* ---- who asks -------------------------------------------------------------------------------------------------------------- */

bool rl_turns_enter(rl_turns *turns, rl_turn *turn) {
  rl_list *queue = turn->under_way ? &turns->steps : &turns->newcomers;
  if (rl_list_empty(queue) && has_time(turns) && (turn->under_way || has_place(turns))) {
    if (!turn->under_way) begin(turns, turn);
    start(turns);
    return true;
  }
  turn->waiting = true;
  rl_list_push(queue, &turn->queue);
  look_again_at_turn_end(turns);
  return false;
}

void rl_turns_leave(rl_turns *turns, rl_turn *turn) {
  if (turn->waiting) rl_list_remove(&turn->queue);
  turn->waiting = false;
  if (!turn->under_way) return;
  turn->under_way = false;
  rl_list_remove(&turn->age);
  turns->count--;
  if (rl_list_empty(&turns->newcomers)) return;
  rl_timer_stop(turns->loop, &turns->clock); /* there is a place */
  look_again_at_turn_end(turns);
}
