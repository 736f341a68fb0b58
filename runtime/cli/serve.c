/*
 * rille serve: N workers; see worker_thread.h for one of them.
 *
 *   main thread                         worker threads 2…N
 *   load app, lifespans, ready
 *   start the threads ----------------> load app, lifespans, ready
 *   <---------------- mail: ready, or ended (then all stop, exit 1)
 *   all ready: open sockets, ---------> listen
 *   SIGHUP: --------------------------> load again, swap
 *   SIGTERM: -------------------------> drain, end lifespans, wait for jobs and writes under way, end the thread
 *   <---------------- mail: ended       all ended: exit
 *
 * The main thread never waits for another one inside of a callback, so that it hears the second signal.
 */
#include "cli/serve.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/limits.h"
#include "bind/core/offload_state.h"
#include "cli/acme_thread.h"
#include "cli/certificates.h"
#include "cli/lifeline.h"
#include "cli/notify.h"
#include "cli/report.h"
#include "cli/self.h"
#include "cli/signals.h"
#include "cli/upgrade.h"
#include "cli/worker_thread.h"
#include "loop/crew.h"
#include "loop/stop.h"
#include "server/challenges.h"
#include "server/redirect.h"
#include "vm/crash.h"
#include "vm/task/heartbeat.h"

typedef struct process {
  const rl_options *options;
  const char *root;
  rl_worker_thread *workers;
  int count, started, ready, ended;
  bool stopping, listening;
  bool reload_due; /* SIGHUP came while it was loading */
  int status;
  rl_role role;
  pid_t supervisor;
  int line; /* to the supervisor or the predecessor, or -1 */
  rl_sockets sockets;
  rl_upgrade upgrade;
  rl_certificates certificates;
  rl_acme_thread acme;
  rl_redirect redirect; /* on plain ports, if they only send people to https */
  uv_signal_t signals[3];
  rl_access_log access;
  bool logs_access;
} process;

static rl_loop *main_loop(process *p) { return &p->workers[0].loop; }

/* Calls one of worker_thread.h for each worker that runs. */
static void tell_all(process *p, void (*what)(rl_worker_thread *worker)) {
  for (int i = 0; i < p->count; i++)
    if (p->workers[i].started && !p->workers[i].ended) what(&p->workers[i]);
}

/* ---- ends and starts ------------------------------------------------------------------------------------------------------ */

/* Closes our own descriptors of the sockets first: the workers' are the last then, so that later connections are refused. */
static void stop_all(process *p) {
  p->stopping = true;
  rl_sockets_close(&p->sockets);
  rl_upgrade_cancel(&p->upgrade);
  rl_certificates_unwatch(&p->certificates);
  rl_acme_thread_stop(&p->acme);
  tell_all(p, rl_worker_thread_drain);
}

/* It ends by itself only if what the command line says of it is wrong, which it has told. */
static void on_acme_end(rl_acme_thread *thread, int status) {
  process *p = thread->owner;
  if (p->stopping) return;
  p->status = status ? status : 1;
  stop_all(p);
}

static void fail(process *p, rl_buf *why) {
  rl_report_error(why);
  p->status = 1;
  stop_all(p);
}

/* Returns how many connections are possible, by the workers' limits and by the descriptors left to connections. */
static int64_t connections_allowed(const process *p, unsigned by_descriptors) {
  int64_t by_limit = 0;
  for (int i = 0; i < p->count; i++) by_limit += p->workers[i].worker.handler->limits->connections;
  return by_limit < by_descriptors ? by_limit : by_descriptors;
}

static void say_start(const process *p, unsigned descriptors) {
  const rl_options *o = p->options;
  char where[256], others[256];
  size_t count = 0;
  rl_log_field fields[7];
  rl_sockets_describe(&p->sockets, o, where, sizeof where);
  rl_sockets_describe_others(&p->sockets, o, others, sizeof others);
  fields[count++] = RL_LOG_TEXT_FIELD("at", rl_slice_str(where));
  if (*others) fields[count++] = RL_LOG_TEXT_FIELD("also", rl_slice_str(others));
  fields[count++] = RL_LOG_NUMBER_FIELD("workers", p->count);
  fields[count++] = RL_LOG_TEXT_FIELD("threads", rl_slice_str(o->threads_auto ? "auto, one per core" : "as said"));
  fields[count++] = RL_LOG_NUMBER_FIELD("connections", connections_allowed(p, descriptors));
  fields[count++] = RL_LOG_NUMBER_FIELD("pid", getpid());
  if (p->supervisor) fields[count++] = RL_LOG_NUMBER_FIELD("supervisor", p->supervisor);
  rl_log(RL_LOG_INFO, RL_SLICE("listening"), fields, count);
}

