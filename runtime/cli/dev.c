/*
 * rille dev: one worker, and two kinds of Lua states on its loop.
 *
 *   connections -- worker -- gate --+-- /_rille…, broken code ----> dashboard        lua/rille/dev/dashboard.lua: errors, panel,
 *             (dev_gate.h)          |                                            live reload; lives as long as the process
 *                                   +-- everything else ----------> generation  the program; replaced at each save
 *
 *   watcher --changed--> dashboard --reload--> generations --loaded--> dashboard --> browsers
 *
 * Nothing here is reachable from `serve`: its process has no dashboard, and its states lack the functions.
 */
#include "cli/dev.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/dashboard.h"
#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/core/offload_state.h"
#include "bind/open.h"
#include "cli/dev_gate.h"
#include "cli/dev_news.h"
#include "cli/dotenv.h"
#include "cli/generation.h"
#include "cli/local_authority.h"
#include "cli/program.h"
#include "cli/report.h"
#include "cli/self.h"
#include "cli/signals.h"
#include "cli/sockets.h"
#include "http/start.h"
#include "loop/stop.h"
#include "loop/watcher.h"
#include "net/address.h"
#include "net/tls/server.h"
#include "vm/inspect.h"
#include "vm/task/heartbeat.h"

typedef struct dev {
  rl_dev_gate gate;
  const rl_options *options;
  const char *root;
  rl_loop loop;
  rl_worker worker;
  rl_generations generations;
  rl_watcher watcher;
  rl_dashboard dashboard;
  rl_main dashboard_main;
  bool listening, stopping, watching, generations_ended;
  int status;
  uv_signal_t on_usr1, on_hup;
  rl_tls_server *tls; /* of --https, or NULL */
  rl_buf authority;   /* path of who has signed its certificate */
} dev;

/* ---- what the dashboard hears ------------------------------------------------------------------------------------------------- */

static void tell(dev *d, const char *kind, rl_buf *text) {
  if (!text->error) rl_dashboard_tell(&d->dashboard, kind, rl_buf_slice(text));
  rl_buf_free(text);
}

static void on_exchange(rl_worker *worker, rl_req *req, const rl_exchange_report *how) {
  dev *d = worker->owner;
  rl_buf line;
  if (!req || rl_dev_gate_is_for_dashboard(req)) return;
  rl_buf_init(&line, 64 << 10);
  rl_dev_news_exchange(&line, req, how, rl_loop_clock(&d->loop) - how->since_ms, (double)uv_hrtime() / 1e9);
  tell(d, "exchange", &line);
}

/* Tells of every line of the log: a task that nobody waits for fails in no request. */
static void on_log(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  rl_buf line;
  rl_buf_init(&line, 64 << 10);
  rl_dev_news_log(&line, level, message, fields, count);
  tell(ud, "log", &line);
}

static void on_record(rl_generations *generations, rl_slice record) {
  rl_dashboard_tell(&((dev *)generations->owner)->dashboard, "record", record);
}

static void on_change(rl_watcher *watcher, char *const *paths, unsigned count) {
  rl_buf all;
  rl_buf_init(&all, RL_BUF_NO_LIMIT);
  for (unsigned i = 0; i < count; i++) rl_buf_addf(&all, "%s\n", paths[i]);
  tell(watcher->owner, "change", &all);
}

static void say_loaded(dev *d, const rl_load *load) {
  rl_buf text;
  rl_buf_init(&text, 2 << 20);
  rl_dev_news_loaded(&text, load, d->generations.vm.generation, rl_generations_count(&d->generations));
  tell(d, "loaded", &text);
}

/* ---- listening ----------------------------------------------------------------------------------------------------------- */

static void stop(dev *d);

static void fail(dev *d, rl_buf *why) {
  rl_report_error(why);
  d->status = 1;
  stop(d);
}

static int open_sockets(dev *d, int *port, rl_buf *why) {
  int fds[RL_WORKER_LISTENERS];
  for (int i = 0; i < d->options->host_count; i++) {
    int count = rl_listen_tcp(d->options->hosts[i], *port, false, fds, RL_WORKER_LISTENERS, why);
    if (count < 0) return rl_sockets_explain(why), count;
    if (*port == 0) *port = rl_listen_port(fds[0]);
    const rl_listen_options options = {.tls = d->tls, .protocol = d->tls ? &rl_start_protocol : NULL};
    for (int k = 0; k < count; k++) rl_worker_listen(&d->worker, fds[k], &options);
  }
  return RL_OK;
}

