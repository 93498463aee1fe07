#!/usr/bin/env bats
# The protocol's page says what the programs do.

PAGE=$BATS_TEST_DIRNAME/../../proto/PROTOCOL.md

@test "the tables of operations and codes are those of the programs" {
    diff <(sed '1,/^<!-- from here on/d' "$PAGE" | tail -n +2) <(mejora call --describe) || {
        echo "# bring it up to date:  sed -i '/^<!-- from here on/q' proto/PROTOCOL.md; { echo; mejora call --describe; } >>proto/PROTOCOL.md"
        false
    }
}

@test "every operation of ops.def is described" {
    while read -r op; do grep -q "^### $op\$" "$PAGE"; done < <(sed -n 's/^OP(\([a-z_]*\),.*/\1/p' "$BATS_TEST_DIRNAME/../../common/ops.def")
}

@test "every outcome has its line" {
    while read -r outcome; do
        grep -q "^| $outcome |" "$PAGE"
    done < <(sed -n 's/^  OUTCOME_\([A-Z_]*\) = [1-9].*/\1/p' "$BATS_TEST_DIRNAME/../../proto/envelope.proto")
}
