/* check - what a decoded request must still satisfy before it may travel: the border where strangers' bytes become data. */
#pragma once

#include "server/contract.h"

/* NULL, or the code of what is wrong; *ret_field: where (a field's name, or "body"). */
const char *request_check(const struct plan *p, struct call *c, size_t body_size, const char **ret_field);
