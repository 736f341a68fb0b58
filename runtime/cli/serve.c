/*
 * rille serve: N workers, each a thread with a loop and a Lua state of its own; worker 1 is the main thread.
 *
 *   main thread                         worker threads 2…N
 *   load app, lifespans, ready
 *   start the threads ----------------> load app, lifespans, ready
 *   <---------------- mail: ready, or failed (then all stop, exit 1)
 *   all ready: open sockets, ---------> listen
 *   SIGHUP: --------------------------> load again, swap (edition.h)
 *   SIGTERM: -------------------------> drain, end lifespans, wait for jobs and writes under way, end the thread
 *   <---------------- mail: ended       all ended: exit
 *
 * The main thread never waits for another one inside a callback: what that one waits for may be a task of worker 1 (a
 * transaction that holds the writer), and the second signal must be heard. Each thread settles its own loop.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/edition.h"
#include "cli/lifeline.h"
#include "cli/notify.h"
#include "cli/program.h"
#include "cli/self.h"
#include "cli/upgrade.h"
#include "loop/crew.h"
#include "loop/stop.h"
#include "vm/crash.h"
#include "vm/inspect.h"
#include "vm/offload.h"
#include "vm/task/task.h"

typedef struct process process;
typedef struct serving_worker serving_worker;

/* A word from one thread to another: heap-allocated by the sender, freed where it is read. */
typedef struct word {
  rl_mail mail;
  serving_worker *worker;
  int status;
} word;

struct serving_worker {
  process *process;
  int number; /* from 1 */
  uv_thread_t thread;
  rl_loop loop;
  rl_worker worker;
  rl_editions editions;
  rl_access_writer access;
  int *fds, fd_count;                         /* listening sockets, from the main thread to this one */
  bool started, ready, over, ended, draining; /* over: its program has ended; ended: its thread too */
  bool stuck; /* a job goes on although nobody waits for it: what it may touch stays, and the process ends soon */
  int status;
};

struct process {
  const rl_options *options;
  const char *root;
  serving_worker *workers;
  int count, started, ready, ended;
  bool stopping, listening;
  bool reload_due; /* SIGHUP came while it was loading */
  int status;
  rl_role role;
  pid_t supervisor;
  int line; /* to who started us, or -1 */
  rl_sockets sockets;
  rl_upgrade upgrade;
  uv_signal_t signals[3];
  rl_access_log access;
  bool logs_access;
};

static rl_loop *main_loop(process *p) { return &p->workers[0].loop; }

static void tell(rl_loop *to, serving_worker *about, void (*deliver)(rl_mail *), int status) {
  word *w = rl_must_alloc(sizeof *w);
  w->mail.deliver = deliver;
  w->worker = about;
  w->status = status;
  rl_inbox_send(&to->inbox, &w->mail);
}

/* ---- on a worker's own thread ----------------------------------------------------------------------------------------------- */

static void on_worker_ended(rl_mail *mail);
static void on_worker_ready(rl_mail *mail);

static void on_drained(rl_worker *worker) { rl_editions_stop(&((serving_worker *)worker->owner)->editions); }

static void drain(serving_worker *w) {
  if (w->draining || w->over) return;
  w->draining = true;
  if (w->ready) rl_worker_stop(&w->worker, rl_stop_left((uint64_t)(w->process->options->shutdown_timeout * 1000)));
  else rl_editions_stop(&w->editions); /* still loading */
}

static void do_drain(rl_mail *mail) {
  drain(((word *)mail)->worker);
  rl_free(mail);
}

static void do_inspect(rl_mail *mail) {
  rl_vm *vm = rl_editions_vm(&((word *)mail)->worker->editions);
  if (vm) rl_inspect_log(vm);
  rl_free(mail);
}

static void do_reload(rl_mail *mail) {
  serving_worker *w = ((word *)mail)->worker;
  if (!w->draining) rl_editions_reload(&w->editions);
  rl_free(mail);
}

static void on_exchange(rl_worker *worker, rl_req *req, const rl_exchange_report *how) {
  serving_worker *w = worker->owner;
  const rl_vm *vm = rl_editions_vm(&w->editions);
  (void)req, (void)how;
  rl_metrics_set(&worker->metrics.lua_bytes, vm ? vm->memory.used : 0);
  rl_metrics_set(&worker->metrics.lua_tasks, vm ? vm->task_count : 0);
}

static void do_listen(rl_mail *mail) {
  serving_worker *w = ((word *)mail)->worker;
  for (int i = 0; i < w->fd_count; i++) rl_worker_listen(&w->worker, w->fds[i], NULL);
  rl_worker_start(&w->worker);
  rl_free(mail);
}

