/*
 * SQL values as they cross rooms and threads, whatever engine they come from. An engine turns its own types into these five.
 */
#ifndef RL_DATA_VALUE_H
#define RL_DATA_VALUE_H

#include <stdint.h>

#include "base/slice.h"

typedef enum rl_value_type {
  RL_VALUE_NULL,
  RL_VALUE_INTEGER,
  RL_VALUE_REAL,
  RL_VALUE_TEXT,
  RL_VALUE_BLOB
} rl_value_type;

typedef struct rl_value {
  rl_value_type type;
  union { /* by type */
    int64_t integer;
    double real;
    rl_slice bytes; /* of TEXT and BLOB; borrowed unless said otherwise */
  };
} rl_value;

static inline bool rl_value_has_bytes(const rl_value *value) { return value->type >= RL_VALUE_TEXT; }

/* Parameters of a statement: items for `?`, or, if `names` is not NULL, values for :names. */
typedef struct rl_sql_params {
  const rl_value *values;
  const rl_slice *names; /* without ':' */
  int count;
  int unnamed;  /* of names: so many values at the end have none, and are for the `?` */
  bool is_list; /* the values are the items of one table, for what an error says */
} rl_sql_params;

#endif
