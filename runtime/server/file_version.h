/*
 * The version of a file: a short digest of what is in it, for URLs that never change their meaning.
 *
 *   static("site.css")  ->  /static/site.css?v=5f0c2b1a9d3e4c77
 *   asked for by the version that it has  ->  Cache-Control: public, max-age=31536000, immutable
 *
 * Only the right version is answered so: during a rolling deployment an old server may be asked for a new page's file, and what
 * it has must not be kept under that name. Digests are remembered by the file's identity; of a file beyond
 * RL_LIMIT_FILE_VERSIONED, its size and time stand for what is in it.
 */
#ifndef RL_SERVER_FILE_VERSION_H
#define RL_SERVER_FILE_VERSION_H

#include "server/file.h"

enum { RL_FILE_VERSION = 16 };

/* Writes RL_FILE_VERSION hex digits, without a NUL. Reads the file if it is not remembered. 0, RL_EIO or RL_ENOMEM. */
int rl_file_version_of(rl_file_cache *cache, const rl_file *file, char out[RL_FILE_VERSION]);
/* Returns true if the query of a request asks for this version: a pair v=…, the first of that name. */
bool rl_file_version_is_asked(rl_slice query, rl_slice *version);

#endif