static int set_up_tls(dev *d, rl_buf *why) {
  const rl_tls_store_options options = {.client_ca = NULL};
  rl_tls_store *store;
  if (!d->options->tls.https) return RL_OK;
  int code = rl_tls_store_new(&store, &options, why);
  if (code) return code;
  code = rl_local_authority_use(store, d->options->allowed, d->options->allowed_count, &d->authority, why);
  if (!code) code = rl_tls_server_new(&d->tls, &d->loop, store, "h2,http/1.1", why);
  rl_tls_store_unref(store);
  return code;
}

static void listen_now(dev *d) {
  rl_buf why;
  char where[300];
  int port = d->options->port;
  d->listening = true;
  rl_buf_init(&why, 1024);
  if (set_up_tls(d, &why) || open_sockets(d, &port, &why)) {
    fail(d, &why);
    return;
  }
  rl_buf_free(&why);
  rl_descriptors_reserve(1);
  rl_worker_start(&d->worker);
  rl_sockets_url(d->tls ? RL_PORT_HTTPS : RL_PORT_HTTP, d->options->hosts[0], port, where, sizeof where);
  rl_dashboard_tell(&d->dashboard, "listening", rl_slice_str(where));
  if (d->tls) rl_dashboard_tell(&d->dashboard, "authority", rl_buf_slice(&d->authority));
}

/* ---- the program's states ---------------------------------------------------------------------------------------------------- */

static void on_load(rl_generations *generations, const rl_load *load, rl_handler *handler) {
  dev *d = generations->owner;
  d->gate.broken = !load->ok;
  if (handler) {
    d->gate.program = handler;
    d->gate.handler.limits = handler->limits;
    rl_worker_answer_with(&d->worker, &d->gate.handler);
  }
  if (!d->listening && !d->stopping) listen_now(d);
  say_loaded(d, load);
}

static void on_gone(rl_generations *generations) {
  dev *d = generations->owner;
  d->gate.program = NULL;
  d->gate.handler.limits = NULL;
  rl_worker_answer_with(&d->worker, &d->gate.handler);
}

static void on_generations_end(rl_generations *generations, int status) {
  dev *d = generations->owner;
  d->generations_ended = true;
  if (!d->status) d->status = status;
  rl_main_stop(&d->dashboard_main);
}

static int start_generations(dev *d) {
  d->generations =
      (rl_generations){.loop = &d->loop,
                       .vm = {.mode = RL_MODE_DEV,
                              .root = d->root,
                              .worker = 1,
                              .workers = 1,
                              .memory_limit = d->options->memory_limit,
                              .cpu_limit_ms = RL_LIMIT_DEV_CPU_MS}, /* an endless loop must not end the session */
                       .command = "dev",
                       .app = d->options->app,
                       .shutdown_timeout = d->options->shutdown_timeout,
                       .on_load = on_load,
                       .on_gone = on_gone,
                       .on_end = on_generations_end,
                       .on_record = on_record,
                       .stays = true,
                       .owner = d};
  return rl_generations_start(&d->generations);
}

/* ---- the dashboard's state ----------------------------------------------------------------------------------------------------------- */

static void reload(rl_dashboard *dashboard, bool environment) {
  dev *d = dashboard->owner;
  rl_buf why;
  rl_buf_init(&why, 1024);
  if (environment && rl_dotenv_reload(d->root, &why)) rl_logf(RL_LOG_WARN, "%.*s", (int)why.len, why.data);
  rl_buf_free(&why);
  rl_generations_reload(&d->generations);
}

static int watch(rl_dashboard *dashboard, const char *directory) {
  return rl_watcher_add(&((dev *)dashboard->owner)->watcher, directory);
}

static bool ask(rl_dashboard *dashboard, rl_slice question, rl_buf *answer) {
  return rl_generations_ask(&((dev *)dashboard->owner)->generations, question, answer);
}

static void on_dashboard_ready(rl_main *main, rl_handler *handler) {
  dev *d = main->owner;
  d->gate.dashboard = handler;
  if (start_generations(d)) {
    d->status = 1;
    stop(d);
  }
}

static void on_dashboard_end(rl_main *main, int status) {
  dev *d = main->owner;
  if (status && !d->status) d->status = status;
  rl_loop_stop(&d->loop);
}

