/*
 * Codes for values of errno. No errno crosses a function's boundary elsewhere.
 */
#ifndef RL_BASE_OS_ERROR_H
#define RL_BASE_OS_ERROR_H

/* Returns the code for a value of errno: EAGAIN -> RL_EAGAIN, EPIPE and ECONNRESET -> RL_ERESET, ENOSPC -> RL_EFULL, … If
 * descriptors (RL_ENOFILES) or kernel memory have run out, it logs that too (base/descriptors.h). */
int rl_error_from_errno(int saved_errno);

#endif
