/* Parsing the command line; see options.h. */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* ---- commands ------------------------------------------------------------------------------------------------------------- */

enum { TAKES_APP = 1, TAKES_REST = 2, SERVES = 4, DEVELOPS = 8, STAYS_HERE = 16 };

typedef struct command {
  const char *name;
  int takes;
  const char *help;
} command;

static const char serve_help[] =
    "usage: rille serve [APP] [options]\n\n"
    "Serves the app (a Lua file, or a directory with init.lua; default: app).\n\n"
    "  --host ADDRESS           where to listen, may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N                 (default 8080, or PORT); 0 takes a free one\n"
    "  --unix PATH              a unix socket instead\n"
    "  --threads N|auto         workers, each with a Lua state of its own (default 1, or RILLE_THREADS)\n"
    "  --log text|json|off      (default text)\n"
    "  --shutdown-timeout S     how long running requests may take after SIGTERM (default 30)\n"
    "  --memory-limit BYTES     of each worker's Lua state (default: none)\n"
    "  --watchdog SECONDS       end the process when a worker is stuck for so long (default: off)\n"
    "  --supervise              a parent process holds the sockets and starts the server again when it dies\n";

static const char dev_help[] =
    "usage: rille dev [APP] [--host 127.0.0.1] [--port 8080] [--allow-host NAME]\n\n"
    "Serves the app for development: one worker. On each save of a Lua file, a template, a migration or .env the "
    "program is\n"
    "loaded again beside the running one and swapped in; pages in browsers follow by themselves, style sheets without "
    "a\n"
    "reload. What fails is explained in the browser, in the terminal, and to curl as text. "
    "http://127.0.0.1:8080/_rille\n"
    "shows the last requests, routes, tasks and memory. RILLE_EDITOR, such as vscode://file/{path}:{line}, makes links "
    "to\n"
    "sources open there.\n\n"
    "Sources are shown to pages of this machine only: localhost, loopback addresses, and the address it listens on.\n\n"
    "  --allow-host NAME        another host that is yours, may be repeated; .example.org is every name below it\n";

static const char completion_help[] =
    "usage: rille completion bash|zsh|fish\n\n"
    "Prints what a shell needs to complete rille's commands and options:\n\n"
    "  bash   rille completion bash > ~/.local/share/bash-completion/completions/rille\n"
    "  zsh    rille completion zsh > \"${fpath[1]}/_rille\"\n"
    "  fish   rille completion fish > ~/.config/fish/completions/rille.fish\n";

static const command commands[] = {
    {"serve", TAKES_APP | SERVES, serve_help},
    {"dev", TAKES_APP | DEVELOPS, dev_help},
    {"run", TAKES_REST,
     "usage: rille run FILE [ARG...]\n\nRuns a Lua file as a task: it may wait. ARGs are in `arg` and `...`.\n"
     "If the file returns a function, or a table with main, that is called with the ARGs; an integer it returns is the "
     "exit\n"
     "status.\n"},
    {"test", TAKES_REST,
     "usage: rille test [PATH...] [BUSTED OPTIONS]\n\nRuns the specs with busted inside the runtime (default: "
     "spec).\n"},
    {"routes", TAKES_APP,
     "usage: rille routes [APP]\n\nPrints every route: method, path, name, middleware, where it stands.\n"},
    {"check", TAKES_APP,
     "usage: rille check [APP]\n\nLoads the app and reports what is wrong with it, without serving.\n"},
    {"openapi", TAKES_APP,
     "usage: rille openapi [APP]\n\nPrints an OpenAPI 3.1 document of the app: its routes and what rille.validate "
     "expects there.\n"},
    {"migrate", TAKES_REST,
     "usage: rille migrate [--status] DB DIR\n\nRuns the .sql files of DIR on the database DB (made where it is "
     "missing), "
     "each once, in the order of their\nnumbers. A file that was edited, renamed or deleted since, or comes late, is "
     "an "
     "error.\n\n"
     "  --status   runs nothing: shows the state of each; exits with 1 where one is not as it was applied\n"},
    {"console", TAKES_APP | STAYS_HERE,
     "usage: rille console [APP]\n\nA prompt in which Lua may wait, with the app loaded and its lifespans started: "
     "`app`, "
     "`client` (requests to\nit without a socket), `db` (app.state.db), `rille`. Completes with the tab key; keeps its "
     "history "
     "in\n~/.local/state/rille/history.\n"},
    {"new", TAKES_REST,
     "usage: rille new NAME\n\nMakes the directory NAME with a project that runs, tests and deploys.\n"},
    {"completion", TAKES_REST, completion_help},
    {"version", 0, "usage: rille version\n"},
    {"help", TAKES_REST, "usage: rille help [COMMAND]\n"},
};

