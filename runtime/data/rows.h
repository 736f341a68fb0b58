/*
 * A result set, packed into one buffer so that it can travel from the thread that ran the statement to the one that asked.
 *
 *   columns: "id" "title"        row: tag payload  tag payload …       tag = rl_value_type
 *                                integers and reals are 8 bytes, text and blobs a length and their bytes
 */
#ifndef RL_DATA_ROWS_H
#define RL_DATA_ROWS_H

#include "base/buf.h"
#include "data/value.h"

typedef struct rl_rows {
  int columns;
  size_t count;
  rl_buf names; /* each as a length and its bytes */
  rl_buf data;
} rl_rows;

void rl_rows_init(rl_rows *rows);
void rl_rows_free(rl_rows *rows);
/* Appends a column's name, before any row; then values, row by row. 0 or RL_ENOMEM. */
int rl_rows_add_name(rl_rows *rows, rl_slice name);
int rl_rows_add(rl_rows *rows, const rl_value *value);

/* Reading: a cursor over names or values. Slices are borrowed from the rows. */
typedef struct rl_rows_cursor {
  const char *at, *end;
} rl_rows_cursor;

rl_rows_cursor rl_rows_names(const rl_rows *rows);
rl_rows_cursor rl_rows_values(const rl_rows *rows);
rl_slice rl_rows_next_name(rl_rows_cursor *cursor);
rl_value rl_rows_next(rl_rows_cursor *cursor);

#endif
