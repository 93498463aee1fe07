/* fault - named places at which the environment may order a failure: MEJORA_FAULT=POINT:kill|error|delay:COUNT, the
 * COUNT-th time that the place is passed, once. Not part of a release. Safe from any thread.
 *
 * What is inside of a statement (the change, the request's row, the audit entry) has no place in our programs: there
 * a test's own trigger kills the backend, the postmaster or the server from within, see tests/support/lib/death.h. And
 * an answer on its way is cut by tests/support/lib/proxy.h. */
#pragma once

#include <stdbool.h>

enum fault_point {
#define POINT(name) FAULT_##name,
#include "common/fault.def"
#undef POINT
    FAULT_POINTS
};

#ifdef MEJORA_FAULTS
bool fault(enum fault_point point); /* true: fail here */
#else
static inline bool fault(enum fault_point point)
{
    (void)point;
    return false;
}
#endif
