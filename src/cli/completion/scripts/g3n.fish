# Completion of g3n for fish. Nothing that g3n prints is run, and fish quotes what it inserts.
# The first line of its answer is "words" or "files"; after "words", each line is a candidate, a tab and a description.

function __g3n_complete
    set -l before (commandline --tokenize --current-process --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command g3n __complete --quoted-word=$current -- $before[2..] 2>/dev/null)
    if test "$lines[1]" = files
        set -l prefix (string match --regex '^(?:--[^=]*=)?@?' -- $current)
        printf '%s\n' $prefix(__fish_complete_path (string replace -- "$prefix" '' $current))
    else
        printf '%s\n' $lines[2..]
    end
end

complete --command g3n --no-files --arguments '(__g3n_complete)'
