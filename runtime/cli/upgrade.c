/* Starts the successor; see upgrade.h. */
#include "cli/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cli/notify.h"
#include "cli/self.h"

static void free_poll(uv_handle_t *handle) { rl_free(handle); }

static void forget(rl_upgrade *u) {
  uv_close((uv_handle_t *)u->poll, free_poll);
  close(u->line);
  u->pid = 0;
}

/* The line has ended, so the process has ended or is about to. */
static void fail(rl_upgrade *u) {
  int status = 0;
  kill(u->pid, SIGKILL); /* no effect if it ends already */
  while (waitpid(u->pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    rl_logf(RL_LOG_ERROR, "the new binary was ended by signal %d before it was ready, this one keeps serving",
            WTERMSIG(status));
  else rl_logf(RL_LOG_ERROR, "the new binary did not start (status %d), this one keeps serving", WEXITSTATUS(status));
  forget(u);
}

static void succeed(rl_upgrade *u) {
  char text[40];
  rl_logf(RL_LOG_INFO, "the new binary serves, as pid %d: this one drains", (int)u->pid);
  snprintf(text, sizeof text, "MAINPID=%d", (int)u->pid);
  rl_notify(text);
  forget(u);
  u->sockets->file.inode = 0; /* the new process removes the socket's file */
  u->on_ready(u);
}

static void on_line(uv_poll_t *poll, int status, int events) {
  rl_upgrade *u = poll->data;
  char word[32];
  (void)status, (void)events;
  ssize_t n = read(u->line, word, sizeof word - 1);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  word[n > 0 ? n : 0] = 0;
  if (strncmp(word, "ready ", 6) == 0) succeed(u);
  else fail(u);
}

/* Returns why our end would be the end of the service, or NULL. */
static const char *obstacle(void) {
  const char *main_of_systemd = getenv("SYSTEMD_EXEC_PID");
  if (getpid() == 1) return "the container ends with process 1: use rille serve --supervise";
  if (main_of_systemd && strtol(main_of_systemd, NULL, 10) == getpid() && !rl_notify_wanted())
    return "systemd would take the end of this process for the end of the service: set Type=notify in the unit, or "
           "restart";
  return NULL;
}

void rl_upgrade_start(rl_upgrade *u) {
  const char *why = u->pid ? "one is under way" : obstacle();
  if (why) {
    rl_logf(RL_LOG_WARN, "no upgrade: %s", why);
    return;
  }
  rl_handover h = {.role = RL_ROLE_SUCCESSOR, .from = getpid(), .sockets = *u->sockets};
  int code = rl_handover_start(&h, rl_self_binary(), &u->pid, &u->line);
  if (code) {
    u->pid = 0;
    rl_logf(RL_LOG_ERROR, "cannot start %s, this one keeps serving: %s", rl_self_binary(), strerror(code));
    return;
  }
  rl_logf(RL_LOG_INFO, "starting %s, as pid %d", rl_self_binary(), (int)u->pid);
  u->poll = rl_must_alloc(sizeof *u->poll);
  uv_poll_init(&u->loop->uv, u->poll, u->line);
  u->poll->data = u;
  uv_poll_start(u->poll, UV_READABLE, on_line);
}

void rl_upgrade_cancel(rl_upgrade *u) {
  if (!u->pid) return;
  kill(u->pid, SIGTERM);
  forget(u);
}
