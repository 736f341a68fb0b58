/* A timer that looks at files; see watch.h. */
#include "net/tls/watch.h"

static void on_clock(rl_timer *timer);

static void look_again(rl_tls_watch *watch, uint64_t delay_ms) {
  rl_timer_start(watch->loop, &watch->clock, delay_ms, on_clock);
}

/* After a moment in which nothing else may have changed. */
static void on_quiet(rl_timer *timer) {
  rl_tls_watch *watch = RL_CONTAINER(timer, rl_tls_watch, clock);
  rl_buf why;
  rl_buf_init(&why, RL_BUF_NO_LIMIT);
  look_again(watch, RL_TLS_WATCH_MS);
  int code = rl_tls_store_reload(watch->store, &why);
  if (watch->on_reload) watch->on_reload(watch, code, rl_buf_slice(&why));
  rl_buf_free(&why);
}

static void on_clock(rl_timer *timer) {
  rl_tls_watch *watch = RL_CONTAINER(timer, rl_tls_watch, clock);
  if (!rl_tls_store_has_changed(watch->store)) look_again(watch, RL_TLS_WATCH_MS);
  else rl_timer_start(watch->loop, &watch->clock, RL_TLS_WATCH_QUIET_MS, on_quiet);
}

void rl_tls_watch_start(rl_tls_watch *watch, rl_loop *loop, rl_tls_store *store) {
  *watch = (rl_tls_watch){.loop = loop, .store = rl_tls_store_ref(store)};
  look_again(watch, RL_TLS_WATCH_MS);
}

void rl_tls_watch_stop(rl_tls_watch *watch) {
  if (!watch->store) return;
  rl_timer_stop(watch->loop, &watch->clock);
  rl_tls_store_unref(watch->store);
  watch->store = NULL;
}
