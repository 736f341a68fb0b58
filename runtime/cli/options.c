/* Parsing the command line; see options.h. */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/suggest.h"

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

/* Removes the brackets of "[::1]", as URLs write it. */
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

/* ---- the options: each setter takes a value, or says what it expects ------------------------------------------------------- */

static const char *set_host(rl_options *o, const char *text) {
  if (o->host_count == RL_OPTION_HOSTS) return "at most 8 addresses";
  const char *host = has_port(text) ? NULL : without_brackets(o, text);
  if (!host || !*host) return "a name or an address, without a port (--port)";
  o->hosts[o->host_count++] = host;
  return NULL;
}

static const char a_port[] = "a port from 0 to 65535";

static const char *set_port(rl_options *o, const char *text) {
  o->port_given = true;
  return to_port(text, &o->port) ? a_port : NULL;
}

static const char *set_unix(rl_options *o, const char *text) {
  if (!*text) return "a path";
  o->unix_path = text;
  return NULL;
}

static const char *set_threads(rl_options *o, const char *text) {
  return to_threads(o, text) ? "a number from 1 to 1024, or auto" : NULL;
}

static const char *set_log(rl_options *o, const char *text) {
  if (strcmp(text, "text") == 0) o->log = RL_LOG_TEXT;
  else if (strcmp(text, "json") == 0) o->log = RL_LOG_JSON;
  else if (strcmp(text, "off") == 0) o->log = RL_LOG_OFF;
  else return "text, json or off";
  return NULL;
}

static const char seconds[] = "seconds, such as 30 or 0.5";

static const char *set_shutdown_timeout(rl_options *o, const char *text) {
  return to_seconds(text, &o->shutdown_timeout) ? seconds : NULL;
}

static const char *set_watchdog(rl_options *o, const char *text) {
  return to_seconds(text, &o->watchdog) ? seconds : NULL;
}

static const char *set_memory(rl_options *o, const char *text) {
  unsigned long long number;
  if (rl_slice_to_u64(rl_slice_str(text), &number) || number < (1 << 20))
    return "bytes, at least 1048576 (64 MiB are 67108864)";
  o->memory_limit = (size_t)number;
  return NULL;
}

/* ---- of TLS (tls_options.h) ---- */

static const char *set_tls(rl_options *o, const char *text) { return rl_tls_options_add_pair(&o->tls, text); }
static const char *set_tls_min(rl_options *o, const char *text) { return rl_tls_options_set_minimum(&o->tls, text); }
static const char *set_acme(rl_options *o, const char *text) { return rl_tls_options_add_acme(&o->tls, text); }
static const char *set_tls_port(rl_options *o, const char *text) { return rl_tls_options_add_port(&o->tls, text); }
static const char *set_h2c_port(rl_options *o, const char *text) {
  return to_port(text, &o->tls.h2c_port) ? a_port : NULL;
}

static const char *set_path(const char **out, const char *text) {
  *out = text;
  return *text ? NULL : "a path";
}

static const char *set_client_ca(rl_options *o, const char *text) { return set_path(&o->tls.client_ca, text); }
static const char *set_acme_directory(rl_options *o, const char *text) {
  return set_path(&o->tls.acme_directory, text);
}

static const char *set_acme_ca(rl_options *o, const char *text) { return set_path(&o->tls.acme_ca, text); }

static const char *set_acme_email(rl_options *o, const char *text) {
  o->tls.acme_email = text;
  return strchr(text, '@') && !strpbrk(text, " <>,") ? NULL : "an address such as ada@example.org";
}

static const char *set_acme_server(rl_options *o, const char *text) {
  o->tls.acme_server = text;
  return strncmp(text, "https://", 8) == 0 ? NULL : "the URL of a directory, https://…";
}

static const char *set_redirect(rl_options *o, const char *text) {
  (void)text;
  o->tls.redirect = true;
  return NULL;
}

static const char *set_https(rl_options *o, const char *text) {
  (void)text;
  o->tls.https = true;
  return NULL;
}

static const char *set_h2c(rl_options *o, const char *text) {
  (void)text;
  o->tls.h2c = true;
  return NULL;
}

static const char *set_supervise(rl_options *o, const char *text) {
  (void)text;
  o->supervise = true;
  return NULL;
}

static const char *set_json(rl_options *o, const char *text) {
  (void)text;
  o->json = true;
  return NULL;
}

