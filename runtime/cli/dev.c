/*
 * rille dev: one worker, and two kinds of Lua states on its loop.
 *
 *   connections -- worker -- gate --+-- /_rille…, broken code ----> desk     lua/rille/dev/desk.lua: error pages, panel,
 *                                   |                                         live reload; lives as long as the process
 *                                   +-- everything else ----------> edition  the program; replaced at each save (edition.h)
 *
 *   watcher --changed--> desk --reload--> editions --loaded--> desk --> browsers
 *
 * Nothing here is reachable from `serve`: its process has no desk, and its states lack the functions.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/desk.h"
#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/dev_access.h"
#include "cli/dotenv.h"
#include "cli/edition.h"
#include "cli/program.h"
#include "cli/self.h"
#include "loop/stop.h"
#include "loop/watcher.h"
#include "net/address.h"
#include "server/dispatch.h"
#include "vm/inspect.h"
#include "vm/offload.h"

typedef struct dev {
  rl_handler gate; /* first: what connections are given */
  const rl_options *options;
  const char *root;
  rl_loop loop;
  rl_worker worker;
  rl_editions editions;
  rl_watcher watcher;
  rl_desk desk;
  rl_main desk_main;
  rl_handler *desk_handler, *program;
  bool broken; /* the last load failed */
  bool listening, stopping, watching, editions_ended;
  int status;
  uv_signal_t on_usr1, on_hup;
} dev;

/* ---- who answers ------------------------------------------------------------------------------------------------------ */

static bool is_for_desk(const rl_req *req) {
  return rl_slice_eq(req->path, RL_SLICE("/_rille")) || rl_slice_starts(req->path, RL_SLICE("/_rille/"));
}

static bool is_browser(const rl_req *req) {
  rl_field_list list = rl_req_list(req, RL_HEADER_ACCEPT);
  rl_slice element;
  while (rl_field_list_next(&list, &element))
    if (rl_slice_starts(element, RL_SLICE("text/html"))) return true;
  return false;
}

/* Who may not see why the program does not load gets the program, or the bare fact. */
static bool is_explained(const dev *d, const rl_req *req) {
  return req->shows_dev && (!d->program || (d->broken && is_browser(req)));
}

static void handle(rl_handler *handler, rl_req *req) {
  dev *d = (dev *)handler;
  bool ours = is_for_desk(req);
  req->shows_dev = rl_dev_may_see_pages(d->options, req);
  if (ours && !rl_dev_may_ask_desk(d->options, req)) rl_answer_plain(req, 404, NULL, 0);
  else if (ours || is_explained(d, req)) d->desk_handler->handle(d->desk_handler, req);
  else if (d->program) d->program->handle(d->program, req);
  else rl_answer_plain(req, 500, NULL, 0);
}

/* ---- what the desk hears ------------------------------------------------------------------------------------------------- */

static void add_field(rl_buf *out, const char *name, rl_slice text) {
  rl_buf_addf(out, "\"%s\":", name);
  rl_json_write_bytes(out, text);
  rl_buf_add_char(out, ',');
}

static void on_exchange(rl_worker *worker, rl_req *req, const rl_exchange_report *how) {
  dev *d = worker->owner;
  rl_buf line;
  if (!req || is_for_desk(req)) return;
  rl_buf_init(&line, 64 << 10);
  rl_buf_add_char(&line, '{');
  add_field(&line, "id", rl_req_id(req));
  add_field(&line, "method", req->method_name);
  add_field(&line, "target", req->target);
  rl_buf_addf(&line, "\"status\":%d,\"bytes\":%llu,\"ms\":%llu,\"ended\":%.6f}", how->status,
              (unsigned long long)how->bytes, (unsigned long long)(rl_loop_clock(&d->loop) - how->since_ms),
              (double)uv_hrtime() / 1e9);
  if (!line.error) rl_desk_tell(&d->desk, "exchange", rl_buf_slice(&line));
  rl_buf_free(&line);
}

static void add_log_field(rl_buf *out, const rl_log_field *field) {
  rl_buf_add_char(out, '[');
  rl_json_write_bytes(out, rl_slice_str(field->key));
  rl_buf_add_char(out, ',');
  if (field->literal) rl_json_write_bytes(out, rl_slice_str(field->literal));
  else if (field->text.data) rl_json_write_bytes(out, field->text);
  else rl_buf_addf(out, "\"%lld\"", (long long)field->number);
  rl_buf_add_char(out, ']');
}

/* What is logged, whoever does: a task that nobody waits for fails in no request. */
static void on_log(void *ud, rl_log_level level, rl_slice message, const rl_log_field *fields, size_t count) {
  dev *d = ud;
  rl_buf line;
  rl_buf_init(&line, 64 << 10);
  rl_buf_add_char(&line, '{');
  add_field(&line, "level", rl_slice_str(rl_log_level_name(level)));
  add_field(&line, "message", message);
  rl_buf_add_str(&line, "\"fields\":[");
  for (size_t i = 0; i < count; i++) {
    if (i) rl_buf_add_char(&line, ',');
    add_log_field(&line, &fields[i]);
  }
  rl_buf_add_str(&line, "]}");
  if (!line.error) rl_desk_tell(&d->desk, "log", rl_buf_slice(&line));
  rl_buf_free(&line);
}

