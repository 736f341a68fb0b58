/*
 * A doubly linked ring, intrusive (libuv's queue.h): the node is a member of the thing, and the head is a node too.
 *
 *     head <-> a <-> b <-> head        an unlinked node points at itself
 */
#ifndef RL_BASE_LIST_H
#define RL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rl_list {
  struct rl_list *next, *prev;
} rl_list;

/* The struct that has `node` as its member. */
#define RL_CONTAINER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
#define RL_LIST_EACH(head, node) for (rl_list *node = (head)->next; node != (head); node = node->next)

static inline void rl_list_init(rl_list *node) { node->next = node->prev = node; }
static inline bool rl_list_empty(const rl_list *head) { return head->next == head; }

/* Appends an unlinked node. */
static inline void rl_list_push(rl_list *head, rl_list *node) {
  node->next = head;
  node->prev = head->prev;
  head->prev->next = node;
  head->prev = node;
}

/* Takes a node out, wherever it is; safe on an unlinked one. */
static inline void rl_list_remove(rl_list *node) {
  node->next->prev = node->prev;
  node->prev->next = node->next;
  rl_list_init(node);
}

/* Takes the first node out. Returns NULL if the list is empty. */
static inline rl_list *rl_list_shift(rl_list *head) {
  if (rl_list_empty(head)) return NULL;
  rl_list *node = head->next;
  rl_list_remove(node);
  return node;
}

/* Moves all nodes of `from` to the end of `to`; leaves `from` empty. */
static inline void rl_list_append(rl_list *to, rl_list *from) {
  if (rl_list_empty(from)) return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  rl_list_init(from);
}

#endif
