/*
 * Reports a fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) on stderr: the signal, the Lua frames that ran on that
 * thread, and the C frames. Then the process dies of that signal as usual, with its core dump.
 *
 * The report is written in a signal handler, on memory that may be corrupt. It allocates nothing and takes no lock. If it
 * faults itself, it goes on with the next part.
 */
#ifndef RL_VM_CRASH_H
#define RL_VM_CRASH_H

/* Installs the handlers, once for the whole process. */
void rl_crash_watch(void);
/* Calls `tell` in the handler with the line of the program that ran ("at app/posts.lua:12"), besides writing it to stderr.
 * `tell` must be async-signal-safe. NULL: nobody is told. */
void rl_crash_tell(void (*tell)(const char *text));
/* Gives the calling thread an alternate signal stack, so that a stack overflow can be reported. Once for each thread. */
void rl_crash_watch_thread(void);
/* Frees that stack. Call it before the thread ends. */
void rl_crash_forget_thread(void);

#endif
