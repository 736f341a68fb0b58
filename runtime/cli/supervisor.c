/* The decisions of the parent of rille serve --supervise; see supervisor.h. */
#define _GNU_SOURCE
#include "cli/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/log.h"
#include "cli/self.h"

/* ---- children --------------------------------------------------------------------------------------------------------- */

static rl_supervised *free_place(rl_supervisor *s) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (!s->children[i].pid) return &s->children[i];
  return NULL;
}

rl_supervised *rl_supervisor_find(rl_supervisor *s, pid_t pid) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid == pid) return &s->children[i];
  return NULL;
}

static bool any_child(const rl_supervisor *s) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) return true;
  return false;
}

static void forget(rl_supervisor *s, rl_supervised *c) {
  if (c->line >= 0) s->close_line(s, c->line);
  if (s->serving == c) s->serving = NULL;
  if (s->next == c) s->next = NULL;
  c->pid = 0;
}

/* Returns the new child, or NULL after it has logged why there is none. */
static rl_supervised *start(rl_supervisor *s, bool from_disk) {
  rl_supervised *c = free_place(s);
  int code = EAGAIN;
  if (c) {
    *c = (rl_supervised){.line = -1, .since_ms = s->now_ms(s)};
    code = s->start(s, from_disk, &c->pid, &c->line);
    if (!code) return c;
    c->pid = 0;
  }
  rl_logf(RL_LOG_ERROR, "supervisor: cannot start %s: %s", from_disk ? rl_self_binary() : rl_self_image(),
          c ? strerror(code) : "too many workers are still draining");
  return NULL;
}

/* Tells it to drain and end; sets when it is killed if it has not by then. */
static void dismiss(rl_supervisor *s, rl_supervised *c, int number) {
  if (number) s->kill(s, c->pid, number);
  if (!c->kill_ms) c->kill_ms = s->now_ms(s) + 2 * (uint64_t)s->timeout_ms + RL_LIMIT_STOP_EXTRA_MS;
}

/* ---- restarting ------------------------------------------------------------------------------------------------------- */

/* Returns 0 for the first that died young, then 50 ms, 100 ms … up to the limit. */
static uint64_t pause_ms(unsigned young) {
  if (!young) return 0;
  uint64_t pause = (uint64_t)RL_LIMIT_RESTART_FIRST_MS << (young - 1 < 16 ? young - 1 : 16);
  return pause < RL_LIMIT_RESTART_MOST_MS ? pause : RL_LIMIT_RESTART_MOST_MS;
}

static void serve_again(rl_supervisor *s) {
  s->start_ms = 0;
  s->serving = start(s, false);
  if (!s->serving) s->start_ms = s->now_ms(s) + pause_ms(++s->young);
}

static bool died_young(rl_supervisor *s, const rl_supervised *c) {
  return !c->ready_ms || s->now_ms(s) - c->ready_ms < RL_LIMIT_RESTART_YOUNG_MS;
}

/* Writes "signal SIGSEGV" or "status 1" as fields of the log; returns how many. `name` must outlive them. */
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

static void say_end(rl_supervisor *s, rl_log_level level, const char *message, const rl_supervised *c, int status) {
  char name[32];
  rl_log_field fields[5] = {RL_LOG_NUMBER_FIELD("pid", c->pid)};
  unsigned count = 1 + describe_end(status, name, fields + 1);
  fields[count++] = RL_LOG_NUMBER_FIELD("lived_ms", (int64_t)(s->now_ms(s) - c->since_ms));
  if (c->place[0]) fields[count++] = RL_LOG_TEXT_FIELD("at", rl_slice_str(c->place));
  rl_log(level, rl_slice_str(message), fields, count);
}

static int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

static void on_serving_died(rl_supervisor *s, const rl_supervised *c, int status) {
  if (!s->ever_ready) {
    say_end(s, RL_LOG_ERROR, "supervisor: the program did not start", c, status);
    s->status = exit_status(status);
    s->over = true;
    return;
  }
  say_end(s, RL_LOG_ERROR, "supervisor: the worker died", c, status);
  if (!died_young(s, c)) s->young = 0;
  uint64_t pause = pause_ms(s->young++);
  if (pause)
    rl_logf(RL_LOG_WARN, "supervisor: it died soon after its start, the next one starts in %llu ms",
            (unsigned long long)pause);
  s->start_ms = s->now_ms(s) + pause;
}

void rl_supervisor_ended(rl_supervisor *s, rl_supervised *c, int status) {
  rl_supervised was = *c;
  bool served = s->serving == c, was_next = s->next == c;
  forget(s, c);
  if (s->stopping) {
    bool at_once = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM; /* it had not begun to handle signals */
    if (served && !s->status && !at_once) s->status = exit_status(status);
    return;
  }
  if (served) on_serving_died(s, &was, status);
  else if (was_next)
    say_end(s, RL_LOG_ERROR, "supervisor: the new binary did not start, the old one goes on", &was, status);
  else if (exit_status(status))
    say_end(s, RL_LOG_WARN, "supervisor: the previous worker failed at its end", &was, status);
}

static void upgrade(rl_supervisor *s) {
  if (s->stopping) return;
  if (s->next) {
    rl_logf(RL_LOG_WARN, "supervisor: the new binary that was still starting is ended and started again");
    dismiss(s, s->next, SIGTERM);
  }
  rl_logf(RL_LOG_INFO, "supervisor: starting %s", rl_self_binary());
  s->next = start(s, true);
  if (!s->next) rl_logf(RL_LOG_ERROR, "supervisor: the old binary goes on");
}

