/*
 * Errors as Lua sees them.
 *
 * An error value is a table {status, code, message, cause, traceback} with a __tostring. Anything else may be raised too
 * (a string, nil) and comes out as it went in. Where it was raised is noted on the failing thread, before it unwinds, by
 * the message handler of vm/task/task.h; so a value that is caught and raised again keeps its first traceback.
 */
#ifndef RL_VM_ERROR_H
#define RL_VM_ERROR_H

#include "vm/vm.h"

/* Pushes an error value for a code of base/error.h; `format` as printf's gives the message (NULL: the code's text). */
void rl_error_push(lua_State *L, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Pushes one with a word and a status of the caller's choice. */
void rl_error_push_word(lua_State *L, const char *word, int status, const char *message);
/* Pushes and raises. */
int rl_error_raise(lua_State *L, int code, const char *format, ...) RL_RAISES __attribute__((format(printf, 3, 4)));
/* Raises a string that begins with the line of the program which called the library, however deep inside it: for what a
 * program must not do. `format` as lua_pushfstring's. */
int rl_error_mistake(lua_State *L, const char *format, ...) RL_RAISES;
/* Whether the value at `index` is one of these tables. */
bool rl_error_is(lua_State *L, int index);
/* Returns true if the value at `index` is one of these tables, with the word of that code. */
bool rl_error_has_code(lua_State *L, int index, int code);
/* The field `status` of an error value, or 500. */
int rl_error_status_at(lua_State *L, int index);

/* Opens the metatable (vm.c calls it once for a state). */
void rl_error_open(lua_State *L);

#endif
