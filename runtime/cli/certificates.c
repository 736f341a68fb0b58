/* Reading, watching and telling of certificates; see certificates.h. */
#include "cli/certificates.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/date.h"
#include "base/error.h"
#include "base/log.h"

enum { NAMES_MOST = 512, SOON_S = 14 * 86400, SAID_MOST = 16 << 10 };

/* ---- opening -------------------------------------------------------------------------------------------------------------- */

/* Adds what ACME writes: a folder for each certificate, after its first name in lower case (lua/rille/acme/hosts.lua). */
static int expect(rl_tls_store *store, const rl_tls_options *o, const char *names, rl_buf *why) {
  rl_buf paths;
  char name[256];
  int len = (int)rl_slice_find(rl_slice_str(names), ',', 0);
  if (len >= (int)sizeof name) return rl_buf_addf(why, "--acme: '%s' is no host name", names), RL_EINVALID;
  for (int i = 0; i < len; i++) name[i] = rl_lower(names[i]);
  if (len && name[len - 1] == '.') len--;
  rl_buf_init(&paths, RL_BUF_NO_LIMIT);
  rl_buf_addf(&paths, "%s/%.*s/fullchain.pem%c", o->acme_directory, len, name, 0);
  size_t key = paths.len;
  rl_buf_addf(&paths, "%s/%.*s/key.pem%c", o->acme_directory, len, name, 0);
  int code = paths.error ? paths.error : rl_tls_store_expect(store, paths.data, paths.data + key, why);
  rl_buf_free(&paths);
  return code;
}

static int add_all(rl_tls_store *store, const rl_tls_options *o, rl_buf *why) {
  int code = RL_OK;
  for (int i = 0; i < o->pair_count && !code; i++)
    code = rl_tls_store_add(store, o->pairs[i].certificate, o->pairs[i].key, why);
  for (int i = 0; i < o->acme_count && !code; i++) code = expect(store, o, o->acme[i], why);
  return code;
}

int rl_certificates_open(rl_certificates *c, const rl_tls_options *o, rl_buf *why) {
  *c = (rl_certificates){.store = NULL};
  rl_buf_init(&c->said, SAID_MOST);
  if (!rl_tls_options_wanted(o)) return RL_OK;
  const rl_tls_store_options options = {.only_1_3 = o->only_1_3, .client_ca = o->client_ca};
  int code = rl_tls_store_new(&c->store, &options, why);
  if (!code) code = add_all(c->store, o, why);
  if (code && !why->len) rl_buf_add_str(why, rl_error_text(code));
  if (code) rl_certificates_close(c);
  return code;
}

void rl_certificates_close(rl_certificates *c) {
  rl_tls_store_unref(c->store);
  c->store = NULL;
  rl_buf_free(&c->said);
}

/* ---- telling -------------------------------------------------------------------------------------------------------------- */

/* Of one that has expired the store has told when it read it. */
static void say_pair(const rl_tls_pair *pair, int64_t now) {
  char names[NAMES_MOST] = "", until[25];
  size_t len = 0;
  for (size_t i = 0; i < pair->count && len + 1 < sizeof names; i++)
    len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i ? "," : "", pair->names[i]);
  rl_date_format_iso(pair->not_after * 1000, until);
  rl_log_field fields[] = {RL_LOG_TEXT_FIELD("names", rl_slice_str(names)),
                           RL_LOG_TEXT_FIELD("until", rl_slice_str(until)),
                           RL_LOG_NUMBER_FIELD("days", (pair->not_after - now) / 86400)};
  if (pair->not_after < now) return;
  if (pair->not_after < now + SOON_S) rl_log(RL_LOG_WARN, RL_SLICE("tls: this certificate expires soon"), fields, 3);
  else rl_log(RL_LOG_INFO, RL_SLICE("tls: certificate"), fields, 3);
}

/* Tells what the store holds, if that is news. */
static void say_all(rl_certificates *c) {
  unsigned version;
  rl_tls_snapshot *snapshot = rl_tls_store_snapshot(c->store, &version);
  const rl_tls_pair *pair;
  int64_t now = rl_loop_wall() / 1000;
  if (version != c->version)
    for (size_t i = 0; (pair = rl_tls_snapshot_pair(snapshot, i)); i++) say_pair(pair, now);
  c->version = version;
  rl_tls_snapshot_unref(snapshot);
}

/* Tells each line of a failure, unless it is what was told the last time. */
static void say_failure(rl_certificates *c, const rl_buf *why) {
  rl_slice text = rl_buf_slice(why);
  if (rl_slice_eq(rl_buf_slice(&c->said), text)) return;
  rl_buf_clear(&c->said);
  rl_buf_add_slice(&c->said, text);
  for (size_t at = 0, end; at < text.len; at = end + 1) {
    end = rl_slice_find(text, '\n', at);
    rl_log_field field = RL_LOG_TEXT_FIELD("why", rl_slice_of(text.data + at, end - at));
    rl_log(RL_LOG_ERROR, RL_SLICE("tls: cannot read this pair again, the one before stays"), &field, 1);
  }
}

/* ---- reloading ------------------------------------------------------------------------------------------------------------- */

void rl_certificates_reload(rl_certificates *c) {
  rl_buf why;
  if (!c->store) return;
  rl_buf_init(&why, SAID_MOST);
  if (rl_tls_store_reload(c->store, &why)) say_failure(c, &why);
  else rl_buf_clear(&c->said);
  say_all(c);
  rl_buf_free(&why);
}

static void on_clock(rl_timer *timer) {
  rl_certificates *c = RL_CONTAINER(timer, rl_certificates, clock);
  if (c->due) rl_certificates_reload(c);
  c->due = !c->due && rl_tls_store_has_changed(c->store);
  rl_timer_start(c->loop, &c->clock, RL_CERTIFICATES_LOOK_MS, on_clock);
}

void rl_certificates_watch(rl_certificates *c, rl_loop *loop) {
  if (!c->store) return;
  c->loop = loop;
  say_all(c);
  rl_timer_start(loop, &c->clock, RL_CERTIFICATES_LOOK_MS, on_clock);
}

void rl_certificates_unwatch(rl_certificates *c) {
  if (c->loop) rl_timer_stop(c->loop, &c->clock);
}
