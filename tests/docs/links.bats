#!/usr/bin/env bats
# What the pages point to is there: files, commands, options, directories.

bats_require_minimum_version 1.5.0

pages() { find . \( -path ./build -o -path ./.git \) -prune -o -name '*.md' -print; }

# Every line on which somebody types a command of ours, in a block or in `…`, without prompt, variables and what is told beside it.
commands() { # PROGRAM FILE...
    # shellcheck disable=SC2016 # what stands in `…` is typed too
    { sed -nE 's/^(    |\$ )([A-Z_]+=[^ ]* )*//p' "${@:2}" && grep -ohE '`[^`]+`' "${@:2}" | tr -d '`'; } | grep -E "^$1 [a-z-]" | sort -u
}

@test "links point to files" {
    local page target
    while read -r page; do
        while read -r target; do
            [ -e "$(dirname "$page")/$target" ] || { echo "$page points to $target" && false; }
        done < <(grep -oE '\]\([^)#]+' "$page" | cut -c3- | grep -vE '^[a-z]+:')
    done < <(pages)
}

@test "the tour's commands exist, with their options" {
    local line words help option n=0
    while read -r line; do
        read -ra words <<<"${line%%  *}"
        [ "${words[1]}" != call ] || continue # its arguments are the operation's
        for ((i = 1; i < ${#words[@]}; i++)); do [[ ${words[i]} =~ ^[[:lower:]]+$ ]] || break; done
        run -0 mejora "${words[@]:1:i-1}" -h
        help=$output
        while read -r option; do
            grep -qE -- "^  $option( |\$)" <<<"$help" || { echo "$line: there is no $option" && false; }
        done < <(grep -oE -- '--[a-z-]+' <<<"$line")
        n=$((n + 1))
    done < <(commands mejora README.md docs/running.md)
    [ "$n" -ge 20 ]
}

@test "the server's and the worker's options exist" {
    local program line option help
    for program in mejorad mejora-notify; do
        help=$($program --help)
        while read -r option; do
            grep -qE -- "$option( |\$)" <<<"$help" || { echo "$program has no $option" && false; }
        done < <(grep -hE "$program --" README.md docs/*.md | grep -oE -- '--[a-z-]+')
    done
}

@test "the tree is the one described" {
    local described
    described=$(sed -n '/^## Where things are/,$s,^    \([a-z]*\)/ .*,\1,p' README.md | sort)
    [ "$described" = "$(find . -mindepth 1 -maxdepth 1 -type d ! -name '.*' ! -name build ! -name cmake -printf '%f\n' | sort)" ]
}

@test "./dev does what the pages say it does" {
    local command
    while read -r command; do
        ./dev help | grep -qE "^  $command( |\$)" || { echo "there is no ./dev $command" && false; }
    done < <(grep -ohE '\./dev [a-z]+' README.md docs/*.md | cut -d' ' -f2 | sort -u)
}
