/*
 * A disk that fails to sync, as a VFS of SQLite, with what Linux does then: pages that could not be written are marked clean and
 * never written again, unless somebody writes to them once more. The files themselves are what a process sees, the page cache; beside
 * each of them is kept what the disk has of it.
 *
 *   write  -> file, page marked dirty
 *   sync   -> dirty pages go to the disk; if it fails, some of them do, and the others are forgotten
 *   lossy_disk_cut_power(): the files become what the disk has
 *
 * Installed before the first database is opened. One for the process; its functions may be called from any thread.
 */
#ifndef RL_TEST_LOSSY_DISK_H
#define RL_TEST_LOSSY_DISK_H

#include <stdbool.h>

typedef enum lossy_kind { LOSSY_DATABASE, LOSSY_LOG, LOSSY_KINDS } lossy_kind;

/* Makes it SQLite's default. */
void lossy_disk_install(void);
/* Forgets all files and settings. */
void lossy_disk_reset(void);
/* The next `count` syncs of files of this kind fail. */
void lossy_disk_fail(lossy_kind kind, int count);
/* Returns how many syncs there were, those that failed included. */
int lossy_disk_syncs(lossy_kind kind);
/* Each sync takes so long. */
void lossy_disk_delay(int us);
/* Runs `hook` before each sync; NULL: nothing. */
void lossy_disk_hook(void (*hook)(lossy_kind kind));
/* What a log has in memory only is thrown out of it, as the kernel does with clean pages when memory is short. */
void lossy_disk_evict_logs(void);
/* After everything was closed: gives each file what the disk has of it. */
void lossy_disk_cut_power(void);

#endif
