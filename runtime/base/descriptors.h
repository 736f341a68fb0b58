/*
 * File descriptors: how many the process may have, a reserve of them that connections leave alone, and what is said when there
 * are none.
 *
 *   0 ............................................ limit - reserve ........ limit
 *   |  files, databases, connections                |  files and databases   |
 *
 * The kernel gives out the lowest number that is free, so a number within the reserve says that all below it are in use: that
 * is all the counting there is. Any thread may call these.
 */
#ifndef RL_BASE_DESCRIPTORS_H
#define RL_BASE_DESCRIPTORS_H

#include <stdbool.h>

/* Raises the soft limit of this process to the hard one. Once, before there are threads. */
void rl_descriptors_raise(void);
/* Sets the reserve for a server that accepts on so many threads: RL_LIMIT_DESCRIPTORS_SPARE and one for each, or half of what
 * is left where that is less. Returns how many connections the rest allows. */
unsigned rl_descriptors_reserve(unsigned acceptors);

unsigned rl_descriptors_limit(void);
/* Whether a connection on this descriptor has taken from the reserve: none is to be accepted behind it. */
bool rl_descriptor_is_spare(int fd);
/* Whether a connection may be accepted: asked of the kernel, by taking a descriptor for a moment. */
bool rl_descriptors_have_room(void);

/* Something could not be opened. RL_ENOFILES where that is because there is no descriptor left, which the log says once a
 * second at most; else 0. */
int rl_descriptors_check(void);
/* The same from an errno: RL_ENOFILES for EMFILE and ENFILE, RL_ENOMEM for ENOMEM and ENOBUFS; else 0. */
int rl_descriptors_check_errno(int saved_errno);

#endif
