/*
 * Codes for values of errno. No errno crosses a function's boundary elsewhere.
 */
#ifndef RL_BASE_OS_ERROR_H
#define RL_BASE_OS_ERROR_H

/* The code for a value of errno: EAGAIN -> RL_EAGAIN, EPIPE and ECONNRESET -> RL_ERESET, ENOSPC -> RL_EFULL, … Whoever runs out
 * of descriptors (RL_ENOFILES) or of the kernel's memory comes by here, so the log is told here (base/descriptors.h). */
int rl_error_from_errno(int saved_errno);

#endif
