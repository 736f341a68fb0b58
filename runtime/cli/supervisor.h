/*
 * What a supervisor decides: when the next worker starts, who is told to stop, when the parent ends. A state machine without
 * processes, files or clocks; supervise.c carries out what it asks for, and so do tests.
 *
 *   events in                            actions out
 *     start, adopt                         start     a worker, from the image that runs or from the disk
 *     hear         a worker's words        kill      a signal to a worker
 *     ended        what waitpid tells      become    exec the binary that the worker runs
 *     signal       TERM, INT, HUP, USR     refuse    close the sockets
 *     tick         the clock               notify    systemd
 *
 *   starting --"ready"--> serving --died--> pause --> starting        pause: 0, then doubling while workers die young
 *      \--died before any was ever ready--> over, with its status
 *   USR2:  next --"ready"--> serving, the one before is dismissed, become
 *            \--died--> the one before goes on
 *   TERM:  all dismissed; over when the last has ended. A second one kills them.
 *   dismissed: a signal to stop, and SIGKILL when its time is up
 *
 * One thread. Times are milliseconds of a monotonic clock.
 */
#ifndef RL_CLI_SUPERVISOR_H
#define RL_CLI_SUPERVISOR_H

#include "cli/handover.h"

enum { RL_SUPERVISOR_WORD = 256, RL_SUPERVISOR_KILLED_MS = 1000 };

typedef struct rl_supervisor rl_supervisor;

/* A worker process. */
typedef struct rl_supervised {
  pid_t pid;                            /* 0: a free place */
  int line;                             /* -1: it has nothing more to say */
  uint64_t since_ms, ready_ms, kill_ms; /* kill_ms: when it is killed; 0: nobody told it to stop */
  char heard[RL_SUPERVISOR_WORD];       /* the part of a word that has come so far */
  size_t heard_len;
  char place[RL_SUPERVISOR_WORD]; /* where its Lua code was when it crashed, or "" */
} rl_supervised;

struct rl_supervisor {
  /* Set by the owner before start or adopt. */
  uint64_t (*now_ms)(rl_supervisor *s);
  /* Starts a worker: fills pid and line, which the supervisor owns. Returns 0 or an errno. */
  int (*start)(rl_supervisor *s, bool from_disk, pid_t *pid, int *line);
  void (*kill)(rl_supervisor *s, pid_t pid, int number);
  void (*close_line)(rl_supervisor *s, int line);
  void (*become)(rl_supervisor *s); /* returns if that fails */
  void (*refuse)(rl_supervisor *s); /* nobody can connect from now on */
  void (*notify)(rl_supervisor *s, const char *text);
  unsigned timeout_ms; /* --shutdown-timeout */
  void *owner;

  rl_supervised children[RL_HANDOVER_CHILDREN];
  rl_supervised *serving, *next; /* the one that serves or will; the one that is to replace it */
  bool ever_ready, stopping;
  unsigned young;    /* how many in a row died young */
  uint64_t start_ms; /* when the next one starts; 0: none is due */
  bool over;         /* nothing is left to do */
  int status;        /* the exit status: of the worker that was told to stop, 128 + N if signal N ended it */
};

/* Starts the first worker, unless one that serves was adopted. */
void rl_supervisor_start(rl_supervisor *s);
/* Takes over a child of the binary before. One that does not serve is draining and gets its time anew. */
void rl_supervisor_adopt(rl_supervisor *s, const struct rl_handed_child *child);
/* Lists the children that can be handed over, in h->children. */
void rl_supervisor_hand_over(const rl_supervisor *s, rl_handover *h);

/* Bytes from a worker's line; len 0: it has ended, and is closed. A word is a line; one that is too long is dropped. */
void rl_supervisor_hear(rl_supervisor *s, rl_supervised *child, const char *bytes, size_t len);
/* Returns the child with that pid, or NULL; valid until it has ended. */
rl_supervised *rl_supervisor_find(rl_supervisor *s, pid_t pid);
/* A child has ended, with a status of waitpid(2). */
void rl_supervisor_ended(rl_supervisor *s, rl_supervised *child, int status);
/* A signal to the parent. `group`: the kernel sent it to the children too (a terminal). */
void rl_supervisor_signal(rl_supervisor *s, int number, bool group);
/* Does what is due by now. */
void rl_supervisor_tick(rl_supervisor *s);
/* Returns how long nothing is due, at most a minute; -1: no clock runs. */
int rl_supervisor_wait_ms(rl_supervisor *s);
/* Signals every child. */
void rl_supervisor_tell_all(rl_supervisor *s, int number);

#endif
