# Completion of g3n for bash 3.2 and later. Nothing that g3n prints is run, and what is inserted is quoted.
# The first line of its answer is "words" or "files"; after "words", each line is a candidate, a tab and a description.

_g3n() {
  local rest=${COMP_LINE:0:COMP_POINT} tab=$'\t' last=-1 i word gap cur to_replace prefix answer line value
  local -a words=() described=()
  COMPREPLY=()

  # bash splits words at the characters of COMP_WORDBREAKS too, such as = and :. They are put together again.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    gap=${rest%%[!$' \t\n']*}
    rest=${rest#"$gap"}
    [[ $rest == "$word"* ]] || word=$rest # the cursor is within this word
    if ((i > 0)) && [[ -z $gap ]]; then
      words[last]+=$word
    else
      ((last += 1))
      words[last]=$word
    fi
    rest=${rest#"$word"}
  done
  cur=${words[last]}

  # Only what follows the last of these characters is replaced, unless it stands in quotes.
  to_replace=$cur
  if [[ $cur != [\"\']* ]]; then
    for i in = :; do
      [[ $COMP_WORDBREAKS == *"$i"* ]] && to_replace=${to_replace##*"$i"}
    done
  fi
  prefix=${cur%"$to_replace"}

  answer=$(command g3n __complete --quoted -- "${words[@]:1}" 2>/dev/null) || return 0
  if [[ $answer == files* && $to_replace == @* ]]; then # where bash would complete the names of hosts
    while IFS= read -r line; do
      printf -v value %q "$line"
      [[ -d $line ]] && value+=/
      COMPREPLY+=("@$value")
    done < <(compgen -f -- "${to_replace#@}")
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    return 0
  elif [[ $answer == files* ]]; then
    compopt -o default 2>/dev/null
    return 0
  fi

  i=0
  while IFS= read -r line; do
    ((i++ == 0)) && continue
    value=${line%%"$tab"*}
    value=${value#"$prefix"}
    [[ $to_replace == [\"\']* ]] || printf -v value %q "$value"
    COMPREPLY+=("$value")
    described+=("$value${line#"${line%%"$tab"*}"}")
  done <<<"$answer"

  # 63 is a list of candidates, of which none is inserted: only there can descriptions stand.
  if ((COMP_TYPE == 63 && ${#COMPREPLY[@]} > 1)); then
    COMPREPLY=("${described[@]/$tab/  -- }")
  fi
}

complete -F _g3n g3n
