/* replay - a fuzz target's corpus as an ordinary test: CORPUS is its directory, WHAT the words for it. One include, after the target. */
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
    return LLVMFuzzerTestOneInput(bytes, size);
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
    printf("1..1\n%s 1 - %s, %d inputs\n", inputs && !failed ? "ok" : "not ok", WHAT, inputs);
    return !inputs || failed;
}
