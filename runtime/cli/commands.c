/* The table of commands; see commands.h. */
#include "cli/commands.h"

#include <stddef.h>
#include <string.h>

#include "cli/suggest.h"

static const char serve_help[] =
    "usage: rille serve [APP] [options]\n\n"
    "Serves the app (a Lua file, or a directory with init.lua; default: app, or app.lua). Its root is the folder that "
    "holds\n"
    "APP: templates, static files, migrations, .env and require start there.\n\n"
    "  --host ADDRESS           where to listen, may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N                 (default 8080, or PORT); 0 takes a free one\n"
    "  --unix PATH              a unix socket instead\n"
    "  --threads N|auto         workers, each with a Lua state of its own (default 1, or RILLE_THREADS)\n"
    "  --log text|json|off      (default text)\n"
    "  --shutdown-timeout S     how many seconds running requests have after SIGTERM (default 30)\n"
    "  --memory-limit BYTES     of each worker's Lua state (default: none)\n"
    "  --watchdog SECONDS       end the process if a worker is stuck for this long (default: off)\n"
    "  --supervise              a parent process holds the sockets and restarts the server when it dies\n";

static const char dev_help[] =
    "usage: rille dev [APP] [--host 127.0.0.1] [--port 8080] [--allow-host NAME]\n\n"
    "Serves the app for development: one worker. On each save of a Lua file, a template, a migration or .env the "
    "program is\n"
    "loaded again and replaces the running one. Pages in browsers reload by themselves; style sheets change without a "
    "reload.\n"
    "Errors are shown in the browser, in the terminal, and to curl as text. http://127.0.0.1:8080/_rille shows the "
    "last\n"
    "requests, routes, tasks and memory. With RILLE_EDITOR, such as vscode://file/{path}:{line}, links to sources open "
    "in "
    "the\n"
    "editor.\n\n"
    "Shows sources only to pages of this machine: localhost, loopback addresses, and the address it listens on.\n\n"
    "  --memory-limit BYTES     of the Lua state (default: none)\n"
    "  --allow-host NAME        another host of yours, may be repeated; .example.org allows every name below it\n";

static const char run_help[] =
    "usage: rille run FILE [ARG...]\n\n"
    "Runs a Lua file as a task, so it may wait. ARGs are in `arg` and `...`. If the file returns a function, or a "
    "table "
    "with\n"
    "main, calls that with the ARGs; an integer that it returns is the exit status.\n";

static const char migrate_help[] =
    "usage: rille migrate [--status] DB DIR\n\n"
    "Runs the .sql files of DIR on the database DB, each once, in the order of their numbers. Creates the database if "
    "it\n"
    "does not exist. A file that was edited, renamed or deleted since, or comes late, is an error.\n\n"
    "  --status   runs nothing: shows the state of each; exits with 1 if one has changed since it was applied\n";

static const char console_help[] =
    "usage: rille console [APP]\n\n"
    "A prompt in which Lua may wait, with the app loaded and its lifespans started: `app`, `client` (requests to\n"
    "it without a socket), `db` (app.state.db), `rille`. The tab key completes; the history is in\n"
    "~/.local/state/rille/history.\n";

static const char new_help[] =
    "usage: rille new [--api | --minimal] NAME\n\n"
    "Makes the directory NAME with a project that runs, tests and deploys: pages with forms, a session and a "
    "database.\n"
    "The last part of the path NAME begins with a letter and consists of letters, digits, '-' and '_'.\n\n"
    "  --api       a JSON API instead: validation, pages of a list, an OpenAPI document, no templates\n"
    "  --minimal   one file and one spec, nothing else\n";

static const char check_help[] =
    "usage: rille check [APP]\n\n"
    "Loads the app, compiles its routes and templates, and checks its Lua with luacheck if that is installed (with "
    "the\n"
    "project's .luacheckrc, or its own settings). Prints what is wrong. Exits with 1 if the app has an error or an\n"
    "undefined variable.\n";