static const char general_help[] =
    "usage: rille COMMAND …\n\n"
    "  new NAME            make a project\n"
    "  dev [APP]           serve an app while it is written: reload on save, error pages\n"
    "  serve [APP]         serve an app\n"
    "  run FILE [ARG...]   run a Lua file as a task\n"
    "  test [PATH...]      run the specs\n"
    "  routes [APP]        list the routes\n"
    "  check [APP]         load the app, report what is wrong\n"
    "  openapi [APP]       print an OpenAPI 3.1 document of the app\n"
    "  migrate DB DIR      run a directory of migrations on a database\n"
    "  console [APP]       a prompt with the app loaded\n"
    "  completion SHELL    for bash, zsh or fish\n"
    "  version\n"
    "  help [COMMAND]\n";

static const command *find_command(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

const char *rl_options_command(unsigned i) { return i < sizeof commands / sizeof *commands ? commands[i].name : NULL; }

const char *rl_options_help(const char *name) {
  if (!name) return general_help;
  const command *found = find_command(name);
  return found ? found->help : NULL;
}

/* ---- values ----------------------------------------------------------------------------------------------------------------- */

static int refuse(rl_buf *why, const char *what, const char *expected, const char *got) {
  rl_buf_addf(why, "%s: expected %s, got '%s'", what, expected, got);
  return RL_EINVALID;
}

static int to_port(const char *text, int *out) {
  unsigned long long number;
  if (rl_slice_to_u64(rl_slice_str(text), &number) || number > 65535) return RL_EINVALID;
  *out = (int)number;
  return RL_OK;
}

static int to_threads(rl_options *o, const char *text) {
  unsigned long long number;
  o->threads_auto = strcmp(text, "auto") == 0;
  if (o->threads_auto) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->threads = cores > 0 ? (int)cores : 1;
    return RL_OK;
  }
  if (rl_slice_to_u64(rl_slice_str(text), &number) || number < 1 || number > 1024) return RL_EINVALID;
  o->threads = (int)number;
  return RL_OK;
}

static int to_seconds(const char *text, double *out) {
  char *end;
  double seconds = strtod(text, &end);
  if (!*text || *end || !(seconds >= 0 && seconds < 1e9)) return RL_EINVALID;
  *out = seconds;
  return RL_OK;
}

static int set_log(rl_options *o, const char *text) {
  if (strcmp(text, "text") == 0) o->log = RL_LOG_TEXT;
  else if (strcmp(text, "json") == 0) o->log = RL_LOG_JSON;
  else if (strcmp(text, "off") == 0) o->log = RL_LOG_OFF;
  else return RL_EINVALID;
  return RL_OK;
}

/* "[::1]", as URLs write it, is ::1. */
static const char *without_brackets(rl_options *o, const char *text) {
  size_t len = strlen(text);
  if (*text != '[') return text;
  if (text[len - 1] != ']' || len - 1 > RL_OPTION_HOST) return NULL;
  char *room = o->host_room[o->host_count];
  memcpy(room, text + 1, len - 2);
  room[len - 2] = 0;
  return room;
}

