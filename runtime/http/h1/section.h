/*
 * A section: a head, or trailers, while its bytes arrive.
 *
 *   piece, piece, piece  --rl_section_open-->  all of it so far, in one buffer  --head.h-->  its lines
 *
 * A section that comes whole in one piece is not copied. Owns the bytes it has gathered.
 */
#ifndef RL_HTTP_H1_SECTION_H
#define RL_HTTP_H1_SECTION_H

#include "base/buf.h"
#include "http/h1/head.h"

typedef struct rl_section {
  rl_buf gathered;
  rl_head_scan scan;
  size_t before; /* bytes that had been gathered when it was opened */
} rl_section;

/* `most`: so many bytes are gathered at the most. */
void rl_section_init(rl_section *section, size_t most);
void rl_section_free(rl_section *section);
/* The next section begins. */
void rl_section_reset(rl_section *section, rl_head_kind kind);

/* Sets `all` to the bytes of the section so far, and those of `in`; borrowed until the next call. 0 or the buffer's error. */
int rl_section_open(rl_section *section, rl_slice in, rl_slice *all);
/* More bytes are needed: keeps all of `in`. 0 or the buffer's error. */
int rl_section_wait(rl_section *section, rl_slice *in);
/* The section ends after `end` bytes of `all`: takes them off `in`. */
void rl_section_close(rl_section *section, rl_slice *in, size_t end);

/* All of that for a whole section. Returns 1: `out` is the section, without an empty line in front, borrowed until the next
 * call; 0: more bytes are needed, `in` is used up; -1: `fault` is set. */
int rl_section_next(rl_section *section, rl_slice *in, const rl_limits *limits, rl_slice *out, rl_fault *fault);
/* Returns true if no byte of the section has come. */
static inline bool rl_section_is_empty(const rl_section *section) { return !section->gathered.len; }

#endif
