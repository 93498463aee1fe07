/* The corpus of fuzz_record as an ordinary test, in every build and under every sanitizer. */
#define REPLAY
#define ROWS   OPS
#define CORPUS TEST_DATA "/../fuzz/corpus/record"
#define WHAT   "any bytes as a record"
#include "tests/fuzz/fuzz_record.c" // NOLINT(bugprone-suspicious-include)
