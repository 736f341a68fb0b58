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
    "  --memory-limit BYTES     of the Lua state (default: none)\n"
    "  --allow-host NAME        another host that is yours, may be repeated; .example.org is every name below it\n";

static const char run_help[] =
    "usage: rille run FILE [ARG...]\n\n"
    "Runs a Lua file as a task: it may wait. ARGs are in `arg` and `...`. If the file returns a function, or a table "
    "with\n"
    "main, that is called with the ARGs; an integer it returns is the exit status.\n";

static const char migrate_help[] =
    "usage: rille migrate [--status] DB DIR\n\n"
    "Runs the .sql files of DIR on the database DB (made where it is missing), each once, in the order of their\n"
    "numbers. A file that was edited, renamed or deleted since, or comes late, is an error.\n\n"
    "  --status   runs nothing: shows the state of each; exits with 1 where one is not as it was applied\n";

static const char console_help[] =
    "usage: rille console [APP]\n\n"
    "A prompt in which Lua may wait, with the app loaded and its lifespans started: `app`, `client` (requests to\n"
    "it without a socket), `db` (app.state.db), `rille`. Completes with the tab key; keeps its history in\n"
    "~/.local/state/rille/history.\n";

static const char new_help[] =
    "usage: rille new [--api | --minimal] NAME\n\n"
    "Makes the directory NAME with a project that runs, tests and deploys: pages with forms, a session and a "
    "database.\n"
    "NAME is a path whose last part has letters, digits, '-' and '_', and begins with a letter.\n\n"
    "  --api       a JSON API instead: validation, pages of a list, an OpenAPI document, no templates\n"
    "  --minimal   one file and one spec, nothing else\n";

static const char check_help[] =
    "usage: rille check [APP]\n\n"
    "Loads the app, compiles its routes and templates, and looks over its Lua with luacheck where that is installed "
    "(by the\n"
    "project's .luacheckrc, or settings of its own). Prints what is wrong; then, and where a variable is undefined, "
    "the exit\n"
    "status is 1.\n";

static const char doctor_help[] =
    "usage: rille doctor [APP] [--host ADDRESS] [--port N] [--json]\n\n"
    "Looks whether this machine is fit for the app, and says what to do: versions, what is installed, the app and its\n"
    "secret, .env, the database and its migrations, the disk and its flushes, descriptors, the port, the clock. It "
    "changes\n"
    "nothing. The exit status is 1 where something is at fault.\n\n"
    "  --host ADDRESS   where the app is to listen, may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N         and the port (default 8080, or PORT)\n"
    "  --json           for programs\n";

static const char completion_help[] =
    "usage: rille completion bash|zsh|fish\n\n"
    "Prints what a shell needs to complete rille's commands and options:\n\n"
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
     "usage: rille routes [APP]\n\nPrints every route: method, path, name, middleware, where it stands below the "
     "root.\n"},
    {"check", RL_TAKES_APP, check_help},
    {"doctor", RL_TAKES_APP | RL_FOR_DOCTOR, doctor_help},
    {"openapi", RL_TAKES_APP,
     "usage: rille openapi [APP]\n\nPrints an OpenAPI 3.1 document of the app: its routes and what rille.validate "
     "expects there.\n"},
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
    "  dev [APP]           serve an app while it is written: reload on save, error pages\n"
    "  serve [APP]         serve an app\n"
    "  run FILE [ARG...]   run a Lua file as a task\n"
    "  test [PATH...]      run the specs\n"
    "  routes [APP]        list the routes\n"
    "  check [APP]         load the app, report what is wrong\n"
    "  doctor [APP]        look whether this machine is fit for the app\n"
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
