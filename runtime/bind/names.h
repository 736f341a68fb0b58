/*
 * Raises helpful errors for an unknown name and for a wrong argument. lua/rille/names.lua knows all signatures and words the
 * message. The C side finds the caller and the arguments.
 *
 *   req.parms            __index, nothing found -> rl_unknown -> names.unknown("req", "parms") -> raised at the program's line
 *   rille.html(nil)      luaL_check…            -> rl_argument_type -> names.argument(…)       -> raised at the program's line
 *
 * Neither costs anything if there is no mistake. The macros below replace luaL_check… by functions that differ from Lua's
 * only in their messages.
 */
#ifndef RL_BIND_NAMES_H
#define RL_BIND_NAMES_H

#include "vm/vm.h"

/* Is called by an __index function that has not found the key at index `key`. Raises if a line of the program asks. Pushes nil and
 * returns 1 if our Lua library, a C function or an installed module asks, or if the name begins with "__" (a metamethod). `what`
 * is a name of lua/rille/names.lua, such as "req". */
int rl_unknown(lua_State *L, const char *what, int key);

/* Raise "rille.html(s, status): s is a string, got nil". `why` or `type` says what was expected. */
int rl_argument_error(lua_State *L, int arg, const char *why) RL_RAISES;
int rl_argument_type(lua_State *L, int arg, const char *type) RL_RAISES;

/* Do as the functions of lauxlib that are named in the macros below. */
const char *rl_argument_string(lua_State *L, int arg, size_t *len);
const char *rl_argument_optional_string(lua_State *L, int arg, const char *otherwise, size_t *len);
lua_Integer rl_argument_integer(lua_State *L, int arg);
lua_Integer rl_argument_optional_integer(lua_State *L, int arg, lua_Integer otherwise);
lua_Number rl_argument_number(lua_State *L, int arg);
lua_Number rl_argument_optional_number(lua_State *L, int arg, lua_Number otherwise);
void rl_argument_is(lua_State *L, int arg, int type);
void rl_argument_any(lua_State *L, int arg);
void *rl_argument_userdata(lua_State *L, int arg, const char *type);

#ifndef RL_ARGUMENTS_AS_LUA /* defined by files that replace functions of Lua's library and keep Lua's messages */
#define luaL_argerror rl_argument_error
#define luaL_typeerror rl_argument_type
#define luaL_checklstring rl_argument_string
#define luaL_optlstring rl_argument_optional_string
#define luaL_checkinteger rl_argument_integer
#define luaL_optinteger rl_argument_optional_integer
#define luaL_checknumber rl_argument_number
#define luaL_optnumber rl_argument_optional_number
#define luaL_checktype rl_argument_is
#define luaL_checkany rl_argument_any
#define luaL_checkudata rl_argument_userdata
#endif

/* Adds `unknown` to the table on top of the stack. */
void rl_bind_names(lua_State *L);

#endif
