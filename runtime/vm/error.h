/*
 * Errors as Lua sees them.
 *
 * An error value is a table {status, code, message, cause, traceback} with a __tostring. A program may raise anything else
 * too (a string, nil), and whoever catches it gets it unchanged. The message handler of vm/task/task.h notes the traceback
 * before the stack unwinds. So a value that is caught and raised again keeps its first traceback.
 */
#ifndef RL_VM_ERROR_H
#define RL_VM_ERROR_H

#include "vm/vm.h"

/* Pushes an error value for a code of base/error.h. `format` is as printf's and makes the message (at most 511 bytes);
 * NULL: the code's own text. */
void rl_error_push(lua_State *L, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Pushes an error value whose code and status the caller chooses. Copies both texts. */
void rl_error_push_word(lua_State *L, const char *word, int status, const char *message);
/* Pushes an error value for a code and raises it. */
int rl_error_raise(lua_State *L, int code, const char *format, ...) RL_RAISES __attribute__((format(printf, 3, 4)));
/* Raises a programmer's mistake: a string that begins with the line of the program that called the library, however deep
 * inside the library this is. `format` is as lua_pushfstring's. */
int rl_error_mistake(lua_State *L, const char *format, ...) RL_RAISES;
/* Returns true if the value at `index` is an error value. */
bool rl_error_is(lua_State *L, int index);
/* Returns true if the value at `index` is an error value with the word of that code. */
bool rl_error_has_code(lua_State *L, int index, int code);

/* Makes the metatable of error values, once for each state. Raises. */
void rl_error_open(lua_State *L);

#endif
