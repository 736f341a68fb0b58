/* Links that wait for their next request; see links.h. */
#include "client/links.h"

static rl_link *link_of(rl_list *node) { return RL_CONTAINER(node, rl_link, node); }

static void let_go(rl_links *links, rl_link *link) {
  rl_list_remove(&link->node);
  links->count--;
}

static void drop(rl_links *links, rl_link *link) {
  let_go(links, link);
  rl_link_close(link);
}

static void on_lost(rl_link *link) { drop(link->owner, link); }

static const rl_link_events idle_events = {.on_lost = on_lost};

void rl_links_init(rl_links *links, unsigned most) {
  *links = (rl_links){.most = most};
  rl_list_init(&links->idle);
}

void rl_links_keep(rl_links *links, rl_link *link, uint64_t now_ms) {
  link->owner = links;
  link->events = &idle_events;
  link->since_ms = now_ms;
  rl_list_push(links->idle.next, &link->node); /* in front */
  if (++links->count > links->most) drop(links, link_of(links->idle.prev));
}

rl_link *rl_links_take(rl_links *links, uint64_t origin, rl_slice key, uint64_t oldest_ms) {
  RL_LIST_EACH(&links->idle, node) {
    rl_link *link = link_of(node);
    if (link->since_ms < oldest_ms) return NULL;
    if (link->origin != origin || !rl_slice_eq(rl_link_key(link), key)) continue;
    let_go(links, link);
    return link;
  }
  return NULL;
}

uint64_t rl_links_sweep(rl_links *links, uint64_t before_ms) {
  while (links->count && link_of(links->idle.prev)->since_ms < before_ms) drop(links, link_of(links->idle.prev));
  return links->count ? link_of(links->idle.prev)->since_ms : UINT64_MAX;
}
