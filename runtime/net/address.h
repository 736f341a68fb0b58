/*
 * Socket addresses as text, and listening sockets from text.
 */
#ifndef RL_NET_ADDRESS_H
#define RL_NET_ADDRESS_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"

enum { RL_ADDRESS_TEXT = 112 }; /* fits any text of rl_address_text: a unix path is the longest */

/* Writes the IP of a socket address ("127.0.0.1", "::1"; an IPv4-mapped one as IPv4), or "" for a unix socket, with a NUL.
 * Returns the port, 0 for a unix socket. */
int rl_address_text(const struct sockaddr *address, char out[RL_ADDRESS_TEXT]);

/*
 * Open listening sockets. Each fills fds[0..max) and returns how many, or an error with one line for people in `why`. All are
 * non-blocking and close-on-exec; the caller owns them.
 */
/* Listens on every address of `host` at `port`. Port 0 takes a free one, the same for all addresses. `share` joins a port
 * on which a socket opened without it already listens: worker 1 takes the port alone, so that a taken port is an error, and
 * opens it to the others before it listens. */
int rl_listen_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why);
/* Binds as rl_listen_tcp does, but nobody can connect yet. */
int rl_bind_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why);
/* Makes it listen. Nothing changes if it listens already. Returns 0 or an error. */
int rl_listen_start(int fd);
/* Listens on a socket file with mode 0660. Replaces a stale one, on which nobody listens. Anything else of that name is an error:
 * a file, a link, a socket on which somebody listens. Returns 0 or an error. */
int rl_listen_unix(const char *path, int *fd, rl_buf *why);
/* Takes descriptors handed over by systemd (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)). Returns 0 if there are none for us,
 * RL_EINVALID if one is not a listening socket, or there are more than `max`. */
int rl_listen_inherited(int *fds, int max, rl_buf *why);
/* Identifies the file of a socket, so that only that one is removed: another process may have put its own in its place.
 * Inode 0: none. */
typedef struct rl_socket_file {
  dev_t device;
  ino_t inode;
} rl_socket_file;
rl_socket_file rl_socket_file_of(const char *path);
/* Removes it if it is still ours. Call after the socket was closed. */
void rl_socket_file_remove(const char *path, rl_socket_file file);
/* Returns the port of a TCP socket, listening or connected, or 0. */
int rl_listen_port(int fd);

#endif