/* Takes a host as in a URL, without a port; a leading dot allows all names below it. */
static const char *add_allowed(rl_options *o, const char *text) {
  rl_slice name = rl_slice_str(*text == '.' ? text + 1 : text);
  if (o->allowed_count == RL_OPTION_ALLOWED || !name.len || strpbrk(name.data, "/@*: "))
    return "a name such as blog.test, without a port";
  o->allowed[o->allowed_count++] = text;
  return NULL;
}

typedef struct option {
  const char *name;
  int of; /* RL_FOR_… */
  bool is_switch;
  const char *(*set)(rl_options *o, const char *text); /* NULL: its command reads it */
} option;

static const option options[] = {
    {"--host", RL_FOR_SERVE | RL_FOR_DEV | RL_FOR_DOCTOR, false, set_host},
    {"--port", RL_FOR_SERVE | RL_FOR_DEV | RL_FOR_DOCTOR, false, set_port},
    {"--unix", RL_FOR_SERVE, false, set_unix},
    {"--tls", RL_FOR_SERVE, false, set_tls},
    {"--tls-port", RL_FOR_SERVE, false, set_tls_port},
    {"--tls-min", RL_FOR_SERVE, false, set_tls_min},
    {"--client-ca", RL_FOR_SERVE, false, set_client_ca},
    {"--redirect-https", RL_FOR_SERVE, true, set_redirect},
    {"--acme", RL_FOR_SERVE, false, set_acme},
    {"--acme-email", RL_FOR_SERVE, false, set_acme_email},
    {"--acme-dir", RL_FOR_SERVE, false, set_acme_directory},
    {"--acme-server", RL_FOR_SERVE, false, set_acme_server},
    {"--acme-ca", RL_FOR_SERVE, false, set_acme_ca},
    {"--h2c", RL_FOR_SERVE, true, set_h2c},
    {"--h2c-port", RL_FOR_SERVE, false, set_h2c_port},
    {"--threads", RL_FOR_SERVE, false, set_threads},
    {"--log", RL_FOR_SERVE, false, set_log},
    {"--shutdown-timeout", RL_FOR_SERVE, false, set_shutdown_timeout},
    {"--memory-limit", RL_FOR_SERVE | RL_FOR_DEV, false, set_memory},
    {"--watchdog", RL_FOR_SERVE, false, set_watchdog},
    {"--supervise", RL_FOR_SERVE, true, set_supervise},
    {"--https", RL_FOR_DEV, true, set_https},
    {"--allow-host", RL_FOR_DEV, false, add_allowed},
    {"--json", RL_FOR_DOCTOR | RL_FOR_CERTIFICATES, true, set_json},
    {"--api", RL_FOR_NEW, true, NULL},
    {"--minimal", RL_FOR_NEW, true, NULL},
    {"--status", RL_FOR_MIGRATE, true, NULL},
    {"--dry-run", RL_FOR_MIGRATE, true, NULL},
    {"--backup", RL_FOR_MIGRATE, false, NULL},
    {"--renew", RL_FOR_CERTIFICATES, false, NULL},
    {"--revoke", RL_FOR_CERTIFICATES, false, NULL},
};
enum { OPTIONS = sizeof options / sizeof *options };

static const option *find_option(const char *name) {
  for (size_t i = 0; i < OPTIONS; i++)
    if (strcmp(options[i].name, name) == 0) return &options[i];
  return NULL;
}

const char *rl_options_of(const rl_command *c, unsigned i) {
  for (size_t k = 0; k < OPTIONS; k++)
    if (options[k].of & c->takes && i-- == 0) return options[k].name;
  return NULL;
}

/* ---- what was meant ---------------------------------------------------------------------------------------------------------- */

static bool takes_options(const rl_command *c) { return rl_options_of(c, 0) != NULL; }

static void add_names(const rl_command *c, rl_buf *why) {
  const char *name;
  for (unsigned i = 0; (name = rl_options_of(c, i)); i++)
    rl_buf_addf(why, "%s%s", !i ? "" : rl_options_of(c, i + 1) ? ", " : " and ", name);
}

static const char *option_meant(const rl_command *c, const char *name) {
  const char *known, *theirs = rl_suggest_option(name);
  rl_suggestion s;
  if (theirs) return theirs;
  rl_suggest_start(&s, name);
  for (unsigned i = 0; (known = rl_options_of(c, i)); i++) rl_suggest_try(&s, known);
  return s.best;
}

