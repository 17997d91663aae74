#compdef g3n
# Completion of g3n for zsh. Nothing that g3n prints is run, and what is inserted is quoted.
# The first line of its answer is "words" or "files"; after "words", each line is a candidate, a tab and a description.

_g3n() {
  local -a lines values shown
  local line value
  lines=("${(@f)$(command g3n __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  if [[ ${lines[1]} == files ]]; then
    compset -P '--*='
    compset -P '@'
    _files
    return
  fi
  for line in "${(@)lines[2,-1]}"; do
    value=${line%%$'\t'*}
    values+=("$value")
    if [[ $line == *$'\t'?* ]]; then
      shown+=("$value  -- ${line#*$'\t'}")
    else
      shown+=("$value")
    fi
  done
  (( ${#values} )) && compadd -l -d shown -- "${(@)values}"
}

if [[ ${funcstack[1]} == _g3n ]]; then
  _g3n "$@" # as a file of $fpath
else
  compdef _g3n g3n
fi
