/* One command in one Lua state; see program.h. */
#include "cli/program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "bind/core/offload_state.h"
#include "bind/open.h"
#include "cli/signals.h"
#include "loop/crew.h"
#include "loop/stop.h"
#include "vm/inspect.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

typedef struct program {
  rl_loop loop;
  rl_main main;
  uv_signal_t on_usr1;
  int status;
} program;

static void on_end(rl_main *main, int status) {
  program *p = main->owner;
  p->status = status;
  rl_loop_stop(&p->loop);
}

/* The first signal cancels the program, so that its __close run; a second one ends the process: loop/stop.h. */
static void on_stop(void *owner, int number) {
  program *p = owner;
  if (number == SIGINT && p->main.on_interrupt && p->main.on_interrupt(&p->main)) return;
  rl_main_cancel(&p->main);
}

static void on_stuck(rl_loop *loop) {
  program *p = RL_CONTAINER(loop, program, loop);
  if (!rl_main_give_up(&p->main)) rl_loop_stop(loop); /* its cleanup waits for ever too */
}

static void on_usr1(uv_signal_t *handle, int number) {
  (void)number;
  rl_inspect_log(((program *)handle->data)->main.vm);
}

void rl_program_settle(rl_loop *loop, int status) {
  if (rl_loop_settle_within(loop, RL_LIMIT_EXIT_JOBS_MS) && rl_crews_rest(RL_LIMIT_EXIT_CREWS_MS) &&
      rl_offload_close_all())
    return;
  fflush(NULL);
  _exit(status);
}

/* Whether others may wait for a task that computes: elsewhere to say so would be noise. */
static bool may_keep_waiting(const char *command) {
  return strcmp(command, "run") == 0 || strcmp(command, "test") == 0;
}

int rl_program_run(const rl_options *options, const char *root, rl_mode mode) {
  program *p = rl_must_alloc(sizeof *p);
  if (rl_loop_init(&p->loop)) return 1;
  p->loop.on_stuck = on_stuck;
  rl_vm_options vm = {.mode = mode, .root = root, .worker = 1, .workers = 1, .memory_limit = options->memory_limit};
  p->main.vm = rl_vm_open(&p->loop, &vm);
  p->main.owner = p;
  p->main.on_end = on_end;
  p->main.stop_status = RL_MAIN_BY_SIGNAL;
  p->status = 1;
  rl_stop_watch(&p->loop, on_stop, p);
  rl_signals_watch(&p->loop, &p->on_usr1, SIGUSR1, on_usr1, p);
  char *app[] = {(char *)(uintptr_t)options->app};
  if (p->main.vm) {
    rl_heartbeat_watch(p->main.vm);
    if (!may_keep_waiting(options->command)) rl_heartbeat_warn_after(p->main.vm, UINT32_MAX);
  }
  bool rest = options->argv != NULL;
  if (p->main.vm &&
      rl_main_start(&p->main, options->command, rest ? options->argc : 1, rest ? options->argv : app) == 0)
    rl_loop_run(&p->loop);
  rl_stop_close();
  uv_close((uv_handle_t *)&p->on_usr1, NULL);
  if (p->main.vm) rl_heartbeat_forget(p->main.vm);
  rl_vm_close(p->main.vm);
  rl_program_settle(&p->loop, p->status);
  rl_loop_free(&p->loop);
  int status = p->status;
  rl_free(p);
  return status;
}
