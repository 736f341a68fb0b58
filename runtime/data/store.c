/* Stores by file, their writer and reader threads; see store.h. */
#include "data/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "data/writer.h"

enum { IDLE_MS = 200 };

typedef struct reader {
  rl_service service;
  rl_connection connection;
  atomic_int waiting; /* operations handed to it that have not come back */
} reader;

struct rl_store {
  rl_store *next; /* in the registry */
  char *path;
  dev_t device;
  ino_t inode;
  unsigned references;
  bool memory, read_only;
  rl_writer writer;
  rl_service service; /* the writer's thread; not there when read-only */
  reader *readers;
  int reader_count;
  atomic_ullong next_transaction, reads;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static rl_store *registry;

/* ---- threads -------------------------------------------------------------------------------------------------------------- */

static rl_store *store_of(rl_service *service) { return RL_CONTAINER(service, rl_store, service); }

static bool more(void *ud, rl_mail_queue *batch) { return rl_service_take_more(ud, batch); }

static void on_batch(rl_service *service, rl_mail_queue *batch) {
  rl_store *store = store_of(service);
  rl_writer_run(&store->writer, batch, more, service);
  rl_writer_checkpoint(&store->writer, false);
}

static void on_idle(rl_service *service) { rl_writer_checkpoint(&store_of(service)->writer, true); }

static void on_read_batch(rl_service *service, rl_mail_queue *batch) {
  reader *r = RL_CONTAINER(service, reader, service);
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(batch));) {
    if (rl_op_begin(op)) rl_run_statement(&r->connection, &op->statements[0], op);
    else op->error.code = RL_ECANCELLED;
    atomic_fetch_sub(&r->waiting, 1);
    rl_op_finish(op);
  }
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

static bool is_memory_path(const char *path) { return strcmp(path, ":memory:") == 0; }

static int open_writer(rl_store *store, const rl_store_options *o, rl_sql_error *error) {
  int code = rl_writer_open(&store->writer, store->path, o->busy_timeout_ms, o->synchronous, error);
  if (code) return code;
  store->service =
      (rl_service){.name = "rille-sql-write", .on_batch = on_batch, .on_idle = on_idle, .idle_ms = IDLE_MS};
  if (rl_service_start(&store->service) == 0) return RL_OK;
  rl_writer_close(&store->writer);
  return rl_sql_refused(error, RL_ENOMEM, "cannot start the writer's thread");
}

static int open_reader(rl_store *store, reader *r, const rl_store_options *o, rl_sql_error *error) {
  int code = rl_connection_open(&r->connection, store->path, SQLITE_OPEN_READONLY, o->busy_timeout_ms, error);
  if (code) return code;
  r->service = (rl_service){.name = "rille-sql-read", .on_batch = on_read_batch};
  if (rl_service_start(&r->service) == 0) return RL_OK;
  rl_connection_close(&r->connection);
  return rl_sql_refused(error, RL_ENOMEM, "cannot start a reader's thread");
}

static void close_threads(rl_store *store, bool writer) {
  while (store->reader_count) {
    reader *r = &store->readers[--store->reader_count];
    rl_service_stop(&r->service);
    rl_connection_close(&r->connection);
  }
  if (!writer) return;
  rl_service_stop(&store->service);
  rl_writer_close(&store->writer);
}

static int open_threads(rl_store *store, const rl_store_options *o, rl_sql_error *error) {
  int code = store->read_only ? RL_OK : open_writer(store, o, error);
  if (code || store->memory) return code;
  int readers = o->readers < 1 ? 1 : o->readers > RL_STORE_READERS_MAX ? RL_STORE_READERS_MAX : o->readers;
  store->readers = rl_calloc((size_t)readers, sizeof *store->readers);
  code = store->readers ? RL_OK : rl_sql_refused(error, RL_ENOMEM, "out of memory");
  for (int i = 0; i < readers && !code; i++) {
    code = open_reader(store, &store->readers[i], o, error);
    if (!code) store->reader_count++;
  }
  if (code) close_threads(store, !store->read_only);
  return code;
}

