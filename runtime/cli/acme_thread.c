/* The thread that keeps certificates; see acme_thread.h. */
#include "cli/acme_thread.h"

#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "bind/open.h"
#include "vm/crash.h"
#include "vm/task/task.h"

enum { FIXED_ARGUMENTS = 6 };

/* ---- on its own thread ----------------------------------------------------------------------------------------------------- */

static void on_main_end(rl_main *main, int status) {
  rl_acme_thread *t = main->owner;
  t->status = status;
  rl_loop_stop(&t->loop);
}

static void do_stop(rl_mail *mail) {
  rl_acme_thread *t = RL_CONTAINER(mail, rl_acme_thread, stop_mail);
  rl_main_cancel(&t->main);
}

/* For boot.acme of lua/rille/boot.lua: directory, server, email, authority, ports, holder, and the names of each certificate. */
static int start_main(rl_acme_thread *t) {
  const rl_tls_options *o = &t->options->tls;
  const char *ports = t->has_http && t->has_tls ? "http tls" : t->has_http ? "http" : t->has_tls ? "tls" : "";
  const char *words[FIXED_ARGUMENTS + RL_OPTION_NAMES] = {o->acme_directory, o->acme_server, o->acme_email, o->acme_ca,
                                                          ports};
  char *argv[FIXED_ARGUMENTS + RL_OPTION_NAMES], holder[32];
  snprintf(holder, sizeof holder, "process %d", (int)getpid());
  words[5] = holder;
  for (int i = 0; i < o->acme_count; i++) words[FIXED_ARGUMENTS + i] = o->acme[i];
  int argc = FIXED_ARGUMENTS + o->acme_count;
  for (int i = 0; i < argc; i++) argv[i] = (char *)(uintptr_t)(words[i] ? words[i] : "");
  return rl_main_start(&t->main, "acme", argc, argv);
}

static int run(rl_acme_thread *t) {
  rl_vm_options vm = {.mode = RL_MODE_SERVE, .root = t->root, .worker = 1, .workers = 1};
  t->main.vm = rl_vm_open(&t->loop, &vm);
  int code = t->main.vm ? start_main(t) : RL_ENOMEM;
  if (code) t->status = 1;
  else rl_loop_run(&t->loop);
  rl_vm_close(t->main.vm);
  t->main.vm = NULL;
  t->stuck = !rl_loop_settle_within(&t->loop, RL_LIMIT_EXIT_JOBS_MS);
  return code;
}

/* ---- on the main thread ---------------------------------------------------------------------------------------------------- */

static void do_end(rl_mail *mail) {
  rl_acme_thread *t = RL_CONTAINER(mail, rl_acme_thread, end_mail);
  if (t->started) t->on_end(t, t->status);
}

static void thread_main(void *arg) {
  rl_acme_thread *t = arg;
  rl_crash_watch_thread();
  run(t);
  rl_crash_forget_thread();
  rl_inbox_send(&t->main_loop->inbox, &t->end_mail);
}

int rl_acme_thread_start(rl_acme_thread *t) {
  t->main = (rl_main){.owner = t, .on_end = on_main_end, .certificates = t->certificates};
  t->stop_mail.deliver = do_stop;
  t->end_mail.deliver = do_end;
  if (rl_loop_init(&t->loop)) return RL_ENOMEM;
  if (uv_thread_create(&t->thread, thread_main, t)) return rl_loop_free(&t->loop), RL_ENOMEM;
  t->started = true;
  return RL_OK;
}

void rl_acme_thread_stop(rl_acme_thread *t) {
  if (!t->started || t->stopping) return;
  t->stopping = true;
  rl_inbox_send(&t->loop.inbox, &t->stop_mail);
}

void rl_acme_thread_join(rl_acme_thread *t) {
  if (!t->started) return;
  rl_acme_thread_stop(t);
  uv_thread_join(&t->thread);
  t->started = false;
  if (!t->stuck) rl_loop_free(&t->loop);
}
