/*
 * Answers to HTTP-01 (RFC 8555 section 8.3): one file for each token, which lua/rille/acme/store.lua puts into a folder and takes
 * away again. They are files, so that every worker and every process on that folder has them: an authority may reach any of them.
 */
#ifndef RL_SERVER_CHALLENGES_H
#define RL_SERVER_CHALLENGES_H

#include "base/buf.h"

enum { RL_CHALLENGE_TOKEN = 512, RL_CHALLENGE_ANSWER = 1024 };

/* Appends the answer for a token, which may be any bytes, from `directory`/challenges. Returns 0, or RL_ENOTFOUND if there is none,
 * or an error. Reads a small file; any thread may call. */
int rl_challenges_find(const char *directory, rl_slice token, rl_buf *answer);

#endif
