/* replay - a fuzz target's corpus as an ordinary test: CORPUS is its directory, WHAT the words for it. One include, after the
 * target. With ROWS, the number of rows of the table that the first byte chooses from, every input is tried with each, and the
 * target's taken[] must have every one. */
#pragma once

#include <dirent.h>

static int replay(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
#ifdef ROWS
    for (int row = 0; row < ROWS; row++) {
        bytes[0] = (uint8_t)row;
        LLVMFuzzerTestOneInput(bytes, size);
    }
#endif
    return LLVMFuzzerTestOneInput(bytes, size);
}

static int rows_missing(void)
{
    int missing = 0;
#ifdef ROWS
    for (int row = 0; row < ROWS; row++)
        if (!taken[row] && ++missing)
            printf("# no good input for row %d\n", row);
    printf("# %d of %d rows\n", ROWS - missing, ROWS);
#endif
    return missing;
}

int main(int argc, char **argv)
{
    const char *corpus = argc > 1 ? argv[1] : CORPUS;
    struct dirent **entries;
    int n = scandir(corpus, &entries, NULL, alphasort), inputs = 0, failed = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", corpus, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && ++inputs)
            failed += replay(path) != 0;
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    failed += rows_missing();
    printf("1..1\n%s 1 - %s, %d inputs\n", inputs && !failed ? "ok" : "not ok", WHAT, inputs);
    return !inputs || failed;
}
