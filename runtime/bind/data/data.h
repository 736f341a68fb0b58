/*
 * Databases.
 */
#ifndef RL_BIND_DATA_DATA_H
#define RL_BIND_DATA_DATA_H

#include "bind/bind.h"

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_session_database(lua_State *L);
void rl_bind_sqlite(lua_State *L);

#endif
