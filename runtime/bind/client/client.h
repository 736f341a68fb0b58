/*
 * What the files of the HTTP client's binding share.
 *
 *   pool userdata ("rille.client_pool")      -> rl_pool, by reference
 *   transfer userdata ("rille.transfer")     the rl_transfer itself; its user values: the location, the body it sends
 *   head userdata ("rille.client_headers")   the fields of a response, copied out of the transfer
 */
#ifndef RL_BIND_CLIENT_CLIENT_H
#define RL_BIND_CLIENT_CLIENT_H

#include "bind/bind.h"
#include "client/transfer.h"

/* Where a transfer keeps the location and the body that it borrows. */
enum { RL_CLIENT_LOCATION = 1, RL_CLIENT_BODY = 2 };

/* A userdata; see bind/client/transfer.c. */
typedef struct rl_client_transfer {
  rl_transfer t; /* first */
  rl_waker waiter;
  bool awaited; /* from the start of a wait until its continuation has run */
  bool owes;    /* bytes were taken off it that have not reached Lua */
  rl_buf whole; /* what transfer:all() has so far */
  char method[24];
} rl_client_transfer;

/* Returns the location at that index. A text there is parsed and replaced by its location, or raises. */
const rl_location *rl_client_location_check(lua_State *L, int index);
/* Pushes the text of the location at that index, which must be one. */
const char *rl_client_location_push_text(lua_State *L, int index);

/* Pushes one that has not started, with the location at that index. `method` is shorter than the field. */
rl_client_transfer *rl_client_transfer_push(lua_State *L, rl_pool *pool, const char *method, int location_index);
/* status, headers, transfer: of the transfer at 1, whose head it waits for. Raises what it failed by. */
int rl_client_transfer_answer(lua_State *L);
/* Raises what the transfer at that index has failed by: {status, code, message, phase, method, url}. */
int rl_client_transfer_raise(lua_State *L, int index) RL_RAISES;

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_client(lua_State *L);
void rl_bind_client_cookie(lua_State *L);
void rl_bind_client_head(lua_State *L);
void rl_bind_client_transfer(lua_State *L);
void rl_bind_client_url(lua_State *L);

/* Pushes the fields of a head as a table-like value (bind/client/head.c). */
void rl_client_head_push(lua_State *L, const rl_response_head *head);

#endif
