/* Scripts for shells; see completion.h. In each, @ stands for the commands and ~ for a line for each command with options. */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"

static const char bash[] =
    "_rille() {\n"
    "  local word=${COMP_WORDS[COMP_CWORD]} words=\n"
    "  if [ \"$COMP_CWORD\" -eq 1 ]; then words='@'; else\n"
    "    case \"${COMP_WORDS[1]} $word\" in\n"
    "      help\\ *) words='@' ;;\n"
    "      completion\\ *) words='bash zsh fish' ;;\n"
    "~"
    "    esac\n"
    "  fi\n"
    "  if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
    "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
    "}\n"
    "complete -o filenames -F _rille rille\n";

static const char zsh[] =
    "#compdef rille\n"
    "_rille() {\n"
    "  if (( CURRENT == 2 )); then compadd -- @; return; fi\n"
    "  case $words[2] in\n"
    "    help) compadd -- @; return ;;\n"
    "    completion) compadd -- bash zsh fish; return ;;\n"
    "~"
    "  esac\n"
    "  _files\n"
    "}\n"
    "compdef _rille rille\n";

static const char fish[] =
    "complete -c rille -n __fish_use_subcommand -f -a '@'\n"
    "complete -c rille -n '__fish_seen_subcommand_from help' -f -a '@'\n"
    "complete -c rille -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
    "~";

/* The text before a command's options, between its name and them, and after them. */
static const struct {
  const char *shell, *script, *before, *between, *after;
} shells[] = {{"bash", bash, "      ", "\\ -*) words='", "' ;;\n"},
              {"zsh", zsh, "    ", ") [[ $PREFIX == -* ]] && { compadd -- ", "; return } ;;\n"},
              {"fish", fish, "complete -c rille -n '__fish_seen_subcommand_from ", "' -a '", "'\n"}};
enum { SHELLS = sizeof shells / sizeof *shells };

static void print_commands(void) {
  const rl_command *c;
  for (unsigned i = 0; (c = rl_command_at(i)); i++) printf("%s%s", i ? " " : "", c->name);
}

static void print_options(unsigned shell) {
  const rl_command *c;
  const char *name;
  for (unsigned i = 0; (c = rl_command_at(i)); i++) {
    if (!rl_options_of(c, 0)) continue;
    printf("%s%s%s", shells[shell].before, c->name, shells[shell].between);
    for (unsigned k = 0; (name = rl_options_of(c, k)); k++) printf("%s%s", k ? " " : "", name);
    fputs(shells[shell].after, stdout);
  }
}

static void print_script(unsigned shell) {
  for (const char *text = shells[shell].script; *text; text++) {
    if (*text == '@') print_commands();
    else if (*text == '~') print_options(shell);
    else putchar(*text);
  }
}

int rl_completion_print(const char *shell) {
  for (unsigned i = 0; i < SHELLS; i++) {
    if (strcmp(shell, shells[i].shell) != 0) continue;
    print_script(i);
    return 0;
  }
  fprintf(stderr, "rille: completion needs a shell: bash, zsh or fish%s%s%s\n", *shell ? ", got '" : "", shell,
          *shell ? "'" : "");
  return 2;
}
