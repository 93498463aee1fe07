/* ref - references that people say: inm, inm/2023, inm/2023/12, inm/2023/12.3. Plain values, for any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ref_level { REF_NOTHING, REF_INSTITUTION, REF_PLAN, REF_ACTION, REF_TASK, REF_LEVELS };

enum { REF_CODE = 64, REF_TEXT = REF_CODE + 40 };

struct ref {
    enum ref_level level;
    char institution[REF_CODE];
    int32_t plan, item_no, task_no; /* 0 below the level */
};

/* NULL and "" are REF_NOTHING. False: not a reference. */
bool ref_parse(const char *text, struct ref *ret);

/* Completes what a person may leave out: "12" or "2023/12" or "12.3", given an institution and a plan's year (NULL and 0:
 * none). False: not a reference, or nothing to complete it with. */
bool ref_complete(const char *text, const char *institution, int32_t plan, struct ref *ret);

const char *ref_text(const struct ref *r, char ret[REF_TEXT]);
