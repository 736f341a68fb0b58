/* The timing wheel of wheel.h. The level of a timer is that of the highest bit in which its expiry differs from now. So all timers
 * of a slot agree above that bit, and they move down when the slot starts. */
#include "loop/wheel.h"

static unsigned lowest_bit(uint64_t word) { return (unsigned)__builtin_ctzll(word); }

void rl_wheel_init(rl_wheel *wheel, uint64_t now) {
  wheel->now = now;
  for (int level = 0; level < RL_WHEEL_LEVELS; level++) {
    wheel->occupied[level] = 0;
    for (int slot = 0; slot < RL_WHEEL_SLOTS; slot++) rl_list_init(&wheel->slots[level][slot]);
  }
}

/* Returns the level of the highest bit in which now and `expires` differ. */
static unsigned level_of(uint64_t now, uint64_t expires) {
  uint64_t differ = now ^ expires;
  unsigned bit = 63u - (unsigned)__builtin_clzll(differ | 1);
  unsigned level = bit / RL_WHEEL_BITS;
  return level < RL_WHEEL_LEVELS ? level : RL_WHEEL_LEVELS - 1;
}

static void place(rl_wheel *wheel, rl_wheel_timer *timer) {
  unsigned level = level_of(wheel->now, timer->expires);
  unsigned slot = (timer->expires >> (level * RL_WHEEL_BITS)) & (RL_WHEEL_SLOTS - 1);
  timer->level = (uint8_t)level;
  timer->slot = (uint8_t)slot;
  rl_list_push(&wheel->slots[level][slot], &timer->node);
  wheel->occupied[level] |= UINT64_C(1) << slot;
}

static void unlink_timer(rl_wheel *wheel, rl_wheel_timer *timer) {
  rl_list_remove(&timer->node);
  if (rl_list_empty(&wheel->slots[timer->level][timer->slot]))
    wheel->occupied[timer->level] &= ~(UINT64_C(1) << timer->slot);
}

void rl_wheel_start(rl_wheel *wheel, rl_wheel_timer *timer, uint64_t expires) {
  const uint64_t span = (UINT64_C(1) << (RL_WHEEL_BITS * RL_WHEEL_LEVELS)) - 1;
  if (timer->active) unlink_timer(wheel, timer);
  else rl_list_init(&timer->node);
  if (expires <= wheel->now) expires = wheel->now + 1;
  if (expires - wheel->now > span / 2) expires = wheel->now + span / 2; /* 70 years */
  timer->expires = expires;
  timer->active = true;
  place(wheel, timer);
}

void rl_wheel_stop(rl_wheel *wheel, rl_wheel_timer *timer) {
  if (!timer->active) return;
  unlink_timer(wheel, timer);
  timer->active = false;
}

/* Returns the start of the next occupied slot of a level, at or after now; UINT64_MAX if the level is empty. */
static uint64_t next_of_level(const rl_wheel *wheel, unsigned level) {
  if (!wheel->occupied[level]) return UINT64_MAX;
  unsigned shift = level * RL_WHEEL_BITS;
  uint64_t current = wheel->now >> shift;
  unsigned at = (unsigned)(current & (RL_WHEEL_SLOTS - 1));
  uint64_t ahead = wheel->occupied[level] >> at >> 1; /* slots after the current one, in this turn */
  if (ahead) return (current + 1 + lowest_bit(ahead)) << shift;
  /* Only the top level holds slots of the next turn. */
  return ((current | (RL_WHEEL_SLOTS - 1)) + 1 + lowest_bit(wheel->occupied[level])) << shift;
}

uint64_t rl_wheel_next(const rl_wheel *wheel) {
  unsigned current = (unsigned)(wheel->now & (RL_WHEEL_SLOTS - 1));
  if (wheel->occupied[0] >> current & 1) return wheel->now; /* some of this millisecond have not fired yet */
  uint64_t next = UINT64_MAX;
  for (unsigned level = 0; level < RL_WHEEL_LEVELS; level++) {
    uint64_t candidate = next_of_level(wheel, level);
    if (candidate < next) next = candidate;
  }
  return next;
}

/* Hands down the timers of the higher slots that begin at wheel->now. */
static void cascade(rl_wheel *wheel) {
  for (unsigned level = RL_WHEEL_LEVELS - 1; level > 0; level--) {
    unsigned slot = (wheel->now >> (level * RL_WHEEL_BITS)) & (RL_WHEEL_SLOTS - 1);
    if (!(wheel->occupied[level] >> slot & 1)) continue;
    rl_list moved;
    rl_list_init(&moved);
    rl_list_append(&moved, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    for (rl_list *node; (node = rl_list_shift(&moved));) place(wheel, RL_CONTAINER(node, rl_wheel_timer, node));
  }
}

rl_wheel_timer *rl_wheel_expire(rl_wheel *wheel, uint64_t now) {
  for (;;) {
    rl_list *due = &wheel->slots[0][wheel->now & (RL_WHEEL_SLOTS - 1)];
    if (!rl_list_empty(due)) {
      rl_wheel_timer *timer = RL_CONTAINER(due->next, rl_wheel_timer, node);
      rl_wheel_stop(wheel, timer);
      return timer;
    }
    uint64_t next = rl_wheel_next(wheel);
    if (next > now) {
      if (now > wheel->now) wheel->now = now;
      return NULL;
    }
    wheel->now = next;
    cascade(wheel);
  }
}
