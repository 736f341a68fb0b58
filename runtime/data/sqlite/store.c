/* Stores by file, their writer and reader threads; see store.h. */
#include "data/sqlite/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "data/sqlite/batch.h"
#include "data/sqlite/interactive.h"
#include "data/sqlite/recovery.h"
#include "data/sqlite/row_stream.h"
#include "data/sqlite/run.h"

enum { IDLE_MS = 200, READERS = 1 };

typedef struct reader {
  rl_service service;
  rl_connection connection;
  rl_row_stream_home streams;
  atomic_int waiting; /* operations handed to it that have not come back */
} reader;

struct rl_store {
  rl_store *next; /* in the registry */
  char *path;
  dev_t device;
  ino_t inode;
  unsigned references;
  bool memory, read_only;
  int readers, queue; /* as it was opened, to compare with a second open */
  char synchronous[8];
  rl_write_queue writes;
  rl_writer writer;
  rl_service service; /* the writer's thread; not there when read-only */
  rl_mail bell;       /* all that the thread is sent: it wakes, and looks into the queue */
  reader *threads;
  int reader_count;
  atomic_ullong next_transaction, reads;
  atomic_bool closing; /* the last one has closed it: nobody reads any more */
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static rl_store *registry;

/* ---- threads -------------------------------------------------------------------------------------------------------------- */

static rl_store *store_of(rl_service *service) { return RL_CONTAINER(service, rl_store, service); }

static void on_bell(rl_service *service, rl_mail_queue *batch) {
  rl_store *store = store_of(service);
  rl_mail_shift(batch); /* it may ring again from now on */
  rl_batch_run(&store->writer);
  rl_interactive_complain(&store->writer);
}

static void on_idle(rl_service *service) {
  rl_recovery_try(&store_of(service)->writer);
  rl_writer_checkpoint(&store_of(service)->writer, true);
  rl_interactive_complain(&store_of(service)->writer);
}

static void on_read_batch(rl_service *service, rl_mail_queue *batch) {
  reader *r = RL_CONTAINER(service, reader, service);
  for (rl_op *op; (op = (rl_op *)rl_mail_shift(batch));) {
    sqlite3_busy_timeout(r->connection.db, (int)(op->patience_ns / 1000000));
    if (!rl_op_begin(op)) op->error.code = RL_ECANCELLED;
    else if (op->stream) rl_row_stream_run(op->stream, &r->streams, op);
    else rl_run_read(&r->connection, op);
    atomic_fetch_sub(&r->waiting, 1);
    rl_op_finish(op);
  }
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

static bool is_memory_path(const char *path) { return strcmp(path, ":memory:") == 0; }

static int open_writer(rl_store *store, int busy_timeout_ms, rl_sql_error *error) {
  store->writer.queue = &store->writes;
  int code = rl_writer_open(&store->writer, store->path, busy_timeout_ms, store->synchronous, error);
  if (code) return code;
  store->writer.connection.closing = &store->closing;
  store->service = (rl_service){.name = "rille-sql-write", .on_batch = on_bell, .on_idle = on_idle, .idle_ms = IDLE_MS};
  if (rl_service_start(&store->service) == 0) return RL_OK;
  rl_writer_close(&store->writer);
  return rl_sql_refused(error, RL_ENOMEM, "cannot start the writer's thread");
}

static int open_reader(rl_store *store, reader *r, rl_sql_error *error) {
  int code = rl_connection_open(&r->connection, store->path, SQLITE_OPEN_READONLY, error);
  if (code) return code;
  if (store->read_only) r->connection.authorizer.circumstance = RL_RUNS_READING_ONLY;
  r->connection.closing = &store->closing;
  rl_row_stream_home_init(&r->streams, &r->connection);
  r->service = (rl_service){.name = "rille-sql-read", .on_batch = on_read_batch};
  if (rl_service_start(&r->service) == 0) return RL_OK;
  rl_connection_close(&r->connection);
  return rl_sql_refused(error, RL_ENOMEM, "cannot start a reader's thread");
}

/* The loop waits for these threads. A read that takes long ends early: by its progress handler, and those instructions of SQLite
 * that go on for long, such as that of count(*), by the interrupt. Writes are made. */
static void close_threads(rl_store *store, bool writer) {
  atomic_store(&store->closing, true);
  for (int i = 0; i < store->reader_count; i++) sqlite3_interrupt(store->threads[i].connection.db);
  while (store->reader_count) {
    reader *r = &store->threads[--store->reader_count];
    rl_service_stop(&r->service);
    rl_row_stream_home_close(&r->streams);
    rl_connection_close(&r->connection);
  }
  if (!writer) return;
  rl_service_stop(&store->service);
  rl_writer_close(&store->writer);
}

static int open_threads(rl_store *store, int busy_timeout_ms, rl_sql_error *error) {
  int code = store->read_only ? RL_OK : open_writer(store, busy_timeout_ms, error);
  if (code || store->memory) return code;
  store->threads = rl_calloc((size_t)store->readers, sizeof *store->threads);
  if (!store->threads) code = rl_sql_refused(error, RL_ENOMEM, "out of memory");
  for (int i = 0; store->threads && i < store->readers && !code; i++) {
    code = open_reader(store, &store->threads[i], error);
    if (!code) store->reader_count++;
  }
  if (code) close_threads(store, !store->read_only);
  return code;
}

static void free_store(rl_store *store) {
  rl_write_queue_free(&store->writes);
  rl_free(store->threads);
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
  rl_write_load most = {.count = o->queue > 0 ? (size_t)o->queue : RL_LIMIT_SQL_QUEUE, .size = RL_LIMIT_SQL_QUEUE_SIZE};
  if (!store || !copy || rl_write_queue_init(&store->writes, most)) {
    rl_free(copy);
    rl_free(store);
    rl_sql_refused(error, RL_ENOMEM, "out of memory");
    return NULL;
  }
  store->path = copy;
  store->memory = is_memory_path(path);
  store->read_only = o->read_only && !store->memory;
  store->readers = o->readers > 0 ? o->readers : READERS;
  store->queue = (int)most.count;
  snprintf(store->synchronous, sizeof store->synchronous, "%s", o->synchronous ? o->synchronous : "FULL");
  if (open_threads(store, o->busy_timeout_ms >= 0 ? o->busy_timeout_ms : RL_STORE_BUSY_TIMEOUT_MS, error)) {
    free_store(store);
    return NULL;
  }
  identify(store);
  store->next = registry;
  registry = store;
  return store;
}

/* Refuses options that would have no effect: nothing is ignored. */
static int check_same(const rl_store *s, const char *path, const rl_store_options *o, rl_sql_error *error) {
  static const char is[] = "is open in this process already, with", until[] = "that holds until all have closed it";
  if (s->read_only && !o->read_only)
    return rl_sql_refused(error, RL_EINVALID, "%s %s read_only = true: %s", path, is, until);
  if (o->readers > 0 && o->readers != s->readers)
    return rl_sql_refused(error, RL_EINVALID, "%s %s readers = %d, not %d: %s", path, is, s->readers, o->readers,
                          until);
  if (o->queue > 0 && o->queue != s->queue)
    return rl_sql_refused(error, RL_EINVALID, "%s %s queue = %d, not %d: %s", path, is, s->queue, o->queue, until);
  if (o->synchronous && !s->read_only && strcmp(o->synchronous, s->synchronous) != 0)
    return rl_sql_refused(error, RL_EINVALID, "%s %s synchronous = \"%s\", not \"%s\": %s", path, is, s->synchronous,
                          o->synchronous, until);
  return RL_OK;
}

rl_store *rl_store_open(const char *path, const rl_store_options *options, rl_sql_error *error) {
  pthread_mutex_lock(&registry_lock);
  rl_store *store = find(path);
  if (store && check_same(store, path, options, error)) {
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

rl_write_line *rl_store_join(rl_store *store, const rl_loop *worker) {
  return rl_write_queue_join(&store->writes, worker);
}

void rl_store_leave(rl_store *store, rl_write_line *line) { rl_write_queue_leave(&store->writes, line); }

static void refuse_busy(rl_store *store, rl_op *op, const rl_write_refusal *r) {
  char own[80] = "";
  rl_holder holder = rl_interactive_holder(&store->writer);
  if (r->workers > 1)
    snprintf(own, sizeof own, ", %zu (%zu bytes) of them of this one of %zu workers", r->own.count, r->own.size,
             r->workers);
  rl_sql_refused(&op->error, RL_EBUSY, "the database is busy: %zu writes (%zu bytes) wait already%s%s%s", r->all.count,
                 r->all.size, own, holder.transaction ? ", for the transaction begun at " : "", holder.site);
  rl_op_finish(op);
}

void rl_store_write(rl_store *store, rl_write_line *line, rl_op *op) {
  bool wakes = false;
  rl_write_refusal refusal;
  if (store->read_only) {
    rl_sql_refused(&op->error, RL_EINVALID, "the database is open read-only");
    rl_op_finish(op);
    return;
  }
  op->queued_ns = uv_hrtime();
  if (rl_write_queue_send(&store->writes, line, op, &wakes, &refusal)) refuse_busy(store, op, &refusal);
  else if (wakes) rl_service_send(&store->service, &store->bell);
}

/* The reader with the fewest operations. */
static int idlest(const rl_store *store) {
  int best = 0;
  for (int i = 1; i < store->reader_count; i++)
    if (atomic_load(&store->threads[i].waiting) < atomic_load(&store->threads[best].waiting)) best = i;
  return best;
}

void rl_store_read(rl_store *store, rl_write_line *line, rl_op *op) {
  if (!store->reader_count) {
    rl_store_write(store, line, op);
    return;
  }
  reader *r = &store->threads[op->stream ? op->stream->reader : idlest(store)];
  atomic_fetch_add(&r->waiting, 1);
  if (op->loop) atomic_fetch_add(&store->reads, 1);
  rl_service_send(&r->service, &op->mail);
}

rl_row_stream *rl_store_stream(rl_store *store, rl_op *request) { return rl_row_stream_new(request, idlest(store)); }

void rl_store_close_stream(rl_store *store, rl_row_stream *stream) { rl_store_read(store, NULL, stream->closing); }

uint64_t rl_store_new_transaction(rl_store *store) { return atomic_fetch_add(&store->next_transaction, 1) + 1; }

rl_holder rl_store_holder(rl_store *store) {
  return store->read_only ? (rl_holder){0} : rl_interactive_holder(&store->writer);
}

const char *rl_store_path(const rl_store *store) { return store->path; }
bool rl_store_is_memory(const rl_store *store) { return store->memory; }
bool rl_store_is_read_only(const rl_store *store) { return store->read_only; }

rl_store_stats rl_store_get_stats(const rl_store *store) {
  return (rl_store_stats){.writes = atomic_load(&store->writer.writes),
                          .groups = atomic_load(&store->writer.groups),
                          .checkpoints = atomic_load(&store->writer.checkpoints),
                          .reads = atomic_load(&store->reads)};
}
