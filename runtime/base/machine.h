/*
 * Measurements for `rille doctor`: how long a flush takes, how much room a disk has, whether the clock is synchronised.
 * Everything here may wait for the disk.
 */
#ifndef RL_BASE_MACHINE_H
#define RL_BASE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Times flushes in `folder` as SQLite makes them: 4 KiB written to a file, then fdatasync. Makes at most `most`, and starts
 * none after `budget_ms`. The file has no name, or loses it at once. Fills ns[0..most) and returns how many, or an error. */
int rl_machine_time_flushes(const char *folder, unsigned most, unsigned budget_ms, uint64_t *ns);

typedef struct rl_machine_space {
  uint64_t free, total; /* bytes, for users without rights */
  bool read_only;
} rl_machine_space;

/* Asks the disk that holds `path`. Returns 0 or an error. */
int rl_machine_space_of(const char *path, rl_machine_space *space);

/* Returns true if the kernel says that the clock is synchronised (NTP), false also if it may not be asked. */
bool rl_machine_clock_is_kept(void);

#endif
