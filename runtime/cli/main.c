/*
 * rille: the command line. Parses options and finds the root folder, then hands over: `serve` to serve.c, `dev` to dev.c,
 * everything else to one Lua state (program.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "cli/completion.h"
#include "cli/dev.h"
#include "cli/dotenv.h"
#include "cli/program.h"
#include "cli/report.h"
#include "cli/self.h"
#include "cli/serve.h"
#include "cli/supervise.h"
#include "crypto/digest.h"
#include "http/h1/read.h"
#include "vm/crash.h"

static int usage_error(rl_buf *why) {
  rl_report_error(why);
  return 2;
}

/* Returns the folder that holds APP, absolute: "blog" for "blog/app" and "blog/app.lua" (the caller's, free). Falls back to
 * the working directory, so that the command itself can say that there is no such app. */
static char *root_of(const char *app) {
  char *path = realpath(app, NULL);
  if (!path) return realpath(".", NULL);
  char *slash = strrchr(path, '/');
  slash[slash == path ? 1 : 0] = 0;
  return path;
}

static int print_help(const rl_options *options) {
  const char *name = options->argc ? options->argv[0] : NULL, *text = rl_command_help(name);
  if (!text) {
    const char *meant = rl_command_meant(name);
    fprintf(
        stderr,
        meant ? "rille: no command '%s', did you mean: rille help %s\n" : "rille: no command '%s', see: rille help\n",
        name, meant);
    return 2;
  }
  fputs(text, stdout);
  return 0;
}

/* Passes to lua/rille/doctor.lua: APP, "given" or "", the port, "json" or "text", the error of .env, the hosts. */
static int run_doctor(rl_options *options, const char *root, const rl_buf *wrong) {
  char port[8], *argv[5 + RL_OPTION_HOSTS] = {0};
  snprintf(port, sizeof port, "%d", options->port);
  const char *words[] = {options->app, options->app_given ? "given" : "", port, options->json ? "json" : "text",
                         wrong->len ? wrong->data : ""};
  for (int i = 0; i < 5; i++) argv[i] = (char *)(uintptr_t)words[i];
  for (int i = 0; i < options->host_count; i++) argv[5 + i] = (char *)(uintptr_t)options->hosts[i];
  options->argc = 5 + options->host_count;
  options->argv = argv;
  return rl_program_run(options, root, RL_MODE_SERVE);
}

static int run_command(rl_options *options, const char *root, const rl_handover *handover) {
  if (strcmp(options->command, "serve") == 0) return rl_serve(options, root, handover);
  if (strcmp(options->command, "dev") == 0) return rl_dev(options, root);
  if (strcmp(options->command, "completion") == 0) return rl_completion_print(options->argc == 1 ? *options->argv : "");
  if (strcmp(options->command, "test") == 0) return rl_program_run(options, root, RL_MODE_TEST);
  if (strcmp(options->command, "run") != 0)
    return rl_program_run(options, root, rl_options_takes_app(options->command) ? RL_MODE_SERVE : RL_MODE_RUN);
  if (options->argc) return rl_program_run(options, root, RL_MODE_RUN);
  fputs("rille: run needs a FILE, see: rille help run\n", stderr);
  return 2;
}

/* Makes APP absolute, because the root is its folder. */
static char *resolve_app(rl_options *options) {
  char *absolute = rl_options_takes_app(options->command) ? realpath(options->app, NULL) : NULL;
  if (absolute) options->app = absolute;
  return absolute;
}

/* Sizes libuv's pool: a thread for each core, which gated jobs may fill (loop/gate.h), and four more for files and names. */
static void size_thread_pool(void) {
  char text[24];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  snprintf(text, sizeof text, "%ld", (cores > 0 ? cores : 1) + 4);
  setenv("UV_THREADPOOL_SIZE", text, 0);
}

/* Runs before main and before the libraries start: a signal to reload must not end a server because it comes early. */
__attribute__((constructor(101))) static void hold_signals(int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "serve") == 0 || strcmp(argv[1], "dev") == 0)) rl_self_hold_signals();
}

/* Does nothing: a write to a pipe or socket that nobody reads reports that itself. Not SIG_IGN, which children would
 * inherit. */
static void on_broken_pipe(int number) { (void)number; }

/* Ends a command whose output nobody reads any more (rille run x | head), as every other program does. A closed connection
 * is no reason to end. */
static void on_unread_output(int number) {
  struct pollfd outputs[] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};
  int saved = errno;
  bool unread = poll(outputs, 2, 0) > 0 && ((outputs[0].revents | outputs[1].revents) & (POLLERR | POLLHUP));
  errno = saved;
  if (!unread) return;
  signal(number, SIG_DFL);
  raise(number);
}

/* Replaces the dispositions that we were started with. */
static void set_up_signals(const rl_options *options) {
  bool serves = strcmp(options->command, "serve") == 0 || strcmp(options->command, "dev") == 0;
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, serves ? on_broken_pipe : on_unread_output);
  rl_crash_watch();
  rl_crash_watch_thread();
}

