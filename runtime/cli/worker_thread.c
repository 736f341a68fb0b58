/* One worker and its program; see worker_thread.h. */
#include "cli/worker_thread.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "http/start.h"
#include "loop/stop.h"
#include "server/answer.h"
#include "vm/crash.h"
#include "vm/inspect.h"

/* Mail from one thread to another about a worker: allocated by the sender, freed by deliver. */
typedef struct word {
  rl_mail mail;
  rl_worker_thread *worker;
} word;

static void tell(rl_loop *to, rl_worker_thread *about, void (*deliver)(rl_mail *)) {
  word *w = rl_must_alloc(sizeof *w);
  w->mail.deliver = deliver;
  w->worker = about;
  rl_inbox_send(&to->inbox, &w->mail);
}

static rl_worker_thread *open_word(rl_mail *mail) {
  rl_worker_thread *w = ((word *)mail)->worker;
  rl_free(mail);
  return w;
}

/* ---- on the main thread: what a worker tells ---------------------------------------------------------------------------- */

static void do_ready(rl_mail *mail) {
  rl_worker_thread *w = open_word(mail);
  w->on_ready(w);
}

static void do_ended(rl_mail *mail) {
  rl_worker_thread *w = open_word(mail);
  w->ended = true;
  if (w->number > 1) {
    uv_thread_join(&w->thread);
    rl_worker_thread_free(w);
  }
  w->on_ended(w);
}

/* ---- on the worker's own thread ------------------------------------------------------------------------------------------- */

static void on_drained(rl_worker *worker) { rl_generations_stop(&((rl_worker_thread *)worker->owner)->generations); }

static void do_drain(rl_mail *mail) {
  rl_worker_thread *w = open_word(mail);
  if (w->draining || w->over) return;
  w->draining = true;
  if (w->ready) rl_worker_stop(&w->worker, rl_stop_left((uint64_t)(w->options->shutdown_timeout * 1000)));
  else rl_generations_stop(&w->generations); /* still loading */
}

static void do_inspect(rl_mail *mail) {
  rl_vm *vm = rl_generations_vm(&open_word(mail)->generations);
  if (vm) rl_inspect_log(vm);
}

static void do_reload(rl_mail *mail) {
  rl_worker_thread *w = open_word(mail);
  if (!w->draining) rl_generations_reload(&w->generations);
}

/* ---- what is spoken at a port ---- */

/* In the order of rl_worker_thread.servers. What ALPN has not agreed on is told by the first bytes. */
static const struct {
  rl_port_role role;
  const char *alpn;
  const rl_protocol *protocol;
} secure[RL_WORKER_TLS] = {{RL_PORT_HTTPS, "h2,http/1.1", &rl_start_protocol},
                           {RL_PORT_HTTPS_1, "http/1.1", NULL},
                           {RL_PORT_HTTPS_2, "h2", &rl_start_h2_only}};

static int set_up_tls(rl_worker_thread *w, rl_port_role role, rl_listen_options *options, rl_buf *why) {
  int i = 0, code = RL_OK;
  while (secure[i].role != role) i++;
  if (!w->servers[i]) code = rl_tls_server_new(&w->servers[i], &w->loop, w->store, secure[i].alpn, why);
  options->tls = w->servers[i];
  options->protocol = secure[i].protocol;
  return code;
}

static int listen_at(rl_worker_thread *w, const struct rl_given_socket *given, rl_buf *why) {
  rl_listen_options options = {.protocol = NULL};
  int code = RL_OK;
  if (rl_port_is_secure(given->role)) code = set_up_tls(w, given->role, &options, why);
  else if (given->role == RL_PORT_H2C) options.protocol = &rl_start_h2_only;
  else if (w->options->tls.h2c) options.protocol = &rl_start_protocol;
  if (given->role == RL_PORT_HTTP) options.handler = w->plain;
  if (!code) return rl_worker_listen(&w->worker, given->fd, &options);
  close(given->fd);
  return code;
}

static void do_listen(rl_mail *mail) {
  rl_worker_thread *w = open_word(mail);
  rl_buf why;
  rl_buf_init(&why, 256);
  for (int i = 0; i < w->given_count; i++) {
    int code = listen_at(w, &w->given[i], &why);
    if (code) rl_logf(RL_LOG_ERROR, "worker %d cannot listen: %s", w->number, why.len ? why.data : rl_error_text(code));
  }
  rl_buf_free(&why);
  rl_worker_start(&w->worker);
}

static void on_exchange(rl_worker *worker, rl_req *req, const rl_exchange_report *how) {
  rl_worker_thread *w = worker->owner;
  const rl_vm *vm = rl_generations_vm(&w->generations);
  (void)req, (void)how;
  rl_metrics_set(&worker->metrics.lua_bytes, vm ? vm->memory.used : 0);
  rl_metrics_set(&worker->metrics.lua_tasks, vm ? vm->task_count : 0);
}

