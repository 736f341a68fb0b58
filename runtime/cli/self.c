/* Starting oneself again; see self.h. */
#define _GNU_SOURCE
#include "cli/self.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

extern char **environ;

static char **arguments, **environment;
static size_t environment_count;
static char binary[PATH_MAX];

static const char image[] = "/proc/self/exe";

/* Returns true if a variable was for this process alone, not for its children. */
static bool is_ours_alone(const char *entry) {
  static const char *const names[] = {"RILLE_HANDOVER=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strncmp(entry, names[i], strlen(names[i])) == 0) return true;
  return false;
}

static void note_environment(void) {
  size_t count = 0;
  while (environment_count) rl_free(environment[--environment_count]);
  rl_free(environment);
  while (environ[count]) count++;
  environment = rl_must_alloc((count + 1) * sizeof *environment);
  for (size_t i = 0; i < count; i++)
    if (!is_ours_alone(environ[i])) environment[environment_count++] = rl_must_strdup(environ[i]);
}

static bool is_this_image(const char *path) {
  struct stat a, b;
  return stat(path, &a) == 0 && stat(image, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Finds the file of a name: "bin/rille" in the working directory, "rille" as a shell does. With `same` it must be the file that
 * runs; without, it may have been replaced since. */
static bool find_binary(const char *name, bool same, char *out, size_t size) {
  char here[PATH_MAX];
  if (*name == '/') return snprintf(out, size, "%s", name) < (int)size && (!same || is_this_image(out));
  if (strchr(name, '/'))
    return getcwd(here, sizeof here) && snprintf(out, size, "%s/%s", here, name) < (int)size &&
           (!same || is_this_image(out));
  const char *path = getenv("PATH");
  for (const char *at = path; at && *at; at += strcspn(at, ":"), at += *at == ':') {
    int len = (int)strcspn(at, ":");
    if (len && snprintf(out, size, "%.*s/%s", len, at, name) < (int)size &&
        (same ? is_this_image(out) : access(out, X_OK) == 0))
      return true;
  }
  return false;
}

/* Asks the kernel, which appends a word if the name is gone. */
static void read_binary(char *out, size_t size) {
  static const char gone[] = " (deleted)";
  ssize_t len = readlink(image, out, size - 1);
  out[len > 0 ? len : 0] = 0;
  char *end = len > (ssize_t)strlen(gone) ? out + len - strlen(gone) : NULL;
  if (end && strcmp(end, gone) == 0) *end = 0;
}

void rl_self_note(int argc, char **argv) {
  arguments = argv;
  note_environment();
  const char *name = argc ? argv[0] : "";
  if (*name && (find_binary(name, true, binary, sizeof binary) || find_binary(name, false, binary, sizeof binary)))
    return;
  read_binary(binary, sizeof binary);
}

const char *rl_self_binary(void) { return binary; }
const char *rl_self_image(void) { return access(image, X_OK) == 0 ? image : binary; }
char **rl_self_arguments(void) { return arguments; }

char **rl_self_environment(const char *more) {
  char **copy = rl_calloc(environment_count + 2, sizeof *copy);
  if (!copy) return NULL;
  memcpy(copy, environment, environment_count * sizeof *copy);
  copy[environment_count] = (char *)(uintptr_t)more;
  return copy;
}

static void fill_held(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGHUP);
  sigaddset(set, SIGUSR1);
  sigaddset(set, SIGUSR2);
}

static int spawn(const char *path, char **envp, const int *fds, int count, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t mask, standard;
  fill_held(&mask);
  sigfillset(&standard);
  if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes)) return ENOMEM;
  int code = 0;
  for (int i = 0; i < count && !code; i++) /* onto itself: it stays open across exec */
    code = posix_spawn_file_actions_adddup2(&actions, fds[i], fds[i]);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!code) code = posix_spawn(pid, path, &actions, &attributes, arguments, envp);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code;
}

int rl_self_start(const char *path, const char *more, const int *fds, int count, pid_t *pid) {
  char **envp = rl_self_environment(more);
  int code = envp ? spawn(path, envp, fds, count, pid) : ENOMEM;
  rl_free(envp);
  return code;
}

void rl_self_hold_signals(void) {
  sigset_t set;
  fill_held(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

void rl_self_release_signals(void) {
  sigset_t set;
  fill_held(&set);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}
