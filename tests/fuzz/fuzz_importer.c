/* Any bytes, read as a file and then as a plan: never a crash, and a draft that is JSON.
 *
 * With REPLAY defined the program reads the corpus instead, as an ordinary test. */
#include "client/lib/grid.h"
#include "server/importer/importer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct catalogue_caf caf[] = {
    {"1", "LIDERAZGO", "", ""},
    {"1.1", "Dirigir la organización", "Guiar la organización", "Llevar la organización"},
    {"1.2", "Gestionar la organización", "", ""},
    {"2", "ESTRATEGIA", "", ""},
    {"2.1", "Identificar las necesidades", "", ""},
};
static const struct catalogue_unit own[] = {{"oym", "Obras y Mantenimiento", "Obras"}};
static const struct catalogue_unit common[] = {{NULL, "Recursos Humanos", "RRHH"},
                                               {NULL, "Planificación y Desarrollo", "DPD|Planificación"},
                                               {NULL, "Compras", NULL}};
static const struct catalogue catalogue = {caf, 5, own, 1, common, 3};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct grid_file *file;
    struct grid_fault fault;
    struct importer_options options = {size % 3 ? 0 : 2023, size % 2 ? PERIOD_FOUR_MONTH : 0};
    if (grid_read(bytes, size, GRID_LIMIT, &file, &fault))
        return 0;
    json_t *draft = importer_read(&file->grid, &catalogue, &options);
    char *text = json_dumps(draft, JSON_COMPACT);
    json_t *again = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_equal(draft, again))
        abort();
    json_decref(again);
    free(text);
    json_decref(draft);
    grid_free(file);
    return 0;
}

#ifdef REPLAY
#include "tests/fuzz/replay.h"
#endif
