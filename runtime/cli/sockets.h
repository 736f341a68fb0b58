/*
 * All sockets that a process listens on: opened by itself, handed over by systemd, or by the rille that started it
 * (handover.h).
 *
 *              address 1   address 2            TCP: a set for each worker, joined by SO_REUSEPORT, so that the kernel spreads
 *   set 1        fd          fd                 connections. Unix and systemd's: one set, which all workers share.
 *   set 2        fd          fd
 *   role         https       http               what is spoken there, the same in each set
 *
 * These are the owner's descriptors; each worker gets duplicates. A queue of connections lives as long as any process has a
 * descriptor of its socket open, so restarts lose nothing.
 */
#ifndef RL_CLI_SOCKETS_H
#define RL_CLI_SOCKETS_H

#include "cli/options.h"
#include "net/address.h"

enum { RL_SOCKETS_TCP, RL_SOCKETS_UNIX, RL_SOCKETS_SYSTEMD };

typedef struct rl_sockets {
  int *fds;    /* one set after the other */
  char *roles; /* rl_port_role of each address of a set */
  int count, addresses;
  int kind;
  char *path;          /* of the unix socket, or NULL */
  rl_socket_file file; /* its file, removed at the end; inode 0: another process removes it */
} rl_sockets;

/* Opens what the options ask for. TCP sockets are bound but do not listen yet. Returns 0, or an error with a line in `why`. */
int rl_sockets_open(rl_sockets *sockets, const rl_options *options, rl_buf *why);
/* Adds advice if `why` says that an address is taken. */
void rl_sockets_explain(rl_buf *why);
/* Adds one that was handed over, as the last address of the last set; takes it. */
void rl_sockets_add(rl_sockets *sockets, int fd);
/* Sets what is spoken at the addresses of a set, a rl_port_role for each: copied. */
void rl_sockets_set_roles(rl_sockets *sockets, const char *roles, int addresses);
/* Returns true if one of them has this role. */
bool rl_sockets_have(const rl_sockets *sockets, rl_port_role role);
/* Returns true if TLS is spoken at one of them. */
bool rl_sockets_are_secure(const rl_sockets *sockets);
/* Returns the port of the first of those, or 0. */
int rl_sockets_secure_port(const rl_sockets *sockets);
/* Makes all of them listen. Returns 0 or RL_EIO. */
int rl_sockets_listen(const rl_sockets *sockets);
typedef void (*rl_sockets_take)(void *ud, int fd, rl_port_role role);
/* Duplicates the sockets from which worker `number` (from 1) of `workers` accepts. Every set has a worker and every worker
 * a set, however many there are of each. Calls `take` with each descriptor, which it owns. Returns 0, or RL_EIO if the
 * process is out of descriptors. */
int rl_sockets_share(const rl_sockets *sockets, int number, int workers, rl_sockets_take take, void *ud);
/* Closes all; other processes keep the queues. The socket's file stays. */
void rl_sockets_close(rl_sockets *sockets);
/* Closes all, removes the file if it is still ours, and frees the struct's memory. */
void rl_sockets_free(rl_sockets *sockets);
/* Writes "https://127.0.0.1:8443", a path, or "2 inherited": the first address. */
void rl_sockets_describe(const rl_sockets *sockets, const rl_options *options, char *out, size_t size);
/* Writes the URLs of the ports after the first, one of each, with a space between; "" if there is one port. */
void rl_sockets_describe_others(const rl_sockets *sockets, const rl_options *options, char *out, size_t size);
/* Writes the URL of an address: "http://[::1]:8080". */
void rl_sockets_url(rl_port_role role, const char *host, int port, char *out, size_t size);

#endif
