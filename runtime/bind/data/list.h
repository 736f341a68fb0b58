/*
 * Lists of values as one parameter: rille.list{…} for IN (?).
 *
 *   WHERE id IN (?)  with rille.list {7, 8, 9}   ->   WHERE id IN (?,?,?,?)  with 7, 8, 9, 9
 *   WHERE id IN (?)  with rille.list {}          ->   WHERE id IN (SELECT NULL WHERE 1 = 0)
 *
 * The number of values is rounded up to a power of two, by the last one again, so that lists of all lengths make few texts for
 * the cache of prepared statements. The query without a row makes IN false and NOT IN true, for every engine.
 *
 * A list is a userdata that nobody changes: its values, whose bytes its user value keeps.
 */
#ifndef RL_BIND_DATA_LIST_H
#define RL_BIND_DATA_LIST_H

#include "bind/data/params.h"

/* list(table) -> a parameter */
int rl_make_list(lua_State *L);
/* is_list(value) -> boolean */
int rl_is_list(lua_State *L);

/* Writes the lists among the parameters, which stand from `first` on up to `last`, into the statement: returns its new text and
 * fills in `params` anew. Both are borrowed from values that are pushed. Raises where a list cannot stand; `where` begins the
 * message. */
rl_slice rl_expand_lists(lua_State *L, int first, int last, const char *where, rl_slice sql, rl_lua_params *params);

void rl_bind_list(lua_State *L);

#endif