static const char doctor_help[] =
    "usage: rille doctor [APP] [--host ADDRESS] [--port N] [--json]\n\n"
    "Checks that this machine is ready for the app, and says what to do: versions, installed libraries, the app and "
    "its\n"
    "secret, .env, the database and its migrations, the disk and its flushes, descriptors, the port, the clock. "
    "Changes\n"
    "nothing. Exits with 1 if something is wrong.\n\n"
    "  --host ADDRESS   where the app will listen, may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N         the port (default 8080, or PORT)\n"
    "  --json           for programs\n";

static const char completion_help[] =
    "usage: rille completion bash|zsh|fish\n\n"
    "Prints a script with which the shell completes rille's commands and options:\n\n"
    "  bash   rille completion bash > ~/.local/share/bash-completion/completions/rille\n"
    "  zsh    rille completion zsh > \"${fpath[1]}/_rille\"\n"
    "  fish   rille completion fish > ~/.config/fish/completions/rille.fish\n";

static const rl_command commands[] = {
    {"serve", RL_TAKES_APP | RL_FOR_SERVE, serve_help},
    {"dev", RL_TAKES_APP | RL_FOR_DEV, dev_help},
    {"run", RL_TAKES_REST, run_help},
    {"test", RL_TAKES_REST,
     "usage: rille test [PATH...] [BUSTED OPTIONS]\n\nRuns the specs with busted inside the runtime (default: "
     "spec).\n"},
    {"routes", RL_TAKES_APP,
     "usage: rille routes [APP]\n\nPrints every route: method, path, name, middleware, and its place in the "
     "source.\n"},
    {"check", RL_TAKES_APP, check_help},
    {"doctor", RL_TAKES_APP | RL_FOR_DOCTOR, doctor_help},
    {"openapi", RL_TAKES_APP,
     "usage: rille openapi [APP]\n\nPrints an OpenAPI 3.1 document of the app: its routes, with the schemas of "
     "rille.validate.\n"},
    {"migrate", RL_TAKES_REST | RL_FOR_MIGRATE, migrate_help},
    {"console", RL_TAKES_APP | RL_STAYS_HERE, console_help},
    {"new", RL_TAKES_REST | RL_FOR_NEW, new_help},
    {"completion", RL_TAKES_REST, completion_help},
    {"version", 0, "usage: rille version\n"},
    {"help", RL_TAKES_REST, "usage: rille help [COMMAND]\n"},
};

static const char general_help[] =
    "usage: rille COMMAND …\n\n"
    "  new NAME            make a project\n"
    "  dev [APP]           serve an app for development: reload on save, error pages\n"
    "  serve [APP]         serve an app\n"
    "  run FILE [ARG...]   run a Lua file as a task\n"
    "  test [PATH...]      run the specs\n"
    "  routes [APP]        list the routes\n"
    "  check [APP]         load the app and report errors\n"
    "  doctor [APP]        check that this machine is ready for the app\n"
    "  openapi [APP]       print an OpenAPI 3.1 document of the app\n"
    "  migrate DB DIR      run a directory of migrations on a database\n"
    "  console [APP]       a prompt with the app loaded\n"
    "  completion SHELL    for bash, zsh or fish\n"
    "  version\n"
    "  help [COMMAND]\n\n"
    "APP is a Lua file, or a directory with init.lua; unless given, it is app or app.lua of the working directory.\n";

const rl_command *rl_command_at(unsigned i) { return i < sizeof commands / sizeof *commands ? &commands[i] : NULL; }

const rl_command *rl_command_find(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

const char *rl_command_meant(const char *name) {
  rl_suggestion s;
  rl_suggest_start(&s, name);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) rl_suggest_try(&s, commands[i].name);
  return s.best ? s.best : rl_suggest_command(name);
}

const char *rl_command_help(const char *name) {
  if (!name) return general_help;
  const rl_command *found = rl_command_find(name);
  return found ? found->help : NULL;
}
