/*
 * A TCP connection to ourselves: a reset is none on a unix socket.
 */
#ifndef CTESTS_SUPPORT_PAIR_H
#define CTESTS_SUPPORT_PAIR_H

/* Both ends, blocking, the caller's. 0 or -1. */
int test_connect_pair(int fds[2]);

#endif