static int refuse_unknown(const rl_command *c, const char *name, rl_buf *why) {
  const char *meant = option_meant(c, name);
  const option *ours = meant ? find_option(meant) : NULL;
  rl_buf_addf(why, "unknown option %s", name);
  if (meant && strchr(meant, ' ')) rl_buf_addf(why, ": %s", meant);
  else if (ours && ours->of & c->takes) rl_buf_addf(why, ", did you mean %s? See: rille help %s", meant, c->name);
  else rl_buf_addf(why, ", see: rille help %s", c->name);
  return RL_EINVALID;
}

/* Refuses an option of another command. */
static int refuse_here(const rl_command *c, const option *found, rl_buf *why) {
  if (c->takes & RL_FOR_SERVE && found->of == RL_FOR_DEV)
    rl_buf_addf(why, "%s is for rille dev: rille serve has no development pages", found->name);
  else if (!takes_options(c)) rl_buf_addf(why, "rille %s takes no options, got '%s'", c->name, found->name);
  else {
    rl_buf_addf(why, "rille %s %stakes ", c->name, c->takes & RL_FOR_DEV ? "has one worker and " : "");
    add_names(c, why);
    rl_buf_addf(why, ", not %s", found->name);
  }
  return RL_EINVALID;
}

static bool is_number(const char *text) { return *text && strspn(text, "0123456789") == strlen(text); }

static int refuse_argument(const rl_command *c, const char *app, const char *text, rl_buf *why) {
  bool listens = c->takes & (RL_FOR_SERVE | RL_FOR_DEV | RL_FOR_DOCTOR);
  rl_buf_addf(why, "unexpected argument '%s'", text);
  if (listens && is_number(text)) rl_buf_addf(why, ", did you mean --port %s?", text);
  else if (app) rl_buf_addf(why, ": rille %s takes one APP, which is '%s'", c->name, app);
  else rl_buf_addf(why, ", see: rille help %s", c->name);
  return RL_EINVALID;
}

/* Skips dashes that an editor or a chat has made of "--": U+2010 to U+2015, U+2212. */
static const char *after_long_dashes(const char *text) {
  for (;;) {
    if (strncmp(text, "\xE2\x80", 2) == 0 && (unsigned char)text[2] >= 0x90 && (unsigned char)text[2] <= 0x95)
      text += 3;
    else if (strncmp(text, "\xE2\x88\x92", 3) == 0) text += 3;
    else return text;
  }
}

static bool has_long_dash(const char *text, rl_buf *why) {
  const char *rest = after_long_dashes(text);
  if (rest == text || !*rest) return false;
  while (*rest == '-') rest++;
  rl_buf_addf(why, "'%s' begins with a long dash, write: --%s", text, rest);
  return true;
}

static int refuse_command(const char *name, rl_buf *why) {
  const char *meant = *name == '-' ? NULL : rl_command_meant(name);
  if (*name == '-') {
    rl_buf_addf(why, "a command was expected before '%s', such as: rille serve %s, see: rille help", name, name);
  } else if (!has_long_dash(name, why)) {
    rl_buf_addf(why, "unknown command '%s'", name);
    if (meant) rl_buf_addf(why, ", did you mean '%s'? See: rille help", meant);
    else if (access(name, F_OK)) rl_buf_add_str(why, ", see: rille help");
    else rl_buf_addf(why, ": rille serve %s serves an app, rille run %s runs a script", name, name);
  }
  return RL_EINVALID;
}

/* ---- parsing ------------------------------------------------------------------------------------------------------------------ */

static int environment_defaults(rl_options *o, rl_buf *why) {
  const char *port = getenv("PORT"), *threads = getenv("RILLE_THREADS");
  if (port && *port && set_port(o, port)) return refuse(why, "PORT in the environment", a_port, port);
  if (threads && *threads && to_threads(o, threads))
    return refuse(why, "RILLE_THREADS in the environment", "a number from 1 to 1024, or auto", threads);
  return RL_OK;
}

static int default_host(rl_options *o, rl_buf *why) {
  const char *host = getenv("HOST");
  if (o->host_count) return RL_OK;
  const char *expected = set_host(o, host && *host ? host : "127.0.0.1");
  return expected ? refuse(why, "HOST in the environment", expected, host) : RL_OK;
}

/* RILLE_TLS is one pair, for a server that has none on its command line. */
static int default_tls(rl_options *o, rl_buf *why) {
  const char *pair = getenv("RILLE_TLS");
  if (strcmp(o->command, "serve") != 0 || rl_tls_options_wanted(&o->tls) || !pair || !*pair) return RL_OK;
  const char *expected = set_tls(o, pair);
  return expected ? refuse(why, "RILLE_TLS in the environment", expected, pair) : RL_OK;
}

