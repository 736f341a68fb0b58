/*
 * Responses as Lua values. A response is a small userdata; Lua owns it, its body and its headers.
 *
 *   userdata rl_res      user value 1: the body (a string, a stream's function, a file); 2: the list of headers, or nil
 *
 * Headers that a program adds are in a list {name, value, name, value …}. The list is made when the first one is added.
 * Their names and values were checked at that time (bind/http/response_headers.c).
 */
#ifndef RL_APP_ANSWER_H
#define RL_APP_ANSWER_H

#include "http/response.h"
#include "vm/vm.h"

enum { RL_RES_BYTES, RL_RES_STREAM, RL_RES_FILE };

typedef struct rl_res {
  int status;
  uint8_t kind;
  const char *content_type; /* static, or NULL */
} rl_res;

/* Returns the response at `index`, or NULL if it is none. */
rl_res *rl_res_at(lua_State *L, int index);
/* Pushes a response. Takes its body (a string, a function, a file) from the top of the stack. `content_type` is static, or NULL. */
rl_res *rl_res_push(lua_State *L, int status, const char *content_type, int kind);
/* Pushes the list of headers of the response at `index`. Makes it if there is none. */
void rl_res_push_headers(lua_State *L, int index);
/* Appends a header to the list on top of the stack. Its name and value are strings at these indices. A Location is encoded as a
 * URI reference (RFC 9110 section 10.2.2). */
void rl_res_append_header(lua_State *L, int name_index, int value_index);
/* Adds a header of ours to the response on top of the stack. It is not checked. */
void rl_res_add_header(lua_State *L, const char *name, rl_slice value);

/* Names the function that returned something, for messages. */
typedef struct rl_returned {
  const char *who, *label; /* "the handler of", "GET /posts/{id}" */
  int function;            /* stack index of the function, whose file and line are named; unused if `push` is set */
  void (*push)(lua_State *L, const void *of); /* pushes the function, if it is needed; or NULL */
  const void *of;
} rl_returned;

/* Replaces the `count` values on top of the stack, which a handler returned, by one response. Raises if they are none. */
void rl_res_from_results(lua_State *L, int count, const rl_returned *from);
/* Replaces the function on top of the stack by the program's own, if the library has wrapped it (in a timeout, converters, a
 * link of a middleware chain). */
void rl_returned_unwrap(lua_State *L);
/* Pushes the place where the function is defined ("app/posts.lua:12: "), or "" if that is unknown. Returns it, borrowed. */
const char *rl_returned_push_place(lua_State *L, const rl_returned *from);
/* Reads a Content-Length: digits that fit 63 bits. Returns false if it is none. */
bool rl_res_read_length(rl_slice value, uint64_t *out);
/* Fills `resp` from the response at `index`. Its slices are borrowed as long as that value stays unchanged; its array of headers
 * is in `arena`. Returns 0 or RL_ENOMEM. */
int rl_res_fill(lua_State *L, int index, rl_resp *resp, rl_arena *arena);

#endif
