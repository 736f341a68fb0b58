/*
 * A link: one HTTP/1.1 connection of our own, over TCP or a unix socket, for one exchange at a time.
 *
 *   rl_link_new --> idle --rl_link_start--> busy --on_end(stays)--> idle …
 *                     |                       |--on_broken
 *                     '--on_lost              '              each followed by rl_link_close, by the owner
 *
 *   to write   [head][size of a chunk][content, or the bytes offered last][CRLF]     as the socket takes it, without a copy
 *   to read    socket -> reader (client/reader.h) -> on_head, on_body …         a paused link leaves bytes to the kernel
 *
 * A peer that answers before it has read all of a request is heard: where writing fails, reading goes on.
 *
 * Who makes connections is another's affair (client/dial.h), and which link carries what (client/links.h, carrier_link.c).
 */
#ifndef RL_CLIENT_LINK_H
#define RL_CLIENT_LINK_H

#include "client/reader.h"
#include "net/tcp.h"

typedef struct rl_link rl_link;

/* In each of these the owner may close the link; it is not touched then. */
typedef struct rl_link_events {
  /* Bytes have moved, either way. */
  void (*on_moved)(rl_link *link);
  /* The head that rl_sending.answer points to is complete. 0, or a code that breaks the exchange. */
  int (*on_head)(rl_link *link);
  /* Bytes of the body, borrowed until return. 0 or a code, as above. */
  int (*on_body)(rl_link *link, rl_slice bytes);
  /* What was offered is with the kernel; another offer, or its end, may follow. */
  void (*on_taken)(rl_link *link);
  /* The exchange has ended well. `stays`: the connection may carry another one. */
  void (*on_end)(rl_link *link, bool stays);
  /* It has not. `why` is one line for people, static. */
  void (*on_broken)(rl_link *link, int code, const char *why);
  /* While it was idle the server closed it, or said what nobody had asked for. */
  void (*on_lost)(rl_link *link);
} rl_link_events;

struct rl_link {
  rl_tcp tcp;   /* first */
  rl_list node; /* for the owner */
  const rl_link_events *events;
  void *owner;
  uint64_t since_ms; /* idle since then; the owner's */

  rl_reader reader;
  rl_slice head, size, content; /* not written yet; size: the line in front of a chunk, or the end of all chunks */
  uint8_t crlf;                 /* not written yet, behind a chunk */
  uint64_t left;                /* of a streamed body's length; not in chunks */
  bool busy, streamed, chunked, last;
  bool offering;   /* an offer is being written */
  bool ended;      /* there will be no offer any more */
  bool sent;       /* all of the request is with the kernel */
  bool deaf;       /* the peer takes nothing any more, or is to get nothing */
  bool answered;   /* a byte of the response has come */
  bool used;       /* has carried an exchange before the one under way */
  size_t burst;    /* bytes written since the loop came round */
  char line[24];   /* that `size` points to */
  uint64_t origin; /* hash of the key */
  size_t key_len;
  char key[]; /* where it leads to */
};

/* What to send: borrowed until on_end, on_broken or rl_link_close. */
typedef struct rl_sending {
  rl_slice head;    /* with its empty line */
  rl_slice content; /* of a body in memory */
  bool streamed;    /* the body comes by rl_link_offer */
  int64_t length;   /* of it; -1: unknown, it goes in chunks */
  rl_head *answer;  /* filled with the response's head */
  bool to_head;     /* the method is HEAD */
  bool upgrades;    /* it has an Upgrade field */
  bool last;        /* the request says that the connection is to be closed */
} rl_sending;

/* Takes the connected descriptor, also on failure: then NULL. Events and owner are set by the caller. Freed behind
 * rl_link_close, in a later turn of the loop. */
rl_link *rl_link_new(rl_loop *loop, int fd, uint64_t origin, rl_slice key);
/* Begins an exchange on an idle link. No event comes from inside of it. */
void rl_link_start(rl_link *link, const rl_sending *sending);
/* Bytes of a streamed body, at least one: one offer at a time. 1: they are with the kernel; 0: on_taken will say so, until
 * then they are borrowed, and where the peer takes nothing any more it never does; RL_EINVALID: more than the length said. */
int rl_link_offer(rl_link *link, rl_slice bytes);
/* The body is complete. 0, or RL_EINVALID where it is shorter than the length said. */
int rl_link_offer_end(rl_link *link);
/* The rest of the request is not sent, and its end neither; what was offered is given back. The answer is read on. */
void rl_link_cut(rl_link *link);
/* Stops reading, and goes on. */
void rl_link_pause(rl_link *link);
void rl_link_resume(rl_link *link);
/* Asks the kernel whether an idle link's server has closed it, or sent something: news that the loop may not have told. */
bool rl_link_is_alive(const rl_link *link);
void rl_link_close(rl_link *link);

static inline rl_slice rl_link_key(const rl_link *link) { return rl_slice_of(link->key, link->key_len); }

#endif