static void say_reload(const serving_worker *w, const rl_load *load) {
  rl_log_field fields[] = {RL_LOG_NUMBER_FIELD("worker", w->number), RL_LOG_NUMBER_FIELD("ms", (int64_t)load->took_ms)};
  if (load->ok) rl_log(RL_LOG_INFO, RL_SLICE("reloaded"), fields, 2);
  else rl_log(RL_LOG_ERROR, RL_SLICE("the reload failed, the code before goes on"), fields, 2);
}

static void on_load(rl_editions *editions, const rl_load *load, rl_handler *handler) {
  serving_worker *w = editions->owner;
  if (w->ready) say_reload(w, load);
  if (!load->ok) return;
  rl_worker_answer_with(&w->worker, handler);
  if (!w->ready) tell(main_loop(w->process), w, on_worker_ready, 0);
  w->ready = true;
}

/* The program of this worker has ended. Worker 1's loop is the main thread's and goes on. */
static void on_editions_end(rl_editions *editions, int status) {
  serving_worker *w = editions->owner;
  w->status = status;
  w->over = true;
  if (w->number > 1) rl_loop_stop(&w->loop);
  else tell(&w->loop, w, on_worker_ended, status);
}

/* While the program loads nothing else goes on here. Once it serves, sockets keep the loop going. */
static void on_stuck(rl_loop *loop) {
  serving_worker *w = RL_CONTAINER(loop, serving_worker, loop);
  if (!w->ready && !w->over) rl_editions_give_up(&w->editions);
}

static int start_worker(serving_worker *w) {
  process *p = w->process;
  w->loop.on_stuck = on_stuck;
  rl_vm_options vm = {.mode = RL_MODE_SERVE,
                      .root = p->root,
                      .worker = w->number,
                      .workers = p->count,
                      .memory_limit = p->options->memory_limit};
  rl_worker_init(&w->worker, &w->loop, NULL);
  w->worker.owner = w;
  w->worker.on_stopped = on_drained;
  w->worker.on_exchange = on_exchange;
  if (p->logs_access) {
    rl_access_open(&w->access, &p->access, &w->loop);
    w->worker.access = &w->access;
  }
  w->editions = (rl_editions){.loop = &w->loop,
                              .vm = vm,
                              .command = "serve",
                              .app = p->options->app,
                              .shutdown_timeout = p->options->shutdown_timeout,
                              .on_load = on_load,
                              .on_end = on_editions_end,
                              .owner = w};
  return rl_editions_start(&w->editions);
}

/* After its loop has settled. */
static void end_worker(serving_worker *w) {
  rl_free(w->fds);
  if (w->worker.access) rl_access_close(&w->access);
  if (w->stuck) return;
  rl_worker_free(&w->worker);
  rl_loop_free(&w->loop);
}

static void worker_thread(void *arg) {
  serving_worker *w = arg;
  rl_crash_watch_thread();
  w->over = start_worker(w) != RL_OK;
  if (w->over) w->status = 1;
  else rl_loop_run(&w->loop);
  w->stuck = !rl_loop_settle_within(&w->loop, RL_LIMIT_EXIT_JOBS_MS);
  rl_crash_forget_thread();
  tell(main_loop(w->process), w, on_worker_ended, w->status);
}

/* ---- on the main thread -------------------------------------------------------------------------------------------------------- */

/* Our own descriptors of the sockets go first: a worker's is the last one then, so that what comes after it is refused. */
static void stop_all(process *p) {
  p->stopping = true;
  rl_sockets_close(&p->sockets);
  rl_upgrade_cancel(&p->upgrade);
  for (int i = 0; i < p->count; i++)
    if (p->workers[i].started && !p->workers[i].ended) tell(&p->workers[i].loop, &p->workers[i], do_drain, 0);
}

static void fail(process *p, rl_buf *why) {
  fprintf(stderr, "rille: %.*s\n", (int)why->len, why->data ? why->data : "");
  rl_buf_free(why);
  p->status = 1;
  stop_all(p);
}

/* By the limit of each worker and by the descriptors that are left to connections. */
static int64_t connections_allowed(const process *p, unsigned by_descriptors) {
  int64_t by_limit = 0;
  for (int i = 0; i < p->count; i++) by_limit += p->workers[i].worker.handler->limits->connections;
  return by_limit < by_descriptors ? by_limit : by_descriptors;
}

