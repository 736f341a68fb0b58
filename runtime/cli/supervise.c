/* The parent of rille serve --supervise; see supervise.h. */
#define _GNU_SOURCE
#include "cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/notify.h"
#include "cli/self.h"

enum { HEARD = 256, ALL_AT_ONCE_MS = 1000 };

/* A process of ours. */
typedef struct child {
  pid_t pid;                            /* 0: a free place */
  int line;                             /* -1: it has nothing more to say */
  uint64_t since_ms, ready_ms, kill_ms; /* kill_ms: when it has had its time to stop; 0: nobody told it to */
  char heard[HEARD];                    /* of a word that is not complete */
  size_t heard_len;
  char place[HEARD]; /* where its Lua code stood when it crashed */
} child;

typedef struct supervisor {
  rl_sockets sockets;
  rl_log_format log;
  unsigned timeout_ms;
  int signals;
  child children[RL_HANDOVER_CHILDREN];
  child *serving, *next; /* the one that serves or will; the one that is to replace it */
  bool ever_ready, stopping, over;
  unsigned young;    /* how many in a row have died young */
  uint64_t start_ms; /* when the next one is due; 0: none is */
  int status;
} supervisor;

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- children --------------------------------------------------------------------------------------------------------- */

static child *free_place(supervisor *s) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (!s->children[i].pid) return &s->children[i];
  return NULL;
}

static child *find_child(supervisor *s, pid_t pid) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid == pid) return &s->children[i];
  return NULL;
}

static bool any_child(const supervisor *s) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) return true;
  return false;
}

static void forget(supervisor *s, child *c) {
  if (c->line >= 0) close(c->line);
  if (s->serving == c) s->serving = NULL;
  if (s->next == c) s->next = NULL;
  c->pid = 0;
}

/* Starts `path` with the sockets and one end of a line. */
static int spawn(supervisor *s, const char *path, int theirs, pid_t *pid) {
  rl_handover h = {.role = RL_ROLE_WORKER, .from = getpid(), .line = theirs, .sockets = s->sockets};
  h.sockets.file.inode = 0; /* the file is ours to remove */
  rl_buf text;
  int count = 0, *fds = rl_handover_descriptors(&h, &count);
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_handover_write(&h, &text);
  int code = fds && !text.error ? rl_self_start(path, text.data, fds, count, pid) : ENOMEM;
  rl_free(fds);
  rl_buf_free(&text);
  return code;
}

/* NULL where it cannot be started: said in the log. */
static child *start(supervisor *s, const char *path) {
  child *c = free_place(s);
  int ours, theirs, code = EAGAIN;
  if (c && rl_line_open(&ours, &theirs) == 0) {
    *c = (child){.line = ours, .since_ms = now_ms()};
    code = spawn(s, path, theirs, &c->pid);
    close(theirs);
    if (!code) return c;
    close(ours);
    c->pid = 0;
  }
  rl_logf(RL_LOG_ERROR, "supervisor: cannot start %s: %s", path,
          c ? strerror(code) : "too many workers are still draining");
  return NULL;
}

/* It drains and ends; what it does not manage in its time is cut off. */
static void dismiss(supervisor *s, child *c, int number) {
  kill(c->pid, number);
  if (!c->kill_ms) c->kill_ms = now_ms() + 2 * (uint64_t)s->timeout_ms + RL_LIMIT_STOP_EXTRA_MS;
}

/* ---- restarting ------------------------------------------------------------------------------------------------------- */

/* 0 for the first, then 50 ms, 100 ms … up to the limit. */
static uint64_t pause_ms(unsigned young) {
  if (!young) return 0;
  uint64_t pause = (uint64_t)RL_LIMIT_RESTART_FIRST_MS << (young - 1 < 16 ? young - 1 : 16);
  return pause < RL_LIMIT_RESTART_MOST_MS ? pause : RL_LIMIT_RESTART_MOST_MS;
}

static void serve_again(supervisor *s) {
  s->start_ms = 0;
  s->serving = start(s, rl_self_image());
  if (!s->serving) s->start_ms = now_ms() + pause_ms(++s->young);
}

static bool died_young(const child *c) { return !c->ready_ms || now_ms() - c->ready_ms < RL_LIMIT_RESTART_YOUNG_MS; }

