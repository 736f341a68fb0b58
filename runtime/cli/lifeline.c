/* The thread that waits for the end of the supervisor; see lifeline.h. */
#define _GNU_SOURCE
#include "cli/lifeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

static double patience_s;

static void *watch(void *arg) {
  int line = (int)(intptr_t)arg;
  char byte;
  ssize_t n;
  while ((n = read(line, &byte, 1)) > 0 || (n < 0 && errno == EINTR)) {
  }
  rl_logf(RL_LOG_ERROR, "the supervisor is gone: stopping");
  kill(getpid(), SIGTERM);
  nanosleep(&(struct timespec){.tv_sec = (time_t)patience_s}, NULL);
  kill(getpid(), SIGKILL);
  return NULL;
}

int rl_lifeline_watch(int line, double most_s) {
  pthread_t thread;
  sigset_t all, before;
  patience_s = most_s < 1e6 ? most_s : 1e6;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* leaves signals of the process to the other threads */
  int code = pthread_create(&thread, NULL, watch, (void *)(intptr_t)line);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code) return RL_ENOMEM;
  pthread_setname_np(thread, "rille-lifeline");
  pthread_detach(thread);
  return RL_OK;
}
