/* Reads /proc/locks; see locks.h. */
#include "data/sqlite/locks.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where SQLite locks (its os_unix.c): the writer's byte of the -shm file; the bytes of the database itself from 1 GiB on. */
enum { SHM_WRITE = 120, PENDING = 0x40000000, LOCK_BYTES = 512 };

typedef struct sought {
  ino_t inode;
  unsigned long long first, last;
} sought;

static sought sought_of(const char *path, unsigned long long first, unsigned long long last) {
  struct stat st;
  return (sought){.inode = stat(path, &st) == 0 ? st.st_ino : 0, .first = first, .last = last};
}

/* "12: POSIX  ADVISORY  WRITE 4711 08:01:393230 120 120", or "… 120 EOF". The device is not compared: file systems such as
 * btrfs tell another one by stat. */
static pid_t holder_in(const char *line, const sought *s) {
  char kind[16], access[16];
  unsigned long inode;
  unsigned long long start;
  long pid;
  if (sscanf(line, "%*s %15s %*s %15s %ld %*x:%*x:%lu %llu", kind, access, &pid, &inode, &start) != 5) return 0;
  bool is_it = s->inode && inode == s->inode && start >= s->first && start <= s->last;
  return is_it && strcmp(access, "WRITE") == 0 && pid > 0 && pid != getpid() ? (pid_t)pid : 0;
}

static void read_name(pid_t pid, char *name, size_t size) {
  char path[64];
  *name = 0;
  snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
  FILE *file = fopen(path, "re");
  if (!file) return;
  if (!fgets(name, (int)size, file)) *name = 0;
  name[strcspn(name, "\n")] = 0;
  fclose(file);
  for (char *c = name; *c; c++)
    if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '?';
}

pid_t rl_locks_holder(const char *path, char *name, size_t size) {
  char shm[4096], line[256];
  if (!path || snprintf(shm, sizeof shm, "%s-shm", path) >= (int)sizeof shm) return 0;
  sought by_shm = sought_of(shm, SHM_WRITE, SHM_WRITE), by_file = sought_of(path, PENDING, PENDING + LOCK_BYTES);
  FILE *locks = fopen("/proc/locks", "re");
  pid_t pid = 0;
  if (!locks) return 0;
  while (!pid && fgets(line, sizeof line, locks)) {
    pid = holder_in(line, &by_shm);
    if (!pid) pid = holder_in(line, &by_file);
  }
  fclose(locks);
  if (pid) read_name(pid, name, size);
  return pid;
}