/* "signal SIGSEGV" or "status 1", as fields of the log. */
static unsigned describe_end(int status, char name[32], rl_log_field fields[2]) {
  if (!WIFSIGNALED(status)) {
    fields[0] = RL_LOG_NUMBER_FIELD("status", WEXITSTATUS(status));
    return 1;
  }
  const char *abbreviation = sigabbrev_np(WTERMSIG(status));
  if (abbreviation) snprintf(name, 32, "SIG%s", abbreviation);
  else snprintf(name, 32, "%d", WTERMSIG(status));
  fields[0] = RL_LOG_TEXT_FIELD("signal", rl_slice_str(name));
  fields[1] = (rl_log_field){.key = "core", .literal = "true"};
  return WCOREDUMP(status) ? 2 : 1;
}

static void say_end(rl_log_level level, const char *message, const child *c, int status) {
  char name[32];
  rl_log_field fields[5] = {RL_LOG_NUMBER_FIELD("pid", c->pid)};
  unsigned count = 1 + describe_end(status, name, fields + 1);
  fields[count++] = RL_LOG_NUMBER_FIELD("lived_ms", (int64_t)(now_ms() - c->since_ms));
  if (c->place[0]) fields[count++] = RL_LOG_TEXT_FIELD("at", rl_slice_str(c->place));
  rl_log(level, rl_slice_str(message), fields, count);
}

static int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

static void on_serving_died(supervisor *s, const child *c, int status) {
  if (!s->ever_ready) {
    say_end(RL_LOG_ERROR, "supervisor: the program did not start", c, status);
    s->status = exit_status(status);
    s->over = true;
    return;
  }
  say_end(RL_LOG_ERROR, "supervisor: the worker died", c, status);
  if (!died_young(c)) s->young = 0;
  uint64_t pause = pause_ms(s->young++);
  if (pause)
    rl_logf(RL_LOG_WARN, "supervisor: it died young, the next one starts in %llu ms", (unsigned long long)pause);
  s->start_ms = now_ms() + pause;
}

static void on_end(supervisor *s, child *c, int status) {
  child was = *c;
  bool served = s->serving == c, was_next = s->next == c;
  forget(s, c);
  if (s->stopping) {
    bool at_once = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM; /* it had not come as far as to listen */
    if (served && !s->status && !at_once) s->status = exit_status(status);
    return;
  }
  if (served) on_serving_died(s, &was, status);
  else if (was_next)
    say_end(RL_LOG_ERROR, "supervisor: the new binary did not start, the old one goes on", &was, status);
  else if (exit_status(status)) say_end(RL_LOG_WARN, "supervisor: the previous worker failed at its end", &was, status);
}

/* ---- upgrades --------------------------------------------------------------------------------------------------------- */

static void set_close_on_exec(const supervisor *s, bool on) {
  int flag = on ? FD_CLOEXEC : 0;
  for (int i = 0; i < s->sockets.count; i++) fcntl(s->sockets.fds[i], F_SETFD, flag);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid && s->children[i].line >= 0) fcntl(s->children[i].line, F_SETFD, flag);
}

static void hand_over_children(const supervisor *s, rl_handover *h) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++) {
    const child *c = &s->children[i];
    if (c->pid && c->line >= 0)
      h->children[h->child_count++] = (struct rl_handed_child){c->pid, c->line, c == s->serving, c->since_ms};
  }
}

/* The same process in the binary that the worker runs: the very file that has proved that it starts. */
static void become(supervisor *s) {
  char path[64];
  rl_buf text;
  rl_handover h = {.role = RL_ROLE_SUPERVISOR,
                   .from = getpid(),
                   .line = -1,
                   .sockets = s->sockets,
                   .log = s->log,
                   .timeout_ms = s->timeout_ms};
  snprintf(path, sizeof path, "/proc/%d/exe", (int)s->serving->pid);
  hand_over_children(s, &h);
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_handover_write(&h, &text);
  char **environment = text.error ? NULL : rl_self_environment(text.data);
  set_close_on_exec(s, false);
  if (environment) execve(access(path, X_OK) == 0 ? path : rl_self_binary(), rl_self_arguments(), environment);
  rl_logf(RL_LOG_WARN, "supervisor: it keeps the old binary: %s", strerror(environment ? errno : ENOMEM));
  set_close_on_exec(s, true);
  rl_free(environment);
  rl_buf_free(&text);
}

