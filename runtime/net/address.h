/*
 * Where to listen and who has come: socket addresses as text, and text as listening sockets.
 */
#ifndef RL_NET_ADDRESS_H
#define RL_NET_ADDRESS_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"

enum { RL_ADDRESS_TEXT = 112 }; /* fits any text of rl_address_text: a unix path is the longest */

/* The IP of a socket address ("127.0.0.1", "::1"; an IPv4-mapped one as IPv4), or "" for a unix socket. Always ends with
 * NUL. Returns the port, 0 for a unix socket. */
int rl_address_text(const struct sockaddr *address, char out[RL_ADDRESS_TEXT]);

/*
 * Opens listening sockets. Each fills fds[0..max) and returns how many, or an error with one line for people in `why`.
 * All are non-blocking and close-on-exec; the caller owns them.
 */
/* Every address of `host` at `port`. Port 0 takes a free one, the same for all addresses. `share` joins a port that a
 * socket opened without it listens on already: worker 1 takes the port alone, so that a taken one is an error, and opens
 * it to the others before it listens. */
int rl_listen_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why);
/* The same, but nobody can connect yet. */
int rl_bind_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why);
/* From now on they can. Nothing changes for a socket that listens already. 0 or an error. */
int rl_listen_start(int fd);
/* A socket file with mode 0660. One that a process left behind is replaced; anything else of that name is an error: a file, a
 * link, a socket on which somebody listens. */
int rl_listen_unix(const char *path, int *fd, rl_buf *why);
/* Descriptors handed over by systemd (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)): 0 where there are none for us,
 * RL_EINVALID with a line in `why` where one is not a listening socket, or there are more than `max`. */
int rl_listen_inherited(int *fds, int max, rl_buf *why);
/* Which file a socket's is, so that only that one is removed: another process may have put its own in its place. Inode 0:
 * none. */
typedef struct rl_socket_file {
  dev_t device;
  ino_t inode;
} rl_socket_file;
rl_socket_file rl_socket_file_of(const char *path);
/* After our own socket was closed. */
void rl_socket_file_remove(const char *path, rl_socket_file file);
/* The port that a TCP socket stands on, listening or connected, or 0. */
int rl_listen_port(int fd);

#endif
