/*
 * Media types by file name. Text types say their charset; what is unknown is application/octet-stream.
 */
#ifndef RL_SERVER_MIME_H
#define RL_SERVER_MIME_H

#include "base/slice.h"

/* A static string. */
const char *rl_mime_type(rl_slice name);

#endif
