/* The corpus of fuzz_request as an ordinary test, in every build and under every sanitizer. */
#define REPLAY
#define ROWS   OPS
#define CORPUS TEST_DATA "/../fuzz/corpus/request"
#define WHAT   "any bytes as a request"
#include "tests/fuzz/fuzz_request.c" // NOLINT(bugprone-suspicious-include)