static bool has_port(const char *text) {
  const char *colon = strchr(text, ':');
  return colon && !strchr(colon + 1, ':') && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static int add_host(rl_options *o, const char *name, const char *text, rl_buf *why) {
  if (o->host_count == RL_OPTION_HOSTS) return refuse(why, name, "at most 8 addresses", text);
  const char *host = has_port(text) ? NULL : without_brackets(o, text);
  if (!host || !*host) return refuse(why, name, "a name or an address, without a port (--port)", text);
  o->hosts[o->host_count++] = host;
  return RL_OK;
}

/* A host as it stands in a URL, without a port; one dot in front stands for all names below. */
static int add_allowed(rl_options *o, const char *text) {
  rl_slice name = rl_slice_str(*text == '.' ? text + 1 : text);
  if (o->allowed_count == RL_OPTION_ALLOWED || !name.len || strpbrk(name.data, "/@*: ")) return RL_EINVALID;
  o->allowed[o->allowed_count++] = text;
  return RL_OK;
}

static int set_memory(rl_options *o, const char *text) {
  unsigned long long number;
  if (rl_slice_to_u64(rl_slice_str(text), &number) || number < (1 << 20)) return RL_EINVALID;
  o->memory_limit = (size_t)number;
  return RL_OK;
}

/* One option with its value. */
static int set(rl_options *o, const char *name, const char *value, rl_buf *why) {
  if (strcmp(name, "--host") == 0) return add_host(o, name, value, why);
  if (strcmp(name, "--allow-host") == 0)
    return add_allowed(o, value) ? refuse(why, name, "a name such as blog.test, without a port", value) : 0;
  if (strcmp(name, "--port") == 0)
    return to_port(value, &o->port) ? refuse(why, name, "a port from 0 to 65535", value) : 0;
  if (strcmp(name, "--unix") == 0) return o->unix_path = value, 0;
  if (strcmp(name, "--threads") == 0)
    return to_threads(o, value) ? refuse(why, name, "a number from 1 to 1024, or auto", value) : 0;
  if (strcmp(name, "--log") == 0) return set_log(o, value) ? refuse(why, name, "text, json or off", value) : 0;
  if (strcmp(name, "--shutdown-timeout") == 0)
    return to_seconds(value, &o->shutdown_timeout) ? refuse(why, name, "seconds", value) : 0;
  if (strcmp(name, "--watchdog") == 0) return to_seconds(value, &o->watchdog) ? refuse(why, name, "seconds", value) : 0;
  if (strcmp(name, "--memory-limit") == 0)
    return set_memory(o, value) ? refuse(why, name, "bytes, at least 1048576", value) : 0;
  if (strcmp(name, "--supervise") == 0) return o->supervise = true, 0;
  rl_buf_addf(why, "unknown option %s, see: rille help %s", name, o->command);
  return RL_EINVALID;
}

/* Development takes the options that say where to listen. */
static bool is_for_dev(const char *name) {
  return strcmp(name, "--host") == 0 || strcmp(name, "--port") == 0 || strcmp(name, "--memory-limit") == 0 ||
         strcmp(name, "--allow-host") == 0;
}

static const char *const option_names[] = {
    "--host",     "--port",         "--unix",      "--threads",   "--log", "--shutdown-timeout",
    "--watchdog", "--memory-limit", "--supervise", "--allow-host"};

/* Those that take no value. */
static bool is_switch(const char *name) { return strcmp(name, "--supervise") == 0; }

static bool is_for_serve(const char *name) { return strcmp(name, "--allow-host") != 0; }

static bool is_option(const char *name) {
  for (size_t i = 0; i < sizeof option_names / sizeof *option_names; i++)
    if (strcmp(option_names[i], name) == 0) return true;
  return false;
}

const char *rl_options_option(unsigned i) {
  return i < sizeof option_names / sizeof *option_names ? option_names[i] : NULL;
}

static int refuse_in_dev(const char *name, rl_buf *why) {
  rl_buf_addf(why, "rille dev has one worker and takes --host, --port and --allow-host, not %s", name);
  return RL_EINVALID;
}

static int refuse_in_serve(const char *name, rl_buf *why) {
  rl_buf_addf(why, "%s is for rille dev: rille serve has no pages of development", name);
  return RL_EINVALID;
}

static int environment_defaults(rl_options *o, rl_buf *why) {
  const char *port = getenv("PORT"), *threads = getenv("RILLE_THREADS");
  if (port && *port && to_port(port, &o->port))
    return refuse(why, "PORT in the environment", "a port from 0 to 65535", port);
  if (threads && *threads && to_threads(o, threads))
    return refuse(why, "RILLE_THREADS in the environment", "a number from 1 to 1024, or auto", threads);
  return RL_OK;
}

/* "--port=80" and "--port 80". `i` is moved past what was used. */
static int parse_one(rl_options *o, char **argv, int argc, int *i, char *room, size_t size, rl_buf *why) {
  const char *text = argv[*i], *eq = strchr(text, '=');
  size_t len = eq ? (size_t)(eq - text) : strlen(text);
  if (len >= size) len = size - 1;
  memcpy(room, text, len);
  room[len] = 0;
  if (!is_option(room)) return set(o, room, "", why);
  if (is_switch(room)) return eq ? refuse(why, room, "no value", eq + 1) : set(o, room, "", why);
  if (eq) return set(o, room, eq + 1, why);
  if (*i + 1 >= argc) {
    rl_buf_addf(why, "%s needs a value", room);
    return RL_EINVALID;
  }
  return set(o, room, argv[++*i], why);
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

/* "rille serve --help", "rille serve app.lua --help". What comes after a script's name is the script's, and all of test's
 * is busted's. */
static bool asks_for_help(const command *c, int argc, char **argv) {
  if (c->takes & TAKES_REST) return argc > 0 && strcmp(c->name, "test") != 0 && is_help(argv[0]);
  for (int i = 0; i < argc; i++)
    if (is_help(argv[i])) return true;
  return false;
}

static int parse_rest(rl_options *o, const command *c, int argc, char **argv, rl_buf *why) {
  if (c->takes & TAKES_REST) {
    o->argc = argc;
    o->argv = argv;
    return RL_OK;
  }
  bool has_app = false;
  for (int i = 0; i < argc; i++) {
    char name[64];
    if (argv[i][0] == '-') {
      if (!(c->takes & (SERVES | DEVELOPS))) {
        rl_buf_addf(why, "rille %s takes no options, got '%s'", c->name, argv[i]);
        return RL_EINVALID;
      }
      int code = parse_one(o, argv, argc, &i, name, sizeof name, why);
      if (!code && c->takes & DEVELOPS && !is_for_dev(name)) code = refuse_in_dev(name, why);
      if (!code && c->takes & SERVES && !is_for_serve(name)) code = refuse_in_serve(name, why);
      if (code) return code;
    } else if (has_app || !(c->takes & TAKES_APP)) {
      rl_buf_addf(why, "unexpected argument '%s', see: rille help %s", argv[i], c->name);
      return RL_EINVALID;
    } else {
      o->app = argv[i];
      has_app = true;
    }
  }
  return RL_OK;
}

bool rl_options_takes_app(const char *name) {
  const command *c = find_command(name);
  return c && c->takes & TAKES_APP && !(c->takes & STAYS_HERE);
}

int rl_options_parse(rl_options *o, int argc, char **argv, rl_buf *why) {
  *o = (rl_options){.command = "help", .app = "app", .port = 8080, .threads = 1, .shutdown_timeout = 30};
  const char *name = argc > 1 ? argv[1] : "help";
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) name = "version";
  const command *c = find_command(name);
  if (!c) {
    rl_buf_addf(why, "unknown command '%s', see: rille help", name);
    return RL_EINVALID;
  }
  o->command = c->name;
  if (argc > 2 && asks_for_help(c, argc - 2, argv + 2)) {
    o->command = "help";
    o->argc = 1;
    o->argv = argv + 1;
    return RL_OK;
  }
  int code = environment_defaults(o, why);
  if (!code) code = parse_rest(o, c, argc > 2 ? argc - 2 : 0, argv + 2, why);
  const char *host = getenv("HOST");
  if (!code && !o->host_count) code = add_host(o, "HOST in the environment", host && *host ? host : "127.0.0.1", why);
  return code;
}
