/* Easy handles that are used again; see slots.h. */
#include "client/slots.h"

#include "base/alloc.h"

static CURLSH *make_share(void) {
  CURLSH *share = curl_share_init();
  if (!share) return NULL;
  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
  curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}

static void free_headers(rl_slot *slot) {
  rl_free(slot->headers);
  rl_free(slot->proxy_headers);
  slot->headers = slot->proxy_headers = NULL;
}

static void free_slot(rl_slot *slot) {
  curl_easy_cleanup(slot->wire.easy);
  curl_url_cleanup(slot->parts);
  rl_free(slot->url);
  free_headers(slot);
  rl_free(slot);
}

static rl_slot *make_slot(rl_slots *slots) {
  rl_slot *slot = rl_calloc(1, sizeof *slot);
  if (!slot) return NULL;
  rl_list_init(&slot->node);
  slot->wire.easy = curl_easy_init();
  if (slot->wire.easy) {
    curl_easy_setopt(slot->wire.easy, CURLOPT_SHARE, slots->share);
    rl_engine_prepare(slots->engine, slot->wire.easy);
    return slot;
  }
  rl_free(slot);
  return NULL;
}

void rl_slots_init(rl_slots *slots, rl_engine *engine, unsigned most) {
  *slots = (rl_slots){.engine = engine, .most = most};
  rl_list_init(&slots->kept);
}

rl_slot *rl_slots_take(rl_slots *slots) {
  rl_list *kept = rl_list_shift(&slots->kept);
  if (kept) {
    slots->count--;
    return RL_CONTAINER(kept, rl_slot, node);
  }
  if (!slots->share) slots->share = make_share();
  return slots->share ? make_slot(slots) : NULL;
}

void rl_slots_give(rl_slots *slots, rl_slot *slot, bool reusable) {
  slot->owner = NULL;
  if (!reusable || !slot->plain || slots->count >= slots->most) {
    free_slot(slot);
    return;
  }
  free_headers(slot);
  rl_list_push(&slots->kept, &slot->node);
  slots->count++;
}

/* Handles first: curl refuses to give up a share that is in use. */
void rl_slots_drop(rl_slots *slots) {
  for (rl_list *node; (node = rl_list_shift(&slots->kept));) free_slot(RL_CONTAINER(node, rl_slot, node));
  slots->count = 0;
  curl_share_cleanup(slots->share);
  slots->share = NULL;
}