/* Tells whoever waits for us to be ready: a supervisor, the server before us, systemd. */
static void tell_ready(process *p) {
  char text[24];
  snprintf(text, sizeof text, "ready %d\n", RL_HANDOVER_VERSION);
  rl_line_say(p->line, text);
  if (p->role == RL_ROLE_WORKER) return;
  rl_notify("READY=1");
  if (p->line >= 0) close(p->line);
  p->line = -1;
}

static void take_socket(void *ud, int fd, rl_port_role role) { rl_worker_thread_add_socket(ud, fd, role); }

static int open_sockets(process *p, rl_buf *why) {
  int code = p->sockets.count ? RL_OK : rl_sockets_open(&p->sockets, p->options, why);
  if (!code && rl_sockets_are_secure(&p->sockets) && !p->certificates.store)
    code = RL_EINVALID,
    rl_buf_add_str(why, "a socket that was handed over is for https, but there is no certificate: --tls");
  if (!code && (code = rl_sockets_listen(&p->sockets))) rl_buf_add_str(why, "cannot listen");
  for (int i = 0; i < p->count && !code; i++) {
    code = rl_sockets_share(&p->sockets, i + 1, p->count, take_socket, &p->workers[i]);
    if (code) rl_buf_add_str(why, "out of file descriptors: raise the limit (ulimit -n)");
  }
  return code;
}

static void reload_all(process *p) {
  rl_logf(RL_LOG_INFO, "reloading");
  rl_certificates_reload(&p->certificates);
  tell_all(p, rl_worker_thread_reload);
}

static int start_acme(process *p, rl_buf *why) {
  if (!p->options->tls.acme_count) return RL_OK;
  p->acme = (rl_acme_thread){.options = p->options,
                             .root = p->root,
                             .certificates = p->certificates.store,
                             .main_loop = main_loop(p),
                             .has_http = rl_sockets_have(&p->sockets, RL_PORT_HTTP),
                             .has_tls = rl_sockets_are_secure(&p->sockets),
                             .on_end = on_acme_end,
                             .owner = p};
  int code = rl_acme_thread_start(&p->acme);
  if (code) rl_buf_add_str(why, "cannot start the thread that keeps certificates");
  return code;
}

static void listen_all(process *p) {
  rl_buf why;
  rl_buf_init(&why, 1024);
  if (open_sockets(p, &why) || start_acme(p, &why)) {
    fail(p, &why);
    return;
  }
  rl_buf_free(&why);
  p->listening = true;
  p->redirect.port = rl_sockets_secure_port(&p->sockets);
  unsigned descriptors = rl_descriptors_reserve((unsigned)p->count);
  tell_all(p, rl_worker_thread_listen);
  rl_certificates_watch(&p->certificates, main_loop(p));
  say_start(p, descriptors);
  tell_ready(p);
  if (p->reload_due) reload_all(p);
}

static void start_others(process *p) {
  for (int i = 1; i < p->count; i++) {
    rl_worker_thread *w = &p->workers[i];
    if (rl_worker_thread_start(w) == 0) {
      p->started++;
      continue;
    }
    rl_buf why;
    rl_buf_init(&why, 256);
    rl_buf_addf(&why, "cannot start worker %d", w->number);
    fail(p, &why);
    return;
  }
}

static void on_worker_ready(rl_worker_thread *worker) {
  process *p = worker->owner;
  if (p->stopping) return;
  p->ready++;
  if (p->ready == 1 && p->count > 1) start_others(p);
  else if (p->ready == p->count) listen_all(p);
}

static void on_worker_ended(rl_worker_thread *worker) {
  process *p = worker->owner;
  p->ended++;
  if (worker->status && !p->status) p->status = worker->status;
  if (!p->stopping) {
    if (!worker->status && !rl_stop_asked()) p->status = 1; /* ended although nobody told it to */
    stop_all(p);
  }
  if (p->ended == p->started) rl_loop_stop(main_loop(p));
}

/* ---- signals -------------------------------------------------------------------------------------------------------------------- */

/* Drains at the first signal. The second one ends the process (loop/stop.h). */
static void on_stop(void *owner, int number) {
  process *p = owner;
  (void)number;
  if (p->stopping) return; /* for a reason of its own */
  rl_logf(RL_LOG_INFO, "stopping: running requests have %g s", p->options->shutdown_timeout);
  if (p->supervisor) rl_line_say(p->line, "leaving\n");
  else rl_notify("STOPPING=1");
  stop_all(p);
}

/* Lets each worker log what its tasks do. Before they listen there is nothing to say. */
static void on_inspect(process *p, int number) {
  (void)number;
  if (p->listening) tell_all(p, rl_worker_thread_inspect);
}

