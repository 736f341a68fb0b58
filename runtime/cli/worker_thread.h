/*
 * One worker of rille serve: a loop, a listening worker (server/worker.h) and the generations of its program, on one thread.
 * Worker 1 runs on the main thread, all others on threads of their own.
 *
 *   main thread                                its own thread
 *   start ------------------------------------> loads the program, starts lifespans
 *   on_ready <----------- mail --------------- ready, once
 *   listen ------------- mail ---------------> accepts from the sockets it was given
 *   reload, inspect ---- mail ---------------> loads again (generation.h), logs its tasks
 *   drain -------------- mail ---------------> finishes requests, ends lifespans, settles its loop, ends the thread
 *   on_ended <----------- mail --------------- ended, once; workers 2…N are freed by then
 *
 * The main thread calls every function here and hears every callback. It never waits for a worker inside of a callback, because
 * the worker may wait for a task of worker 1 (a transaction that holds the writer).
 */
#ifndef RL_CLI_WORKER_THREAD_H
#define RL_CLI_WORKER_THREAD_H

#include "cli/generation.h"
#include "cli/options.h"
#include "net/tls/server.h"
#include "server/access_log.h"

enum { RL_WORKER_TLS = 3 };

typedef struct rl_worker_thread rl_worker_thread;

struct rl_worker_thread {
  /* Set by the owner before start; borrowed. */
  const rl_options *options;
  const char *root;
  int number, count;     /* from 1; how many workers there are */
  rl_loop *main_loop;    /* worker 1's, which hears of all others */
  rl_access_log *access; /* NULL: no access log */
  rl_tls_store *store;   /* NULL: no TLS */
  rl_handler *plain;     /* answers on ports with RL_PORT_HTTP; NULL: the program does */
  void (*on_ready)(rl_worker_thread *thread);
  void (*on_ended)(rl_worker_thread *thread);
  void *owner;

  uv_thread_t thread;
  rl_loop loop;
  rl_worker worker;
  rl_generations generations;
  rl_access_writer writer;
  struct rl_given_socket {
    int fd;
    rl_port_role role;
  } * given; /* listening sockets, from the main thread to this one */
  int given_count;
  rl_tls_server *servers[RL_WORKER_TLS]; /* one for each list of protocols that a port of this worker has */
  bool started;                          /* it runs or has run; the main thread's */
  bool ready, draining;                  /* this thread's */
  bool over;                             /* its program has ended */
  bool ended;                            /* its thread has ended too; the main thread's */
  bool stuck; /* a job still runs although nobody waits for it: its memory stays, and the process ends soon */
  int status; /* exit status, valid from on_ended on */
};

/* Runs worker 1 on the calling thread until rl_loop_stop; its loop is initialised. on_ended comes while it still runs. Returns
 * 0, or an error if the program could not be started. */
int rl_worker_thread_run(rl_worker_thread *thread);
/* Starts one of the others on a new thread. Returns 0, or an error if the thread or its loop cannot be had. */
int rl_worker_thread_start(rl_worker_thread *thread);
/* Gives it a listening socket, before listen. Takes the descriptor. */
void rl_worker_thread_add_socket(rl_worker_thread *thread, int fd, rl_port_role role);
/* Each of these sends mail and returns at once. The thread has started and has not ended. */
void rl_worker_thread_listen(rl_worker_thread *thread);
void rl_worker_thread_reload(rl_worker_thread *thread);
void rl_worker_thread_inspect(rl_worker_thread *thread);
void rl_worker_thread_drain(rl_worker_thread *thread);
/* Frees worker 1 after its loop has settled. */
void rl_worker_thread_free(rl_worker_thread *thread);

#endif
