/* Limits by name; see limits.h. */
#include "base/limits.h"

#include <string.h>

#include "base/error.h"

#define X(type, field, name, standard, ...) .field = (standard),
const rl_limits rl_limits_default = {.body = RL_LIMIT_BODY, RL_LIMITS_MAP(X)};
#undef X

enum { COUNT = 1, SECONDS = 1000 }; /* how many of the stored unit make one of the program's unit */

typedef struct limit {
  const char *name;
  size_t offset, size;
  int unit;
  double least, most;
} limit;

#define X(type, field, name, standard, unit, least, most) \
  {name, offsetof(rl_limits, field), sizeof(type), unit, least, most},
static const limit limits_table[] = {RL_LIMITS_MAP(X)};
#undef X

static const limit *find(const char *name) {
  for (size_t i = 0; i < sizeof limits_table / sizeof *limits_table; i++)
    if (strcmp(limits_table[i].name, name) == 0) return &limits_table[i];
  return NULL;
}

int rl_limits_set(rl_limits *limits, const char *name, double value) {
  const limit *one = find(name);
  if (!one) return RL_ENOTFOUND;
  if (!(value >= one->least && value <= one->most)) return RL_ERANGE;
  uint64_t kept = (uint64_t)(value * one->unit);
  const uint32_t narrow = (uint32_t)kept;
  char *to = (char *)limits + one->offset;
  if (one->size == sizeof narrow) memcpy(to, &narrow, sizeof narrow);
  else memcpy(to, &kept, sizeof kept);
  return RL_OK;
}

int rl_limits_range(const char *name, double *least, double *most) {
  const limit *one = find(name);
  if (!one) return RL_ENOTFOUND;
  *least = one->least;
  *most = one->most;
  return RL_OK;
}

const char *rl_limits_name(unsigned number) {
  return number < sizeof limits_table / sizeof *limits_table ? limits_table[number].name : NULL;
}
