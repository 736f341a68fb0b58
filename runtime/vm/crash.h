/*
 * What a process says when it dies of a fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT): the signal, the lines of Lua that
 * ran on that thread, and the C functions. Then it dies of that signal, as it would have done, core and all.
 *
 * Everything here runs in a signal handler, on memory that may be broken: it allocates nothing, takes no lock, and a fault
 * inside of it goes on with the next part.
 */
#ifndef RL_VM_CRASH_H
#define RL_VM_CRASH_H

/* For the whole process. */
void rl_crash_watch(void);
/* Where the place of the Lua code is told too ("at app/posts.lua:12"), besides stderr; NULL: nowhere. */
void rl_crash_tell(void (*tell)(const char *text));
/* The calling thread gets a stack for its handler: its own may be what has run out. Once for each thread, until the end. */
void rl_crash_watch_thread(void);
/* Before that thread ends. */
void rl_crash_forget_thread(void);

#endif
