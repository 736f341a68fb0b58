/* Threads that take errands from a queue; see crew.h. */
#define _GNU_SOURCE
#include "loop/crew.h"

#include <pthread.h>
#include <unistd.h>

#include "base/error.h"

enum { IDLE_S = 10 };

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock; /* of the list */
static rl_crew *crews;

static void open_list(void) { uv_mutex_init(&lock); }

int rl_crew_init(rl_crew *crew, const char *name, unsigned least, unsigned queue) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  *crew = (rl_crew){.name = name, .most = cores > (long)least ? (unsigned)cores : least, .queue = queue};
  rl_list_init(&crew->waiting);
  if (uv_mutex_init(&crew->lock) || uv_cond_init(&crew->wake)) return RL_ENOMEM;
  uv_once(&once, open_list);
  uv_mutex_lock(&lock);
  crew->next = crews;
  crews = crew;
  uv_mutex_unlock(&lock);
  return RL_OK;
}

/* ---- on a thread ---------------------------------------------------------------------------------------------------------- */

/* Returns the next errand, or NULL after some time without one. Called under the lock. */
static rl_errand *next_errand(rl_crew *crew) {
  while (rl_list_empty(&crew->waiting))
    if (uv_cond_timedwait(&crew->wake, &crew->lock, (uint64_t)IDLE_S * 1000000000) && rl_list_empty(&crew->waiting))
      return NULL;
  crew->waiting_count--;
  crew->running++;
  return RL_CONTAINER(rl_list_shift(&crew->waiting), rl_errand, node);
}

/* Sends the mail under the lock, so that an errand that is not abandoned finds its loop alive. The errand belongs to the
 * loop then. */
static void end(rl_crew *crew, rl_errand *errand) {
  errand->state = RL_ERRAND_RAN;
  if (!errand->abandoned) {
    rl_inbox_send(&errand->loop->inbox, &errand->mail);
  } else {
    uv_mutex_unlock(&crew->lock);
    errand->drop(errand);
    uv_mutex_lock(&crew->lock);
  }
  crew->running--;
  uv_cond_broadcast(&crew->wake);
}

static void work(void *arg) {
  rl_crew *crew = arg;
  pthread_setname_np(pthread_self(), crew->name);
  pthread_detach(pthread_self());
  uv_mutex_lock(&crew->lock);
  for (rl_errand *errand; (errand = next_errand(crew));) {
    errand->state = RL_ERRAND_RUNNING;
    uv_mutex_unlock(&crew->lock);
    errand->run(errand);
    uv_mutex_lock(&crew->lock);
    end(crew, errand);
  }
  crew->threads--;
  uv_mutex_unlock(&crew->lock);
}

/* ---- on the sender's loop ---------------------------------------------------------------------------------------------------- */

static void on_mail(rl_mail *mail) {
  rl_errand *errand = RL_CONTAINER(mail, rl_errand, mail);
  errand->loop->held--;
  errand->state = RL_ERRAND_OVER;
  if (errand->abandoned) errand->drop(errand);
  else errand->done(errand);
}

/* Finds or starts a thread for one more errand, or lets it wait. Returns 0, RL_EBUSY or RL_ENOMEM. Called under the lock. */
static int make_room(rl_crew *crew, bool may_wait) {
  unsigned under_way = crew->running + crew->waiting_count;
  uv_thread_t thread;
  if (under_way >= crew->most) return may_wait && under_way - crew->most < crew->queue ? RL_OK : RL_EBUSY;
  if (under_way < crew->threads) return RL_OK;
  if (uv_thread_create(&thread, work, crew)) return crew->threads ? RL_OK : RL_ENOMEM;
  crew->threads++;
  return RL_OK;
}

int rl_crew_send(rl_crew *crew, rl_loop *loop, rl_errand *errand, bool may_wait) {
  errand->crew = crew;
  errand->loop = loop;
  errand->abandoned = false;
  errand->mail.deliver = on_mail;
  errand->state = RL_ERRAND_WAITING;
  uv_mutex_lock(&crew->lock);
  int code = make_room(crew, may_wait);
  if (!code) {
    loop->held++;
    crew->waiting_count++;
    rl_list_push(&crew->waiting, &errand->node);
    uv_cond_broadcast(&crew->wake);
  }
  uv_mutex_unlock(&crew->lock);
  return code;
}

void rl_errand_abandon(rl_errand *errand) {
  rl_crew *crew = errand->crew;
  uv_mutex_lock(&crew->lock);
  errand->abandoned = true;
  bool waits = errand->state == RL_ERRAND_WAITING;
  if (errand->state != RL_ERRAND_RAN)
    errand->loop->held--; /* one whose mail is under way is held until the mail comes */
  if (waits) {
    crew->waiting_count--;
    rl_list_remove(&errand->node);
  }
  uv_mutex_unlock(&crew->lock);
  if (waits) errand->drop(errand);
}

bool rl_errand_is_abandoned(rl_errand *errand) {
  uv_mutex_lock(&errand->crew->lock);
  bool abandoned = errand->abandoned;
  uv_mutex_unlock(&errand->crew->lock);
  return abandoned;
}

/* ---- at the end of the process ------------------------------------------------------------------------------------------------ */

static bool rest(rl_crew *crew, uint64_t until_ns) {
  uint64_t now;
  uv_mutex_lock(&crew->lock);
  while (crew->running + crew->waiting_count && (now = uv_hrtime()) < until_ns)
    uv_cond_timedwait(&crew->wake, &crew->lock, until_ns - now);
  bool rests = !crew->running && !crew->waiting_count;
  uv_mutex_unlock(&crew->lock);
  return rests;
}

bool rl_crews_rest(uint64_t ms) {
  uint64_t until_ns = uv_hrtime() + ms * 1000000;
  bool all = true;
  uv_once(&once, open_list);
  uv_mutex_lock(&lock);
  rl_crew *first = crews;
  uv_mutex_unlock(&lock);
  for (rl_crew *crew = first; crew; crew = crew->next) all = rest(crew, until_ns) && all;
  return all;
}
