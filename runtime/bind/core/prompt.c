/*
 * Reads lines that a person types, for `rille console`. It uses libedit's callback interface, fed by the loop, so that timers
 * and tasks of the program go on meanwhile.
 *
 *   read(prompt): the task waits --key--> libedit --return--> the line wakes it
 *   Ctrl-C:       gives an empty line while typing; cancels the evaluation while one runs
 *
 * There is one prompt for the process, because libedit's state is global.
 */
#include <editline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/main.h"
#include "base/error.h"
#include "base/shared_object.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "loop/stop.h"
#include "vm/task/heartbeat.h"

static struct {
  lua_State *L; /* the state's main thread: completions run on it */
  uv_poll_t poll;
  bool open, typing;
  rl_waker waiting;
  rl_task_handle *evaluating;
  char *line;
  bool ended; /* no more input */
  struct termios terminal;
  const char *history;
} prompt;

/* ---- libedit ---------------------------------------------------------------------------------------------------------- */

/* Its functions, and its variables. */
#define NAMES(X)                        \
  X(rl_callback_handler_install)        \
  X(rl_callback_handler_remove)         \
  X(rl_callback_read_char)              \
  X(rl_completion_matches)              \
  X(rl_initialize)                      \
  X(add_history)                        \
  X(read_history)                       \
  X(stifle_history)                     \
  X(using_history)                      \
  X(write_history)                      \
  X(rl_attempted_completion_function)   \
  X(rl_attempted_completion_over)       \
  X(rl_completer_word_break_characters) \
  X(rl_completion_append_character)     \
  X(rl_readline_name)

static struct {
#define X(name) __typeof__(name) *name;
  NAMES(X)
#undef X
} edit;

static bool load_edit(void) {
#define X(name) #name,
  static const char *const names[] = {NAMES(X)};
#undef X
  static rl_shared_object library = {.file = "libedit.so.2",
                                     .title = "libedit",
                                     .package = "libedit2",
                                     .names = names,
                                     .count = sizeof names / sizeof *names,
                                     .table = &edit};
  const char *ignored;
  return rl_shared_object_load(&library, &ignored) == RL_OK;
}

/* ---- typing ----------------------------------------------------------------------------------------------------------- */

static void stop_typing(void) {
  if (!prompt.typing) return;
  prompt.typing = false;
  edit.rl_callback_handler_remove();
  uv_poll_stop(&prompt.poll);
}

static void finish_line(char *line, bool ended) {
  stop_typing();
  prompt.line = line;
  prompt.ended = ended;
  rl_task_wake(&prompt.waiting);
}

static void on_line(char *line) { finish_line(line, !line); }

static void on_key(uv_poll_t *poll, int status, int ready) {
  (void)poll, (void)status, (void)ready;
  edit.rl_callback_read_char();
}

static bool undo_read(rl_task *task, void *ud) {
  (void)task, (void)ud;
  prompt.waiting.task = NULL;
  stop_typing();
  return true;
}

static void drop_line(void) {
  free(prompt.line);
  prompt.line = NULL;
}

static int read_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  if (prompt.ended) return 0;
  lua_pushstring(L, prompt.line ? prompt.line : "");
  drop_line();
  return 1;
}

/* prompt_read(prompt) -> a line, or nil at the end of input */
static int l_read(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  prompt.waiting = rl_task_waker(rl_task_may_wait(L, "a line"));
  drop_line();
  prompt.ended = false;
  prompt.typing = true;
  edit.rl_callback_handler_install(text, on_line);
  uv_poll_start(&prompt.poll, UV_READABLE, on_key);
  return rl_task_wait(L, "a line", undo_read, NULL, read_k, 0);
}

/* ---- completion -------------------------------------------------------------------------------------------------------------- */

static const char complete_key = 0; /* registry: the function that completes */

/* Runs protected. Stack: the text (light userdata), the number. */
static int ask_candidate(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &complete_key);
  lua_pushstring(L, lua_touserdata(L, 1));
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

/* Returns the next completion of `text`, or NULL after the last. libedit calls it with `state` 0 for the first, and frees the
 * result. */
static char *next_candidate(const char *text, int state) {
  static lua_Integer at;
  lua_State *L = prompt.L;
  int top = lua_gettop(L);
  char *copy = NULL;
  if (state == 0) at = 0;
  lua_pushcfunction(L, ask_candidate);
  lua_pushlightuserdata(L, (void *)(uintptr_t)text);
  lua_pushinteger(L, ++at);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) copy = strdup(lua_tostring(L, -1));
  lua_settop(L, top);
  return copy;
}

