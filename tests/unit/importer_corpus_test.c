/* The importer's fuzz corpus as an ordinary test, in every build and under every sanitizer. */
#define REPLAY
#define CORPUS TEST_DATA "/../fuzz/corpus/importer"
#define WHAT   "any bytes as a plan"
#include "tests/fuzz/fuzz_importer.c" // NOLINT(bugprone-suspicious-include)
