/* Scripts for shells; see completion.h. In each, @ stands for the commands and ~ for the options of serve. */
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
    "      serve\\ -*) words='~' ;;\n"
    "      dev\\ -*) words='--host --port --memory-limit' ;;\n"
    "      migrate\\ -*) words='--status' ;;\n"
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
    "    serve) [[ $PREFIX == -* ]] && { compadd -- ~; return } ;;\n"
    "    dev) [[ $PREFIX == -* ]] && { compadd -- --host --port --memory-limit; return } ;;\n"
    "    migrate) [[ $PREFIX == -* ]] && { compadd -- --status; return } ;;\n"
    "  esac\n"
    "  _files\n"
    "}\n"
    "compdef _rille rille\n";

static const char fish[] =
    "complete -c rille -n __fish_use_subcommand -f -a '@'\n"
    "complete -c rille -n '__fish_seen_subcommand_from help' -f -a '@'\n"
    "complete -c rille -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
    "complete -c rille -n '__fish_seen_subcommand_from serve' -a '~'\n"
    "complete -c rille -n '__fish_seen_subcommand_from dev' -a '--host --port --memory-limit'\n"
    "complete -c rille -n '__fish_seen_subcommand_from migrate' -a '--status'\n";

static void print_words(const char *(*word)(unsigned i)) {
  const char *text;
  for (unsigned i = 0; (text = word(i)); i++) printf("%s%s", i ? " " : "", text);
}

int rl_completion_print(const char *shell) {
  const char *text = strcmp(shell, "bash") == 0   ? bash
                     : strcmp(shell, "zsh") == 0  ? zsh
                     : strcmp(shell, "fish") == 0 ? fish
                                                  : NULL;
  if (!text) {
    fprintf(stderr, "rille: completion needs a shell: bash, zsh or fish\n");
    return 2;
  }
  for (; *text; text++) {
    if (*text == '@') print_words(rl_options_command);
    else if (*text == '~') print_words(rl_options_option);
    else putchar(*text);
  }
  return 0;
}
