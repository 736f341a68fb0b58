/* Sessions in a database; see session_store.h. */
#include "bind/data/session_store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypto/digest.h"

enum { SWEEP_EVERY_MS = 60000, SWEPT = 200, KEY = 32 };

enum { LOAD, INSERT, UPDATE, LOOK, REVOKE }; /* call->step: whose answer is awaited */

typedef struct database_store {
  rl_session_store store; /* first */
  rl_database *const *database;
  int64_t next_sweep_ms;
} database_store;

/* The operation of a call (call->work). */
typedef struct work {
  rl_op *op;
  database_store *store;
  bool read, sent;
} work;

static const char *const statements[] = {
    [LOAD] = "SELECT data, created, saved, version FROM rille_sessions WHERE key = ? AND expires > ?",
    [INSERT] = "INSERT INTO rille_sessions (key, data, created, saved, expires, version) VALUES (?, ?, ?, ?, ?, 1)",
    [UPDATE] =
        "UPDATE rille_sessions SET data = ?, saved = ?, expires = ?, version = version + 1 WHERE key = ? AND "
        "version = ?",
    [LOOK] = "SELECT 1 FROM rille_sessions WHERE key = ?",
    [REVOKE] = "DELETE FROM rille_sessions WHERE key = ?",
};

static const char sweep_sql[] =
    "DELETE FROM rille_sessions WHERE rowid IN (SELECT rowid FROM rille_sessions WHERE expires <= ? ORDER BY expires "
    "LIMIT ?)";

static database_store *of(rl_session_store *store) { return (database_store *)store; }

/* ---- values ------------------------------------------------------------------------------------------------------------------ */

static rl_value seconds(int64_t ms) { return (rl_value){.type = RL_VALUE_REAL, .real = (double)ms / 1000}; }
static rl_value integer(int64_t n) { return (rl_value){.type = RL_VALUE_INTEGER, .integer = n}; }
static rl_value text(rl_slice s) { return (rl_value){.type = RL_VALUE_TEXT, .bytes = s}; }

static rl_value key_of(const rl_session_call *call, uint8_t key[KEY]) {
  rl_session_key(call->rules.name, call->session.id, key);
  return (rl_value){.type = RL_VALUE_BLOB, .bytes = rl_slice_of((const char *)key, KEY)};
}

/* A time in seconds, which an engine may give back as either. */
static int64_t ms_of(const rl_value *v) {
  if (v->type == RL_VALUE_INTEGER) return v->integer * 1000;
  return v->type == RL_VALUE_REAL ? (int64_t)(v->real * 1000 + 0.5) : 0;
}

/* ---- failures ---------------------------------------------------------------------------------------------------------------- */

static int fail(rl_session_call *call, const rl_sql_error *error, rl_slice sql) {
  rl_session_fault *fault = rl_calloc(1, sizeof *fault);
  if (!fault) return RL_ENOMEM;
  *fault = (rl_session_fault){*error, sql};
  rl_free(call->fault);
  call->fault = fault;
  return error->code;
}

/* The operation's own copy of its text goes with it. */
static int fail_op(rl_session_call *call, const rl_op *op) {
  return fail(call, &op->error, op->failed.data ? rl_slice_str(statements[call->step]) : RL_SLICE_NONE);
}

static int fail_closed(rl_session_call *call) {
  rl_sql_error error;
  rl_sql_refused(&error, RL_EINVALID, "the database was closed");
  return fail(call, &error, RL_SLICE_NONE);
}

/* ---- answers ----------------------------------------------------------------------------------------------------------------- */

static int ask(database_store *s, rl_session_call *call, int step);

/* A session that has ended is none. */
static int take_session(rl_session_call *call, const rl_value *row) {
  rl_session *session = &call->session;
  if (!row) return RL_ENOTFOUND;
  session->created_ms = ms_of(&row[1]);
  session->saved_ms = ms_of(&row[2]);
  session->version = row[3].type == RL_VALUE_INTEGER ? (uint64_t)row[3].integer : 0;
  session->refresh = rl_session_wants_refresh(&call->rules, session->saved_ms);
  if (rl_session_has_ended(&call->rules, session->created_ms)) return RL_ENOTFOUND;
  return rl_value_has_bytes(&row[0]) ? rl_buf_add_slice(&session->data, row[0].bytes) : RL_OK;
}

