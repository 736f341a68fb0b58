/* The table of commands; see commands.h. */
#include "cli/commands.h"

#include <stddef.h>
#include <string.h>

#include "cli/suggest.h"

static const char serve_help[] =
    "usage: rille serve [APP] [options]\n\n"
    "Serves the app. APP is a Lua file, or a directory with init.lua (default: app, or app.lua). Its root is the\n"
    "folder that holds APP: paths of templates, static files, migrations, .env and require are relative to it.\n\n"
    "  --host ADDRESS           listen at this address; may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N                 listen on this port (default 8080, or PORT); 0 takes a free one\n"
    "  --unix PATH              listen on a Unix socket instead\n"
    "  --tls CERT.pem,KEY.pem   speak https with this certificate and key; may be repeated for more names (RILLE_TLS)\n"
    "  --tls-port N[,PROTOCOL]  speak https on this port (default 8443); may be repeated, with http/1.1 or h2 only\n"
    "  --redirect-https         answer plain requests on --port with a redirect to https\n"
    "  --client-ca FILE         let in only clients with a certificate of these authorities\n"
    "  --tls-min 1.2|1.3        refuse older versions of TLS (default 1.2)\n"
    "  --acme NAME[,NAME…]      obtain and renew a certificate for these names; may be repeated\n"
    "  --acme-email ADDRESS     give the authority this address\n"
    "  --acme-dir DIR           keep the account and certificates in this directory\n"
    "  --acme-server URL        ask this authority (default: Let's Encrypt)\n"
    "  --acme-ca FILE           trust these roots when asking it, for an authority of your own\n"
    "  --h2c                    take HTTP/2 without TLS on --port too, from clients that know\n"
    "  --h2c-port N             take only HTTP/2 without TLS on this port\n"
    "  --threads N|auto         run N workers, each with its own Lua state (default 1, or RILLE_THREADS)\n"
    "  --log text|json|off      write the log in this format (default text)\n"
    "  --shutdown-timeout S     give running requests S seconds after SIGTERM (default 30)\n"
    "  --memory-limit BYTES     limit each worker's Lua state (default: none)\n"
    "  --watchdog SECONDS       end the process if a worker is stuck for so long (default: off)\n"
    "  --supervise              a parent process holds the sockets and starts the server again if it dies\n";

static const char dev_help[] =
    "usage: rille dev [APP] [--host 127.0.0.1] [--port 8080] [--https] [--allow-host NAME]\n\n"
    "Serves the app for development, with one worker. When you save a Lua file, a template, a migration or .env, it\n"
    "loads the program again beside the running one and swaps it in. Pages in browsers reload by themselves; style\n"
    "sheets are replaced without a reload. Errors are explained in the browser, in the terminal, and to curl as text.\n"
    "http://127.0.0.1:8080/_rille shows the last requests, routes, tasks and memory. Set RILLE_EDITOR, for example to\n"
    "vscode://file/{path}:{line}, to open links to sources in your editor.\n\n"
    "Only pages of this machine see sources: localhost, loopback addresses, and the address it listens on.\n\n"
    "  --https                  speak https, with a certificate of an authority of your own for this machine\n"
    "  --memory-limit BYTES     limit the Lua state (default: none)\n"
    "  --allow-host NAME        allow another host of yours; may be repeated; .example.org allows all names below it\n";

static const char run_help[] =
    "usage: rille run FILE [ARG...]\n\n"
    "Runs a Lua file as a task, which may wait. ARGs are in `arg` and `...`. If the file returns a function, or a\n"
    "table with main, that function is called with the ARGs. An integer that it returns is the exit status.\n";

