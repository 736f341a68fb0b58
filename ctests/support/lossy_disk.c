/* A disk that fails to sync; see lossy_disk.h. */
#include "support/lossy_disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

enum { PAGE = 4096, FILES = 16, IMAGE_MB = 8 };

#define ROOM ((size_t)IMAGE_MB << 20)

/* What the disk has of a file. */
typedef struct image {
  char path[128];
  unsigned char *bytes; /* ROOM of them */
  sqlite3_int64 size;
  bool dirty[ROOM / PAGE];
} image;

typedef struct lossy_file {
  sqlite3_file base; /* first */
  image *image;      /* NULL: not of interest */
  lossy_kind kind;
  sqlite3_file real;
} lossy_file;

static sqlite3_vfs lossy, *real_vfs;
static sqlite3_io_methods methods;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static image *images[FILES];
static int failing[LOSSY_KINDS], syncs[LOSSY_KINDS], delay_us;
static void (*before_sync)(lossy_kind kind);

static sqlite3_file *real_of(sqlite3_file *file) { return &((lossy_file *)file)->real; }

/* ---- images ------------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), of = strlen(end);
  return len >= of && strcmp(text + len - of, end) == 0;
}

static image *image_of(const char *path, bool make) {
  int free_at = -1;
  for (int i = 0; i < FILES; i++) {
    if (images[i] && strcmp(images[i]->path, path) == 0) return images[i];
    if (!images[i]) free_at = i;
  }
  if (!make) return NULL;
  assert_true(free_at >= 0);
  image *new = calloc(1, sizeof *new);
  assert_non_null(new);
  snprintf(new->path, sizeof new->path, "%s", path);
  new->bytes = calloc(1, ROOM);
  assert_non_null(new->bytes);
  return images[free_at] = new;
}

static void forget(int i) {
  if (images[i]) free(images[i]->bytes);
  free(images[i]);
  images[i] = NULL;
}

/* Writes all dirty pages, or, if the sync fails, some of them; forgets that they are dirty. */
static void to_disk(lossy_file *file, bool all) {
  image *m = file->image;
  for (sqlite3_int64 at = 0; at < (sqlite3_int64)ROOM; at += PAGE) {
    bool dirty = m->dirty[at / PAGE];
    m->dirty[at / PAGE] = false;
    if (dirty && (all || at / PAGE % 2)) /* fills up with zeros after the end */
      file->real.pMethods->xRead(&file->real, m->bytes + at, PAGE, at);
  }
  file->real.pMethods->xFileSize(&file->real, &m->size);
  memset(m->bytes + m->size, 0, ROOM - (size_t)m->size);
}

/* ---- the methods of files ----------------------------------------------------------------------------------------------- */

static int on_write(sqlite3_file *f, const void *data, int count, sqlite3_int64 offset) {
  image *m = ((lossy_file *)f)->image;
  pthread_mutex_lock(&lock);
  assert_true((size_t)(offset + count) <= ROOM);
  for (sqlite3_int64 at = offset / PAGE; m && at <= (offset + count - 1) / PAGE; at++) m->dirty[at] = true;
  pthread_mutex_unlock(&lock);
  return real_of(f)->pMethods->xWrite(real_of(f), data, count, offset);
}

static int on_sync(sqlite3_file *f, int flags) {
  lossy_file *file = (lossy_file *)f;
  if (!file->image) return real_of(f)->pMethods->xSync(real_of(f), flags);
  if (before_sync) before_sync(file->kind);
  if (delay_us) usleep((useconds_t)delay_us);
  pthread_mutex_lock(&lock);
  syncs[file->kind]++;
  bool fails = failing[file->kind] > 0;
  if (fails) failing[file->kind]--;
  to_disk(file, !fails);
  pthread_mutex_unlock(&lock);
  return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int on_close(sqlite3_file *f) { return real_of(f)->pMethods->xClose(real_of(f)); }

#define FORWARD(name, parameters, ...) \
  static int name parameters { return real_of(f)->pMethods->__VA_ARGS__; }

FORWARD(on_read, (sqlite3_file * f, void *data, int count, sqlite3_int64 at), xRead(real_of(f), data, count, at))
FORWARD(on_truncate, (sqlite3_file * f, sqlite3_int64 size), xTruncate(real_of(f), size))
FORWARD(on_size, (sqlite3_file * f, sqlite3_int64 *size), xFileSize(real_of(f), size))
FORWARD(on_lock, (sqlite3_file * f, int level), xLock(real_of(f), level))
FORWARD(on_unlock, (sqlite3_file * f, int level), xUnlock(real_of(f), level))
FORWARD(on_reserved, (sqlite3_file * f, int *out), xCheckReservedLock(real_of(f), out))
FORWARD(on_control, (sqlite3_file * f, int op, void *arg), xFileControl(real_of(f), op, arg))
FORWARD(on_sector, (sqlite3_file * f), xSectorSize(real_of(f)))
FORWARD(on_device, (sqlite3_file * f), xDeviceCharacteristics(real_of(f)))
FORWARD(on_map, (sqlite3_file * f, int region, int size, int extend, void volatile **out),
        xShmMap(real_of(f), region, size, extend, out))
FORWARD(on_shm_lock, (sqlite3_file * f, int at, int count, int flags), xShmLock(real_of(f), at, count, flags))
FORWARD(on_unmap, (sqlite3_file * f, int gone), xShmUnmap(real_of(f), gone))

static void on_barrier(sqlite3_file *f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); }