static void replace(rl_supervisor *s, bool same_version) {
  rl_supervised *before = s->serving;
  s->serving = s->next;
  s->next = NULL;
  s->start_ms = s->young = 0;
  rl_logf(RL_LOG_INFO, "supervisor: the new binary serves, as pid %d", (int)s->serving->pid);
  if (before) dismiss(s, before, SIGTERM);
  if (same_version) s->become(s);
}

/* ---- what children say -------------------------------------------------------------------------------------------------- */

static void on_ready(rl_supervisor *s, rl_supervised *c, const char *version) {
  bool first = !s->ever_ready;
  c->ready_ms = s->now_ms(s);
  if (s->stopping || c->kill_ms) return;
  s->ever_ready = true;
  if (first) s->notify(s, "READY=1");
  if (c == s->next) replace(s, atoi(version) == RL_HANDOVER_VERSION);
}

/* Somebody else told the worker to stop. Starts the next one without waiting until it has drained. */
static void on_leaving(rl_supervisor *s, rl_supervised *c) {
  if (s->stopping || c != s->serving || !c->ready_ms) return;
  rl_logf(RL_LOG_INFO, "supervisor: worker %d was told to stop, the next one starts", (int)c->pid);
  dismiss(s, c, 0);
  serve_again(s);
}

static void on_word(rl_supervisor *s, rl_supervised *c, const char *word) {
  if (strncmp(word, "ready ", 6) == 0) on_ready(s, c, word + 6);
  else if (strcmp(word, "leaving") == 0) on_leaving(s, c);
  else if (strncmp(word, "at ", 3) == 0) snprintf(c->place, sizeof c->place, "%s", word + 3);
}

static void take_words(rl_supervisor *s, rl_supervised *c) {
  char *start = c->heard, *end;
  while ((end = memchr(start, '\n', (size_t)(c->heard + c->heard_len - start)))) {
    char word[RL_SUPERVISOR_WORD];
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

void rl_supervisor_hear(rl_supervisor *s, rl_supervised *c, const char *bytes, size_t len) {
  if (!len) {
    s->close_line(s, c->line);
    c->line = -1;
  }
  while (len && c->pid) {
    size_t room = sizeof c->heard - c->heard_len, n = len < room ? len : room;
    memcpy(c->heard + c->heard_len, bytes, n);
    c->heard_len += n;
    bytes += n;
    len -= n;
    take_words(s, c);
  }
}

/* ---- signals ---------------------------------------------------------------------------------------------------------- */

void rl_supervisor_tell_all(rl_supervisor *s, int number) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) s->kill(s, s->children[i].pid, number);
}

/* Closes the sockets first, so that connections that no worker takes any more are refused at once. */
static void stop(rl_supervisor *s, int number) {
  if (s->stopping) {
    s->status = 128 + number;
    rl_supervisor_tell_all(s, SIGKILL);
    return;
  }
  s->stopping = true;
  s->start_ms = 0;
  s->notify(s, "STOPPING=1");
  s->refuse(s);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid) dismiss(s, &s->children[i], SIGTERM);
}

void rl_supervisor_signal(rl_supervisor *s, int number, bool group) {
  switch (number) {
    case SIGTERM:
    case SIGINT: stop(s, number); return;
    case SIGUSR2: upgrade(s); return;
    case SIGHUP:
      if (s->serving && !group) s->kill(s, s->serving->pid, number);
      if (s->next && !group) s->kill(s, s->next->pid, number);
      return;
    case SIGUSR1: rl_supervisor_tell_all(s, number); return;
    default: return; /* any other signal would have ended us; SIGCHLD only wakes the loop, which reaps in each turn */
  }
}

/* ---- the clock -------------------------------------------------------------------------------------------------------- */

void rl_supervisor_tick(rl_supervisor *s) {
  uint64_t now = s->now_ms(s);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++) {
    rl_supervised *c = &s->children[i];
    if (!c->pid || !c->kill_ms || now < c->kill_ms) continue;
    rl_logf(RL_LOG_ERROR, "supervisor: worker %d has not stopped in time and is killed", (int)c->pid);
    s->kill(s, c->pid, SIGKILL);
    c->kill_ms = now + RL_SUPERVISOR_KILLED_MS;
  }
  if (s->start_ms && now >= s->start_ms) serve_again(s);
  if (s->stopping && !any_child(s)) s->over = true;
}

int rl_supervisor_wait_ms(rl_supervisor *s) {
  uint64_t next = s->start_ms, now = s->now_ms(s);
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++)
    if (s->children[i].pid && s->children[i].kill_ms && (!next || s->children[i].kill_ms < next))
      next = s->children[i].kill_ms;
  if (!next) return -1;
  uint64_t left = next > now ? next - now : 0;
  return left < 60000 ? (int)left : 60000;
}

/* ---- from start to end -------------------------------------------------------------------------------------------------- */

void rl_supervisor_start(rl_supervisor *s) {
  if (!s->serving) s->serving = start(s, false);
  if (!s->serving) s->over = true, s->status = 1;
}

void rl_supervisor_adopt(rl_supervisor *s, const struct rl_handed_child *from) {
  rl_supervised *c = free_place(s);
  if (!c) return;
  *c = (rl_supervised){.pid = from->pid, .line = from->line, .since_ms = from->since_ms, .ready_ms = s->now_ms(s)};
  if (from->serves) s->serving = c;
  else dismiss(s, c, 0);
}

void rl_supervisor_hand_over(const rl_supervisor *s, rl_handover *h) {
  for (int i = 0; i < RL_HANDOVER_CHILDREN; i++) {
    const rl_supervised *c = &s->children[i];
    if (c->pid && c->line >= 0)
      h->children[h->child_count++] = (struct rl_handed_child){c->pid, c->line, c == s->serving, c->since_ms};
  }
}
