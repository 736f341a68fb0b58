/*
 * A directory of files below a prefix: app:static.
 *
 *   GET /assets/css/site.css  ->  css/site.css below the root, or its precompressed sibling, or index.html of a directory
 *
 * The path was decoded once. Refused with the same 404 as what is not there: segments that start with a dot (but for a first
 * one that is ".well-known", RFC 8615), ".", "..", encoded slashes, backslashes, control characters, and whatever leads out of
 * the root (server/file.h).
 *
 * With a fallback, a path that has no file and no extension is answered with that file where the client takes HTML: pages of a
 * program that runs in the browser and makes its own paths. A script or picture that is missing stays a 404.
 */
#ifndef RL_SERVER_STATIC_H
#define RL_SERVER_STATIC_H

#include "base/buf.h"
#include "server/file.h"
#include "server/file_send.h"
#include "server/file_version.h"

typedef struct rl_static {
  rl_directory root;
  bool index;         /* index.html of a directory */
  bool precompressed; /* .br and .gz beside a file */
  bool listing;       /* of a directory without an index */
  bool dotfiles;
  char cache_control[48]; /* "" : not sent */
  char fallback[256];     /* "" : none; a path below the root */
} rl_static;

/* The result of looking a path up. */
typedef struct rl_static_answer {
  int status; /* 200: a file, or a listing; 308: a directory, asked for without its last slash; 404; 503: out of descriptors */
  rl_file file;
  rl_file_options options;
  rl_header headers[5];
  size_t header_count;
  rl_buf listing; /* an HTML page where .data is not NULL; to be freed */
} rl_static_answer;

/* 0 or an error of rl_directory_open. */
int rl_static_init(rl_static *site, const char *directory, rl_file_cache *cache);
void rl_static_free(rl_static *site);
/* Looks `path` up: what follows the prefix and its slash, decoded (rl_req.path; "" is the root itself). */
void rl_static_find(rl_static *site, const rl_req *req, rl_slice path, rl_static_answer *answer);
/* The version of the file at `path` (file_version.h), which is given as for rl_static_find. RL_ENOTFOUND if there is none. */
int rl_static_version(rl_static *site, rl_slice path, char out[RL_FILE_VERSION]);

#endif