static bool self_test(void) {
  if (!rl_h1_self_test())
    fputs("rille: built with llhttp in loose mode, which is not safe: rebuild with LLHTTP_STRICT_MODE=1\n", stderr);
  else if (!rl_crypto_init()) fputs("rille: libsodium does not work on this machine\n", stderr);
  else return true;
  return false;
}

/* Says the root if the working directory is below it: people who serve "." expect their templates there. */
static void say_root(const rl_options *options, const char *root, const char *typed) {
  char here[PATH_MAX];
  size_t len = strlen(root);
  if (!options->app_given || !getcwd(here, sizeof here) || strncmp(here, root, len) != 0) return;
  if (!here[len] || (here[len] != '/' && len > 1)) return; /* the root itself, or beside it */
  rl_buf text;
  rl_buf_init(&text, RL_BUF_NO_LIMIT);
  rl_buf_addf(&text,
              "the root is %s, the folder that holds APP ('%s'): templates, static files, migrations, .env and require "
              "start there, not in the working directory",
              root, typed);
  if (strcmp(options->command, "serve") == 0) rl_log(RL_LOG_INFO, rl_buf_slice(&text), NULL, 0);
  else fprintf(stderr, "rille: %.*s\n", (int)text.len, text.data);
  rl_buf_free(&text);
}

static int run_with_root(rl_options *options, const char *root, const rl_handover *handover, const rl_buf *wrong) {
  const char *typed = options->app;
  char *app = resolve_app(options), *own_root = rl_options_takes_app(options->command) ? root_of(options->app) : NULL;
  if (app && own_root && handover->role != RL_ROLE_WORKER) say_root(options, own_root, typed);
  if (own_root) root = own_root;
  int status =
      strcmp(options->command, "doctor") == 0 ? run_doctor(options, root, wrong) : run_command(options, root, handover);
  free(app);
  free(own_root);
  return status;
}

/* `wrong`: the error of .env, for a command that reports it itself. */
static int run(rl_options *options, const char *root, const rl_handover *handover, const rl_buf *wrong) {
  if (strcmp(options->command, "help") == 0) return print_help(options);
  if (strcmp(options->command, "version") == 0) return puts("rille " RILLE_VERSION), 0;
  rl_log_setup(options->log, getenv("RILLE_DEBUG") ? RL_LOG_DEBUG : RL_LOG_INFO);
  if (options->supervise && handover->role == RL_ROLE_ALONE) return rl_supervise(options);
  set_up_signals(options);
  rl_descriptors_raise();
  size_thread_pool();
  return run_with_root(options, root, handover, wrong);
}

/* Returns true for a command that a broken .env must not stop. */
static bool needs_no_settings(const char *command) {
  static const char *const names[] = {"help", "version", "completion", "new"};
  if (!rl_command_find(command)) return true; /* that is the mistake to tell */
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(command, names[i]) == 0) return true;
  return false;
}

static int load_settings(const char *command, const char *root, rl_buf *why) {
  if (needs_no_settings(command)) return RL_OK;
  int code = rl_dotenv_load(root, why);
  return strcmp(command, "doctor") == 0 ? RL_OK : code;
}

/* Returns the folder where .env is looked for (the caller's, free). */
static char *first_root(int argc, char **argv) {
  bool named = argc > 2 && rl_options_takes_app(argv[1]) && argv[2][0] != '-';
  return named ? root_of(argv[2]) : realpath(".", NULL);
}

/* Opens the standard descriptors that are closed: a socket in the place of stderr would be written to. */
static void keep_standard_descriptors(void) {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = dup(fd)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    return;
  }
}

int main(int argc, char **argv) {
  rl_buf why, wrong;
  rl_options options;
  rl_handover handover;
  rl_buf_init(&why, 4096);
  rl_buf_init(&wrong, 4096);
  prctl(PR_SET_NAME, "rille"); /* started as /proc/self/exe it would be called exe */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of who writes to it */
  keep_standard_descriptors();
  rl_self_note(argc, argv);
  if (rl_handover_take(&handover, &why)) return usage_error(&why);
  if (handover.role == RL_ROLE_SUPERVISOR) return rl_supervise_resume(&handover);
  char *root = first_root(argc, argv);
  if (!root) return perror("rille"), 1;
  if (load_settings(argc > 1 ? argv[1] : "help", root, &wrong)) return free(root), usage_error(&wrong);
  if (rl_options_parse(&options, argc, argv, &why)) return free(root), usage_error(&why);
  rl_buf_add_char(&wrong, 0); /* a string */
  wrong.len -= wrong.len > 0;
  int status = self_test() ? run(&options, root, &handover, &wrong) : 1;
  free(root);
  rl_options_free(&options);
  rl_buf_free(&wrong);
  return status;
}
