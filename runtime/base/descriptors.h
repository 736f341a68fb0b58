/*
 * File descriptors: how many the process may have, a reserve that connections leave alone, and a warning when none are left.
 *
 *   0 ............................................ limit - reserve ........ limit
 *   |  files, databases, connections                |  files and databases   |
 *
 * The kernel gives out the lowest free number. So a number within the reserve means that all below it are in use, and nothing
 * has to be counted. Any thread may call these.
 */
#ifndef RL_BASE_DESCRIPTORS_H
#define RL_BASE_DESCRIPTORS_H

#include <stdbool.h>

/* Raises the soft limit of this process to the hard one. Call once, before there are threads. */
void rl_descriptors_raise(void);
/* Sets the reserve for a server that accepts on so many threads: RL_LIMIT_DESCRIPTORS_SPARE and one for each thread, or
 * half of what is left if that is less. Returns how many connections the rest allows. */
unsigned rl_descriptors_reserve(unsigned acceptors);

unsigned rl_descriptors_limit(void);
/* Returns true if this descriptor is within the reserve: then no further connection may be accepted. */
bool rl_descriptor_is_spare(int fd);
/* Returns true if a connection may be accepted. Asks the kernel by taking a descriptor for a moment. */
bool rl_descriptors_have_room(void);

/* Call after an open failed. Returns RL_ENOFILES if no descriptor is left, which is logged at most once a second; otherwise
 * 0. */
int rl_descriptors_check(void);
/* The same from an errno. Returns RL_ENOFILES for EMFILE and ENFILE, RL_ENOMEM for ENOMEM and ENOBUFS; otherwise 0. */
int rl_descriptors_check_errno(int saved_errno);

#endif