static const char migrate_help[] =
    "usage: rille migrate [OPTION] DB DIR\n\n"
    "Runs the .sql files of DIR on the database DB, each once, in the order of their numbers. Makes the database if "
    "it\n"
    "is missing. A file that was edited, renamed or deleted since, or comes late, is an error.\n\n"
    "  --status        run nothing, show the state of each file; exit with 1 if one is not as it was applied\n"
    "  --dry-run       run what is new on a copy of DB, which is deleted: shows the order and what would fail\n"
    "  --backup PATH   copy DB before, if there is anything to run: into the folder PATH, or to PATH; the name gets\n"
    "                  the time\n";

static const char console_help[] =
    "usage: rille console [APP]\n\n"
    "Opens a prompt with the app loaded and its lifespans started; calls may wait. It defines `app`, `client` (calls\n"
    "the app without a socket), `db` (app.state.db) and `rille`. The tab key completes names. The history is in\n"
    "~/.local/state/rille/history.\n";

static const char new_help[] =
    "usage: rille new [--api | --minimal] NAME\n\n"
    "Makes the directory NAME with a project that you can run, test and deploy: pages with forms, a session and a\n"
    "database. NAME is a path whose last part has letters, digits, '-' and '_', and begins with a letter.\n\n"
    "  --api       make a JSON API instead: validation, pagination, an OpenAPI document, no templates\n"
    "  --minimal   make one file and one spec, nothing else\n";

static const char check_help[] =
    "usage: rille check [APP]\n\n"
    "Loads the app, compiles its routes and templates, and runs luacheck on its Lua if that is installed (with the\n"
    "project's .luacheckrc, or with rille's settings). Prints what is wrong. The exit status is 1 for errors and for\n"
    "undefined variables.\n";

static const char doctor_help[] =
    "usage: rille doctor [APP] [--host ADDRESS] [--port N] [--json]\n\n"
    "Checks whether this machine is fit for the app, and says what to do: versions, installed programs, the app and\n"
    "its secret, .env, the database and its migrations, the disk and its flushes, descriptors, the port, the clock.\n"
    "It changes nothing. The exit status is 1 if there is a fault.\n\n"
    "  --host ADDRESS   check this address; may be repeated (default 127.0.0.1, or HOST)\n"
    "  --port N         check this port (default 8080, or PORT)\n"
    "  --json           print JSON for programs\n";

static const char certificates_help[] =
    "usage: rille certificates [DIR] [--json] [--renew NAME | --revoke NAME]\n\n"
    "Lists the certificates that rille serve --acme keeps in DIR (--acme-dir, default: acme): names, issuer, end, "
    "next\n"
    "renewal, and the last error.\n\n"
    "  --json          print JSON for programs\n"
    "  --renew NAME    have a new one obtained, by the server that runs or by the next one\n"
    "  --revoke NAME   revoke it, for example because its key was stolen, and have a new one obtained\n";

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
     "usage: rille routes [APP]\n\nPrints every route: method, path, name, middleware, and its place in the source.\n"},
    {"check", RL_TAKES_APP, check_help},
    {"doctor", RL_TAKES_APP | RL_FOR_DOCTOR, doctor_help},
    {"openapi", RL_TAKES_APP,
     "usage: rille openapi [APP]\n\nPrints an OpenAPI 3.1 document of the app: its routes and the schemas of\n"
     "rille.validate.\n"},
    {"certificates", RL_TAKES_REST | RL_FOR_CERTIFICATES, certificates_help},
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
    "  check [APP]         load the app and report what is wrong\n"
    "  doctor [APP]        check whether this machine is fit for the app\n"
    "  openapi [APP]       print an OpenAPI 3.1 document of the app\n"
    "  migrate DB DIR      run a directory of migrations on a database\n"
    "  certificates [DIR]  list the certificates of rille serve --acme; renew, revoke\n"
    "  console [APP]       open a prompt with the app loaded\n"
    "  completion SHELL    print completion for bash, zsh or fish\n"
    "  version             print the version\n"
    "  help [COMMAND]      print help\n\n"
    "APP is a Lua file, or a directory with init.lua. The default is app or app.lua in the working directory.\n";

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
