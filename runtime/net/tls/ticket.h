/*
 * The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): made here, held in memory only, outside of any SSL_CTX, so that all
 * workers resume each other's sessions and a reload breaks none.
 *
 *   a key:  made --RL_TICKET_DELAY--> encrypts for RL_TICKET_ROTATE --> decrypts until RL_TICKET_LIFE after that --> wiped
 *
 * The delay matters where processes share keys: all have a key before one uses it. Time is the wall clock.
 */
#ifndef RL_NET_TLS_TICKET_H
#define RL_NET_TLS_TICKET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds. */
enum { RL_TICKET_DELAY = 60, RL_TICKET_ROTATE = 12 * 3600, RL_TICKET_LIFE = 24 * 3600 };
enum { RL_TICKET_NAME = 16, RL_TICKET_SECRET = 32, RL_TICKET_KEYS = 8 };

typedef struct rl_ticket_key {
  uint8_t name[RL_TICKET_NAME], cipher[RL_TICKET_SECRET], mac[RL_TICKET_SECRET];
  int64_t from; /* when it encrypts, in seconds since 1970 */
} rl_ticket_key;

/* Thread-safe. */
typedef struct rl_ticket_keys {
  pthread_mutex_t lock;
  rl_ticket_key keys[RL_TICKET_KEYS]; /* the newest first */
  size_t count;
} rl_ticket_keys;

void rl_ticket_keys_init(rl_ticket_keys *keys);
void rl_ticket_keys_free(rl_ticket_keys *keys);
/* Copies the key that encrypts now, and makes the next one if it is due. */
void rl_ticket_keys_active(rl_ticket_keys *keys, int64_t now, rl_ticket_key *out);
/* Copies the key of that name. Returns false if there is none, or it is too old. Sets *renew if another one encrypts now. */
bool rl_ticket_keys_find(rl_ticket_keys *keys, int64_t now, const uint8_t name[RL_TICKET_NAME], rl_ticket_key *out,
                         bool *renew);

#endif
