/* Keys of session tickets, by age; see ticket.h. */
#include "net/tls/ticket.h"

#include <string.h>

#include "crypto/digest.h"

void rl_ticket_keys_init(rl_ticket_keys *keys) {
  memset(keys, 0, sizeof *keys);
  pthread_mutex_init(&keys->lock, NULL);
}

void rl_ticket_keys_free(rl_ticket_keys *keys) {
  pthread_mutex_destroy(&keys->lock);
  rl_wipe(keys, sizeof *keys);
}

/* The oldest falls off the end, if it has not been dropped before. */
static void make_key(rl_ticket_keys *keys, int64_t from) {
  size_t kept = keys->count < RL_TICKET_KEYS ? keys->count : RL_TICKET_KEYS - 1;
  memmove(keys->keys + 1, keys->keys, kept * sizeof *keys->keys);
  rl_random_bytes(&keys->keys[0], sizeof keys->keys[0]);
  keys->keys[0].from = from;
  keys->count = kept + 1;
}

/* Returns the index of the key that encrypts: the newest whose time has come. A clock that was set back leaves the oldest. */
static size_t active(const rl_ticket_keys *keys, int64_t now) {
  for (size_t i = 0; i < keys->count; i++)
    if (keys->keys[i].from <= now) return i;
  return keys->count - 1;
}

static bool is_over(const rl_ticket_keys *keys, size_t index, int64_t now) {
  return index > 0 && now - keys->keys[index - 1].from > RL_TICKET_LIFE; /* its successor has encrypted for so long */
}

static void update(rl_ticket_keys *keys, int64_t now) {
  if (!keys->count) make_key(keys, now);
  else if (now - keys->keys[0].from >= RL_TICKET_ROTATE) make_key(keys, now + RL_TICKET_DELAY);
  while (keys->count > 1 && is_over(keys, keys->count - 1, now))
    rl_wipe(&keys->keys[--keys->count], sizeof keys->keys[0]);
}

void rl_ticket_keys_active(rl_ticket_keys *keys, int64_t now, rl_ticket_key *out) {
  pthread_mutex_lock(&keys->lock);
  update(keys, now);
  *out = keys->keys[active(keys, now)];
  pthread_mutex_unlock(&keys->lock);
}

bool rl_ticket_keys_find(rl_ticket_keys *keys, int64_t now, const uint8_t name[RL_TICKET_NAME], rl_ticket_key *out,
                         bool *renew) {
  bool found = false;
  pthread_mutex_lock(&keys->lock);
  update(keys, now);
  for (size_t i = 0; i < keys->count && !found; i++) {
    if (memcmp(keys->keys[i].name, name, RL_TICKET_NAME) != 0) continue;
    *out = keys->keys[i];
    *renew = i > active(keys, now);
    found = true;
  }
  pthread_mutex_unlock(&keys->lock);
  return found;
}
