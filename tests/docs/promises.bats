#!/usr/bin/env bats
# Every promise of docs/promises.md names a test, and that test exists.

bats_require_minimum_version 1.5.0
ROOT=$BATS_TEST_DIRNAME/../..

# The last column of every row: `file` followed by names of tests, separated by commas or semicolons, or in quotes.
named() {
    sed -n 's/^| .* | \(`tests.*\) |$/\1/p' "$ROOT/docs/promises.md" | /usr/bin/python3 -c '
import re, sys
for cell in sys.stdin:
    file = None
    for f, quoted, name in re.findall(r"\x60([^\x60]+)\x60|\"([^\"]+)\"|\b([a-z]+(?:_[a-z]+){2,})\b", cell):
        file = f or file
        if not f:
            print(file, quoted or name, sep="\t")'
}

@test "every row names a test" {
    [ "$(grep -c '^| .* |$' "$ROOT/docs/promises.md")" -gt 20 ]
    run ! grep -vE '^\| promise|^\|---|tests/' <(grep '^|' "$ROOT/docs/promises.md")
}

@test "every test that is named is there" {
    [ "$(named | wc -l)" -gt 25 ]
    missing=0
    while IFS=$'\t' read -r file name; do
        grep -qF -- "$name" "$ROOT/$file" || { echo "# $file has no $name" && missing=1; }
    done < <(named)
    [ "$missing" -eq 0 ]
}
