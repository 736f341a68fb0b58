/*
 * Session stores in tests: questions that are asked and answered in one call, whether the store answers at once or later; and
 * one suite of tests that every store passes, by a clock that the test moves.
 *
 *   session_suite = (session_suite_ops){.open = …, .close = …};
 *   return session_suite_run();
 */
#ifndef RL_TEST_SESSION_H
#define RL_TEST_SESSION_H

#include "loop/loop.h"
#include "session/store.h"

/* The loop on which stores answer that do so later; NULL if none does. */
extern rl_loop *session_loop;

int session_load(rl_session_store *store, const rl_session_rules *rules, rl_slice token, rl_session *out);
int session_save(rl_session_store *store, const rl_session_rules *rules, rl_session *session, rl_buf *token);
int session_revoke(rl_session_store *store, const rl_session_rules *rules, const rl_session *session);

typedef struct session_suite_ops {
  rl_session_store *(*open)(void); /* an empty one; NULL: it failed */
  void (*close)(rl_session_store *store);
  bool keeps; /* the store keeps the session, not its cookie: a token has one content, and saves may conflict */
} session_suite_ops;

extern session_suite_ops session_suite;

/* Runs the suite. Returns how many tests have failed. */
int session_suite_run(void);

#endif
