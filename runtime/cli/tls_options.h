/*
 * What the command line says of TLS, and which ports follow from it.
 *
 *   --tls, --acme        nothing else      with --redirect-https or --acme     with --port and --tls-port
 *   none                 --port: http
 *   one of them          one port: https   --port: http, --tls-port: https     --port: http, --tls-port: https
 *
 * The one port is --tls-port, else --port or PORT, else 8443. --tls-port may be repeated, each with its protocols.
 */
#ifndef RL_CLI_TLS_OPTIONS_H
#define RL_CLI_TLS_OPTIONS_H

#include <stdbool.h>

#include "base/buf.h"

/* What is spoken at a port. A letter each, for the handover's text. */
typedef enum rl_port_role {
  RL_PORT_HTTP = 'h',
  RL_PORT_H2C = 'c',   /* HTTP/2 only, without TLS */
  RL_PORT_HTTPS = 's', /* HTTP/2 and HTTP/1.1, as ALPN agrees */
  RL_PORT_HTTPS_1 = '1',
  RL_PORT_HTTPS_2 = '2'
} rl_port_role;

enum { RL_OPTION_TLS_PORTS = 6, RL_OPTION_PORTS = RL_OPTION_TLS_PORTS + 2, RL_OPTION_PAIRS = 32, RL_OPTION_NAMES = 32 };

/* A port to open; 0: a free one. */
typedef struct rl_port {
  rl_port_role role;
  int number;
} rl_port;

/* A certificate and its key, as --tls has them. */
typedef struct rl_pair_option {
  char *certificate, *key; /* key NULL: it is in the same file */
} rl_pair_option;

/* Strings of pairs are its own, all others are borrowed. */
typedef struct rl_tls_options {
  rl_pair_option pairs[RL_OPTION_PAIRS];
  int pair_count;
  rl_port ports[RL_OPTION_TLS_PORTS]; /* of --tls-port */
  int port_count;
  int h2c_port; /* -1: not given */
  bool redirect, h2c, only_1_3;
  bool https; /* of rille dev */
  const char *client_ca;
  const char *acme[RL_OPTION_NAMES]; /* as given: "example.org,www.example.org", a certificate each */
  int acme_count;
  const char *acme_email, *acme_directory, *acme_server, *acme_ca;
} rl_tls_options;

/* Returns true if TLS is spoken at such a port. */
bool rl_port_is_secure(rl_port_role role);
/* Returns true if there is or will be a certificate. */
bool rl_tls_options_wanted(const rl_tls_options *o);

/* Set one option. Return NULL, or what was expected. */
const char *rl_tls_options_add_pair(rl_tls_options *o, const char *text);
const char *rl_tls_options_add_port(rl_tls_options *o, const char *text);
const char *rl_tls_options_add_acme(rl_tls_options *o, const char *text);
const char *rl_tls_options_set_minimum(rl_tls_options *o, const char *text);

/* Checks what belongs together. `port`: of --port or PORT, -1 if neither said one; `unix_path`: of --unix, or NULL. Fills `ports`
 * and returns their number, or RL_EINVALID with a line in `why`. */
int rl_tls_options_ports(const rl_tls_options *o, int port, const char *unix_path, rl_port ports[RL_OPTION_PORTS],
                         rl_buf *why);

void rl_tls_options_free(rl_tls_options *o);

#endif
