#include "common/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number without sign or leading zeros that stands before one of `ends` (or the end). */
static const char *number(const char *text, const char *ends, int32_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 9 || *text == '0' || (text[digits] && !strchr(ends, text[digits])))
        return NULL;
    *ret = (int32_t)strtol(text, NULL, 10);
    return text + digits;
}

static const char *code(const char *text, char ret[REF_CODE])
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (size < 1 || size >= REF_CODE || *text == '-' || (text[size] && text[size] != '/'))
        return NULL;
    memcpy(ret, text, size);
    ret[size] = '\0';
    return text + size;
}

/* What follows the plan: 12 or 12.3 */
static bool item(const char *text, struct ref *r)
{
    r->level = REF_ACTION;
    text = number(text, ".", &r->item_no);
    if (text && *text == '.') {
        r->level = REF_TASK;
        text = number(text + 1, "", &r->task_no);
    }
    return text && !*text;
}

static bool plan(const char *text, struct ref *r)
{
    r->level = REF_PLAN;
    text = number(text, "/", &r->plan);
    return text && r->plan >= 1970 && r->plan <= 2199 && (!*text || item(text + 1, r));
}

bool ref_parse(const char *text, struct ref *ret)
{
    *ret = (struct ref){.level = REF_NOTHING};
    if (!text || !*text)
        return true;
    ret->level = REF_INSTITUTION;
    text = code(text, ret->institution);
    return text && (!*text || plan(text + 1, ret));
}

bool ref_complete(const char *text, const char *institution, int32_t year, struct ref *ret)
{
    char whole[REF_TEXT];
    int32_t first = 0;
    const char *rest = text ? number(text, "/.", &first) : NULL;
    bool is_year = rest && first >= 1970 && first <= 2199 && (*rest == '/' || (!*rest && !year));
    if (!rest)
        return ref_parse(text, ret);
    if (!institution || (!is_year && !year))
        return false;
    int size = is_year ? snprintf(whole, sizeof whole, "%s/%s", institution, text)
                       : snprintf(whole, sizeof whole, "%s/%d/%s", institution, year, text);
    return size < (int)sizeof whole && ref_parse(whole, ret);
}

const char *ref_text(const struct ref *r, char ret[REF_TEXT])
{
    int n = 0;
    *ret = '\0';
    if (r->level >= REF_INSTITUTION)
        n += snprintf(ret, REF_TEXT, "%s", r->institution);
    if (r->level >= REF_PLAN)
        n += snprintf(ret + n, (size_t)(REF_TEXT - n), "/%d", r->plan);
    if (r->level >= REF_ACTION)
        n += snprintf(ret + n, (size_t)(REF_TEXT - n), "/%d", r->item_no);
    if (r->level >= REF_TASK)
        snprintf(ret + n, (size_t)(REF_TEXT - n), ".%d", r->task_no);
    return ret;
}
