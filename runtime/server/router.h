/*
 * The router: a radix tree whose edges are whole path segments.
 *
 *   /posts/{id:int}/edit       root -- "posts" -- {int} -- "edit" *
 *   /posts/new                          |
 *   /{page}                             +----- "new" *
 *   /files/{rest:path}         root -- {str} *      root -- "files" -- {path} *
 *
 * The order of registration does not matter: at each segment a literal is tried before a typed parameter, that before
 * {str}, that before {path}, and a branch that leads nowhere is left again. Literal children stand in a hash table, so that
 * ten thousand routes match as fast as ten. Parameters are slices of the path.
 *
 * One path may hold several methods. HEAD is answered by GET if it has no route of its own; a path that exists but not
 * for the method yields the set of those it has.
 */
#ifndef RL_SERVER_ROUTER_H
#define RL_SERVER_ROUTER_H

#include "base/buf.h"
#include "base/limits.h"
#include "http/method.h"

typedef struct rl_router rl_router;

/* Converters with a test of their own; others are registered by name and numbered from RL_CONVERT_CUSTOM. */
typedef enum rl_convert {
  RL_CONVERT_INT,   /* -?digits, within 64 bits */
  RL_CONVERT_UUID,  /* 8-4-4-4-12 hex digits */
  RL_CONVERT_FLOAT, /* -?digits[.digits] */
  RL_CONVERT_SLUG,  /* letters, digits, '-', '_' */
  RL_CONVERT_STR,   /* one segment that is not empty */
  RL_CONVERT_PATH,  /* the rest, slashes and all, not empty; only at the end */
  RL_CONVERT_CUSTOM
} rl_convert;

typedef struct rl_param {
  rl_slice name;  /* lives as long as the router */
  rl_slice value; /* of the path, "%2F" and "%25" still encoded (base/url.h) */
  int convert;
} rl_param;

typedef struct rl_match {
  int route;       /* the id it was added with; -1 if there is none */
  bool known_path; /* there are routes for the path, but not for the method */
  uint32_t allow;  /* then: a bit (1 << rl_method) for each method there is, HEAD and OPTIONS included */
  int scope;       /* the innermost scope whose prefix the path has; 0 if there is none */
  unsigned param_count;
  rl_param params[RL_LIMIT_PATH_PARAMS];
} rl_match;

/* Returns NULL if out of memory. */
rl_router *rl_router_new(void);
void rl_router_del(rl_router *router);

/* Registers a converter before routes use it. `accepts` says whether a segment fits; it must not keep the slice.
 * 0, RL_EEXISTS or RL_ENOMEM. */
int rl_router_converter(rl_router *router, rl_slice name, bool (*accepts)(void *ud, int convert, rl_slice segment),
                        void *ud);
/* Returns true if a segment fits the converter of that name, one of the router's own; true of any other name. */
bool rl_convert_fits(rl_slice name, rl_slice segment);
/* Adds a route. `method` is a name of RL_METHOD_MAP or "*" for any; `pattern` starts with a slash and is copied.
 * 0; RL_EEXISTS (that method and path are taken: *taken is the id of who has it), RL_ESYNTAX, RL_ENOTFOUND (no such
 * converter), RL_ENOMEM; `why` gets a line that says what and where. */
int rl_router_add(rl_router *router, rl_slice method, rl_slice pattern, int id, int *taken, rl_buf *why);
/* Paths at and below `prefix` belong to `scope` (> 0): told on a miss, so that a mounted app can answer it. */
int rl_router_scope(rl_router *router, rl_slice prefix, int scope);

/* Matches a decoded path (rl_req.path). Never fails; allocates nothing. */
void rl_router_match(const rl_router *router, rl_method method, rl_slice path, rl_match *match);

/* "GET, HEAD, POST" of a set; returns the length written (at most size - 1). */
size_t rl_allow_text(uint32_t allow, char *out, size_t size);

#endif
