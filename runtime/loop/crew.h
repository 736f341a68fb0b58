/*
 * A crew: threads of its own for one kind of long work (offloaded functions, pictures). libuv's pool is for short work: in it,
 * files, names and hashes would wait a minute for a picture. At most `most` errands run at once in the whole process, and at
 * most `queue` wait; the next one is refused.
 *
 *   rl_crew_send --thread free, or one more--> RUNNING --mail--> done, on its loop
 *        \--else--> WAITING --a thread is free--> RUNNING …
 *
 *   rl_errand_abandon, at any time, by the sender: nobody waits any more
 *        WAITING   leaves the queue, and is dropped at once
 *        RUNNING   goes on without its loop, which may end meanwhile; dropped by its thread
 *
 * An abandoned errand delays nobody: neither its loop (loop.held) nor the end of the process (rl_crews_rest). Threads start
 * when they are needed and end after some idle seconds. A crew is static: it lives as long as the process.
 */
#ifndef RL_LOOP_CREW_H
#define RL_LOOP_CREW_H

#include "loop/loop.h"

typedef struct rl_crew rl_crew;
typedef struct rl_errand rl_errand;

struct rl_crew {
  const char *name; /* of its threads, at most 15 bytes, static */
  unsigned most, queue;
  uv_mutex_t lock;
  uv_cond_t wake; /* an errand waits, or one has ended */
  rl_list waiting;
  unsigned waiting_count, running, threads;
  rl_crew *next; /* all crews of the process */
};

enum { RL_ERRAND_WAITING, RL_ERRAND_RUNNING, RL_ERRAND_RAN, RL_ERRAND_OVER };

/* Embedded in the work; the sender sets the three functions. */
struct rl_errand {
  rl_mail mail;
  rl_list node;
  rl_crew *crew;
  rl_loop *loop;
  uint8_t state;                   /* RL_ERRAND_*, under the crew's lock */
  bool abandoned;                  /* likewise */
  void (*run)(rl_errand *errand);  /* on a thread of the crew; must touch nothing of the loop */
  void (*done)(rl_errand *errand); /* on its loop, once, later; not after it was abandoned */
  void (*drop)(rl_errand *errand); /* frees an abandoned errand that has not run or has ended; on any thread */
};

/* Allows as many threads as there are cores, but at least `least`. Returns 0 or RL_ENOMEM. */
int rl_crew_init(rl_crew *crew, const char *name, unsigned least, unsigned queue);
/* Hands it to a thread. Returns 0; RL_EBUSY if too many wait already; RL_ENOMEM if no thread could be started. After an
 * error it is still the sender's. With `may_wait` false also RL_EBUSY if no thread is free at once. From the loop's thread. */
int rl_crew_send(rl_crew *crew, rl_loop *loop, rl_errand *errand, bool may_wait);
/* Gives the errand up, before `done`. What it belongs to is the errand's from now on; it may be dropped before this
 * returns. From the loop's thread. */
void rl_errand_abandon(rl_errand *errand);
/* Returns true if it was abandoned. Its own thread asks, to end sooner. */
bool rl_errand_is_abandoned(rl_errand *errand);

/* Waits until no crew of the process has anything under way, at most `ms`. Returns false if something still runs: then
 * memory is still in use, and the process has to end by _exit. */
bool rl_crews_rest(uint64_t ms);

#endif
