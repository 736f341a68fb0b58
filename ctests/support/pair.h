/*
 * A TCP connection to this process, for tests of resets: a unix socket has none.
 */
#ifndef CTESTS_SUPPORT_PAIR_H
#define CTESTS_SUPPORT_PAIR_H

/* Connects a pair of blocking sockets, which the caller closes. Returns 0 or -1. */
int test_connect_pair(int fds[2]);

#endif
