#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/style.sh - tools/check-comments finds what a reader stumbles over, and nothing else.
srcdir=${srcdir:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
status=0
page=

# refuses CLAIM LINES...: a file of these lines is complained of once, at its last line.
refuses() {
    claim=$1
    shift
    printf '%s\n' "$@" >"$work/file${page:-.c}"
    said=$("$srcdir/tools/check-comments" "$work/file${page:-.c}") && { echo "style: passes: $claim"; status=1; }
    case $said in
    *"
"*) printf 'style: %s: more than one complaint:\n%s\n' "$claim" "$said"; status=1 ;;
    "$work/file${page:-.c}:$#:"*) ;;
    *) printf 'style: %s: complains of another line:\n%s\n' "$claim" "$said"; status=1 ;;
    esac
}
passes() {
    claim=$1
    shift
    printf '%s\n' "$@" >"$work/file${page:-.c}"
    "$srcdir/tools/check-comments" "$work/file${page:-.c}" || { echo "style: refuses: $claim"; status=1; }
}

refuses "what" '/* What is left. */'
refuses "who" 'int n;' '/* Who waits is told. */'
refuses "whoever, in a struct" 'struct a {' '    /* Whoever reads it. */'
refuses "those, behind code" 'int n; /* Those that wait. */'
refuses "a second sentence" '/* It is long. What is short is not. */'
refuses "a sentence on a line of its own" '/*' ' * All of it.' ' * Whatever comes goes.'
refuses "a paragraph" '/*' ' * First' ' *' ' * Each that waits goes.'
refuses "one that goes on below code" 'struct a {' '    int n; /* the number of'
page=.md
refuses "a page" 'It is so.' 'What is not so is not here.'
refuses "an item of a page" '# What stands here' '' '- Those that wait'
passes "code and headings of a page" '# What is here' '' '```c' 'What is this?' '```' '    Who knows' 'A task' \
    'that knows who waits.'
page=
passes "a named subject" '/* The rest of it. A task that waits is told what to do.' \
    ' * It knows' ' * who it is, and' ' * those that wait. */'
passes "no comment" 'const char *text = "/* What */", *accept = "*/*";' 'int n;'
passes "a comment above" '/* The number of tasks' ' * that wait. */' 'int n; /* all */'
exit $status