static char **complete(const char *text, int start, int end) {
  (void)start, (void)end;
  *edit.rl_attempted_completion_over = 1; /* no file names */
  *edit.rl_completion_append_character = 0;
  return edit.rl_completion_matches(text, next_candidate);
}

/* ---- Ctrl-C -------------------------------------------------------------------------------------------------------------------- */

/* Sets the task that Ctrl-C cancels; NULL: none, and a pending interrupt is served. */
static void set_evaluating(rl_vm *vm, rl_task_handle *task) {
  prompt.evaluating = task;
  if (!task) rl_stop_interrupt_served();
  if (prompt.open) rl_heartbeat_until(vm, RL_HEARTBEAT_NEVER, &(rl_late){task, RL_ECANCELLED, "interrupted"});
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */

/* Handles Ctrl-C on the loop, so the evaluation, if there is one, waits for something. Code that computes is interrupted by the
 * heartbeat instead. */
static bool on_interrupt(rl_main *main) {
  (void)main;
  if (!rl_stop_interrupted()) return true;
  if (prompt.evaluating &&
      prompt.evaluating->task) { /* served when it has ended; until then a second Ctrl-C ends the process */
    rl_task_cancel(prompt.evaluating->task, RL_ECANCELLED, "interrupted");
    return true;
  }
  rl_stop_interrupt_served();
  if (prompt.waiting.task) {
    ssize_t ignored = write(STDOUT_FILENO, "\n", 1);
    (void)ignored;
    finish_line(NULL, false);
  }
  return true;
}

/* Runs in a signal handler. */
static void restore_terminal(void) { tcsetattr(STDIN_FILENO, TCSANOW, &prompt.terminal); }

/* prompt_open(complete, history): complete(text, i) -> the i-th candidate or nil; whether a person is there, and libedit */
static int l_open(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  const char *history = luaL_checkstring(L, 2);
  rl_vm *vm = rl_vm_of(L);
  if (!isatty(STDIN_FILENO) || !load_edit() || uv_poll_init(&vm->loop->uv, &prompt.poll, STDIN_FILENO)) return 0;
  prompt.L = vm->L;
  prompt.open = true;
  prompt.history = strdup(history);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &complete_key);
  *edit.rl_readline_name = "rille";
  edit.rl_initialize();
  edit.using_history();
  edit.stifle_history(1000);
  edit.read_history(prompt.history);
  *edit.rl_attempted_completion_function = complete;
  *edit.rl_completer_word_break_characters = " \t\n\"'(){}[],;=+-*/<>~#%^&|";
  rl_main_of(L)->on_interrupt = on_interrupt;
  tcgetattr(STDIN_FILENO, &prompt.terminal);
  rl_stop_take_interrupts(true, restore_terminal);
  set_evaluating(vm, NULL);
  lua_pushboolean(L, 1);
  return 1;
}

/* prompt_remember(line) */
static int l_remember(lua_State *L) {
  if (!prompt.open) return 0;
  edit.add_history(luaL_checkstring(L, 1));
  edit.write_history(prompt.history);
  return 0;
}

/* prompt_evaluates(boolean): true: Ctrl-C cancels the running task from now on; false: it has ended */
static int l_evaluates(lua_State *L) {
  set_evaluating(rl_vm_of(L), lua_toboolean(L, 1) ? rl_task_running(L)->handle : NULL);
  return 0;
}

/* prompt_close() */
static int l_close(lua_State *L) {
  if (!prompt.open) return 0;
  stop_typing();
  uv_close((uv_handle_t *)&prompt.poll, NULL);
  rl_main_of(L)->on_interrupt = NULL;
  rl_stop_take_interrupts(false, NULL);
  rl_heartbeat_until(rl_vm_of(L), 0, NULL);
  free((void *)(uintptr_t)prompt.history);
  prompt.open = false;
  return 0;
}

static const luaL_Reg functions[] = {{"prompt_open", l_open},         {"prompt_read", l_read},
                                     {"prompt_remember", l_remember}, {"prompt_evaluates", l_evaluates},
                                     {"prompt_close", l_close},       {NULL, NULL}};

void rl_bind_prompt(lua_State *L) { luaL_setfuncs(L, functions, 0); }
