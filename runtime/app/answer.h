/*
 * Responses as Lua values: a small userdata with the body in a user value. Headers that a program adds stand in a list
 * {name, value, name, value …} that is made when the first is added; they were checked then (bind/http/response.c).
 *
 *   userdata rl_res      user value 1: the body (a string, a stream's function, a file); 2: the list of headers, or nil
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
/* Pushes a response; takes its body, a string or function, from the top of the stack. */
rl_res *rl_res_push(lua_State *L, int status, const char *content_type, int kind);
/* Pushes the list of headers of the response at `index`. */
void rl_res_push_headers(lua_State *L, int index);
/* Appends a header, whose name and value (strings) stand at these indices, to the list on top of the stack. A Location is encoded
 * as a URI reference (RFC 9110 section 10.2.2). */
void rl_res_append_header(lua_State *L, int name_index, int value_index);
/* Adds a header of our own to the response on top of the stack, unchecked. */
void rl_res_add_header(lua_State *L, const char *name, rl_slice value);

/* Who returned something, for messages. */
typedef struct rl_returned {
  const char *who, *label; /* "the handler of", "GET /posts/{id}" */
  int function; /* index of the function, whose file and line are named; or, if it is pushed only when needed: */
  void (*push)(lua_State *L, const void *of);
  const void *of;
} rl_returned;

/* Turns what a handler returned (`count` values on top) into one response on top of the stack. Raises if it is none. */
void rl_res_from_results(lua_State *L, int count, const rl_returned *from);
/* Replaces the function on top of the stack by the program's own, if the library has put something around it (a timeout,
 * converters, a link of a middleware chain). */
void rl_returned_unwrap(lua_State *L);
/* Pushes "app/posts.lua:12: ", where the function is defined, or "" if that is not in the program. Returns it. */
const char *rl_returned_push_place(lua_State *L, const rl_returned *from);
/* Reads a Content-Length: digits that fit 63 bits. Returns false if it is none. */
bool rl_res_read_length(rl_slice value, uint64_t *out);
/* Fills `resp` from the response at `index`. Its slices are borrowed as long as that value stays unchanged; its headers come from
 * `arena`. Returns 0 or RL_ENOMEM. */
int rl_res_fill(lua_State *L, int index, rl_resp *resp, rl_arena *arena);

#endif
