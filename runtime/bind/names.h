/*
 * What a program is told that names something which is not there, or passes what does not fit. The words are made in Lua
 * (lua/rille/names.lua), which knows the signature of everything; here is who asks, where, and with what.
 *
 *   req.parms            __index, nothing found -> rl_unknown -> names.unknown("req", "parms") -> raised at the program's line
 *   rille.html(nil)      luaL_check…            -> rl_argument_refuse -> names.argument(…)     -> raised at the program's line
 *
 * Neither costs anything where there is no mistake. luaL_check… below are Lua's own but for what they say.
 */
#ifndef RL_BIND_NAMES_H
#define RL_BIND_NAMES_H

#include "vm/vm.h"

/* In an __index function that runs: a key was not found. Raises where the program asks; pushes nil where somebody else does:
 * the library itself, C (pairs, rawequal …), or a module that was installed and looks for what a value has. Names that begin
 * with "__" are metamethods that are looked for. Returns 1. `what`: "req", a name of lua/rille/names.lua. */
int rl_unknown(lua_State *L, const char *what, int key);

/* Raises "rille.html(s, status): s is a string, got nil"; one of `why` and `type` says what was expected. */
int rl_argument_refuse(lua_State *L, int arg, const char *why, const char *type) RL_RAISES;
int rl_argument_error(lua_State *L, int arg, const char *why) RL_RAISES;
int rl_argument_type(lua_State *L, int arg, const char *type) RL_RAISES;

const char *rl_argument_string(lua_State *L, int arg, size_t *len);
const char *rl_argument_optional_string(lua_State *L, int arg, const char *otherwise, size_t *len);
lua_Integer rl_argument_integer(lua_State *L, int arg);
lua_Integer rl_argument_optional_integer(lua_State *L, int arg, lua_Integer otherwise);
lua_Number rl_argument_number(lua_State *L, int arg);
lua_Number rl_argument_optional_number(lua_State *L, int arg, lua_Number otherwise);
void rl_argument_is(lua_State *L, int arg, int type);
void rl_argument_any(lua_State *L, int arg);
void *rl_argument_userdata(lua_State *L, int arg, const char *type);

#ifndef RL_ARGUMENTS_AS_LUA /* for functions that are in the place of Lua's, and say what Lua says */
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

/* Adds its functions to the table on top of the stack. */
void rl_bind_names(lua_State *L);

#endif
