/* The two signals that end a process; see stop.h. */
#include "loop/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/loop.h"

static struct {
  uv_async_t async;
  void (*on_stop)(void *owner, int number);
  void *owner;
} watch;

static atomic_bool watching, once, takes_interrupts;
static atomic_uint_fast64_t asked, interrupted;
static atomic_int first;   /* the number of the stop */
static atomic_int waiting; /* the number that on_stop has not heard of yet */
static void (*_Atomic last_word)(void);

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Notes the time unless one is noted. Returns true if this was the first. */
static bool is_first(atomic_uint_fast64_t *when) {
  uint_fast64_t none = 0;
  return atomic_compare_exchange_strong(when, &none, now_ms());
}

static void on_signal(int number) {
  int saved = errno;
  bool interrupts = number == SIGINT && atomic_load(&takes_interrupts);
  if (!is_first(interrupts ? &interrupted : &asked)) {
    if (atomic_load(&once)) return;
    void (*word)(void) = atomic_load(&last_word);
    if (word) word();
    _exit(128 + number);
  }
  if (!interrupts) atomic_store(&first, number);
  atomic_store(&waiting, number);
  uv_async_send(&watch.async); /* allowed in a signal handler */
  errno = saved;
}

static void on_async(uv_async_t *async) {
  (void)async;
  int number = atomic_exchange(&waiting, 0);
  if (number) watch.on_stop(watch.owner, number);
}

static void set_handlers(void (*handler)(int number)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int rl_stop_watch(rl_loop *loop, void (*on_stop)(void *owner, int number), void *owner) {
  if (uv_async_init(&loop->uv, &watch.async, on_async)) return RL_ENOMEM;
  uv_unref((uv_handle_t *)&watch.async);
  watch.on_stop = on_stop;
  watch.owner = owner;
  atomic_store(&watching, true);
  set_handlers(on_signal);
  return RL_OK;
}

void rl_stop_once(void) { atomic_store(&once, true); }

void rl_stop_close(void) {
  if (!atomic_exchange(&watching, false)) return;
  set_handlers(SIG_DFL);
  uv_close((uv_handle_t *)&watch.async, NULL);
}

uint64_t rl_stop_asked(void) { return atomic_load(&asked); }

int rl_stop_number(void) { return atomic_load(&first); }

uint64_t rl_stop_left(uint64_t ms) {
  uint64_t since = atomic_load(&asked), now = now_ms();
  if (!since || now <= since) return ms;
  return ms > now - since ? ms - (now - since) : 0;
}

void rl_stop_take_interrupts(bool take, void (*word)(void)) {
  atomic_store(&interrupted, 0);
  atomic_store(&last_word, word);
  atomic_store(&takes_interrupts, take);
}

uint64_t rl_stop_interrupted(void) { return atomic_load(&interrupted); }

void rl_stop_interrupt_served(void) { atomic_store(&interrupted, 0); }