static void on_swept(rl_op *op) { rl_op_del(op); }

/* Some of the expired rows. The session is saved already, so nobody waits for that; what is left over, the next one takes. */
static void sweep(database_store *s, int64_t now_ms) {
  rl_value values[] = {seconds(now_ms), integer(SWEPT)};
  rl_op *op = now_ms < s->next_sweep_ms || !*s->database ? NULL : rl_op_new(RL_OP_RUN, 1);
  if (!op) return;
  s->next_sweep_ms = now_ms + SWEEP_EVERY_MS;
  op->done = on_swept;
  if (rl_op_add(op, RL_SLICE(""), rl_slice_str(sweep_sql), &(rl_sql_params){.values = values, .count = 2}))
    rl_op_del(op);
  else rl_database_submit(*s->database, op, false);
}

static int take_saved(database_store *s, rl_session_call *call) {
  call->session.saved_ms = call->rules.now_ms;
  call->session.version++;
  sweep(s, call->rules.now_ms);
  return RL_OK;
}

/* Takes the answer to a step. Returns a code, or RL_SESSION_LATER if there is another step. `row`: the first one, or NULL. */
static int take(database_store *s, rl_session_call *call, const rl_value *row, int64_t changes) {
  switch (call->step) {
    case LOAD: return take_session(call, row);
    case INSERT: return take_saved(s, call);
    case UPDATE: return changes == 1 ? take_saved(s, call) : ask(s, call, LOOK);
    case LOOK: return row ? RL_EAGAIN : RL_ENOTFOUND;
    default: return RL_OK;
  }
}

static int take_rows(database_store *s, rl_session_call *call, const rl_op *op) {
  rl_value row[4] = {0};
  rl_rows_cursor cursor = rl_rows_values(&op->rows);
  if (!op->rows.count) return take(s, call, NULL, op->changes);
  for (int i = 0; i < op->rows.columns && i < 4; i++) row[i] = rl_rows_next(&cursor);
  return take(s, call, row, op->changes);
}

static void drop_work(rl_session_call *call) {
  rl_free(call->work);
  call->work = NULL;
}

static void submit(database_store *s, rl_session_call *call) {
  work *w = call->work;
  w->sent = true;
  rl_database_submit(*s->database, w->op, w->read);
}

static void on_done(rl_op *op) {
  rl_session_call *call = op->owner;
  if (!call) {
    rl_op_del(op); /* nobody waits any more */
    return;
  }
  work *w = call->work;
  database_store *s = w->store;
  int code = op->error.code == RL_ECANCELLED ? RL_ECANCELLED : op->error.code ? fail_op(call, op) : RL_OK;
  drop_work(call);
  if (!code) code = take_rows(s, call, op);
  rl_op_del(op);
  if (code == RL_SESSION_LATER && call->work) { /* the next step's, made by take_rows */
    submit(s, call);
    return;
  }
  call->code = code;
  call->done(call);
}

/* ---- questions --------------------------------------------------------------------------------------------------------------- */

/* A read on the loop's thread: RL_ETIMEOUT or RL_EBUSY if it must run as an operation, else what it means. */
static int run_inline(database_store *s, rl_session_call *call, rl_cursor *cursor, const rl_sql_params *params,
                      rl_slice sql) {
  rl_database *db = *s->database;
  rl_sql_error error;
  int code = db->ops->start(db, cursor, params, &error), result = RL_OK;
  if (!code) code = db->ops->step(db, cursor, &error);
  if (code >= 0) result = take(s, call, code ? cursor->row : NULL, 0);
  db->ops->finish(db, cursor, code == RL_ETIMEOUT);
  if (code == RL_ETIMEOUT || code == RL_EBUSY) return code;
  return code < 0 ? fail(call, &error, sql) : result;
}

