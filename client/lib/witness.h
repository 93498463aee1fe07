/* witness - remembers the last checkpoint of the audit log that was seen, and holds every server to it.
 *
 * It stands beside the profile, in PROFILE.checkpoint: the log's key in the first line, then the signed note. What contradicts
 * it never takes its place; both are kept in a file of their own, as evidence. One thread uses a struct. */
#pragma once

#include "client/lib/call.h"
#include "common/checkpoint.h"

enum witness_end {
    WITNESS_FINE,     /* what the server shows continues what was seen, or is the first */
    WITNESS_NOTHING,  /* nothing was ever sealed */
    WITNESS_SILENT,   /* the server does not say; a struct answer says why */
    WITNESS_FILE,     /* what stands beside the profile is not what a log has signed */
    WITNESS_UNSIGNED, /* what the server shows is not */
    WITNESS_OTHER,    /* another log than the one seen before */
    WITNESS_CUT,      /* it has fewer entries than it had */
    WITNESS_FORKED,   /* it does not continue what was seen */
};

struct witness {
    char file[4096], evidence[4096]; /* evidence: empty, or what to show to whoever looks into it */
    uint64_t before;                 /* entries that the log had when it was seen before */
    struct log_key key;
    struct checkpoint checkpoint;              /* the server's */
    char text[LOG_KEY_TEXT + CHECKPOINT_TEXT]; /* as it stands in the file */
    bool kept;                                 /* it is there now; errno says why it is not */
};

/* profile: the profile's file. answer: NULL, or the caller frees it. */
enum witness_end witness_look(struct client *c, const char *profile, struct witness *ret, struct answer *answer);
bool witness_contradicted(enum witness_end end);         /* somebody has to look into it */
int witness_read(const char *file, struct witness *ret); /* 1: read, 0: there is none, -1: that is no checkpoint */