static const sqlite3_io_methods wrapped = {.iVersion = 2,
                                           .xClose = on_close,
                                           .xRead = on_read,
                                           .xWrite = on_write,
                                           .xTruncate = on_truncate,
                                           .xSync = on_sync,
                                           .xFileSize = on_size,
                                           .xLock = on_lock,
                                           .xUnlock = on_unlock,
                                           .xCheckReservedLock = on_reserved,
                                           .xFileControl = on_control,
                                           .xSectorSize = on_sector,
                                           .xDeviceCharacteristics = on_device,
                                           .xShmMap = on_map,
                                           .xShmLock = on_shm_lock,
                                           .xShmBarrier = on_barrier,
                                           .xShmUnmap = on_unmap};

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out) {
  (void)vfs;
  lossy_file *file = (lossy_file *)f;
  file->base.pMethods = NULL;
  int result = real_vfs->xOpen(real_vfs, path, &file->real, flags, out);
  if (result != SQLITE_OK) return result;
  bool interesting = path && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL));
  pthread_mutex_lock(&lock);
  file->image = interesting ? image_of(path, true) : NULL;
  pthread_mutex_unlock(&lock);
  file->kind = flags & SQLITE_OPEN_WAL ? LOSSY_LOG : LOSSY_DATABASE;
  file->base.pMethods = &methods;
  return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  (void)vfs;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES; i++)
    if (images[i] && strcmp(images[i]->path, path) == 0) forget(i);
  pthread_mutex_unlock(&lock);
  return real_vfs->xDelete(real_vfs, path, sync);
}

/* ---- for tests ---------------------------------------------------------------------------------------------------------- */

void lossy_disk_install(void) {
  real_vfs = sqlite3_vfs_find(NULL);
  methods = wrapped;
  lossy = *real_vfs;
  lossy.zName = "lossy";
  lossy.pNext = NULL;
  lossy.szOsFile = (int)(sizeof(lossy_file) - sizeof(sqlite3_file)) + real_vfs->szOsFile;
  lossy.xOpen = on_open;
  lossy.xDelete = on_delete;
  assert_int_equal(sqlite3_vfs_register(&lossy, 1), SQLITE_OK);
}

void lossy_disk_reset(void) {
  for (int i = 0; i < FILES; i++) forget(i);
  memset(failing, 0, sizeof failing);
  memset(syncs, 0, sizeof syncs);
  delay_us = 0;
  before_sync = NULL;
}

void lossy_disk_fail(lossy_kind kind, int count) {
  pthread_mutex_lock(&lock);
  failing[kind] = count;
  pthread_mutex_unlock(&lock);
}

int lossy_disk_syncs(lossy_kind kind) {
  pthread_mutex_lock(&lock);
  int count = syncs[kind];
  pthread_mutex_unlock(&lock);
  return count;
}

void lossy_disk_delay(int us) { delay_us = us; }
void lossy_disk_hook(void (*hook)(lossy_kind kind)) { before_sync = hook; }

/* `whole`: the file ends where the disk's does; else its clean pages alone become what the disk has. */
static void put_back(const image *m, bool whole) {
  int fd = open(m->path, O_WRONLY | O_CREAT | (whole ? O_TRUNC : 0), 0600);
  assert_true(fd >= 0);
  sqlite3_int64 size = whole ? m->size : lseek(fd, 0, SEEK_END);
  for (sqlite3_int64 at = 0; at < size; at += PAGE) {
    size_t count = size - at < PAGE ? (size_t)(size - at) : PAGE;
    if (whole || !m->dirty[at / PAGE]) assert_int_equal(pwrite(fd, m->bytes + at, count, at), count);
  }
  close(fd);
}

/* SQLite holds no lock on a log, which closing a descriptor of it would release. */
void lossy_disk_evict_logs(void) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < FILES; i++)
    if (images[i] && ends_with(images[i]->path, "-wal")) put_back(images[i], false);
  pthread_mutex_unlock(&lock);
}

void lossy_disk_cut_power(void) {
  for (int i = 0; i < FILES; i++)
    if (images[i]) put_back(images[i], true);
}
