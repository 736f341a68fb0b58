/*
 * Prepared statements of one connection, kept by their text, most recently used first. One that is in use is neither found
 * nor thrown out.
 *
 *   text --address--> guess     a program's constant is at the same place each time; its bytes are compared all the same
 *        --hash-----> bucket
 */
#ifndef RL_DATA_SQLITE_CACHE_H
#define RL_DATA_SQLITE_CACHE_H

#include <sqlite3.h>

#include "base/list.h"
#include "data/sqlite/authorizer.h"
#include "data/sqlite/budget.h"
#include "data/value.h"

typedef struct rl_statement rl_statement;

struct rl_statement {
  rl_list node;       /* cache.statements */
  rl_statement *next; /* in its bucket */
  char *sql;
  size_t sql_len;
  uint64_t hash;
  sqlite3_stmt *stmt;
  bool readonly, has_tail; /* has_tail: another statement follows in the text */
  bool in_use, is_short;
  rl_needs needs;
  rl_value *row; /* room for the row under way */
  int row_room;
  int measured;        /* columns of the row whose values were measured; 0: none yet */
  size_t value_size;   /* how far apart the values of a row are; 0: not known to be side by side */
  uint64_t columns_id; /* of its columns' names; 0: none yet */
  int prepared;        /* how many times SQLite had prepared it again by then */
  rl_budget budget;    /* of the inline run under way, … */
  rl_budget *outer;    /* … and of the one around it (a finalizer asked), or NULL */
  bool exact;          /* what the next inline run costs is to be known */
  unsigned elsewhere;  /* so many runs go to a reader thread before one is tried inline again */
  unsigned penalty;    /* what that number was the last time; less with each run that was quick */
};

enum { RL_STATEMENT_BUCKETS = 64, RL_STATEMENT_GUESSES = 64 };

typedef struct rl_statement_cache {
  rl_list statements; /* most recently used first */
  unsigned count;
  rl_statement *buckets[RL_STATEMENT_BUCKETS];
  rl_statement *guesses[RL_STATEMENT_GUESSES]; /* the last one of a text at such an address, or NULL */
} rl_statement_cache;

void rl_statement_cache_init(rl_statement_cache *cache);
/* Finalizes all. */
void rl_statement_cache_free(rl_statement_cache *cache);
/* Returns the statement of a text that nobody uses now, or NULL. */
rl_statement *rl_statement_cache_find(rl_statement_cache *cache, rl_slice sql);
/* Takes a new one, whose text is set; the least recently used makes room. */
void rl_statement_cache_add(rl_statement_cache *cache, rl_statement *statement);
/* Makes it the most recently used. */
void rl_statement_cache_touch(rl_statement_cache *cache, rl_statement *statement);
/* Finalizes it. */
void rl_statement_cache_forget(rl_statement_cache *cache, rl_statement *statement);

#endif