static void upgrade(supervisor *s) {
  if (s->stopping) return;
  if (s->next) {
    rl_logf(RL_LOG_WARN, "supervisor: the new binary that was still starting is ended and started again");
    dismiss(s, s->next, SIGTERM);
  }
  rl_logf(RL_LOG_INFO, "supervisor: starting %s", rl_self_binary());
  s->next = start(s, rl_self_binary());
  if (!s->next) rl_logf(RL_LOG_ERROR, "supervisor: the old binary goes on");
}

static void replace(supervisor *s, bool same_version) {
  child *before = s->serving;
  s->serving = s->next;
  s->next = NULL;
  s->start_ms = s->young = 0;
  rl_logf(RL_LOG_INFO, "supervisor: the new binary serves, as pid %d", (int)s->serving->pid);
  if (before) dismiss(s, before, SIGTERM);
  if (same_version) become(s);
}

/* ---- what children say -------------------------------------------------------------------------------------------------- */

static void on_ready(supervisor *s, child *c, const char *version) {
  bool first = !s->ever_ready;
  c->ready_ms = now_ms();
  if (s->stopping || c->kill_ms) return;
  s->ever_ready = true;
  if (first) rl_notify("READY=1");
  if (c == s->next) replace(s, atoi(version) == RL_HANDOVER_VERSION);
}

/* A worker that was told to stop by somebody else: the next one need not wait until it has drained. */
static void on_leaving(supervisor *s, child *c) {
  if (s->stopping || c != s->serving || !c->ready_ms) return;
  rl_logf(RL_LOG_INFO, "supervisor: worker %d was told to stop, the next one starts", (int)c->pid);
  dismiss(s, c, 0);
  serve_again(s);
}

static void on_word(supervisor *s, child *c, const char *word) {
  if (strncmp(word, "ready ", 6) == 0) on_ready(s, c, word + 6);
  else if (strcmp(word, "leaving") == 0) on_leaving(s, c);
  else if (strncmp(word, "at ", 3) == 0) snprintf(c->place, sizeof c->place, "%s", word + 3);
}

static void take_words(supervisor *s, child *c) {
  char *start = c->heard, *end;
  while ((end = memchr(start, '\n', (size_t)(c->heard + c->heard_len - start)))) {
    char word[HEARD];
    size_t len = (size_t)(end - start);
    memcpy(word, start, len);
    word[len] = 0;
    start = end + 1;
    on_word(s, c, word);
  }
  c->heard_len -= (size_t)(start - c->heard);
  memmove(c->heard, start, c->heard_len);
  if (c->heard_len == sizeof c->heard) c->heard_len = 0;
}

static void listen_to(supervisor *s, child *c) {
  ssize_t n = 1;
  while (c->pid && c->line >= 0 && n > 0) {
    n = recv(c->line, c->heard + c->heard_len, sizeof c->heard - c->heard_len, MSG_DONTWAIT);
    if (n > 0) {
      c->heard_len += (size_t)n;
      take_words(s, c);
    }
  }
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) { /* it ends: waitpid will tell */
    close(c->line);
    c->line = -1;
  }
}

/* ---- signals ---------------------------------------------------------------------------------------------------------- */

static void tell_all(supervisor *s, int number) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) kill(s->children[i].pid, number);
}

/* The sockets are closed first: what the worker does not take any more is refused at once. */
static void stop(supervisor *s, int number) {
  if (s->stopping) {
    s->status = 128 + number;
    tell_all(s, SIGKILL);
    return;
  }
  s->stopping = true;
  s->start_ms = 0;
  rl_notify("STOPPING=1");
  rl_sockets_close(&s->sockets);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) dismiss(s, &s->children[i], SIGTERM);
}

static void on_signal(supervisor *s, const struct signalfd_siginfo *info) {
  int number = (int)info->ssi_signo;
  bool group = info->ssi_code == SI_KERNEL; /* of a terminal: the worker has had it too */
  switch (number) {
    case SIGTERM:
    case SIGINT: stop(s, number); return;
    case SIGUSR2: upgrade(s); return;
    case SIGHUP:
      if (s->serving && !group) kill(s->serving->pid, number);
      if (s->next && !group) kill(s->next->pid, number);
      return;
    case SIGUSR1: tell_all(s, number); return;
    default: return; /* whatever else would have ended us; children are waited for in each turn */
  }
}

