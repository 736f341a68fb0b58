/* The last words of a process; see crash.h. */
#define _GNU_SOURCE
#include "vm/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm/task/heartbeat.h"
#include "vm/vm.h"

enum { STACK = 64 << 10, C_FRAMES = 48, LUA_FRAMES = 24, LONGEST_S = 5 };

static void (*tell_place)(const char *text);
static volatile sig_atomic_t part;
static _Thread_local void *stack;

/* ---- text, without stdio ---------------------------------------------------------------------------------------------- */

typedef struct line {
  char text[300];
  size_t len;
} line;

static void add(line *l, const char *text) {
  while (*text && l->len < sizeof l->text - 2) l->text[l->len++] = *text++;
  l->text[l->len] = 0;
}

static void add_number(line *l, unsigned long long number, unsigned base) {
  char digits[24], *at = digits + sizeof digits - 1;
  *at = 0;
  do *--at = "0123456789abcdef"[number % base];
  while (number /= base);
  add(l, at);
}

static void say(line *l) {
  l->text[l->len++] = '\n';
  ssize_t ignored = write(STDERR_FILENO, l->text, l->len);
  (void)ignored;
}

static void say_text(const char *text) {
  line l = {.len = 0};
  add(&l, text);
  say(&l);
}

/* ---- the parts -------------------------------------------------------------------------------------------------------- */

static const char *name_of(int number) {
  switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
  }
}

static void say_signal(int number, const siginfo_t *info) {
  line l = {.len = 0};
  add(&l, "rille: ");
  add(&l, name_of(number));
  if (info->si_code > 0 && number != SIGABRT) {
    add(&l, " at address 0x");
    add_number(&l, (unsigned long long)(uintptr_t)info->si_addr, 16);
  }
  add(&l, ", pid ");
  add_number(&l, (unsigned long long)getpid(), 10);
  say(&l);
}

static void add_place(line *l, const lua_Debug *ar) {
  add(l, ar->short_src);
  add(l, ":");
  add_number(l, ar->currentline > 0 ? (unsigned)ar->currentline : 0, 10);
}

static bool is_programs(const lua_Debug *ar) { return *ar->what != 'C' && strncmp(ar->source, "=rille/", 7) != 0; }

static void say_frame(const lua_Debug *ar) {
  line l = {.len = 0};
  add(&l, "    ");
  if (*ar->what == 'C') add(&l, "[C]");
  else add_place(&l, ar);
  if (ar->name) add(&l, " in "), add(&l, ar->name);
  say(&l);
}

static void tell_first(lua_State *L) {
  lua_Debug ar;
  line l = {.len = 0};
  for (int level = 0; level < LUA_FRAMES && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (!is_programs(&ar)) continue;
    add(&l, "at ");
    add_place(&l, &ar);
    add(&l, "\n");
    tell_place(l.text);
    return;
  }
}

static void say_lua(void) {
  lua_State *L = rl_heartbeat_running();
  lua_Debug ar;
  if (!L) return;
  if (tell_place) tell_first(L);
  say_text("  in Lua:");
  for (int level = 0; level < LUA_FRAMES && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "nSl", &ar);
    say_frame(&ar);
  }
}

static void say_c(void) {
  void *frames[C_FRAMES];
  say_text("  in C:");
  backtrace_symbols_fd(frames, backtrace(frames, C_FRAMES), STDERR_FILENO);
}

/* ---- the handler ------------------------------------------------------------------------------------------------------ */

/* A fault inside of a part comes here again, and goes on with the next one. */
static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  if (part == 0) alarm(LONGEST_S); /* whatever hangs here must not keep a dead process alive */
  while (part < 3) {
    int now = part;
    part = now + 1;
    if (now == 0) say_signal(number, info);
    else if (now == 1) say_lua();
    else say_c();
  }
  signal(number, SIG_DFL);
  raise(number);
}

void rl_crash_watch(void) {
  void *frame;
  backtrace(&frame, 1); /* the first one loads a library */
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  sigaction(SIGABRT, &action, NULL);
#ifndef __SANITIZE_ADDRESS__ /* which says more of the others itself */
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
#endif
}

void rl_crash_tell(void (*tell)(const char *text)) { tell_place = tell; }

void rl_crash_watch_thread(void) {
#ifndef __SANITIZE_ADDRESS__ /* which has one of its own */
  stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) stack = NULL;
  else sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK}, NULL);
#endif
}

void rl_crash_forget_thread(void) {
  if (!stack) return;
  sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
  munmap(stack, STACK);
  stack = NULL;
}