static int start_dashboard(dev *d) {
  rl_vm_options vm = {.mode = RL_MODE_DEV, .root = d->root, .worker = 1, .workers = 1};
  char *args[] = {(char *)(uintptr_t)d->options->app};
  rl_dashboard_init(&d->dashboard);
  d->dashboard.reload = reload;
  d->dashboard.watch = watch;
  d->dashboard.ask = ask;
  d->dashboard.owner = d;
  rl_log_tell(on_log, d);
  d->dashboard_main = (rl_main){.vm = rl_vm_open(&d->loop, &vm),
                                .dashboard = &d->dashboard,
                                .on_ready = on_dashboard_ready,
                                .on_end = on_dashboard_end,
                                .owner = d,
                                .shutdown_timeout = 1};
  if (d->dashboard_main.vm) rl_heartbeat_watch(d->dashboard_main.vm);
  return d->dashboard_main.vm ? rl_main_start(&d->dashboard_main, "dashboard", 1, args) : RL_ENOMEM;
}

/* ---- from start to stop ---------------------------------------------------------------------------------------------------------- */

static void on_stopped(rl_worker *worker) {
  dev *d = worker->owner;
  if (d->gate.dashboard && !d->generations_ended) rl_generations_stop(&d->generations);
  else rl_main_stop(&d->dashboard_main);
}

/* Tells pages first: each holds a stream of events open as long as it is shown. Browsers come back by themselves. */
static void stop(dev *d) {
  d->stopping = true;
  rl_dashboard_tell(&d->dashboard, "stop", RL_SLICE_NONE);
  if (!d->gate.dashboard) rl_main_cancel(&d->dashboard_main);
  rl_worker_stop(&d->worker, rl_stop_left((uint64_t)(d->options->shutdown_timeout * 1000)));
}

/* Stops at the first signal. The second one ends the process (loop/stop.h). */
static void on_stop(void *owner, int number) {
  dev *d = owner;
  (void)number;
  if (!d->stopping) stop(d);
}

static void on_hup(uv_signal_t *handle, int number) {
  (void)number;
  rl_generations_reload(&((dev *)handle->data)->generations);
}

static void on_usr1(uv_signal_t *handle, int number) {
  rl_vm *vm = rl_generations_vm(&((dev *)handle->data)->generations);
  (void)number;
  if (vm) rl_inspect_log(vm);
}

static void start(dev *d) {
  rl_worker_init(&d->worker, &d->loop, &d->gate.handler);
  d->worker.owner = d;
  d->worker.on_stopped = on_stopped;
  d->worker.on_exchange = on_exchange;
  d->watching = rl_watcher_init(&d->watcher, &d->loop) == 0;
  if (!d->watching) rl_logf(RL_LOG_WARN, "cannot watch files (inotify): reload with kill -HUP %d", getpid());
  d->watcher.on_change = on_change;
  d->watcher.owner = d;
  rl_stop_watch(&d->loop, on_stop, d);
  rl_signals_watch(&d->loop, &d->on_hup, SIGHUP, on_hup, d);
  rl_signals_watch(&d->loop, &d->on_usr1, SIGUSR1, on_usr1, d);
  rl_self_release_signals();
  if (start_dashboard(d) == 0) rl_loop_run(&d->loop);
  else d->status = 1;
}

static void end(dev *d) {
  uv_signal_t *signals[] = {&d->on_hup, &d->on_usr1};
  rl_stop_close();
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) uv_close((uv_handle_t *)signals[i], NULL);
  if (d->watching) rl_watcher_close(&d->watcher);
  if (d->dashboard_main.vm) rl_heartbeat_forget(d->dashboard_main.vm);
  rl_vm_close(d->dashboard_main.vm);
  rl_log_tell(NULL, NULL);
  rl_dashboard_free(&d->dashboard);
  rl_program_settle(&d->loop, d->status);
  rl_worker_free(&d->worker);
  rl_tls_server_unref(d->tls);
  rl_buf_free(&d->authority);
  rl_loop_free(&d->loop);
}

int rl_dev(const rl_options *options, const char *root) {
  dev *d = rl_calloc(1, sizeof *d);
  if (!d) return 1;
  rl_dev_gate_init(&d->gate, options);
  d->options = options;
  d->root = root;
  rl_buf_init(&d->authority, 4096);
  if (rl_loop_init(&d->loop)) return 1;
  start(d);
  end(d);
  int status = d->status;
  rl_free(d);
  return status;
}