static int resolve_ports(rl_options *o, rl_buf *why) {
  int count = rl_tls_options_ports(&o->tls, o->port_given ? o->port : -1, o->unix_path, o->ports, why);
  o->port_count = count < 0 ? 0 : count;
  return count < 0 ? count : RL_OK;
}

static int set(rl_options *o, const option *found, const char *text, rl_buf *why) {
  const char *expected = found->set(o, text);
  return expected ? refuse(why, found->name, expected, text) : RL_OK;
}

/* Reads "--port=80" or "--port 80". Moves `i` past what it used. */
static int parse_one(rl_options *o, const rl_command *c, char **argv, int argc, int *i, rl_buf *why) {
  char name[64];
  const char *text = argv[*i], *eq = strchr(text, '=');
  size_t len = eq ? (size_t)(eq - text) : strlen(text);
  if (len >= sizeof name) len = sizeof name - 1;
  memcpy(name, text, len);
  name[len] = 0;
  const option *found = find_option(name);
  if (!found && !takes_options(c))
    return rl_buf_addf(why, "rille %s takes no options, got '%s'", c->name, text), RL_EINVALID;
  if (!found || !found->set) return refuse_unknown(c, name, why);
  if (!(found->of & c->takes)) return refuse_here(c, found, why);
  if (found->is_switch) return eq ? refuse(why, name, "no value", eq + 1) : set(o, found, "", why);
  if (eq) return set(o, found, eq + 1, why);
  const char *value = *i + 1 < argc ? argv[++*i] : NULL;
  if (value && !find_option(value)) return set(o, found, value, why);
  rl_buf_addf(why, "%s needs a value", name);
  if (value) rl_buf_addf(why, ", got the option %s", value);
  return RL_EINVALID;
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

/* Returns true for "rille serve --help" and "rille serve app.lua --help". Arguments after a script's name belong to the
 * script, and all of test's to busted. */
static bool asks_for_help(const rl_command *c, int argc, char **argv) {
  if (c->takes & RL_TAKES_REST && !takes_options(c))
    return argc > 0 && strcmp(c->name, "test") != 0 && is_help(argv[0]);
  for (int i = 0; i < argc; i++)
    if (is_help(argv[i])) return true;
  return false;
}

static int parse_app(rl_options *o, const rl_command *c, int argc, char **argv, rl_buf *why) {
  for (int i = 0; i < argc; i++) {
    int code = RL_OK;
    if (argv[i][0] == '-') code = parse_one(o, c, argv, argc, &i, why);
    else if (has_long_dash(argv[i], why)) code = RL_EINVALID;
    else if (o->app_given || !(c->takes & RL_TAKES_APP))
      code = refuse_argument(c, o->app_given ? o->app : NULL, argv[i], why);
    else o->app = argv[i], o->app_given = true;
    if (code) return code;
  }
  if (!o->app_given && access("app", F_OK) && access("app.lua", F_OK) == 0) o->app = "app.lua";
  return RL_OK;
}

static int parse_rest(rl_options *o, const rl_command *c, int argc, char **argv, rl_buf *why) {
  if (!(c->takes & RL_TAKES_REST)) return parse_app(o, c, argc, argv, why);
  o->argc = argc;
  o->argv = argv;
  return RL_OK;
}

bool rl_options_takes_app(const char *name) {
  const rl_command *c = rl_command_find(name);
  return c && c->takes & RL_TAKES_APP && !(c->takes & RL_STAYS_HERE);
}

static const char *command_name(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "help";
  if (is_help(name)) return "help";
  return strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0 || strcmp(name, "-v") == 0 ? "version" : name;
}

int rl_options_parse(rl_options *o, int argc, char **argv, rl_buf *why) {
  *o = (rl_options){
      .command = "help", .app = "app", .port = 8080, .threads = 1, .shutdown_timeout = 30, .tls = {.h2c_port = -1}};
  const char *name = command_name(argc, argv);
  const rl_command *c = rl_command_find(name);
  if (!c) return refuse_command(name, why);
  o->command = c->name;
  if (argc > 2 && asks_for_help(c, argc - 2, argv + 2)) {
    o->command = "help";
    o->argc = 1;
    o->argv = argv + 1;
    return RL_OK;
  }
  int code = environment_defaults(o, why);
  if (!code) code = parse_rest(o, c, argc > 2 ? argc - 2 : 0, argv + 2, why);
  if (!code) code = default_host(o, why);
  if (!code) code = default_tls(o, why);
  return code ? code : resolve_ports(o, why);
}

void rl_options_free(rl_options *o) { rl_tls_options_free(&o->tls); }
