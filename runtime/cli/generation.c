/* Loading, swapping and retiring the states of a worker; see generation.h. */
#include "cli/generation.h"

#include "app/dashboard.h"
#include "app/serving.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/open.h"
#include "loop/stop.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

enum { LOOK_MS = 20, FORGET_MS = 5000, FIRST_LOAD_MS = 10000 };

struct rl_generation {
  rl_list node; /* in generations->old */
  rl_generations *of;
  rl_main main;
  rl_buf failure;
  rl_post end; /* defers the end of its program: that callback comes from its own code */
  rl_timer look;
  uint64_t since_ms, deadline_ms;
  int status;
  bool told, ended, forced;
  bool by_itself; /* ended so: nobody is left who would end its lifespans */
};

/* ---- life ------------------------------------------------------------------------------------------------------------- */

static void del_generation(rl_generation *e) {
  rl_timer_stop(e->of->loop, &e->look);
  rl_loop_unpost(e->of->loop, &e->end);
  rl_list_remove(&e->node);
  if (e->main.vm) rl_heartbeat_forget(e->main.vm);
  rl_vm_close(e->main.vm);
  rl_buf_free(&e->failure);
  rl_free(e);
}

static void maybe_over(rl_generations *s) {
  if (s->current || s->next || !rl_list_empty(&s->old)) return;
  if (s->stopping || !s->stays) s->on_end(s, s->status);
}

static uint64_t took(const rl_generation *e) { return rl_loop_clock(e->of->loop) - e->since_ms; }

static void load_again(rl_generations *s) {
  if (!s->again || s->stopping) return;
  s->again = false;
  rl_generations_reload(s);
}

/* ---- from current to closed ---------------------------------------------------------------------------------------------- */

static void on_look(rl_timer *timer);

/* Closes a state that is at rest: no request is under way, its program has ended, and no task cleans up any more. Otherwise
 * looks again later. */
static void look_at(rl_generation *e) {
  rl_loop *loop = e->of->loop;
  uint64_t now = rl_loop_now(loop);
  if (now >= e->deadline_ms && !e->forced) {
    e->forced = true;
    unsigned count = rl_main_cancel_requests(&e->main);
    if (count) rl_logf(RL_LOG_WARN, "reload: %u requests of the previous version were cancelled after 10 s", count);
  }
  bool busy = rl_main_requests(&e->main) > 0;
  if (!busy && !e->told) {
    e->told = true;
    rl_main_stop(&e->main);
  }
  bool forgotten = !busy && (e->by_itself || now >= e->deadline_ms + FORGET_MS);
  if (e->ended && (forgotten || rl_list_empty(&e->main.vm->roots))) {
    rl_generations *s = e->of;
    del_generation(e);
    maybe_over(s);
    return;
  }
  rl_timer_start(loop, &e->look, LOOK_MS, on_look);
}

static void on_look(rl_timer *timer) { look_at(RL_CONTAINER(timer, rl_generation, look)); }

static void retire(rl_generation *e) {
  rl_generations *s = e->of;
  e->deadline_ms = rl_loop_now(s->loop) + RL_GENERATION_GRACE_MS;
  e->main.shutdown_timeout = RL_GENERATION_GRACE_MS / 1000.0;
  rl_list_push(&s->old, &e->node);
  rl_timer_start(s->loop, &e->look, 1, on_look);
}

/* ---- loading --------------------------------------------------------------------------------------------------------------- */

static void on_ready(rl_main *main, rl_handler *handler) {
  rl_generation *e = main->owner, *before = e->of->current;
  rl_generations *s = e->of;
  rl_load load = {.ok = true, .took_ms = took(e)};
  s->current = e;
  s->next = NULL;
  rl_heartbeat_warn_after(main->vm, 0);
  main->before = NULL;
  s->on_load(s, &load, handler);
  if (before) retire(before);
  if (s->stopping) rl_main_stop(main);
  load_again(s);
}

static void fail(rl_generation *e) {
  rl_generations *s = e->of;
  rl_load load = {.took_ms = took(e), .failure = rl_buf_slice(&e->failure)};
  s->next = NULL;
  if (!s->current && !s->stays) s->status = e->status || s->stopping || rl_stop_asked() ? e->status : 1;
  if (!s->stopping && (s->current || s->stays)) s->on_load(s, &load, NULL);
  del_generation(e);
  load_again(s);
  maybe_over(s);
}

