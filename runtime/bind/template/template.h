/*
 * The bindings of rille.native.template: the lexer of templates, and the functions that compiled templates call. The compiler is
 * Lua (lua/rille/template/).
 */
#ifndef RL_BIND_TEMPLATE_TEMPLATE_H
#define RL_BIND_TEMPLATE_TEMPLATE_H

#include "bind/bind.h"

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_page(lua_State *L);
void rl_bind_value(lua_State *L);
void rl_bind_lexer(lua_State *L);
void rl_bind_render(lua_State *L);

#endif