static void on_record(rl_editions *editions, rl_slice record) {
  rl_desk_tell(&((dev *)editions->owner)->desk, "record", record);
}

static void on_change(rl_watcher *watcher, char *const *paths, unsigned count) {
  rl_buf all;
  rl_buf_init(&all, RL_BUF_NO_LIMIT);
  for (unsigned i = 0; i < count; i++) rl_buf_addf(&all, "%s\n", paths[i]);
  rl_desk_tell(&((dev *)watcher->owner)->desk, "change", rl_buf_slice(&all));
  rl_buf_free(&all);
}

static void say_loaded(dev *d, const rl_load *load) {
  rl_buf text;
  rl_buf_init(&text, 2 << 20);
  rl_buf_addf(&text, "{\"ok\":%s,\"ms\":%llu,\"edition\":%u,\"states\":%u", load->ok ? "true" : "false",
              (unsigned long long)load->took_ms, d->editions.vm.edition, rl_editions_count(&d->editions));
  if (load->failure.len) {
    rl_buf_add_str(&text, ",\"failure\":");
    rl_buf_add_slice(&text, load->failure);
  }
  rl_buf_add_char(&text, '}');
  rl_desk_tell(&d->desk, "loaded", rl_buf_slice(&text));
  rl_buf_free(&text);
}

/* ---- listening ----------------------------------------------------------------------------------------------------------- */

static void stop(dev *d);

static void fail(dev *d, rl_buf *why) {
  fprintf(stderr, "rille: %.*s\n", (int)why->len, why->data ? why->data : "");
  rl_buf_free(why);
  d->status = 1;
  stop(d);
}

static int open_sockets(dev *d, int *port, rl_buf *why) {
  int fds[RL_WORKER_LISTENERS];
  for (int i = 0; i < d->options->host_count; i++) {
    int count = rl_listen_tcp(d->options->hosts[i], *port, false, fds, RL_WORKER_LISTENERS, why);
    if (count < 0) return rl_sockets_explain(why), count;
    if (*port == 0) *port = rl_listen_port(fds[0]);
    for (int k = 0; k < count; k++) rl_worker_listen(&d->worker, fds[k], NULL);
  }
  return RL_OK;
}

static void listen_now(dev *d) {
  rl_buf why;
  char where[300];
  int port = d->options->port;
  d->listening = true;
  rl_buf_init(&why, 1024);
  if (open_sockets(d, &port, &why)) {
    fail(d, &why);
    return;
  }
  rl_buf_free(&why);
  rl_descriptors_reserve(1);
  rl_worker_start(&d->worker);
  bool v6 = strchr(d->options->hosts[0], ':') != NULL;
  snprintf(where, sizeof where, v6 ? "http://[%s]:%d" : "http://%s:%d", d->options->hosts[0], port);
  rl_desk_tell(&d->desk, "listening", rl_slice_str(where));
}

/* ---- the program's states ---------------------------------------------------------------------------------------------------- */

static void on_load(rl_editions *editions, const rl_load *load, rl_handler *handler) {
  dev *d = editions->owner;
  d->broken = !load->ok;
  if (handler) {
    d->program = handler;
    d->gate.limits = handler->limits;
    rl_worker_answer_with(&d->worker, &d->gate);
  }
  if (!d->listening && !d->stopping) listen_now(d);
  say_loaded(d, load);
}

static void on_editions_end(rl_editions *editions, int status) {
  dev *d = editions->owner;
  d->editions_ended = true;
  d->program = NULL;
  if (!d->status) d->status = status;
  rl_main_stop(&d->desk_main);
}

static int start_editions(dev *d) {
  d->editions =
      (rl_editions){.loop = &d->loop,
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
                    .on_end = on_editions_end,
                    .on_record = on_record,
                    .stays = true,
                    .owner = d};
  return rl_editions_start(&d->editions);
}

/* ---- the desk's state ----------------------------------------------------------------------------------------------------------- */

static void reload(rl_desk *desk, bool environment) {
  dev *d = desk->owner;
  rl_buf why;
  rl_buf_init(&why, 1024);
  if (environment && rl_dotenv_reload(d->root, &why)) rl_logf(RL_LOG_WARN, "%.*s", (int)why.len, why.data);
  rl_buf_free(&why);
  rl_editions_reload(&d->editions);
}

static int watch(rl_desk *desk, const char *directory) {
  return rl_watcher_add(&((dev *)desk->owner)->watcher, directory);
}