/* Makes an operation of the statement, which nobody has sent yet. */
static int make_work(database_store *s, rl_session_call *call, rl_slice sql, const rl_sql_params *params, bool read) {
  work *w = rl_calloc(1, sizeof *w);
  rl_op *op = w ? rl_op_new(RL_OP_RUN, 1) : NULL;
  if (!op || rl_op_add(op, RL_SLICE(""), sql, params)) {
    if (op) rl_op_del(op);
    rl_free(w);
    return RL_ENOMEM;
  }
  op->done = on_done;
  op->owner = call;
  w->op = op;
  w->store = s;
  w->read = read;
  call->work = w;
  return RL_SESSION_LATER;
}

static int run(database_store *s, rl_session_call *call, const rl_value *values, int count) {
  rl_slice sql = rl_slice_str(statements[call->step]);
  rl_sql_params params = {.values = values, .count = count};
  rl_database *db = *s->database;
  rl_cursor cursor;
  rl_sql_error error;
  if (!db) return fail_closed(call);
  rl_sql_route route = db->ops->place(db, sql, true, call->session.data.len, &cursor, &error);
  if (route == RL_ROUTE_REFUSED) return fail(call, &error, sql);
  if (route == RL_ROUTE_INLINE) {
    int code = run_inline(s, call, &cursor, &params, sql);
    if (code != RL_ETIMEOUT && code != RL_EBUSY) return code;
    route = RL_ROUTE_READ;
  }
  return make_work(s, call, sql, &params, route == RL_ROUTE_READ);
}

static int ask(database_store *s, rl_session_call *call, int step) {
  uint8_t bytes[KEY];
  rl_value key = key_of(call, bytes);
  const rl_session *session = &call->session;
  int64_t now_ms = call->rules.now_ms, end_ms = rl_session_end(&call->rules, session->created_ms);
  rl_value data = text(rl_buf_slice(&session->data)), now = seconds(now_ms), end = seconds(end_ms);
  call->step = step;
  switch (step) {
    case LOAD: return run(s, call, (rl_value[]){key, now}, 2);
    case INSERT: return run(s, call, (rl_value[]){key, data, seconds(session->created_ms), now, end}, 5);
    case UPDATE: return run(s, call, (rl_value[]){data, now, end, key, integer((int64_t)session->version)}, 5);
    default: return run(s, call, &key, 1);
  }
}

/* ---- as a store -------------------------------------------------------------------------------------------------------------- */

static int load(rl_session_store *store, rl_session_call *call, rl_slice token) {
  int code = rl_session_read_token(token, call->session.id);
  return code ? code : ask(of(store), call, LOAD);
}

static int save(rl_session_store *store, rl_session_call *call) {
  const rl_session *session = &call->session;
  if (session->data.len > RL_LIMIT_SESSION) return RL_ETOOBIG;
  if (rl_base64url_encode(&call->token, rl_slice_of((const char *)session->id, RL_SESSION_ID))) return RL_ENOMEM;
  return ask(of(store), call, session->version ? UPDATE : INSERT);
}

static int revoke(rl_session_store *store, rl_session_call *call) { return ask(of(store), call, REVOKE); }

static void start(rl_session_store *store, rl_session_call *call) { submit(of(store), call); }

static bool cancel(rl_session_store *store, rl_session_call *call, bool must) {
  work *w = call->work;
  (void)store;
  if (!w) return true;
  bool gone = must;
  if (!w->sent) rl_op_del(w->op), gone = true;
  else if (must) rl_op_drop(w->op); /* it comes home to on_done, without an owner */
  else gone = rl_op_try_drop(w->op);
  if (!gone) return false;
  drop_work(call);
  return true;
}

static void del(rl_session_store *store) { rl_free(store); }

rl_session_store *rl_session_database_new(rl_database *const *database) {
  database_store *s = rl_calloc(1, sizeof *s);
  if (!s) return NULL;
  s->store =
      (rl_session_store){.load = load, .save = save, .revoke = revoke, .start = start, .cancel = cancel, .del = del};
  s->database = database;
  return &s->store;
}
