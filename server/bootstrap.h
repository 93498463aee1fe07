/* bootstrap - what a server makes of itself on its first start: its own key, and the profiles of the first two who may connect.
 *
 *     STATE/server.key         the server's CURVE pair, public then secret; 0600
 *     STATE/admin.profile      for the administrator: adds institutions, invites people; 0600
 *     STATE/notifier.profile   for the notification worker; 0600 */
#pragma once

struct identity {
    char public_key[41], secret_key[41]; /* Z85 */
};

int bootstrap_identity(const char *state, struct identity *ret); /* 0, or -1 logged */

/* Writes a profile for who of the two has no key yet, and only then lets that key in. 0, or -1 logged.
 * endpoints: where they find the server; several have commas between. */
int bootstrap_profiles(const char *state, const struct identity *id, const char *endpoints, const char *conninfo);

/* The endpoint as this machine reaches it: a wildcard address becomes the loopback one. */
const char *bootstrap_reachable(const char *endpoint, char ret[256]);
