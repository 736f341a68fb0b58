/* Finds what was meant; see suggest.h. */
#include "cli/suggest.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"

enum { MOST = 32 }; /* the longest word that is compared */

typedef struct pair {
  const char *theirs, *ours;
} pair;

static const pair commands[] = {
    {"start", "serve"},     {"server", "serve"},    {"up", "serve"},    {"init", "new"},
    {"create", "new"},      {"generate", "new"},    {"lint", "check"},  {"validate", "check"},
    {"verify", "check"},    {"watch", "dev"},       {"develop", "dev"}, {"repl", "console"},
    {"shell", "console"},   {"spec", "test"},       {"specs", "test"},  {"migrations", "migrate"},
    {"db", "migrate"},      {"swagger", "openapi"}, {"exec", "run"},    {"script", "run"},
    {"diagnose", "doctor"}, {"info", "doctor"},     {"env", "doctor"},  {"completions", "completion"}};

static const char tls[] = "--tls CERT.pem,KEY.pem serves https";
static const char reloads[] = "rille dev loads the program again at each save, kill -HUP does so for rille serve";

static const pair options[] = {
    {"--bind", "--host"},
    {"--address", "--host"},
    {"--listen", "--host"},
    {"--interface", "--host"},
    {"-b", "--host"},
    {"-H", "--host"},
    {"-p", "--port"},
    {"-P", "--port"},
    {"--socket", "--unix"},
    {"-u", "--unix"},
    {"--workers", "--threads"},
    {"--processes", "--threads"},
    {"-w", "--threads"},
    {"-t", "--threads"},
    {"--timeout", "--shutdown-timeout"},
    {"--graceful-timeout", "--shutdown-timeout"},
    {"--format", "--log"},
    {"--log-format", "--log"},
    {"--access-log", "--log"},
    {"--max-memory", "--memory-limit"},
    {"--allowed-hosts", "--allow-host"},
    {"--restart", "--supervise"},
    {"--reload", reloads},
    {"--watch", reloads},
    {"--debug", "RILLE_DEBUG=1 in the environment shows log lines of level debug; rille dev explains errors"},
    {"--verbose", "RILLE_DEBUG=1 in the environment shows log lines of level debug"},
    {"--log-level", "RILLE_DEBUG=1 in the environment shows log lines of level debug"},
    {"--quiet", "--log off writes no access log"},
    {"--daemon", "a server stays in the foreground, where systemd or a container keeps it: see docs/deployment.md"},
    {"-d", "a server stays in the foreground, where systemd or a container keeps it: see docs/deployment.md"},
    {"--env", "put variables into .env beside the app, or into the environment: NAME=value rille serve"},
    {"--env-file", "put variables into .env beside the app, or into the environment: NAME=value rille serve"},
    {"--root", "the root is the folder that holds APP"},
    {"--app", "give APP without an option: rille serve app.lua"},
    {"--ssl", tls},
    {"--cert", tls},
    {"--certfile", tls},
    {"--key", tls},
    {"--keyfile", tls},
    {"--https", "--tls CERT.pem,KEY.pem serves https; rille dev --https makes a certificate for this machine"},
    {"--https-port", "--tls-port"},
    {"--redirect", "--redirect-https"},
    {"--letsencrypt", "--acme"},
    {"--http2", "HTTP/2 comes with --tls; --h2c speaks it without TLS"}};

static const char *find(const pair *pairs, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(pairs[i].theirs, name) == 0) return pairs[i].ours;
  return NULL;
}

const char *rl_suggest_command(const char *name) { return find(commands, sizeof commands / sizeof *commands, name); }
const char *rl_suggest_option(const char *name) { return find(options, sizeof options / sizeof *options, name); }

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Counts letters left out, added, changed, or two of them swapped (Damerau 1964), without regard to case. */
static unsigned distance(const char *a, const char *b) {
  unsigned rows[3][MOST + 1], n = (unsigned)strlen(a), m = (unsigned)strlen(b);
  for (unsigned j = 0; j <= m; j++) rows[0][j] = j;
  for (unsigned i = 1; i <= n; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
    row[0] = i;
    for (unsigned j = 1; j <= m; j++) {
      char x = rl_lower(a[i - 1]), y = rl_lower(b[j - 1]);
      row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
      bool swapped = i > 1 && j > 1 && x == rl_lower(b[j - 2]) && y == rl_lower(a[i - 2]);
      if (swapped) row[j] = least(row[j], before[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}

static unsigned letters(const char *word) { return (unsigned)strlen(word + strspn(word, "-")); }

void rl_suggest_start(rl_suggestion *s, const char *name) {
  *s = (rl_suggestion){.name = name, .distance = letters(name) > 4 ? 3 : 2};
}

/* Accepts at most one wrong letter of a short word, two of a long one. The first of the nearest words wins. */
void rl_suggest_try(rl_suggestion *s, const char *word) {
  if (strlen(s->name) > MOST || strlen(word) > MOST || !letters(s->name)) return;
  unsigned found = distance(s->name, word);
  if (found >= s->distance) return;
  s->distance = found;
  s->best = word;
}
