/*
 * Where to listen and who has come: socket addresses as text, and text as listening sockets.
 */
#ifndef RL_NET_ADDRESS_H
#define RL_NET_ADDRESS_H

#include <sys/socket.h>

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
 * it to the others before it listens (BLUEPRINT section 2). */
int rl_listen_tcp(const char *host, int port, bool share, int *fds, int max, rl_buf *why);
/* A socket file with mode 0660; a stale one (nobody answers) is replaced, a live one is an error. */
int rl_listen_unix(const char *path, int *fd, rl_buf *why);
/* Descriptors handed over by systemd (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)): 0 where there are none for us,
 * RL_EINVALID with a line in `why` where one is not a listening socket. */
int rl_listen_inherited(int *fds, int max, rl_buf *why);
/* The port that a TCP socket stands on, listening or connected, or 0. */
int rl_listen_port(int fd);

#endif
