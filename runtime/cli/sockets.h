/*
 * The sockets that a process listens on, all of them in one place: opened by its own hand, handed over by systemd, or by the
 * rille that started it (handover.h).
 *
 *              address 1   address 2            TCP: a set for each worker, joined by SO_REUSEPORT, so that the kernel spreads
 *   set 1        fd          fd                 connections. Unix and systemd's: one set, which all workers share.
 *   set 2        fd          fd
 *
 * These are the owner's descriptors; each worker gets duplicates. A queue of connections lives as long as one descriptor of
 * its socket is open in any process: that is what makes restarts lose nothing.
 */
#ifndef RL_CLI_SOCKETS_H
#define RL_CLI_SOCKETS_H

#include "cli/options.h"
#include "net/address.h"

enum { RL_SOCKETS_TCP, RL_SOCKETS_UNIX, RL_SOCKETS_SYSTEMD };

typedef struct rl_sockets {
  int *fds; /* set by set */
  int count, addresses;
  int kind;
  char *path;          /* of the unix socket, or NULL */
  rl_socket_file file; /* its file, which goes with us; inode 0: it is another process's to remove */
} rl_sockets;

/* Opens what the options ask for. Those of TCP are bound but do not listen yet. 0, or an error with a line in `why`. */
int rl_sockets_open(rl_sockets *sockets, const rl_options *options, rl_buf *why);
/* Says what to do where `why` is that an address is taken. */
void rl_sockets_explain(rl_buf *why);
/* One more, which was handed over; it is taken. */
void rl_sockets_add(rl_sockets *sockets, int fd);
/* All of them listen from now on. */
int rl_sockets_listen(const rl_sockets *sockets);
/* Duplicates of those that worker `number` (from 1) of `workers` accepts from. Every set has a worker and every worker a set,
 * however many there are of each. Calls `take` with each; it owns it. 0, or RL_EIO where the process is out of descriptors. */
int rl_sockets_share(const rl_sockets *sockets, int number, int workers, void (*take)(void *ud, int fd), void *ud);
/* Closes all; other holders keep the queues. The socket's file stays. */
void rl_sockets_close(rl_sockets *sockets);
/* Removes the file, where it is still ours; frees the struct's memory. */
void rl_sockets_free(rl_sockets *sockets);
/* Writes "http://127.0.0.1:8080", a path, or "2 inherited". */
void rl_sockets_describe(const rl_sockets *sockets, const rl_options *options, char *out, size_t size);
/* Writes the URL of an address: "http://[::1]:8080". */
void rl_sockets_url(const char *host, int port, char *out, size_t size);

#endif