static bool ask(rl_desk *desk, rl_slice question, rl_buf *answer) {
  return rl_editions_ask(&((dev *)desk->owner)->editions, question, answer);
}

static void on_desk_ready(rl_main *main, rl_handler *handler) {
  dev *d = main->owner;
  d->desk_handler = handler;
  if (start_editions(d)) {
    d->status = 1;
    stop(d);
  }
}

static void on_desk_end(rl_main *main, int status) {
  dev *d = main->owner;
  if (status && !d->status) d->status = status;
  rl_loop_stop(&d->loop);
}

static int start_desk(dev *d) {
  rl_vm_options vm = {.mode = RL_MODE_DEV, .root = d->root, .worker = 1, .workers = 1};
  char *args[] = {(char *)(uintptr_t)d->options->app};
  rl_desk_init(&d->desk);
  d->desk.reload = reload;
  d->desk.watch = watch;
  d->desk.ask = ask;
  d->desk.owner = d;
  rl_log_tell(on_log, d);
  d->desk_main = (rl_main){.vm = rl_vm_new(&d->loop, &vm),
                           .desk = &d->desk,
                           .on_ready = on_desk_ready,
                           .on_end = on_desk_end,
                           .owner = d,
                           .shutdown_timeout = 1};
  if (d->desk_main.vm) rl_heartbeat_watch(d->desk_main.vm);
  return d->desk_main.vm ? rl_main_start(&d->desk_main, "desk", 1, args) : RL_ENOMEM;
}

/* ---- from start to stop ---------------------------------------------------------------------------------------------------------- */

static void on_stopped(rl_worker *worker) {
  dev *d = worker->owner;
  if (d->desk_handler && !d->editions_ended) rl_editions_stop(&d->editions);
  else rl_main_stop(&d->desk_main);
}

/* Pages hold a stream of events open for as long as they are shown: they are told first, and browsers come back. */
static void stop(dev *d) {
  d->stopping = true;
  rl_desk_tell(&d->desk, "stop", RL_SLICE_NONE);
  if (!d->desk_handler) rl_main_cancel(&d->desk_main);
  rl_worker_stop(&d->worker, rl_stop_left((uint64_t)(d->options->shutdown_timeout * 1000)));
}

/* The second one ends the process: loop/stop.h. */
static void on_stop(void *owner, int number) {
  dev *d = owner;
  (void)number;
  if (!d->stopping) stop(d);
}

static void on_hup(uv_signal_t *handle, int number) {
  (void)number;
  rl_editions_reload(&((dev *)handle->data)->editions);
}

static void on_usr1(uv_signal_t *handle, int number) {
  rl_vm *vm = rl_editions_vm(&((dev *)handle->data)->editions);
  (void)number;
  if (vm) rl_inspect_log(vm);
}

static void watch_signal(dev *d, uv_signal_t *handle, int number, uv_signal_cb on) {
  uv_signal_init(&d->loop.uv, handle);
  handle->data = d;
  uv_unref((uv_handle_t *)handle);
  uv_signal_start(handle, on, number);
}

static void start(dev *d) {
  rl_worker_init(&d->worker, &d->loop, &d->gate);
  d->worker.owner = d;
  d->worker.on_stopped = on_stopped;
  d->worker.on_exchange = on_exchange;
  d->watching = rl_watcher_init(&d->watcher, &d->loop) == 0;
  if (!d->watching) rl_logf(RL_LOG_WARN, "cannot watch files (inotify): reload with kill -HUP %d", getpid());
  d->watcher.on_change = on_change;
  d->watcher.owner = d;
  rl_stop_watch(&d->loop, on_stop, d);
  watch_signal(d, &d->on_hup, SIGHUP, on_hup);
  watch_signal(d, &d->on_usr1, SIGUSR1, on_usr1);
  rl_self_release_signals();
  if (start_desk(d) == 0) rl_loop_run(&d->loop);
  else d->status = 1;
}

static void end(dev *d) {
  uv_signal_t *signals[] = {&d->on_hup, &d->on_usr1};
  rl_stop_close();
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) uv_close((uv_handle_t *)signals[i], NULL);
  if (d->watching) rl_watcher_close(&d->watcher);
  if (d->desk_main.vm) rl_heartbeat_forget(d->desk_main.vm);
  rl_vm_del(d->desk_main.vm);
  rl_log_tell(NULL, NULL);
  rl_desk_free(&d->desk);
  rl_program_settle(&d->loop, d->status);
  rl_worker_free(&d->worker);
  rl_loop_free(&d->loop);
}

int rl_dev(const rl_options *options, const char *root) {
  dev *d = rl_calloc(1, sizeof *d);
  if (!d) return 1;
  d->gate.handle = handle;
  d->options = options;
  d->root = root;
  if (rl_loop_init(&d->loop)) return 1;
  start(d);
  end(d);
  int status = d->status;
  rl_free(d);
  return status;
}
