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
#include "base/error.h"
#include "cli/edition.h"
#include "cli/program.h"
#include "net/address.h"
#include "vm/inspect.h"
#include "vm/offload.h"
#include "vm/task.h"

enum { FD_MAX = RL_WORKER_LISTENERS };

typedef struct process process;
typedef struct serving_worker serving_worker;

/* A word from one thread to another: heap-allocated by the sender, freed where it is read. */
typedef struct word {
  rl_mail mail;
  serving_worker *worker;
  int status;
  int fds[FD_MAX], fd_count;
} word;

struct serving_worker {
  process *process;
  int number; /* from 1 */
  uv_thread_t thread;
  rl_loop loop;
  rl_worker worker;
  rl_editions editions;
  rl_access_writer access;
  int fds[FD_MAX], fd_count;
  bool started, ready, over, ended, draining; /* over: its program has ended; ended: its thread too */
  int status;
};

struct process {
  const rl_options *options;
  const char *root;
  serving_worker *workers;
  int count, started, ready, ended, inherited;
  bool stopping, listening;
  int status;
  uv_signal_t on_term, on_int, on_usr1, on_hup;
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
  if (w->ready) rl_worker_stop(&w->worker, (uint64_t)(w->process->options->shutdown_timeout * 1000));
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

static void on_exchange(rl_worker *worker, rl_req *req, const rl_exchange *how) {
  serving_worker *w = worker->owner;
  const rl_vm *vm = rl_editions_vm(&w->editions);
  (void)req, (void)how;
  rl_metrics_set(&worker->metrics.lua_bytes, vm ? vm->memory.used : 0);
  rl_metrics_set(&worker->metrics.lua_tasks, vm ? vm->task_count : 0);
}

static void do_listen(rl_mail *mail) {
  serving_worker *w = ((word *)mail)->worker;
  for (int i = 0; i < w->fd_count; i++) rl_worker_listen(&w->worker, w->fds[i]);
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

static int start_worker(serving_worker *w) {
  process *p = w->process;
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
  if (w->worker.access) rl_access_close(&w->access);
  rl_worker_free(&w->worker);
  rl_loop_free(&w->loop);
}

static void worker_thread(void *arg) {
  serving_worker *w = arg;
  w->over = start_worker(w) != RL_OK;
  if (w->over) w->status = 1;
  else rl_loop_run(&w->loop);
  rl_loop_settle(&w->loop);
  tell(main_loop(w->process), w, on_worker_ended, w->status);
}

/* ---- on the main thread -------------------------------------------------------------------------------------------------------- */

static void stop_all(process *p) {
  p->stopping = true;
  for (int i = 0; i < p->count; i++)
    if (p->workers[i].started && !p->workers[i].ended) tell(&p->workers[i].loop, &p->workers[i], do_drain, 0);
}

static void fail(process *p, rl_buf *why) {
  fprintf(stderr, "rille: %.*s\n", (int)why->len, why->data ? why->data : "");
  rl_buf_free(why);
  p->status = 1;
  stop_all(p);
}

/* Sockets of one worker: those of worker 1 decide the port. */
static int open_sockets(process *p, serving_worker *w, int *port, rl_buf *why) {
  const rl_options *o = p->options;
  for (int i = 0; i < o->host_count; i++) {
    int n = rl_listen_tcp(o->hosts[i], *port, w->number > 1, w->fds + w->fd_count, FD_MAX - w->fd_count, why);
    if (n < 0) return n;
    if (*port == 0) *port = rl_listen_port(w->fds[w->fd_count]);
    w->fd_count += n;
  }
  return RL_OK;
}

/* Unix and inherited sockets are one descriptor, duplicated for each worker. */
static int share_sockets(process *p, const int *fds, int count) {
  for (int k = 0; k < p->count; k++) {
    for (int i = 0; i < count; i++) {
      int fd = k == 0 ? fds[i] : dup(fds[i]);
      if (fd < 0) return RL_EIO;
      p->workers[k].fds[p->workers[k].fd_count++] = fd;
    }
  }
  return RL_OK;
}

static int open_all(process *p, int *port, rl_buf *why) {
  int inherited[FD_MAX], n = rl_listen_inherited(inherited, FD_MAX, why);
  if (n < 0) return n;
  p->inherited = n;
  if (n) return share_sockets(p, inherited, n);
  if (p->options->unix_path) {
    int fd, code = rl_listen_unix(p->options->unix_path, &fd, why);
    return code ? code : share_sockets(p, &fd, 1);
  }
  for (int k = 0; k < p->count; k++) {
    int code = open_sockets(p, &p->workers[k], port, why);
    if (code) return code;
  }
  return RL_OK;
}

static void say_start(const process *p, int port) {
  const rl_options *o = p->options;
  if (o->log == RL_LOG_OFF) return;
  char where[256];
  bool v6 = strchr(o->hosts[0], ':') != NULL;
  if (p->inherited) snprintf(where, sizeof where, "%d inherited", p->inherited);
  else if (o->unix_path) snprintf(where, sizeof where, "%s", o->unix_path);
  else snprintf(where, sizeof where, v6 ? "http://[%s]:%d" : "http://%s:%d", o->hosts[0], port);
  rl_log_field fields[] = {
      RL_LOG_TEXT_FIELD("at", rl_slice_str(where)), RL_LOG_NUMBER_FIELD("workers", p->count),
      RL_LOG_TEXT_FIELD("threads", rl_slice_str(o->threads_auto ? "auto, one per core" : "as said")),
      RL_LOG_NUMBER_FIELD("pid", getpid())};
  rl_log(RL_LOG_INFO, RL_SLICE("listening"), fields, 4);
}

static void listen_all(process *p) {
  rl_buf why;
  int port = p->options->port;
  rl_buf_init(&why, 1024);
  if (open_all(p, &port, &why)) {
    fail(p, &why);
    return;
  }
  rl_buf_free(&why);
  p->listening = true;
  for (int i = 0; i < p->count; i++) tell(&p->workers[i].loop, &p->workers[i], do_listen, 0);
  say_start(p, port);
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
    if (!status) p->status = 1; /* ended although nobody told it to */
    stop_all(p);
  }
  if (p->ended == p->started) rl_loop_stop(main_loop(p));
}

/* The first signal drains, the second one ends at once. */
static void on_signal(uv_signal_t *handle, int number) {
  process *p = handle->data;
  if (p->stopping) _exit(128 + number);
  rl_logf(RL_LOG_INFO, "stopping: requests under way have %g s", p->options->shutdown_timeout);
  stop_all(p);
}

/* Each worker logs what its tasks do. Those that are not ready yet have nothing to say. */
static void on_usr1(uv_signal_t *handle, int number) {
  process *p = handle->data;
  (void)number;
  for (int i = 0; i < p->count; i++)
    if (p->listening && !p->workers[i].ended) tell(&p->workers[i].loop, &p->workers[i], do_inspect, 0);
}

/* The program is loaded again in each worker. */
static void on_hup(uv_signal_t *handle, int number) {
  process *p = handle->data;
  (void)number;
  if (!p->listening || p->stopping) return;
  rl_logf(RL_LOG_INFO, "reloading");
  for (int i = 0; i < p->count; i++) tell(&p->workers[i].loop, &p->workers[i], do_reload, 0);
}

static void watch_signal(process *p, uv_signal_t *handle, int number, uv_signal_cb on) {
  uv_signal_init(&main_loop(p)->uv, handle);
  handle->data = p;
  uv_unref((uv_handle_t *)handle);
  uv_signal_start(handle, on, number);
}

int rl_serve(const rl_options *options, const char *root) {
  process p = {.options = options, .root = root, .count = options->threads};
  p.workers = rl_must_alloc((size_t)p.count * sizeof *p.workers);
  for (int i = 0; i < p.count; i++) {
    p.workers[i].process = &p;
    p.workers[i].number = i + 1;
  }
  if (rl_loop_init(main_loop(&p))) return 1;
  p.logs_access = options->log != RL_LOG_OFF && rl_access_log_start(&p.access, STDOUT_FILENO, options->log) == 0;
  rl_heartbeat_watchdog(options->watchdog);
  watch_signal(&p, &p.on_term, SIGTERM, on_signal);
  watch_signal(&p, &p.on_int, SIGINT, on_signal);
  watch_signal(&p, &p.on_usr1, SIGUSR1, on_usr1);
  watch_signal(&p, &p.on_hup, SIGHUP, on_hup);
  note_started(&p.workers[0]);
  if (start_worker(&p.workers[0]) == 0) rl_loop_run(main_loop(&p));
  else p.status = 1;
  rl_loop_settle(main_loop(&p));
  uv_close((uv_handle_t *)&p.on_term, NULL);
  uv_close((uv_handle_t *)&p.on_int, NULL);
  uv_close((uv_handle_t *)&p.on_usr1, NULL);
  uv_close((uv_handle_t *)&p.on_hup, NULL);
  if (options->unix_path && p.listening) unlink(options->unix_path);
  end_worker(&p.workers[0]);
  if (p.logs_access) rl_access_log_stop(&p.access);
  rl_offload_close_all();
  rl_free(p.workers);
  return p.status;
}
