/* Options of TLS, and the ports that follow from them; see tls_options.h. */
#include "cli/tls_options.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum { PLAIN = 8080, SECURE = 8443 };

bool rl_tls_options_wanted(const rl_tls_options *o) { return o->pair_count || o->acme_count || o->https; }

bool rl_port_is_secure(rl_port_role role) {
  return role == RL_PORT_HTTPS || role == RL_PORT_HTTPS_1 || role == RL_PORT_HTTPS_2;
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

const char *rl_tls_options_add_pair(rl_tls_options *o, const char *text) {
  if (o->pair_count == RL_OPTION_PAIRS) return "at most 32 pairs";
  const char *comma = strchr(text, ',');
  bool is_pair = *text && comma != text && (!comma || (comma[1] && !strchr(comma + 1, ',')));
  if (!is_pair) return "CERT.pem,KEY.pem, or one PEM file that holds both";
  rl_pair_option *pair = &o->pairs[o->pair_count++];
  pair->certificate = rl_must_strdup(text);
  pair->key = comma ? rl_must_strdup(comma + 1) : NULL;
  if (comma) pair->certificate[comma - text] = 0;
  return NULL;
}

static bool to_role(rl_slice protocols, rl_port_role *out) {
  if (!protocols.len || rl_slice_eq(protocols, RL_SLICE("h2,http/1.1"))) *out = RL_PORT_HTTPS;
  else if (rl_slice_eq(protocols, RL_SLICE("http/1.1"))) *out = RL_PORT_HTTPS_1;
  else if (rl_slice_eq(protocols, RL_SLICE("h2"))) *out = RL_PORT_HTTPS_2;
  else return false;
  return true;
}

/* Takes "8443", or "8443,http/1.1". */
const char *rl_tls_options_add_port(rl_tls_options *o, const char *text) {
  static const char expected[] = "a port from 0 to 65535, or one with its protocol: 8443,http/1.1 or 8443,h2";
  unsigned long long number;
  rl_port_role role;
  size_t len = strcspn(text, ",");
  if (o->port_count == RL_OPTION_TLS_PORTS) return "at most 6 ports";
  if (rl_slice_to_u64(rl_slice_of(text, len), &number) || number > 65535 || (text[len] && !text[len + 1]) ||
      !to_role(rl_slice_str(text + len + (text[len] == ',')), &role))
    return expected;
  o->ports[o->port_count++] = (rl_port){role, (int)number};
  return NULL;
}

/* Takes "example.org,www.example.org": names only. An address has no certificate of an authority, a wildcard needs DNS. */
const char *rl_tls_options_add_acme(rl_tls_options *o, const char *text) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,";
  if (o->acme_count == RL_OPTION_NAMES) return "at most 32 certificates";
  bool is_list =
      *text && !text[strspn(text, letters)] && !strstr(text, ",,") && *text != ',' && text[strlen(text) - 1] != ',';
  if (!is_list) return "names with commas between: example.org,www.example.org";
  o->acme[o->acme_count++] = text;
  return NULL;
}

const char *rl_tls_options_set_minimum(rl_tls_options *o, const char *text) {
  o->only_1_3 = strcmp(text, "1.3") == 0;
  return o->only_1_3 || strcmp(text, "1.2") == 0 ? NULL : "1.2 or 1.3";
}

void rl_tls_options_free(rl_tls_options *o) {
  for (int i = 0; i < o->pair_count; i++) {
    rl_free(o->pairs[i].certificate);
    rl_free(o->pairs[i].key);
  }
  o->pair_count = 0;
}

/* ---- what belongs together ----------------------------------------------------------------------------------------------- */

static int refuse(rl_buf *why, const char *text) {
  rl_buf_add_str(why, text);
  return RL_EINVALID;
}

/* Returns the first option that means nothing without a certificate, or NULL. */
static const char *needs_tls(const rl_tls_options *o) {
  if (o->port_count) return "--tls-port";
  if (o->redirect) return "--redirect-https";
  if (o->client_ca) return "--client-ca";
  return o->only_1_3 ? "--tls-min" : NULL;
}

static int check_acme(const rl_tls_options *o, rl_buf *why) {
  if (o->acme_count && !o->acme_directory)
    return refuse(why, "--acme needs --acme-dir DIR, where the account and the certificates are kept");
  if (!o->acme_count && (o->acme_email || o->acme_directory || o->acme_server || o->acme_ca))
    return refuse(why, "--acme-email, --acme-dir, --acme-server and --acme-ca belong to --acme NAME");
  return RL_OK;
}

static int check(const rl_tls_options *o, const char *unix_path, rl_buf *why) {
  const char *alone = rl_tls_options_wanted(o) ? NULL : needs_tls(o);
  if (alone)
    return rl_buf_addf(why, "%s needs a certificate: --tls CERT.pem,KEY.pem or --acme NAME", alone), RL_EINVALID;
  if (unix_path && (o->redirect || o->acme_count || o->port_count || o->h2c_port >= 0))
    return refuse(why, "--unix is one socket: --redirect-https, --acme, --tls-port and --h2c-port need ports");
  return check_acme(o, why);
}

static int add(rl_port *ports, int count, rl_port_role role, int number) {
  ports[count] = (rl_port){role, number};
  return count + 1;
}

static bool has_twice(const rl_port *ports, int count) {
  for (int i = 0; i < count; i++)
    for (int k = 0; k < i; k++)
      if (ports[i].number && ports[i].number == ports[k].number) return true;
  return false;
}

int rl_tls_options_ports(const rl_tls_options *o, int port, const char *unix_path, rl_port ports[RL_OPTION_PORTS],
                         rl_buf *why) {
  int count = 0, code = check(o, unix_path, why);
  if (code) return code;
  bool secure = rl_tls_options_wanted(o);
  bool plain = !secure || o->redirect || (o->acme_count && !unix_path) || (port >= 0 && o->port_count);
  for (int i = 0; i < o->port_count; i++) ports[count++] = o->ports[i];
  if (secure && !count) count = add(ports, count, RL_PORT_HTTPS, !plain && port >= 0 ? port : SECURE);
  if (plain) count = add(ports, count, RL_PORT_HTTP, port >= 0 ? port : PLAIN);
  if (o->h2c && !plain)
    return refuse(why,
                  "--h2c is for a port without TLS, which --port beside --tls-port opens; --h2c-port opens another");
  if (o->h2c_port >= 0) count = add(ports, count, RL_PORT_H2C, o->h2c_port);
  if (has_twice(ports, count)) return refuse(why, "--port, --tls-port and --h2c-port must differ");
  return count;
}
