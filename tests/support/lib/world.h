/* world - something to ask about: two institutions, their plans, and people with keys. Put in by SQL, so that a test of one
 * operation does not depend on the others.
 *
 *     inm, with units oym, rrhh, tic; plan 2022 with two actions, plan 2023 with twenty, two tasks each
 *     sns, with unit oym; plan 2024 with two actions
 *
 * Action n belongs to oym, rrhh, tic in turn (1: oym, 2: rrhh, 3: tic …); rrhh is co-responsable of action 1. */
#pragma once

#include "tests/support/lib/peer.h"

enum { WORLD_ACTIONS = 20 };

void world_make(const struct mejorad *m);

/* A person with a key. roles and units: SQL arrays, "{planner}". kind: "person" or "invitation". */
struct keys world_person(const struct mejorad *m, const char *institution, const char *code, const char *roles,
                         const char *units);
struct keys world_key(const struct mejorad *m, const char *institution, const char *code, const char *kind);
