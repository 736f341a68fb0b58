/* The parent of rille serve --supervise: processes, signals and clocks for supervisor.h; see supervise.h. */
#define _GNU_SOURCE
#include "cli/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cli/notify.h"
#include "cli/report.h"
#include "cli/self.h"
#include "cli/supervisor.h"

typedef struct parent {
  rl_supervisor supervisor;
  rl_sockets sockets;
  rl_log_format log;
  int signals; /* a signalfd */
} parent;

/* ---- what the supervisor asks for ------------------------------------------------------------------------------------------ */

static uint64_t now_ms(rl_supervisor *s) {
  struct timespec now;
  (void)s;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int start(rl_supervisor *s, bool from_disk, pid_t *pid, int *line) {
  parent *p = s->owner;
  rl_handover h = {.role = RL_ROLE_WORKER, .from = getpid(), .sockets = p->sockets};
  h.sockets.file.inode = 0; /* the file is ours to remove */
  return rl_handover_start(&h, from_disk ? rl_self_binary() : rl_self_image(), pid, line);
}

static void tell(rl_supervisor *s, pid_t pid, int number) {
  (void)s;
  kill(pid, number);
}

static void close_line(rl_supervisor *s, int line) {
  (void)s;
  close(line);
}

static void refuse(rl_supervisor *s) { rl_sockets_close(&((parent *)s->owner)->sockets); }

static void notify(rl_supervisor *s, const char *text) {
  (void)s;
  rl_notify(text);
}

static void set_close_on_exec(const parent *p, bool on) {
  int flag = on ? FD_CLOEXEC : 0;
  for (int i = 0; i < p->sockets.count; i++) fcntl(p->sockets.fds[i], F_SETFD, flag);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++) {
    const rl_supervised *c = &p->supervisor.children[i];
    if (c->pid && c->line >= 0) fcntl(c->line, F_SETFD, flag);
  }
}

/* Executes, in this process, the file that the worker runs: it has proved that it starts. */
static void become(rl_supervisor *s) {
  parent *p = s->owner;
  char path[64];
  rl_buf text;
  rl_handover h = {.role = RL_ROLE_SUPERVISOR,
                   .from = getpid(),
                   .line = -1,
                   .sockets = p->sockets,
                   .log = p->log,
                   .timeout_ms = s->timeout_ms};
  snprintf(path, sizeof path, "/proc/%d/exe", (int)s->serving->pid);
  rl_supervisor_hand_over(s, &h);
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_handover_write(&h, &text);
  char **environment = text.error ? NULL : rl_self_environment(text.data);
  set_close_on_exec(p, false);
  if (environment) execve(access(path, X_OK) == 0 ? path : rl_self_binary(), rl_self_arguments(), environment);
  rl_logf(RL_LOG_WARN, "supervisor: stays the old binary: %s", strerror(environment ? errno : ENOMEM));
  set_close_on_exec(p, true);
  rl_free(environment);
  rl_buf_free(&text);
}

/* ---- what the supervisor hears --------------------------------------------------------------------------------------------- */

/* Reads what has come on its line. When the line ends, waitpid will tell more. */
static void listen_to(rl_supervisor *s, rl_supervised *c) {
  char bytes[RL_SUPERVISOR_WORD];
  while (c->pid && c->line >= 0) {
    ssize_t n = recv(c->line, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    rl_supervisor_hear(s, c, bytes, n > 0 ? (size_t)n : 0);
  }
}

static void read_signals(parent *p) {
  struct signalfd_siginfo info;
  while (read(p->signals, &info, sizeof info) == sizeof info)
    rl_supervisor_signal(&p->supervisor, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
}

/* Returns a process that has ended and is still to be reaped, or 0. */
static pid_t next_ended(void) {
  siginfo_t ended = {.si_pid = 0};
  return waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) ? 0 : ended.si_pid;
}

/* Process 1 also reaps orphans that are no children of ours. A child is heard before it is reaped: if its last word makes us
 * another binary, that one must learn of its end. */
static void reap(rl_supervisor *s) {
  for (pid_t pid; (pid = next_ended());) {
    int status;
    rl_supervised *c = rl_supervisor_find(s, pid);
    if (c) listen_to(s, c);
    if (waitpid(pid, &status, 0) == pid && c) rl_supervisor_ended(s, c, status);
  }
}

static void wait_for_news(parent *p) {
  rl_supervisor *s = &p->supervisor;
  struct pollfd waits[RL_HANDOVER_CHILDREN + 1] = {{.fd = p->signals, .events = POLLIN}};
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    waits[i + 1] = (struct pollfd){.fd = s->children[i].pid ? s->children[i].line : -1, .events = POLLIN};
  poll(waits, RL_HANDOVER_CHILDREN + 1, rl_supervisor_wait_ms(s));
  read_signals(p);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid && s->children[i].line >= 0) listen_to(s, &s->children[i]);
}

/* ---- from start to end ------------------------------------------------------------------------------------------------------ */

/* Takes every signal by the loop, so that none ends us, except those of faults and of job control. */
static int take_signals(void) {
  static const int left[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,
                             SIGSYS,  SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof left / sizeof *left; i++) sigdelset(&set, left[i]);
  sigprocmask(SIG_SETMASK, &set, NULL);
  signal(SIGCHLD, SIG_DFL); /* if it were ignored, as some parents hand on, waitpid would tell nothing */
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int run(parent *p) {
  rl_supervisor *s = &p->supervisor;
  p->signals = take_signals();
  if (p->signals < 0) return perror("rille: supervisor"), 1;
  rl_supervisor_start(s);
  while (!s->over) {
    reap(s);
    rl_supervisor_tick(s);
    if (!s->over) wait_for_news(p);
  }
  rl_supervisor_tell_all(s, SIGTERM);
  rl_sockets_free(&p->sockets);
  close(p->signals);
  return s->status;
}

static void init(parent *p, rl_log_format log, unsigned timeout_ms) {
  p->log = log;
  p->supervisor = (rl_supervisor){.now_ms = now_ms,
                                  .start = start,
                                  .kill = tell,
                                  .close_line = close_line,
                                  .become = become,
                                  .refuse = refuse,
                                  .notify = notify,
                                  .timeout_ms = timeout_ms,
                                  .owner = p};
}

int rl_supervise(const rl_options *options) {
  rl_buf why;
  parent *p = rl_must_alloc(sizeof *p);
  int status = 1;
  init(p, options->log, (unsigned)(options->shutdown_timeout < 1e6 ? options->shutdown_timeout * 1000 : 1e9));
  rl_buf_init(&why, 1024);
  if (rl_sockets_open(&p->sockets, options, &why)) {
    rl_report_error(&why);
  } else {
    rl_logf(RL_LOG_INFO, "supervising pid=%d", getpid());
    status = run(p);
  }
  rl_buf_free(&why);
  rl_free(p);
  return status;
}

int rl_supervise_resume(const rl_handover *h) {
  parent *p = rl_must_alloc(sizeof *p);
  init(p, h->log, h->timeout_ms);
  p->sockets = h->sockets;
  p->supervisor.ever_ready = true;
  rl_log_setup(h->log, RL_LOG_INFO);
  for (int i = 0; i < h->child_count; i++) rl_supervisor_adopt(&p->supervisor, &h->children[i]);
  rl_logf(RL_LOG_INFO, "supervisor: runs the new binary too, still as pid %d", getpid());
  int status = run(p);
  rl_free(p);
  return status;
}
