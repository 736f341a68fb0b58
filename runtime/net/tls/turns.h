/*
 * Whose turn it is to do a step of a handshake. One costs half a millisecond, so a flood of them must not keep the loop from the
 * connections that are there.
 *
 *   enter --time left in this turn of the loop--> now
 *      \--else--> waits, first in first out --> later, RL_TURNS_NS of them in each turn of the loop
 *
 * At most `most` handshakes are under way, and `rate` begin in a second; others wait before they cost any memory. While some wait
 * for that, the oldest one under way that has had RL_TURNS_PATIENCE_MS is told to give up.
 */
#ifndef RL_NET_TLS_TURNS_H
#define RL_NET_TLS_TURNS_H

#include "loop/loop.h"

enum { RL_TURNS_NS = 1000000, RL_TURNS_PATIENCE_MS = 500 };

typedef struct rl_turn rl_turn;

/* Embedded in who does the handshake, who zeroes it, sets run and give_up, and leaves (rl_turns_leave) before it is freed. */
struct rl_turn {
  rl_list queue, age; /* linked while waiting; while under way */
  uint64_t began_ms;
  bool waiting, under_way;
  void (*run)(rl_turn *turn);     /* its turn has come; from the loop */
  void (*give_up)(rl_turn *turn); /* it has lost its place to others; from the loop */
};

typedef struct rl_turns {
  rl_loop *loop;
  uint32_t most, rate;
  rl_list steps, newcomers; /* rl_turn.queue: those under way, and those who would begin */
  rl_list under_way;        /* rl_turn.age, the oldest first */
  uint32_t count;           /* of them */
  uint32_t begun;           /* in this second */
  uint64_t second;
  uint64_t spent_ns, since_ns; /* in this turn of the loop */
  rl_post next, end;
  rl_timer clock;
} rl_turns;

void rl_turns_init(rl_turns *turns, rl_loop *loop);
/* After all have left. */
void rl_turns_free(rl_turns *turns);

/* Returns true if its step may be done now: rl_turns_done follows. Returns false if it waits: `run` is called later and does it. Not
 * while it waits already. */
bool rl_turns_enter(rl_turns *turns, rl_turn *turn);
/* The step of rl_turns_enter is done. */
void rl_turns_done(rl_turns *turns);
/* Its handshake is over, or has failed. It may have left already. */
void rl_turns_leave(rl_turns *turns, rl_turn *turn);

#endif