static void say_start(const process *p, unsigned descriptors) {
  const rl_options *o = p->options;
  char where[256];
  rl_sockets_describe(&p->sockets, o, where, sizeof where);
  rl_log_field fields[] = {
      RL_LOG_TEXT_FIELD("at", rl_slice_str(where)),
      RL_LOG_NUMBER_FIELD("workers", p->count),
      RL_LOG_TEXT_FIELD("threads", rl_slice_str(o->threads_auto ? "auto, one per core" : "as said")),
      RL_LOG_NUMBER_FIELD("connections", connections_allowed(p, descriptors)),
      RL_LOG_NUMBER_FIELD("pid", getpid()),
      RL_LOG_NUMBER_FIELD("supervisor", p->supervisor)};
  rl_log(RL_LOG_INFO, RL_SLICE("listening"), fields, p->supervisor ? 6 : 5);
}

/* Whoever waits for us to be ready: a supervisor, the server before us, systemd. */
static void tell_ready(process *p) {
  char text[24];
  snprintf(text, sizeof text, "ready %d\n", RL_HANDOVER_VERSION);
  rl_line_say(p->line, text);
  if (p->role == RL_ROLE_WORKER) return;
  rl_notify("READY=1");
  if (p->line >= 0) close(p->line);
  p->line = -1;
}

static void take_socket(void *ud, int fd) {
  serving_worker *w = ud;
  int *more = rl_realloc(w->fds, (size_t)(w->fd_count + 1) * sizeof *more);
  if (more) w->fds = more, w->fds[w->fd_count++] = fd;
  else close(fd);
}

static int open_sockets(process *p, rl_buf *why) {
  int code = p->sockets.count ? RL_OK : rl_sockets_open(&p->sockets, p->options, why);
  if (!code && (code = rl_sockets_listen(&p->sockets))) rl_buf_add_str(why, "cannot listen");
  for (int i = 0; i < p->count && !code; i++) {
    code = rl_sockets_share(&p->sockets, i + 1, p->count, take_socket, &p->workers[i]);
    if (code) rl_buf_add_str(why, "out of file descriptors: raise the limit (ulimit -n)");
  }
  return code;
}

static void reload_all(process *p) {
  rl_logf(RL_LOG_INFO, "reloading");
  for (int i = 0; i < p->count; i++) tell(&p->workers[i].loop, &p->workers[i], do_reload, 0);
}

static void listen_all(process *p) {
  rl_buf why;
  rl_buf_init(&why, 1024);
  if (open_sockets(p, &why)) {
    fail(p, &why);
    return;
  }
  rl_buf_free(&why);
  p->listening = true;
  unsigned descriptors = rl_descriptors_reserve((unsigned)p->count);
  for (int i = 0; i < p->count; i++) tell(&p->workers[i].loop, &p->workers[i], do_listen, 0);
  say_start(p, descriptors);
  tell_ready(p);
  if (p->reload_due) reload_all(p);
}

static void note_started(serving_worker *w) {
  w->started = true;
  w->process->started++;
}

static void start_others(process *p) {
  for (int i = 1; i < p->count; i++) {
    serving_worker *w = &p->workers[i];
    if (rl_loop_init(&w->loop) == 0 && uv_thread_create(&w->thread, worker_thread, w) == 0) {
      note_started(w);
      continue;
    }
    rl_buf why;
    rl_buf_init(&why, 256);
    rl_buf_addf(&why, "cannot start worker %d", w->number);
    fail(p, &why);
    return;
  }
}

static void on_worker_ready(rl_mail *mail) {
  process *p = ((word *)mail)->worker->process;
  rl_free(mail);
  if (p->stopping) return;
  p->ready++;
  if (p->ready == 1 && p->count > 1) start_others(p);
  else if (p->ready == p->count) listen_all(p);
}

static void on_worker_ended(rl_mail *mail) {
  serving_worker *w = ((word *)mail)->worker;
  process *p = w->process;
  int status = ((word *)mail)->status;
  rl_free(mail);
  w->ended = true;
  p->ended++;
  if (status && !p->status) p->status = status;
  if (w->number > 1) {
    uv_thread_join(&w->thread);
    end_worker(w);
  }
  if (!p->stopping) {
    if (!status && !rl_stop_asked()) p->status = 1; /* ended although nobody told it to */
    stop_all(p);
  }
  if (p->ended == p->started) rl_loop_stop(main_loop(p));
}

/* ---- signals -------------------------------------------------------------------------------------------------------------------- */

/* The first signal drains; the second one ends the process: loop/stop.h. */
static void on_stop(void *owner, int number) {
  process *p = owner;
  (void)number;
  if (p->stopping) return; /* for a reason of its own */
  rl_logf(RL_LOG_INFO, "stopping: requests under way have %g s", p->options->shutdown_timeout);
  if (p->supervisor) rl_line_say(p->line, "leaving\n");
  else rl_notify("STOPPING=1");
  stop_all(p);
}