/* Loads the program again in each worker; later if it still loads. */
static void on_reload(process *p, int number) {
  (void)number;
  if (p->stopping) return;
  if (p->listening) reload_all(p);
  else p->reload_due = true;
}

static void on_replaced(rl_upgrade *upgrade) { stop_all(upgrade->owner); }

static void on_upgrade(process *p, int number) {
  (void)number;
  if (p->supervisor) rl_logf(RL_LOG_WARN, "the supervisor does upgrades: kill -USR2 %d", (int)p->supervisor);
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
    rl_stop_once(); /* a signal to the whole group reaches us twice: the second one is the supervisor's */
  for (int i = 0; i < WATCHED; i++) rl_signals_watch(main_loop(p), &p->signals[i], watched[i].number, on_signal, p);
  rl_self_release_signals();
}

/* ---- from start to end ------------------------------------------------------------------------------------------------------------ */

static process *crashing; /* for the signal handler */

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
  for (int i = 0; i < p->count && p->logs_access; i++) p->workers[i].access = &p->access;
  p->upgrade = (rl_upgrade){.loop = main_loop(p), .sockets = &p->sockets, .on_ready = on_replaced, .owner = p};
  watch_signals(p);
  p->started++;
  if (rl_worker_thread_run(&p->workers[0])) p->status = 1;
  rl_stop_close();
  for (int i = 0; i < WATCHED; i++) uv_close((uv_handle_t *)&p->signals[i], NULL);
}

/* Frees the workers once no thread can touch them any more; otherwise exits here. */
static void end(process *p) {
  bool over = rl_crews_rest(RL_LIMIT_EXIT_CREWS_MS) && !p->acme.stuck;
  for (int i = 0; i < p->count; i++) over = over && !p->workers[i].stuck;
  if (over && rl_offload_close_all()) {
    rl_free(p->workers);
    return;
  }
  fflush(NULL);
  _exit(p->status);
}

/* Says whether there is a certificate for a name. */
static rl_redirect_host knows(rl_redirect *redirect, rl_slice name) {
  process *p = redirect->owner;
  unsigned version;
  rl_tls_snapshot *snapshot = rl_tls_store_snapshot(p->certificates.store, &version);
  rl_redirect_host found = rl_tls_snapshot_knows(snapshot, name)       ? RL_REDIRECT_OURS
                           : rl_tls_snapshot_pair(snapshot, 0) == NULL ? RL_REDIRECT_NOT_YET
                                                                       : RL_REDIRECT_STRANGE;
  rl_tls_snapshot_unref(snapshot);
  return found;
}

static bool find_answer(rl_redirect *redirect, rl_slice token, rl_buf *out) {
  const process *p = redirect->owner;
  return rl_challenges_find(p->options->tls.acme_directory, token, out) == RL_OK;
}

/* With ACME the plain port is for its questions; a program that is served there too would be served twice. */
static bool redirects(const process *p) { return p->options->tls.redirect || p->options->tls.acme_count; }

static int open_certificates(process *p) {
  rl_buf why;
  rl_buf_init(&why, 4096);
  int code = rl_certificates_open(&p->certificates, &p->options->tls, &why);
  if (code) rl_report_error(&why);
  else rl_buf_free(&why);
  rl_redirect_init(&p->redirect, 0);
  p->redirect.knows = knows;
  if (p->options->tls.acme_count) p->redirect.find_answer = find_answer;
  p->redirect.owner = p;
  return code;
}

static void init_workers(process *p) {
  p->workers = rl_must_alloc((size_t)p->count * sizeof *p->workers);
  for (int i = 0; i < p->count; i++) {
    rl_worker_thread *w = &p->workers[i];
    w->options = p->options;
    w->root = p->root;
    w->number = i + 1;
    w->count = p->count;
    w->main_loop = main_loop(p);
    w->store = p->certificates.store;
    w->plain = redirects(p) ? &p->redirect.handler : NULL;
    w->on_ready = on_worker_ready;
    w->on_ended = on_worker_ended;
    w->owner = p;
  }
}

int rl_serve(const rl_options *options, const char *root, const rl_handover *handover) {
  process p = {.options = options, .root = root, .count = options->threads};
  if (open_certificates(&p)) return 1;
  init_workers(&p);
  if (rl_loop_init(main_loop(&p))) return 1;
  rl_heartbeat_watchdog(options->watchdog);
  follow(&p, handover);
  run(&p);
  rl_acme_thread_join(&p.acme);
  rl_sockets_free(&p.sockets);
  rl_worker_thread_free(&p.workers[0]);
  rl_certificates_close(&p.certificates);
  if (p.logs_access) rl_access_log_stop(&p.access);
  end(&p);
  return p.status;
}
