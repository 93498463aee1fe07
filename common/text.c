#include "common/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool is_dash(ucs4_t c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212;
}

/* `to` has room for twice the bytes of `from`: lower case never needs more. */
static void fold_into(char *to, const uint8_t *from, size_t n)
{
    char *start = to;
    for (size_t i = 0; i < n;) {
        ucs4_t c;
        i += (size_t)u8_mbtouc(&c, from + i, n - i);
        if (uc_is_property_white_space(c)) {
            if (to > start && to[-1] != ' ')
                *to++ = ' ';
        } else if (!uc_is_general_category(c, UC_NON_SPACING_MARK)) {
            to += u8_uctomb((uint8_t *)to, is_dash(c) ? '-' : uc_tolower(c), 6);
        }
    }
    *(to > start && to[-1] == ' ' ? to - 1 : to) = '\0';
}

char *text_fold(const char *text)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t size = strlen(text), n = 0;
    if (u8_check(bytes, size))
        return NULL;
    uint8_t *plain = u8_normalize(UNINORM_NFKD, bytes, size, NULL, &n);
    char *folded = plain ? malloc(2 * n + 6) : NULL;
    if (folded)
        fold_into(folded, plain, n);
    free(plain);
    return folded;
}

int text_number(const char *text)
{
    int number = 0;
    for (const char *at = text; at < text + 9 && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (*at - '0');
    return number;
}

/* Levenshtein's distance, but only along the diagonal band that can still end within the limit. */
bool text_near(const char *a, const char *b, size_t edits)
{
    int k = edits < TEXT_NEAR_MAX ? (int)edits : TEXT_NEAR_MAX, far = k + 1;
    int na = (int)strlen(a), nb = (int)strlen(b);
    int band[2 * TEXT_NEAR_MAX + 3] = {0}; /* band[x]: distance of a's first i bytes from b's first i + x - k - 1 */
    if (abs(na - nb) > k)
        return false;
    for (int x = 0; x <= 2 * k + 2; x++)
        band[x] = x > k && x < 2 * k + 2 ? x - k - 1 : far;
    for (int i = 1; i <= na; i++) {
        for (int x = 1; x <= 2 * k + 1; x++) {
            int j = i + x - k - 1, best = j == 0 ? i : far;
            if (j > 0 && j <= nb) {
                best = band[x] + (a[i - 1] != b[j - 1]);
                best = band[x + 1] < best ? band[x + 1] + 1 : best;
                best = band[x - 1] < best ? band[x - 1] + 1 : best;
            }
            band[x] = best < far ? best : far;
        }
    }
    return band[nb - na + k + 1] <= k;
}
