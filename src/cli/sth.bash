# Completion of `sth` for bash. What there is to complete is asked of the tool itself (`sth help --words`).
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2207 # words of the tool have no blanks

_sth() {
  local tool=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} kind
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ] || { [ "$COMP_CWORD" = 2 ] && [ "$previous" = help ]; }; then
    COMPREPLY=($(compgen -W "$("$tool" help --words 2>/dev/null)" -- "$word"))
    return
  fi
  # --option=value comes as three words.
  [ "$word" != = ] || word=
  [ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
  case $previous in
  -*) kind=$("$tool" help --words "${COMP_WORDS[1]}" 2>/dev/null | sed -n "s/^$previous //p") ;;
  *) kind= ;;
  esac
  case $kind in
  *FILE* | *DIR* | *.npy | *.onnx) ;; # names of files: bash's own
  *'|'*) COMPREPLY=($(compgen -W "${kind//|/ }" -- "$word")) ;;
  ?*) compopt +o default 2>/dev/null ;; # a number, of which there is nothing to tell
  *)
    case $word in
    -*) COMPREPLY=($(compgen -W "$("$tool" help --words "${COMP_WORDS[1]}" 2>/dev/null | cut -d' ' -f1)" -- "$word")) ;;
    esac
    ;;
  esac
}
complete -o default -o filenames -F _sth sth