static void read_signals(supervisor *s) {
  struct signalfd_siginfo info;
  while (read(s->signals, &info, sizeof info) == sizeof info) on_signal(s, &info);
}

/* ---- the loop --------------------------------------------------------------------------------------------------------- */

static void reap(supervisor *s) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    child *c = find_child(s, pid);
    if (!c) continue; /* as process 1: an orphan of somebody's */
    listen_to(s, c);
    on_end(s, c, status);
  }
}

static void look_at_clocks(supervisor *s) {
  uint64_t now = now_ms();
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++) {
    child *c = &s->children[i];
    if (!c->pid || !c->kill_ms || now < c->kill_ms) continue;
    rl_logf(RL_LOG_ERROR, "supervisor: worker %d has not stopped in time and is killed", (int)c->pid);
    kill(c->pid, SIGKILL);
    c->kill_ms = now + ALL_AT_ONCE_MS;
  }
  if (s->start_ms && now >= s->start_ms) serve_again(s);
  if (s->stopping && !any_child(s)) s->over = true;
}

static int until_next(const supervisor *s) {
  uint64_t next = s->start_ms, now = now_ms();
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid && s->children[i].kill_ms && (!next || s->children[i].kill_ms < next))
      next = s->children[i].kill_ms;
  if (!next) return -1;
  uint64_t left = next > now ? next - now : 0;
  return left < 60000 ? (int)left : 60000;
}

static void wait_for_news(supervisor *s) {
  struct pollfd waits[RL_HANDOVER_CHILDREN + 1] = {{.fd = s->signals, .events = POLLIN}};
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    waits[i + 1] = (struct pollfd){.fd = s->children[i].pid ? s->children[i].line : -1, .events = POLLIN};
  poll(waits, RL_HANDOVER_CHILDREN + 1, until_next(s));
  read_signals(s);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid && s->children[i].line >= 0) listen_to(s, &s->children[i]);
}

/* Every signal that can be is taken by the loop: none ends us. Those of a fault, and of job control, are left as they are. */
static int take_signals(void) {
  static const int left[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,
                             SIGSYS,  SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof left / sizeof *left; i++) sigdelset(&set, left[i]);
  sigprocmask(SIG_SETMASK, &set, NULL);
  signal(SIGCHLD, SIG_DFL); /* ignored, as some parents hand it on, ends of children would never be told */
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int run(supervisor *s) {
  s->signals = take_signals();
  if (s->signals < 0) return perror("rille: supervisor"), 1;
  if (!s->serving) s->serving = start(s, rl_self_image());
  if (!s->serving) s->over = true, s->status = 1;
  while (!s->over) {
    reap(s);
    look_at_clocks(s);
    if (!s->over) wait_for_news(s);
  }
  tell_all(s, SIGTERM);
  rl_sockets_free(&s->sockets);
  close(s->signals);
  return s->status;
}

int rl_supervise(const rl_options *options) {
  rl_buf why;
  supervisor *s = rl_must_alloc(sizeof *s);
  rl_buf_init(&why, 1024);
  s->log = options->log;
  s->timeout_ms = (unsigned)(options->shutdown_timeout < 1e6 ? options->shutdown_timeout * 1000 : 1e9);
  int status = 1;
  if (rl_sockets_open(&s->sockets, options, &why)) {
    fprintf(stderr, "rille: %.*s\n", (int)why.len, why.data);
  } else {
    rl_logf(RL_LOG_INFO, "supervising pid=%d", getpid());
    status = run(s);
  }
  rl_buf_free(&why);
  rl_free(s);
  return status;
}

int rl_supervise_resume(const rl_handover *h) {
  supervisor *s = rl_must_alloc(sizeof *s);
  *s = (supervisor){.sockets = h->sockets, .log = h->log, .timeout_ms = h->timeout_ms, .ever_ready = true};
  rl_log_setup(h->log, RL_LOG_INFO);
  for (int i = 0; i < h->child_count; i++) {
    child *c = &s->children[i];
    *c = (child){.pid = h->children[i].pid,
                 .line = h->children[i].line,
                 .since_ms = h->children[i].since_ms,
                 .ready_ms = now_ms()};
    if (h->children[i].serves) s->serving = c;
    else dismiss(s, c, 0);
  }
  rl_logf(RL_LOG_INFO, "supervisor: it runs the new binary too, still as pid %d", getpid());
  int status = run(s);
  rl_free(s);
  return status;
}