/* Each worker logs what its tasks do. Those that are not ready yet have nothing to say. */
static void on_inspect(process *p, int number) {
  (void)number;
  for (int i = 0; i < p->count; i++)
    if (p->listening && !p->workers[i].ended) tell(&p->workers[i].loop, &p->workers[i], do_inspect, 0);
}

/* The program is loaded again in each worker. */
static void on_reload(process *p, int number) {
  (void)number;
  if (p->stopping) return;
  if (p->listening) reload_all(p);
  else p->reload_due = true;
}

static void on_replaced(rl_upgrade *upgrade) { stop_all(upgrade->owner); }

static void on_upgrade(process *p, int number) {
  (void)number;
  if (p->supervisor) rl_logf(RL_LOG_WARN, "an upgrade is the supervisor's: kill -USR2 %d", (int)p->supervisor);
  else if (!p->listening) rl_logf(RL_LOG_WARN, "no upgrade while the program still loads");
  else if (!p->stopping) rl_upgrade_start(&p->upgrade);
}

static const struct {
  int number;
  void (*on)(process *p, int number);
} watched[] = {{SIGUSR1, on_inspect}, {SIGHUP, on_reload}, {SIGUSR2, on_upgrade}};
enum { WATCHED = sizeof watched / sizeof *watched };

static void on_signal(uv_signal_t *handle, int number) {
  process *p = handle->data;
  watched[handle - p->signals].on(p, number);
}

static void watch_signals(process *p) {
  rl_stop_watch(main_loop(p), on_stop, p);
  if (p->supervisor)
    rl_stop_once(); /* what tells all processes of a group to stop reaches us twice: the second is his */
  for (int i = 0; i < WATCHED; i++) {
    uv_signal_t *handle = &p->signals[i];
    uv_signal_init(&main_loop(p)->uv, handle);
    handle->data = p;
    uv_unref((uv_handle_t *)handle);
    uv_signal_start(handle, on_signal, watched[i].number);
  }
  rl_self_release_signals();
}

/* ---- from start to end ------------------------------------------------------------------------------------------------------------ */

static process *crashing; /* for the handler */

static void tell_place(const char *text) { rl_line_say(crashing->line, text); }

static void follow(process *p, const rl_handover *handover) {
  p->role = handover->role;
  p->line = handover->line;
  p->sockets = handover->sockets;
  if (p->role != RL_ROLE_WORKER) return;
  p->supervisor = handover->from;
  crashing = p;
  rl_crash_tell(tell_place);
  rl_lifeline_watch(p->line, 2 * p->options->shutdown_timeout + RL_LIMIT_STOP_EXTRA_MS / 1000.0);
}

static void run(process *p) {
  p->logs_access =
      p->options->log != RL_LOG_OFF && rl_access_log_start(&p->access, STDOUT_FILENO, p->options->log) == 0;
  p->upgrade = (rl_upgrade){.loop = main_loop(p), .sockets = &p->sockets, .on_ready = on_replaced, .owner = p};
  watch_signals(p);
  note_started(&p->workers[0]);
  if (start_worker(&p->workers[0]) == 0) rl_loop_run(main_loop(p));
  else p->status = 1;
  p->workers[0].stuck = !rl_loop_settle_within(main_loop(p), RL_LIMIT_EXIT_JOBS_MS);
  rl_stop_close();
  for (int i = 0; i < WATCHED; i++) uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static void end(process *p) {
  bool over = rl_crews_rest(RL_LIMIT_EXIT_CREWS_MS);
  for (int i = 0; i < p->count; i++) over = over && !p->workers[i].stuck;
  if (over && rl_offload_close_all()) {
    rl_free(p->workers);
    return;
  }
  fflush(NULL);
  _exit(p->status);
}

int rl_serve(const rl_options *options, const char *root, const rl_handover *handover) {
  process p = {.options = options, .root = root, .count = options->threads};
  p.workers = rl_must_alloc((size_t)p.count * sizeof *p.workers);
  for (int i = 0; i < p.count; i++) {
    p.workers[i].process = &p;
    p.workers[i].number = i + 1;
  }
  if (rl_loop_init(main_loop(&p))) return 1;
  rl_heartbeat_watchdog(options->watchdog);
  follow(&p, handover);
  run(&p);
  rl_sockets_free(&p.sockets);
  end_worker(&p.workers[0]);
  if (p.logs_access) rl_access_log_stop(&p.access);
  end(&p);
  return p.status;
}