/* If nobody told it to end, its requests are answered to their end before its state is closed. */
static void end_current(rl_generation *e) {
  rl_generations *s = e->of;
  s->current = NULL;
  s->status = e->status;
  if (s->next) s->next->main.before = NULL;
  if (s->next) rl_main_cancel(&s->next->main);
  s->stays = false;
  if (s->stopping) {
    del_generation(e);
    maybe_over(s);
  } else {
    e->by_itself = true;
    s->on_gone(s);
    retire(e);
  }
}

static void on_post(rl_post *post) {
  rl_generation *e = RL_CONTAINER(post, rl_generation, end);
  if (e == e->of->next) fail(e);
  else if (e == e->of->current) end_current(e);
  else look_at(e);
}

static void on_main_end(rl_main *main, int status) {
  rl_generation *e = main->owner;
  e->ended = true;
  e->status = status;
  rl_loop_post(e->of->loop, &e->end, on_post);
}

static void on_main_failure(rl_main *main, rl_slice failure) {
  rl_generation *e = main->owner;
  rl_buf_clear(&e->failure);
  rl_buf_add_slice(&e->failure, failure);
}

static void on_main_record(rl_main *main, rl_slice record) {
  rl_generations *s = ((rl_generation *)main->owner)->of;
  if (s->on_record) s->on_record(s, record);
}

static rl_generation *new_generation(rl_generations *s) {
  rl_generation *e = rl_calloc(1, sizeof *e);
  if (!e) return NULL;
  e->of = s;
  e->since_ms = rl_loop_clock(s->loop);
  rl_list_init(&e->node);
  rl_post_init(&e->end);
  rl_buf_init(&e->failure, 1 << 20);
  s->vm.generation++;
  e->main = (rl_main){.vm = rl_vm_open(s->loop, &s->vm),
                      .before = s->current ? s->current->main.vm : NULL,
                      .on_ready = on_ready,
                      .on_end = on_main_end,
                      .on_failure = on_main_failure,
                      .on_record = on_main_record,
                      .owner = e,
                      .shutdown_timeout = s->shutdown_timeout};
  if (e->main.vm) {
    rl_heartbeat_watch(e->main.vm);
    if (!s->current) rl_heartbeat_warn_after(e->main.vm, FIRST_LOAD_MS); /* nobody is served yet */
  }
  return e;
}

static int load(rl_generations *s) {
  rl_generation *e = new_generation(s);
  if (!e) return RL_ENOMEM;
  char *args[] = {(char *)(uintptr_t)s->app};
  int code = e->main.vm ? rl_main_start(&e->main, s->command, 1, args) : RL_ENOMEM;
  if (code) del_generation(e);
  else s->next = e;
  return code;
}

/* ---- from outside ------------------------------------------------------------------------------------------------------------ */

int rl_generations_start(rl_generations *s) {
  rl_list_init(&s->old);
  return load(s);
}

void rl_generations_reload(rl_generations *s) {
  if (s->stopping) return;
  if (s->next) s->again = true;
  else if (load(s)) s->on_load(s, &(rl_load){.ok = false}, NULL);
}

void rl_generations_stop(rl_generations *s) {
  s->stopping = true;
  if (s->next) rl_main_cancel(&s->next->main);
  if (s->current) rl_main_stop(&s->current->main);
  maybe_over(s);
}

bool rl_generations_give_up(rl_generations *s) { return s->next && rl_main_give_up(&s->next->main); }

rl_vm *rl_generations_vm(const rl_generations *s) { return s->current ? s->current->main.vm : NULL; }

bool rl_generations_ask(rl_generations *s, rl_slice question, rl_buf *answer) {
  return s->current && rl_main_ask(&s->current->main, question, answer);
}

unsigned rl_generations_count(const rl_generations *s) {
  unsigned count = 0;
  if (s->current) count++;
  if (s->next) count++;
  RL_LIST_EACH(&s->old, node) count++;
  return count;
}
