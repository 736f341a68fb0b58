/*
 * Suggestions for mistakes: the known word that is most like a mistyped one, and our words for those of other programs.
 *
 *   rl_suggestion s;
 *   rl_suggest_start(&s, "nwe");
 *   for each word there is: rl_suggest_try(&s, word);
 *   s.best                    "new", or NULL if none is near
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

/* Returns our word for a command or an option of another program, or NULL. If there is no such word, it may be a sentence
 * that says what to do instead: it has a space in it. */
const char *rl_suggest_command(const char *name);
const char *rl_suggest_option(const char *name);

#endif