static void say_reload(const rl_worker_thread *w, const rl_load *load) {
  rl_log_field fields[] = {RL_LOG_NUMBER_FIELD("worker", w->number), RL_LOG_NUMBER_FIELD("ms", (int64_t)load->took_ms)};
  if (load->ok) rl_log(RL_LOG_INFO, RL_SLICE("reloaded"), fields, 2);
  else rl_log(RL_LOG_ERROR, RL_SLICE("the reload failed, the previous version keeps answering"), fields, 2);
}

static void on_load(rl_generations *generations, const rl_load *load, rl_handler *handler) {
  rl_worker_thread *w = generations->owner;
  if (w->ready) say_reload(w, load);
  if (!load->ok) return;
  rl_worker_answer_with(&w->worker, handler);
  if (!w->ready) tell(w->main_loop, w, do_ready);
  w->ready = true;
}

static void refuse(rl_handler *handler, rl_req *req) {
  (void)handler;
  rl_answer_plain(req, 503, NULL, 0);
}

static rl_handler nobody = {.handle = refuse};

static void on_gone(rl_generations *generations) {
  rl_worker_answer_with(&((rl_worker_thread *)generations->owner)->worker, &nobody);
}

/* Worker 1's loop is the main thread's, so it goes on after its program has ended. */
static void on_end(rl_generations *generations, int status) {
  rl_worker_thread *w = generations->owner;
  w->status = status;
  w->over = true;
  if (w->number > 1) rl_loop_stop(&w->loop);
  else tell(&w->loop, w, do_ended);
}

/* Gives up a load that nothing can wake. Once a worker serves, its sockets keep the loop going. */
static void on_stuck(rl_loop *loop) {
  rl_worker_thread *w = RL_CONTAINER(loop, rl_worker_thread, loop);
  if (!w->ready && !w->over) rl_generations_give_up(&w->generations);
}

static int load(rl_worker_thread *w) {
  w->loop.on_stuck = on_stuck;
  rl_vm_options vm = {.mode = RL_MODE_SERVE,
                      .root = w->root,
                      .worker = w->number,
                      .workers = w->count,
                      .memory_limit = w->options->memory_limit};
  rl_worker_init(&w->worker, &w->loop, NULL);
  w->worker.owner = w;
  w->worker.on_stopped = on_drained;
  w->worker.on_exchange = on_exchange;
  if (w->access) {
    rl_access_open(&w->writer, w->access, &w->loop);
    w->worker.access = &w->writer;
  }
  w->generations = (rl_generations){.loop = &w->loop,
                                    .vm = vm,
                                    .command = "serve",
                                    .app = w->options->app,
                                    .shutdown_timeout = w->options->shutdown_timeout,
                                    .on_load = on_load,
                                    .on_gone = on_gone,
                                    .on_end = on_end,
                                    .owner = w};
  return rl_generations_start(&w->generations);
}

/* Loads, serves until the loop is stopped, and waits a bounded time for jobs that still run. */
static int run(rl_worker_thread *w) {
  int code = load(w);
  if (!code) rl_loop_run(&w->loop);
  w->stuck = !rl_loop_settle_within(&w->loop, RL_LIMIT_EXIT_JOBS_MS);
  return code;
}

static void thread_main(void *arg) {
  rl_worker_thread *w = arg;
  rl_crash_watch_thread();
  if (run(w)) w->over = true, w->status = 1;
  rl_crash_forget_thread();
  tell(w->main_loop, w, do_ended);
}

/* ---- on the main thread: what a worker is told ---------------------------------------------------------------------------- */

int rl_worker_thread_run(rl_worker_thread *w) {
  w->started = true;
  return run(w);
}

int rl_worker_thread_start(rl_worker_thread *w) {
  if (rl_loop_init(&w->loop)) return RL_ENOMEM;
  if (uv_thread_create(&w->thread, thread_main, w)) return RL_ENOMEM;
  w->started = true;
  return RL_OK;
}

void rl_worker_thread_add_socket(rl_worker_thread *w, int fd, rl_port_role role) {
  struct rl_given_socket *more = rl_realloc(w->given, (size_t)(w->given_count + 1) * sizeof *more);
  if (more) w->given = more, w->given[w->given_count++] = (struct rl_given_socket){fd, role};
  else close(fd);
}

void rl_worker_thread_listen(rl_worker_thread *w) { tell(&w->loop, w, do_listen); }
void rl_worker_thread_reload(rl_worker_thread *w) { tell(&w->loop, w, do_reload); }
void rl_worker_thread_inspect(rl_worker_thread *w) { tell(&w->loop, w, do_inspect); }
void rl_worker_thread_drain(rl_worker_thread *w) { tell(&w->loop, w, do_drain); }

void rl_worker_thread_free(rl_worker_thread *w) {
  rl_free(w->given);
  if (w->worker.access) rl_access_close(&w->writer);
  if (w->stuck) return;
  rl_worker_free(&w->worker);
  for (int i = 0; i < RL_WORKER_TLS; i++) rl_tls_server_unref(w->servers[i]);
  rl_loop_free(&w->loop);
}
