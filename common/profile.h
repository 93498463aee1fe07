/* profile - where the server is, whose keys these are and what short references mean: a JSON file for its owner only.
 *
 * An invitation is the same file with kind "invitation": its keys are good for one `join`. Strings in the struct belong
 * to it. Files that others can read are refused. One struct, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROFILE_KEY = 41, PROFILE_ENDPOINTS = 8 };

struct profile {
    char *endpoints[PROFILE_ENDPOINTS]; /* tried in turn */
    size_t n_endpoints;
    char server_key[PROFILE_KEY], public_key[PROFILE_KEY], secret_key[PROFILE_KEY]; /* Z85 */
    char *institution;                                                              /* NULL: none */
    int32_t plan;                                                                   /* a year; 0: none */
    bool plan_follows; /* the plan was not chosen: it is the institution's current one, as it was when last looked up */
    char *person;
    bool invitation;
    bool pending;     /* the server may not know this key yet */
    char *expires_at; /* of an invitation, ISO 8601 */
};

enum profile_fault {
    PROFILE_OK,
    PROFILE_MISSING,   /* no such file */
    PROFILE_EXPOSED,   /* others may read it, or it is not ours */
    PROFILE_MALFORMED, /* not JSON; detail: line */
    PROFILE_FIELD,     /* detail: the field that is missing or wrong */
    PROFILE_SYSTEM,    /* detail: what the system said */
};

struct profile_error {
    enum profile_fault fault;
    char detail[160];
};

/* False: *error says why, and *ret is empty. */
bool profile_read(const char *path, struct profile *ret, struct profile_error *error);

/* Replaces the file as a whole, mode 0600, on disk when this returns. Missing directories are made, mode 0700. */
bool profile_write(const char *path, const struct profile *p, struct profile_error *error);

void profile_free(struct profile *p);
bool profile_endpoint_add(struct profile *p, const char *endpoint); /* false: full, or out of memory */
bool profile_keys_make(struct profile *p);                          /* a fresh pair of the profile's own */

/* option, else $MEJORA_PROFILE, else $XDG_CONFIG_HOME/mejora/profile, else ~/.config/mejora/profile. The caller frees
 * it. */
char *profile_path(const char *option);

/* The error for a person, with what to do about it. The caller frees it. */
char *profile_explain(const struct profile_error *error, const char *path);
