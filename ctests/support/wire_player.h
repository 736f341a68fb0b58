/*
 * Plays the steps of a wire test (wire.h) to the server of the tests, in many ways: bytes whole, one by one, and cut at random
 * points, with writes whole and short; and with faults.
 *
 *   start -> take … -> look at player.client -> end
 *
 * wire_play_faults plays the steps again and again: every allocation fails in turn, alone and with all after it; every write fails in
 * turn; the client breaks the connection off after every so many bytes. Then nothing may be left, and the next client is served.
 */
#ifndef CTESTS_SUPPORT_WIRE_PLAYER_H
#define CTESTS_SUPPORT_WIRE_PLAYER_H

#include "support/server.h"
#include "support/wire.h"

/* How the bytes of one run are cut. */
typedef struct wire_variant {
  const char *name;
  size_t piece;  /* at most so many bytes at once; 0: all */
  uint64_t seed; /* not 0: the sizes are drawn, and so are those of writes */
} wire_variant;

typedef test_client *wire_connect(test_server *server);

typedef struct wire_player {
  wire_variant variant;
  test_server server;
  test_client *client;
  uint64_t random;
} wire_player;

void wire_player_start(wire_player *player, wire_connect *connect, const wire_variant *variant);
/* Frees client and server, which check that nothing is left. */
void wire_player_end(wire_player *player);
void wire_player_send(wire_player *player, rl_slice bytes);
/* Takes a step. Returns false for those that only look at what has come (SEES, UNSEEN). */
bool wire_player_take(wire_player *player, const wire_step *step);

/* What a test looks at in runs with faults. */
typedef struct wire_fault_checks {
  void (*on_end)(wire_player *player, void *ud);  /* the steps were played; may be NULL */
  void (*on_next)(wire_player *player, void *ud); /* another client has connected: it has to be served */
  void *ud;
} wire_fault_checks;

void wire_play_faults(const wire_step *steps, size_t count, wire_connect *connect, const wire_fault_checks *checks);

#endif
