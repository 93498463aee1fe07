#!/usr/bin/env bats
# source.bats - what is judged without running it. Before this begins, both compilers have built everything with
# -Werror, and the build has refused any text without a Spanish one.

files() { # PATTERN...  in the tree, generated files aside
    local names=()
    for pattern; do names+=(-o -name "$pattern"); done
    find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print | sort
}

scripts() { # everything shellcheck reads: by name or by first line
    files '*.sh' '*.bash' '*.bats'
    find . \( -path ./build -o -path ./.git \) -prune -o -type f ! -name '*.*' -exec grep -lE '^#!.*/(ba)?sh$' {} +
}

debian_12() { # every version of these has opinions of its own
    grep -qx 'VERSION_ID="12"' /etc/os-release || skip "judged by the tools of Debian 12"
}

@test "C is laid out by .clang-format" {
    debian_12
    for file in $(files '*.c' '*.h'); do clang-format "$file" | cmp -s - "$file" || echo "$file"; done >"$BATS_TEST_TMPDIR/other"
    cat "$BATS_TEST_TMPDIR/other" && [ ! -s "$BATS_TEST_TMPDIR/other" ]
}

@test "clang-tidy has nothing to say" {
    debian_12
    files '*.c' | sed 's,^\./,,' | grep -Ff <(jq -r '.[].file' build/asan/compile_commands.json | sed "s,^$PWD/,,") |
        xargs -P2 -n4 clang-tidy --quiet -p build/asan >"$BATS_TEST_TMPDIR/said" 2>/dev/null ||
        { grep -E '(error|warning): ' "$BATS_TEST_TMPDIR/said" && return 1; }
}

@test "cppcheck has nothing to say" {
    debian_12
    cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --std=c11 -j2 \
        --suppress=missingIncludeSystem --suppress='*:build/*' --suppress=unknownMacro --suppress=varFuncNullUB -I. common server client
}

@test "shell scripts are clean" {
    scripts | xargs shellcheck -x -e SC1010,SC2016,SC2030,SC2031,SC2119,SC2120,SC2154 # `task done`, others' variables, subshells of bats, optional arguments
}

@test "nothing is left to do" {
    local left
    left=$(files '*.c' '*.h' '*.sql' '*.proto' '*.sh' '*.py' '*.md' | xargs grep -nwE 'TO''DO|FIX''ME' || :)
    echo "$left" && [ -z "$left" ]
}
