/* malloc with a fault point in front; see alloc.h. */
#include "base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct {
  bool armed, paused;
  long nth, run, count;
} fault;

static bool fails(void) {
  if (!fault.armed || fault.paused) return false;
  fault.count++;
  return fault.count >= fault.nth && fault.count - fault.nth < fault.run;
}

long rl_alloc_fail_run(long nth, long count) {
  long counted = fault.count;
  fault.armed = nth > 0;
  fault.nth = nth;
  fault.run = count;
  fault.count = 0;
  return counted;
}

void rl_alloc_fail_pause(bool paused) { fault.paused = paused; }

long rl_alloc_fail_at(long nth, bool forever) { return rl_alloc_fail_run(nth, forever ? LONG_MAX : 1); }

void *rl_alloc(size_t size) { return fails() ? NULL : malloc(size ? size : 1); }
void *rl_calloc(size_t count, size_t size) { return fails() ? NULL : calloc(count ? count : 1, size ? size : 1); }
void *rl_realloc(void *block, size_t size) { return fails() ? NULL : realloc(block, size ? size : 1); }
void rl_free(void *block) { free(block); }

char *rl_strndup(const char *text, size_t len) {
  char *copy = rl_alloc(len + 1);
  if (!copy) return NULL;
  if (len) memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

void *rl_must_alloc(size_t size) {
  void *block = calloc(1, size ? size : 1);
  if (block) return block;
  fputs("rille: out of memory at start\n", stderr);
  abort();
}

char *rl_must_strdup(const char *text) {
  size_t len = strlen(text);
  char *copy = rl_must_alloc(len + 1);
  memcpy(copy, text, len);
  return copy;
}
