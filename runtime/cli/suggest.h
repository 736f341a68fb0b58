/*
 * What was meant: the word among some that a mistyped one is most like, and words that other programs have for ours.
 *
 *   rl_suggestion s;
 *   rl_suggest_start(&s, "nwe");
 *   for each word there is: rl_suggest_try(&s, word);
 *   s.best                    "new", or NULL where none is near
 *
 * Everything is borrowed.
 */
#ifndef RL_CLI_SUGGEST_H
#define RL_CLI_SUGGEST_H

typedef struct rl_suggestion {
  const char *name, *best;
  unsigned distance; /* of the best */
} rl_suggestion;

void rl_suggest_start(rl_suggestion *s, const char *name);
void rl_suggest_try(rl_suggestion *s, const char *word);

/* Our word for somebody else's: of a command, of an option; NULL where there is none. What is no word of ours says in a sentence
 * what to do instead: it has a space in it. */
const char *rl_suggest_command(const char *name);
const char *rl_suggest_option(const char *name);

#endif
