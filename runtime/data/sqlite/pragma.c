/* The table of pragma.h. */
#include "data/sqlite/pragma.h"

#include <strings.h>

#define ASKS RL_PRAGMA_ASKS
#define STORED RL_PRAGMA_STORED
#define OWN RL_PRAGMA_CONNECTION
#define REFUSED RL_PRAGMA_REFUSED

static const char reads[] = "it would hold for one connection, and reads use several";
static const char option[] = "it is an option of rille.sqlite.open";
static const char wal[] = "reads beside writes depend on the journal mode WAL";
static const char memory[] =
    "the memory that SQLite uses is not counted, which would take a lock that all threads share";
static const char checkpoints[] = "rille moves pages from the log when it is idle; PRAGMA wal_checkpoint does it now";

static const rl_pragma pragmas[] = {
    {"analysis_limit", OWN, OWN, NULL, NULL},
    {"application_id", ASKS, STORED, NULL, NULL},
    {"auto_vacuum", ASKS, OWN, NULL, NULL},
    {"automatic_index", REFUSED, REFUSED, NULL, reads},
    {"busy_timeout", REFUSED, REFUSED, NULL, option},
    {"cache_size", OWN, OWN, NULL, NULL},
    {"cache_spill", OWN, OWN, NULL, NULL},
    {"case_sensitive_like", REFUSED, REFUSED, NULL, reads},
    {"cell_size_check", OWN, OWN, NULL, NULL},
    {"checkpoint_fullfsync", OWN, OWN, NULL, NULL},
    {"collation_list", ASKS, ASKS, NULL, NULL},
    {"compile_options", ASKS, ASKS, NULL, NULL},
    {"count_changes", REFUSED, REFUSED, NULL, reads},
    {"data_version", ASKS, ASKS, NULL, NULL},
    {"database_list", ASKS, ASKS, NULL, NULL},
    {"default_cache_size", OWN, OWN, NULL, NULL},
    {"defer_foreign_keys", OWN, RL_PRAGMA_INSIDE, NULL, NULL},
    {"empty_result_callbacks", REFUSED, REFUSED, NULL, reads},
    {"encoding", ASKS, OWN, NULL, NULL},
    {"foreign_key_check", ASKS, ASKS, NULL, NULL},
    {"foreign_key_list", ASKS, ASKS, NULL, NULL},
    {"foreign_keys", OWN, OWN, NULL, NULL},
    {"freelist_count", ASKS, ASKS, NULL, NULL},
    {"full_column_names", REFUSED, REFUSED, NULL, reads},
    {"fullfsync", OWN, OWN, NULL, NULL},
    {"function_list", ASKS, ASKS, NULL, NULL},
    {"hard_heap_limit", REFUSED, REFUSED, NULL, memory},
    {"ignore_check_constraints", OWN, OWN, NULL, NULL},
    {"incremental_vacuum", OWN, OWN, NULL, NULL},
    {"index_info", ASKS, ASKS, NULL, NULL},
    {"index_list", ASKS, ASKS, NULL, NULL},
    {"index_xinfo", ASKS, ASKS, NULL, NULL},
    {"integrity_check", ASKS, ASKS, NULL, NULL},
    {"journal_mode", OWN, OWN, "wal", wal},
    {"journal_size_limit", OWN, OWN, NULL, NULL},
    {"legacy_alter_table", OWN, OWN, NULL, NULL},
    {"locking_mode", OWN, OWN, "normal", "nobody could read meanwhile"},
    {"max_page_count", OWN, OWN, NULL, NULL},
    {"mmap_size", OWN, OWN, NULL, NULL},
    {"module_list", ASKS, ASKS, NULL, NULL},
    {"optimize", OWN, OWN, NULL, NULL},
    {"page_count", ASKS, ASKS, NULL, NULL},
    {"page_size", ASKS, OWN, NULL, NULL},
    {"pragma_list", ASKS, ASKS, NULL, NULL},
    {"query_only", OWN, REFUSED, NULL, "rille.sqlite.open takes read_only = true"},
    {"quick_check", ASKS, ASKS, NULL, NULL},
    {"read_uncommitted", REFUSED, REFUSED, NULL, reads},
    {"recursive_triggers", OWN, OWN, NULL, NULL},
    {"reverse_unordered_selects", REFUSED, REFUSED, NULL, reads},
    {"schema_version", ASKS, STORED, NULL, NULL},
    {"secure_delete", OWN, OWN, NULL, NULL},
    {"short_column_names", REFUSED, REFUSED, NULL, reads},
    {"shrink_memory", OWN, OWN, NULL, NULL},
    {"soft_heap_limit", REFUSED, REFUSED, NULL, memory},
    {"synchronous", OWN, REFUSED, NULL, option},
    {"table_info", ASKS, ASKS, NULL, NULL},
    {"table_list", ASKS, ASKS, NULL, NULL},
    {"table_xinfo", ASKS, ASKS, NULL, NULL},
    {"temp_store", OWN, OWN, NULL, NULL},
    {"temp_store_directory", OWN, OWN, NULL, NULL},
    {"threads", OWN, OWN, NULL, NULL},
    {"trusted_schema", OWN, REFUSED, NULL, "a schema may use all functions here, for they are SQLite's own"},
    {"user_version", ASKS, STORED, NULL, NULL},
    {"wal_autocheckpoint", OWN, REFUSED, NULL, checkpoints},
    {"wal_checkpoint", OWN, OWN, NULL, NULL},
    {"writable_schema", OWN, REFUSED, NULL, "it can destroy the database"},
};

const rl_pragma *rl_pragma_find(rl_slice name) {
  for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
    if (rl_slice_eq_nocase(rl_slice_str(pragmas[i].name), name)) return &pragmas[i];
  return NULL;
}

rl_pragma_kind rl_pragma_kind_of(const rl_pragma *pragma, const char *value) {
  if (!value) return pragma->asked;
  if (pragma->only && strcasecmp(pragma->only, value) != 0) return RL_PRAGMA_REFUSED;
  return pragma->set;
}