static void free_store(rl_store *store) {
  rl_free(store->readers);
  rl_free(store->path);
  rl_free(store);
}

static rl_store *find(const char *path) {
  struct stat info;
  if (is_memory_path(path) || stat(path, &info)) return NULL;
  for (rl_store *s = registry; s; s = s->next)
    if (!s->memory && s->device == info.st_dev && s->inode == info.st_ino) return s;
  return NULL;
}

static void identify(rl_store *store) {
  struct stat info;
  if (store->memory || stat(store->path, &info)) return;
  store->device = info.st_dev;
  store->inode = info.st_ino;
}

static rl_store *make(const char *path, const rl_store_options *o, rl_sql_error *error) {
  rl_store *store = rl_calloc(1, sizeof *store);
  char *copy = rl_strndup(path, strlen(path));
  if (!store || !copy) {
    rl_free(copy);
    rl_free(store);
    rl_sql_refused(error, RL_ENOMEM, "out of memory");
    return NULL;
  }
  store->path = copy;
  store->memory = is_memory_path(path);
  store->read_only = o->read_only && !store->memory;
  if (open_threads(store, o, error)) {
    free_store(store);
    return NULL;
  }
  identify(store);
  store->next = registry;
  registry = store;
  return store;
}

rl_store *rl_store_open(const char *path, const rl_store_options *options, rl_sql_error *error) {
  pthread_mutex_lock(&registry_lock);
  rl_store *store = find(path);
  if (store && store->read_only && !options->read_only) {
    rl_sql_refused(error, RL_EINVALID, "%s is open read-only in this process already", path);
    store = NULL;
  } else {
    if (!store) store = make(path, options, error);
    if (store) store->references++;
  }
  pthread_mutex_unlock(&registry_lock);
  return store;
}

static void forget(rl_store *store) {
  rl_store **at = &registry;
  while (*at != store) at = &(*at)->next;
  *at = store->next;
}

void rl_store_close(rl_store *store) {
  pthread_mutex_lock(&registry_lock);
  bool last = --store->references == 0;
  if (last) { /* under the lock: whoever opens the file next finds it closed */
    forget(store);
    close_threads(store, !store->read_only);
    free_store(store);
  }
  pthread_mutex_unlock(&registry_lock);
}

/* ---- operations -------------------------------------------------------------------------------------------------------------- */

void rl_store_refuse(rl_op *op) {
  op->loop->held++;
  rl_sql_refused(&op->error, RL_EINVALID, "the database is open read-only");
  rl_op_finish(op);
}

void rl_store_write(rl_store *store, rl_op *op) {
  if (store->read_only) {
    rl_store_refuse(op);
    return;
  }
  op->loop->held++;
  rl_service_send(&store->service, &op->mail);
}

void rl_store_read(rl_store *store, rl_op *op) {
  if (!store->reader_count) {
    rl_store_write(store, op);
    return;
  }
  reader *best = &store->readers[0];
  for (int i = 1; i < store->reader_count; i++)
    if (atomic_load(&store->readers[i].waiting) < atomic_load(&best->waiting)) best = &store->readers[i];
  atomic_fetch_add(&best->waiting, 1);
  atomic_fetch_add(&store->reads, 1);
  op->loop->held++;
  rl_service_send(&best->service, &op->mail);
}

uint64_t rl_store_new_transaction(rl_store *store) { return atomic_fetch_add(&store->next_transaction, 1) + 1; }

const char *rl_store_path(const rl_store *store) { return store->path; }
bool rl_store_is_memory(const rl_store *store) { return store->memory; }
bool rl_store_is_read_only(const rl_store *store) { return store->read_only; }

rl_store_stats rl_store_get_stats(const rl_store *store) {
  return (rl_store_stats){.writes = atomic_load(&store->writer.writes),
                          .groups = atomic_load(&store->writer.groups),
                          .checkpoints = atomic_load(&store->writer.checkpoints),
                          .reads = atomic_load(&store->reads)};
}
