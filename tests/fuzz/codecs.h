/* codecs - which SQL types a field may have, for the fuzz targets: there is no database to say which one it has. */
#pragma once

#include "server/codec.h"

#include <stdlib.h>

/* One of those that it can meet. None at all: the server would not start, so that is a fault too. */
static const struct codec *some_codec(const ProtobufCFieldDescriptor *f, unsigned choice)
{
    static const Oid classes[] = {16, 17, 20, 23, 25, 1009, 1082, 1184, 2950, 3802, ANY_ENUM, ANY_ENUM_ARRAY};
    const struct codec *found[sizeof classes / sizeof *classes];
    unsigned n = 0;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if ((found[n] = codec_find(f->type, f->label == PROTOBUF_C_LABEL_REPEATED, classes[i])))
            n++;
    if (!n)
        abort();
    return found[choice % n];
}
