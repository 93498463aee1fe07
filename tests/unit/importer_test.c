/* What the importer makes of tables: the two real plans against their answer sheets, and every irregularity by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/lib/grid.h"
#include "common/text.h"
#include "server/importer/importer.h"
#include "server/importer/notes.h"

/* --- what the tests stand on --- */

static struct {
    struct grid_file *caf_file, *units_file;
    struct catalogue_caf caf[64];
    struct catalogue_unit common[64];
    struct catalogue catalogue;
} known;

static struct grid_file *grid_of(const char *bytes, size_t size)
{
    struct grid_file *file = NULL;
    struct grid_fault fault;
    if (grid_read(bytes, size, GRID_LIMIT, &file, &fault))
        fail_msg("%s at %zu", fault.code, fault.offset);
    return file;
}

static struct grid_file *file_of(const char *path)
{
    static char bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return grid_of(bytes, size);
}

static int learn(void **state)
{
    static const struct catalogue_unit own[] = {{"oym", "Obras y Mantenimiento", "Obras"},
                                                {"oai", "Asuntos Internos", ""}};
    (void)state;
    known.caf_file = file_of(TEST_DATA "/../../sql/data/caf2020.tsv");
    known.units_file = file_of(TEST_DATA "/../../sql/data/units.tsv");
    const struct grid *caf = &known.caf_file->grid, *units = &known.units_file->grid;
    for (size_t i = 1; i < caf->n; i++) {
        const char *const *cell = caf->rows[i].cells;
        known.caf[i - 1] = (struct catalogue_caf){cell[1], cell[3], cell[4], cell[6]};
    }
    for (size_t i = 1; i < units->n; i++)
        known.common[i - 1] = (struct catalogue_unit){NULL, units->rows[i].cells[0], units->rows[i].cells[1]};
    known.catalogue = (struct catalogue){known.caf, caf->n - 1, own, 2, known.common, units->n - 1};
    return 0;
}

static int forget(void **state)
{
    (void)state;
    grid_free(known.caf_file);
    grid_free(known.units_file);
    return 0;
}

static json_t *read_grid(struct grid_file *file, struct importer_options options)
{
    json_t *draft = importer_read(&file->grid, &known.catalogue, &options);
    grid_free(file);
    assert_non_null(draft);
    return draft;
}

/* The value at "actions/0/title", as text: strings bare, the rest as compact JSON, what is not there as "-". */
static void value_at(json_t *json, const char *path, char *to, size_t size)
{
    char copy[96], *rest = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key; (key = strsep(&rest, "/"));)
        json = json_is_array(json) ? json_array_get(json, (size_t)text_number(key)) : json_object_get(json, key);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    snprintf(to, size, "%s", json_is_string(json) ? json_string_value(json) : text ? text : "-");
    free(text);
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "row_shifted_left:8 unit_new": every note's code and number, in order. */
static void note_list(const json_t *draft, char *to, size_t size)
{
    size_t i, used = 0;
    json_t *note;
    *to = '\0';
    json_array_foreach(json_object_get(draft, "notes"), i, note)
    {
        json_t *item = json_object_get(note, "item_no");
        used += (size_t)snprintf(to + used, size - used, i ? " %s" : "%s", string_at(note, "code"));
        if (item)
            used += (size_t)snprintf(to + used, size - used, ":%lld", json_integer_value(item));
        assert_true(used < size);
    }
}

/* --- the two plans against their answer sheets --- */

static const char *cell(const struct grid_row *row, size_t i)
{
    return i < row->n ? row->cells[i] : "";
}

static void assert_list(const json_t *array, const char *expected)
{
    char joined[256] = "";
    for (size_t i = 0, used = 0; i < json_array_size(array) && used < sizeof joined; i++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, i ? " %s" : "%s",
                                 json_string_value(json_array_get(array, i)));
    assert_string_equal(joined, expected);
}

static void assert_number(const json_t *object, const char *key, const char *expected)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", json_integer_value(json_object_get(object, key)));
    assert_string_equal(number, expected);
}

static void assert_times(const json_t *action, const struct grid_row *row, size_t first)
{
    static const char *const keys[] = {"start_period", "end_period", "start_date", "end_date"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(string_at(action, keys[i]), cell(row, first + i));
}

static void plan_2023_is_read_rightly(void **state)
{
    (void)state;
    struct grid_file *sheet = file_of(TEST_DATA "/plans/expected_plan_2023.tsv");
    json_t *draft = read_grid(file_of(TEST_DATA "/plans/plan_2023.tsv"), (struct importer_options){0});
    json_t *actions = json_object_get(draft, "actions");
    assert_int_equal(json_array_size(actions), sheet->grid.n - 1);
    for (size_t i = 1; i < sheet->grid.n; i++) {
        const struct grid_row *row = &sheet->grid.rows[i];
        const json_t *action = json_array_get(actions, i - 1);
        char subcriteria[64] = "";
        sscanf(cell(row, 6), "%63[0-9. ]", subcriteria); /* one is followed by a remark */
        for (size_t n = strlen(subcriteria); n && subcriteria[n - 1] == ' ';)
            subcriteria[--n] = '\0';
        assert_number(action, "line", cell(row, 0));
        assert_number(action, "item_no", cell(row, 1));
        assert_number(action, "shift", cell(row, 2));
        assert_number(action, "criterion", cell(row, 5));
        assert_list(json_object_get(action, "subcriteria"), subcriteria);
        assert_times(action, row, 7);
        assert_int_equal(json_array_size(json_object_get(action, "improvement_areas")), text_number(cell(row, 11)));
        assert_int_equal(json_array_size(json_object_get(action, "actions")), text_number(cell(row, 12)));
        assert_string_equal(string_at(action, "owner_text"), cell(row, 13));
    }
    assert_number(draft, "year", "2023");
    assert_string_equal(string_at(draft, "title"), "PLAN DE MEJORA INSTITUCIONAL");
    json_decref(draft);
    grid_free(sheet);
}

static void plan_2024_is_read_rightly(void **state)
{
    (void)state;
    struct grid_file *sheet = file_of(TEST_DATA "/plans/expected_plan_2024.tsv");
    json_t *draft = read_grid(file_of(TEST_DATA "/plans/plan_2024.tsv"), (struct importer_options){0});
    json_t *actions = json_object_get(draft, "actions");
    assert_int_equal(json_array_size(actions), sheet->grid.n - 1);
    for (size_t i = 1; i < sheet->grid.n; i++) {
        const struct grid_row *row = &sheet->grid.rows[i];
        const json_t *action = json_array_get(actions, i - 1);
        assert_number(action, "line", cell(row, 0));
        assert_number(action, "item_no", cell(row, 1));
        assert_number(action, "criterion", cell(row, 2));
        assert_list(json_object_get(action, "subcriteria"), cell(row, 3));
        assert_number(action, "caf_example_no", cell(row, 4));
        assert_times(action, row, 5);
        assert_string_equal(string_at(action, "title"), cell(row, 9));
        assert_string_equal(string_at(action, "owner_text"), cell(row, 10));
    }
    assert_number(draft, "year", "2024");
    json_decref(draft);
    grid_free(sheet);
}

static void followup_2023_is_joined_by_number(void **state)
{
    (void)state;
    struct grid_file *sheet = file_of(TEST_DATA "/plans/expected_followup_2023.tsv");
    json_t *draft = read_grid(file_of(TEST_DATA "/plans/plan_2023.tsv"), (struct importer_options){0});
    json_t *followup = json_object_get(draft, "followup");
    assert_int_equal(json_array_size(followup), sheet->grid.n - 1);
    for (size_t i = 1; i < sheet->grid.n; i++) {
        const struct grid_row *row = &sheet->grid.rows[i];
        const json_t *entry = json_array_get(followup, i - 1);
        assert_number(entry, "line", cell(row, 0));
        assert_number(entry, "item_no", cell(row, 1));
        assert_number(entry, "action_item_no", cell(row, 2));
        assert_number(entry, "tasks_item_no", cell(row, 3));
        assert_string_equal(cell(row, 1), cell(row, 4));
        assert_true(json_is_true(json_object_get(entry, "owner_confirmed")));
        assert_true(json_is_null(json_object_get(entry, "percent")));
        assert_number(entry, "year", "2023");
    }
    json_decref(draft);
    grid_free(sheet);
}

/* Only these are asked of people, and only these texts were lost; all else about the two plans is repaired or pointed
 * out. */
static const struct {
    const char *file, *questions;
} plans[] = {
    {"plan_2023.tsv", "unit_new action_is_area:10 subcriterion_other:12 unit_new unit_new unit_alias owner_differs:1 "
                      "owner_differs:14 owner_differs:17 followup_alignment followup_lost:17 followup_lost:6 "},
    {"plan_2024.tsv", "objective_swapped:1 objective_swapped:3 unit_new unit_new objective_swapped:7 "},
};

static void plans_leave_these_questions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        char path[512], questions[1024] = "";
        snprintf(path, sizeof path, TEST_DATA "/plans/%s", plans[i].file);
        json_t *draft = read_grid(file_of(path), (struct importer_options){0}), *note;
        size_t k;
        json_array_foreach(json_object_get(draft, "notes"), k, note)
        {
            const json_t *item = json_object_get(note, "item_no");
            size_t used = strlen(questions);
            assert_string_not_equal(string_at(note, "kind"), "refused");
            bool asked = !strcmp(string_at(note, "kind"), "to_decide");
            assert_int_equal(json_is_object(json_object_get(note, "patch")), asked);
            if (!asked && strcmp(string_at(note, "code"), "followup_lost") != 0)
                continue;
            snprintf(questions + used, sizeof questions - used, item ? "%s:%lld " : "%s ", string_at(note, "code"),
                     json_integer_value(item));
        }
        assert_string_equal(questions, plans[i].questions);
        json_decref(draft);
    }
}

/* --- every irregularity by itself --- */

#define TITLE "PLAN DE MEJORA INSTITUCIONAL 2023\n"
#define HEAD                                                                                                           \
    "No.\tCriterios No.\tSubcriterio No.\tÁrea de Mejora\tAcción de Mejora\tObjetivo\tTareas\tTiempo\t\t"            \
    "Recursos necesarios\tIndicador\tResponsable de seguimiento\tComentarios\n\t\t\t\t\t\t\tInicio\tFin\t\t\t\t\n"
#define FOLLOW                                                                                                         \
    "No.\tACCION DE MEJORA\tTAREAS\tAÑO\tRESPONSABLE\tESTADO DE REALIZACION\t\t\t\t\tRESULTADO FINAL (si/objetivo "   \
    "previsto)\tCOMENTARIOS\t\n\t\t\t\t\t0%\t25%\t50%\t75%\t100%\t\t\t\n"
/* A plain row, in pieces to be replaced */
#define CAF               "CRITERIO 1: LIDERAZGO\tSubcriterio 1.2"
#define TEXT              "área\tacción\tfin\t1. una 2. otra"
#define TIME              "2023-01\t2023-06"
#define REST              "Humanos\tActa\tCompras\tnota"
#define ROW(no)           no "\t" CAF "\t" TEXT "\t" TIME "\t" REST "\n"
#define WITH_CAF(caf)     TITLE HEAD "1\t" caf "\t" TEXT "\t" TIME "\t" REST "\n"
#define WITH_TEXT(text)   TITLE HEAD "1\t" CAF "\t" text "\t" TIME "\t" REST "\n"
#define WITH_TASKS(tasks) WITH_TEXT("área\tacción\tfin\t" tasks)
#define WITH_TIME(time)   TITLE HEAD "1\t" CAF "\t" TEXT "\t" time "\t" REST "\n"
#define WITH_REST(rest)   TITLE HEAD "1\t" CAF "\t" TEXT "\t" TIME "\t" rest "\n"
#define WITH_OWNER(owner) WITH_REST("Humanos\tActa\t" owner "\tnota")
#define WITH_STATE(rest)                                                                                               \
    TITLE HEAD ROW("1") "SEGUIMIENTO DEL PLAN DE MEJORA\n" FOLLOW "1\tacción\t1. una 2. otra\t2023\tCompras\t" rest "\n"

static const struct {
    const char *name, *text, *notes;
    const char *path, *value; /* one place in the draft and what stands there */
} cases[] = {
    {"a plain plan needs no note", TITLE HEAD ROW("1"), "", "actions/0/subcriteria", "[\"1.2\"]"},

    /* the document */
    {"blank lines", "\n\n" TITLE "\n" HEAD "\n" ROW("1") "\n", "", "actions/0/line", "8"},
    {"title in Markdown", "**PLAN DE MEJORA 2023**\n" HEAD ROW("1"), "markup_removed", "title", "PLAN DE MEJORA 2023"},
    {"no title", HEAD ROW("1"), "year_from_dates title_assumed", "year", "2023"},
    {"no year, dates of one", "Plan de mejora\n" HEAD ROW("1"), "year_from_dates", "year", "2023"},
    {"no year, dates of two", "Plan de mejora\n" HEAD "1\t" CAF "\t" TEXT "\t2023-01\t2024-01\t" REST "\n",
     "year_ambiguous", "notes/0/args", "[\"2023\",\"2024\"]"},
    {"dates beyond the stated year", WITH_TIME("2023-01\t2024-01"), "date_outside_year:1", "notes/0/column", "Fin"},
    {"headings by name, not by place",
     TITLE "No.\tSubcriterio No.\tObjetivo\tAcción de Mejora\tInicio\tFin\tResponsable\n"
           "1\t1.2\tfin\tacción\tmay-23\tjun. 2023\tCompras\n",
     "criterion_derived:1 month_year", "actions/0/objective", "fin"},
    {"headings in capitals, no accents",
     TITLE "NO\tSUBCRITERIO\tACCION DE MEJORA\tINICIO\tFIN\tRESPONSABLE DE "
           "SEGUIMIENTO\n1\t1.2\tacción\t2023-01\t2023-02\tCompras\n",
     "criterion_derived:1", "actions/0/end_date", "2023-02-28"},
    {"time without its second row",
     TITLE "No.\tSubcriterio\tAcción\tTiempo\t\tResponsable\n1\t1.2\tacción\t2023-01\t2023-02\tCompras\n",
     "criterion_derived:1", "actions/0/start_date", "2023-01-01"},
    {"headings again on the next page", TITLE HEAD ROW("1") HEAD ROW("2"), "possible_duplicate:2", "actions/1/item_no",
     "2"},
    {"a line between", TITLE HEAD ROW("1") "Hoja 2\n" ROW("2"), "text_outside possible_duplicate:2",
     "actions/1/item_no", "2"},
    {"signatures", TITLE HEAD ROW("1") "Responsable Plan: Ana Peña Fecha: 2023-01-10\n Revisa: _____ Fecha: _____\n",
     "", "signatures",
     "[{\"role\":\"plan\",\"name\":\"Ana Peña\",\"date\":\"2023-01-10\"},"
     "{\"role\":\"reviews\",\"name\":null,\"date\":null}]"},
    {"a signature's odd date", TITLE HEAD ROW("1") "Aprueba: Eva Fecha: ayer\n", "signature_date", "signatures/0/name",
     "Eva"},
    {"decomposed accents", TITLE HEAD "1\t" CAF "\ta\xcc\x81rea\tacción\tfin\t1. una\t" TIME "\t" REST "\n",
     "text_normalised", "actions/0/improvement_areas/0", "área"},
    {"T is a quarter", WITH_TIME("T1-2023\tT2-2023"), "quarter_assumed", "actions/0/end_date", "2023-06-30"},

    /* rows */
    {"short rows", TITLE HEAD "1\t" CAF "\t" TEXT "\t" TIME "\tHumanos\tActa\tCompras\n", "", "actions/0/comments",
     "[]"},
    {"shifted left", TITLE HEAD "1\tSubcriterio 1.2\t" TEXT "\t" TIME "\tHumanos\tActa\tCompras\t\t\n",
     "row_shifted_left:1 criterion_derived:1", "actions/0/shift", "-1"},
    {"shifted right", TITLE HEAD "1\t\t" CAF "\t" TEXT "\t" TIME "\tHumanos\tActa\tCompras\n",
     "row_shifted_right:1 comment_lost:1", "actions/0/owner_text", "Compras"},
    {"shifted right, the comment still there", TITLE HEAD "1\t\t" CAF "\t" TEXT "\t" TIME "\t" REST "\n",
     "row_shifted_right:1", "actions/0/comments/0", "nota"},
    {"shifted by two", TITLE HEAD "1\t\t\t" CAF "\t" TEXT "\t" TIME "\t" REST "\n", "row_shifted_right_two:1",
     "actions/0/shift", "2"},
    {"shifted where no shift fits", TITLE HEAD "1\tárea\tacción\tuna\tdos\ttres\n", "row_misaligned:1", "actions",
     "[]"},
    {"one wrong cell is no shift", WITH_TIME("ayer\t2023-06"), "date_unreadable:1", "notes/0/was", "ayer"},
    {"more cells than headings", TITLE HEAD "1\t" CAF "\t" TEXT "\t" TIME "\t" REST "\tde más\n", "cell_surplus:1",
     "notes/0/was", "de más"},
    {"a cell under no heading",
     TITLE
     "No.\tSubcriterio\tAcción\tColor\tInicio\tFin\tResponsable\n1\t1.2\tacción\tazul\t2023-01\t2023-02\tCompras\n",
     "cell_unplaced:1 criterion_derived:1", "notes/0/patch", "{}"},
    {"a gap in the numbers", TITLE HEAD ROW("1") ROW("3") ROW("6"),
     "possible_duplicate:3 possible_duplicate:6 number_gap number_gap", "notes/3/was", "4–5"},
    {"a number twice", TITLE HEAD ROW("1") ROW("1"), "number_repeated:1", "notes/0/line", "5"},
    {"a row without a number", TITLE HEAD ROW("1") ROW(""), "number_missing", "notes/0/line", "5"},
    {"all faults at once",
     TITLE HEAD "1\tx\t4.7\t" TEXT "\tT0-2023\tT5-2023\t" REST "\n2\t\t10.1\t\t\t\t\tT1-2023\tnunca\t" REST "\n",
     "subcriterion_unknown:1 date_unreadable:1 date_unreadable:1 subcriterion_unknown:2 action_missing:2 "
     "quarter_assumed "
     "date_unreadable:2",
     "notes/1/column", "Inicio"},

    /* criteria */
    {"blank criterion follows the subcriterion", WITH_CAF("\tSubcriterio 9.1."), "criterion_derived:1",
     "actions/0/criterion", "9"},
    {"both blank fill down", TITLE HEAD ROW("1") "2\t\t\t\totra acción\t\t\t" TIME "\t" REST "\n",
     "subcriterion_filled:2 criterion_derived:2", "actions/1/subcriteria", "[\"1.2\"]"},
    {"nothing to fill from", WITH_CAF("\t"), "subcriterion_missing:1", "actions/0/criterion", "null"},
    {"the form's instruction", WITH_CAF("CRITERIO 3: PERSONAS: Considerar qué está haciendo:\t3.1"),
     "criterion_instruction:1", "notes/0/now", "PERSONAS"},
    {"another title for the criterion", WITH_CAF("CRITERIO 6: RESULTADOS ORIENTADOS A LOS CIUDADANOS/CIUDADANAS\t6.1"),
     "criterion_title:1", "actions/0/criterion", "6"},
    {"criterion against subcriterion", WITH_CAF("CRITERIO 1: LIDERAZGO\t2.4"), "criterion_differs:1",
     "actions/0/criterion", "2"},
    {"several subcriteria",
     WITH_CAF("CRITERIO 2\tSubcriterio 2.2. Elaborar la estrategia y la planificación, teniendo en cuenta "
              "la información recopilada // Subcriterio 5.2 // 8.2."),
     "", "actions/0/subcriteria", "[\"2.2\",\"5.2\",\"8.2\"]"},
    {"the same one twice", WITH_CAF("CRITERIO 2\t2.2 // 2.2."), "value_repeated:1", "actions/0/subcriteria",
     "[\"2.2\"]"},
    {"an accepted variant",
     WITH_CAF("CRITERIO 1\t1.4 Gestionar relaciones eficaces con las autoridades políticas y otros grupos "
              "de interés."),
     "", "actions/0/criterion", "1"},
    {"an inner number", WITH_CAF("CRITERIO 6\t6.2. Mediciones de Rendimiento en relación a: 3. Resultados"),
     "subcriterion_title:1", "actions/0/subcriteria", "[\"6.2\"]"},
    {"number against title",
     WITH_CAF("CRITERIO 5\t5.1 // Subcriterio 8.1. Resultados externos: servicios o productos y valor "
              "público."),
     "subcriterion_other:1", "notes/0/patch", "{\"subcriteria\":[\"5.1\",\"9.1\"]}"},
    {"a title of 2013", WITH_CAF("CRITERIO 2\t2.4 Planificar, implementar y revisar la innovación y el cambio"),
     "subcriterion_2013:1", "notes/0/kind", "to_decide"},
    {"not in the catalogue", WITH_CAF("CRITERIO 4\t4.7"), "subcriterion_unknown:1", "notes/0/was", "4.7"},
    {"not a subcriterion", WITH_CAF("CRITERIO 4\tPersonas"), "subcriterion_unreadable:1", "notes/0/column",
     "Subcriterio No."},

    /* texts */
    {"lists", WITH_TEXT("una // dos/tres // cuatro\thacer / algo // más\tfin\t1. una"), "",
     "actions/0/improvement_areas", "[\"una\",\"dos/tres\",\"cuatro\"]"},
    {"an area among the actions", WITH_TEXT("a // No hay b.\thacer a // no hay b\tfin\t"), "action_is_area:1",
     "notes/0/patch", "{\"actions\":[\"hacer a\"]}"},
    {"the questionnaire's example", WITH_TEXT("6) Aplica una política\tacción\tfin\t"), "example_number:1",
     "actions/0/caf_example_no", "6"},
    {"objective and action swapped", WITH_TEXT("a\tLograr algo\tMedir algo\t"), "objective_swapped:1", "notes/0/patch",
     "{\"objective\":\"Lograr algo\",\"actions\":[\"Medir algo\"]}"},
    {"objective repeats action", WITH_TEXT("a\tDefinir metas\tDefinir metas.\t"), "objective_repeats:1",
     "actions/0/objective", "Definir metas."},
    {"no action", WITH_TEXT("a\t\tfin\t"), "action_missing:1", "notes/0/kind", "refused"},
    {"bold names the initiative", WITH_TASKS("<b>Compras <i>verdes</i></b> Comprar."), "markup_removed:1",
     "actions/0/title", "Compras verdes"},
    {"other tags are text", WITH_TASKS("<script>x</script> <b>"), "", "actions/0/tasks/0/text",
     "<script>x</script> <b>"},
    {"an open quote stays", WITH_TASKS("comprar \"verde"), "unbalanced:1", "actions/0/tasks/0/text", "comprar \"verde"},
    {"no separator in an objective", WITH_TEXT("a\tb\tuno / dos // tres\t"), "", "actions/0/objective",
     "uno / dos // tres"},
    {"two indicators", WITH_REST("Humanos\tActa de comité creado Contratación del analista\tCompras\t"),
     "indicator_glued:1", "actions/0/indicator", "Acta de comité creado Contratación del analista"},
    {"two comments", WITH_REST("Humanos\tActa\tCompras\tuno // dos"), "", "actions/0/comments", "[\"uno\",\"dos\"]"},
    {"perhaps the same", TITLE HEAD ROW("1") ROW("2"), "possible_duplicate:2", "notes/0/was", "1"},

    /* tasks */
    {"numbered tasks", WITH_TASKS("1. Una 2.Dos 3 Tres"), "", "actions/0/tasks",
     "[{\"task_no\":1,\"printed_no\":\"1\",\"text\":\"Una\"},{\"task_no\":2,\"printed_no\":\"2\",\"text\":\"Dos\"},"
     "{\"task_no\":3,\"printed_no\":\"3\",\"text\":\"Tres\"}]"},
    {"the first number missing", WITH_TASKS("Una 2. dos 3. tres"), "task_number_implied:1",
     "actions/0/tasks/0/printed_no", "null"},
    {"a gap", WITH_TASKS("1. a 2. b 4. c 5. d"), "task_numbers:1", "actions/0/tasks/2/printed_no", "4"},
    {"repeats", WITH_TASKS("a 2. b 3. c 4. d 3. e 5 Eñe 6. f 6. g 7. h"), "task_numbers:1", "actions/0/tasks/8/text",
     "h"},
    {"numbers in prose", WITH_TASKS("Hacer 2 comités y 30 reuniones en 2023. Fin"), "", "actions/0/tasks/1", "-"},
    {"no tasks", WITH_TASKS(""), "", "actions/0/tasks", "[]"},

    /* dates */
    {"Spanish and English months", WITH_TIME("ene-23\tApr-23"), "month_year", "actions/0/end_date", "2023-04-30"},
    {"the whole quarter", WITH_TIME("T1-2023\tT1-2023"), "quarter_assumed", "actions/0/end_date", "2023-03-31"},
    {"no date", WITH_TIME("\t2023-06"), "date_unreadable:1", "actions/0/start_date", "null"},
    {"end before start", WITH_TIME("2023-06\t2023-01"), "date_order:1", "notes/0/args", "[\"2023-01\",\"2023-06\"]"},

    /* resources and units */
    {"resources", WITH_REST("Humanos/ Financiero / humanos de planta\tActa\tCompras\t"),
     "resource_normalised:1 resource_unknown:1", "actions/0/resources",
     "[\"Humanos\",\"Financieros\",\"humanos de planta\"]"},
    {"one unit whose name has an y", WITH_OWNER("Planificación y Desarrollo"), "", "actions/0/owners",
     "[{\"unit\":\"dpd\",\"name\":\"Planificación y Desarrollo\"}]"},
    {"two units joined by y", WITH_OWNER("Recursos Humanos y Administrativo y Financiero"), "lead_assumed:1",
     "actions/0/owners/1/unit", "daf"},
    {"an acronym", WITH_OWNER("Recursos Humanos y DTIC"), "lead_assumed:1", "actions/0/owners/1/unit", "dtic"},
    {"the institution's own", WITH_OWNER("Obras y Compras"), "lead_assumed:1", "actions/0/owners/0/unit", "oym"},
    {"the institution's own, whole", WITH_OWNER("obras y mantenimiento"), "", "actions/0/owners/0/name",
     "Obras y Mantenimiento"},
    {"a code that another unit has", WITH_OWNER("Oficina de Acceso a la Información"), "", "units/0/code",
     "oficina-de-acceso-a-la-informacion"},
    {"slashes without spaces and a period", WITH_OWNER("Legal/Compras."), "lead_assumed:1", "actions/0/owners/1/unit",
     "compras"},
    {"an unknown one", WITH_OWNER("Estudios y Pesca"), "unit_new", "notes/0/patch",
     "{\"unit\":{\"code\":\"estudios-y-pesca\",\"alias_of\":null}}"},
    {"an unknown one in two rows",
     TITLE HEAD "1\t" CAF "\t" TEXT "\t" TIME "\tHumanos\tActa\tPesca\t\n2\t" CAF "\tárea\totra\totro\t\t" TIME
                "\tHumanos\tActa\tpesca\t\n",
     "unit_new", "units", "[{\"code\":\"pesca\",\"name\":\"Pesca\",\"known\":false}]"},
    {"like a known one", WITH_OWNER("Relaciones Internacionales e Intraorganizacionales"), "unit_alias",
     "notes/0/patch/unit/alias_of", "rrii"},
    {"misspelt", WITH_OWNER("Planificacon y Desarollo"), "unit_new", "units/0/known", "false"},
    {"misspelt in one word", WITH_OWNER("Planificacon y Desarrollo"), "unit_misspelt:1", "actions/0/owners/0/unit",
     "dpd"},
    {"numbers tell units apart", WITH_OWNER("Regional 1 / Regional 2"), "unit_new unit_new lead_assumed:1",
     "units/1/code", "regional-2"},
    {"the same code for two names", WITH_OWNER("Alfa-Beta / Alfa Beta"), "unit_new unit_new lead_assumed:1",
     "units/1/code", "alfa-beta-2"},
    {"the same unit twice", WITH_OWNER("Compras / compras"), "value_repeated:1", "actions/0/owners/1", "-"},
    {"nobody", WITH_OWNER(""), "owner_missing:1", "actions/0/owners", "[]"},

    /* the follow-up */
    {"nothing reported", WITH_STATE("\t\t\t\t\t\t\t"), "", "followup/0/percent", "null"},
    {"nothing done", WITH_STATE("x\t\t\t\t\t\t\t"), "", "followup/0/percent", "0"},
    {"a mark", WITH_STATE("\t\t✓\t\t\t\t\t"), "", "followup/0/percent", "50"},
    {"yes", WITH_STATE("\tSí\t\t\t\t\t\t"), "", "followup/0/percent", "25"},
    {"initials", WITH_STATE("\t\t\tJ.P.\t\t\t\t"), "", "followup/0/percent", "75"},
    {"a date", WITH_STATE("\t\t\t2023-05-02\t\t\t\t"), "", "followup/0/percent", "75"},
    {"the step itself", WITH_STATE("\t\t50 %\t\t\t\t\t"), "", "followup/0/percent", "50"},
    {"done, no evidence", WITH_STATE("\t\t\t\tX\tsí\t\t"), "evidence_absent:1", "followup/0/result", "sí"},
    {"result before the end", WITH_STATE("\t\tX\t\t\tsí\t\t"), "result_early:1", "followup/0/percent", "50"},
    {"two marks", WITH_STATE("x\t\tx\t\t\t\t\t"), "progress_marks:1", "notes/0/was", "0%, 50%"},
    {"between the steps", WITH_STATE("\t\t60 %\t\t\t\t\t"), "progress_value:1", "notes/0/patch", "{\"percent\":50}"},
    {"no mark at all", WITH_STATE("\t\tpendiente\t\t\t\t\t"), "progress_unknown:1", "followup/0/percent", "null"},
    {"under the nameless column", WITH_STATE("\t\t\t\t\t\t\tsuelto"), "cell_unplaced:1", "notes/0/was", "suelto"},
    {"another year", TITLE HEAD ROW("1") FOLLOW "1\tacción\t1. una 2. otra\t2022\tCompras\t\t\t\t\t\t\t\t\n",
     "followup_year:1", "notes/0/args", "[\"2022\",\"2023\"]"},
    {"not in the plan", TITLE HEAD ROW("1") FOLLOW "1\tacción\t1. una 2. otra\t2023\tCompras\n2\tx\ty\t2023\tCompras\n",
     "followup_number:2", "notes/0/column", "No."},
    {"not in the follow-up",
     TITLE HEAD ROW("1") "2\t" CAF "\ta\tb\tc\t\t" TIME "\t" REST "\n" FOLLOW
                         "1\tacción\t1. una 2. otra\t2023\tCompras\n",
     "followup_missing:2", "followup/1", "-"},
    {"twice in the follow-up",
     TITLE HEAD ROW("1") FOLLOW "1\tacción\t1. una 2. otra\t2023\tCompras\n1\t\t\t2023\tCompras\n", "number_repeated:1",
     "followup/1", "-"},
    {"other words", TITLE HEAD ROW("1") FOLLOW "1\taccion\t1. una 2.otro\t2023\tCompras\n", "followup_wording:1",
     "notes/0/args", "[\"otra\",\"otro\"]"},
    {"another owner", TITLE HEAD ROW("1") FOLLOW "1\tacción\t1. una 2. otra\t2023\tLegal\n", "owner_differs:1",
     "notes/0/patch", "{\"owners\":[{\"unit\":\"legal\",\"name\":\"Legal\"}]}"},
    {"one column for the state",
     TITLE HEAD ROW("1") "No.\tAcción\tAño\tResponsable\tEstado\n1\tacción\t2023\tCompras\t75%\n", "",
     "followup/0/percent", "75"},
    {"slipped texts",
     TITLE HEAD "1\t1\t1.1\t\tcrear un comité\t\t\t" TIME "\t" REST "\n2\t1\t1.1\t\tpublicar las actas\t\t\t" TIME
                "\t" REST "\n" FOLLOW
                "1\tpublicar las actas\t\t2023\tCompras\n2\tpublicar las actas\t\t2023\tCompras\n",
     "followup_action:1 followup_alignment followup_lost:1", "notes/1/args", "[\"1: +1\",\"0\",\"2/2\"]"},

    /* refusals of the whole */
    {"not a plan", "a\tb\tc\n1\t2\t3\n", "text_outside text_outside not_a_plan", "notes/2/kind", "refused"},
    {"nothing", "", "not_a_plan", "actions", "[]"},
    {"a follow-up alone", FOLLOW "1\tacción\t1. una\t2023\tCompras\n", "plan_missing followup_number:1", "notes/0/kind",
     "refused"},
    {"a column missing", TITLE "No.\tSubcriterio\tAcción\tInicio\tFin\n", "heading_missing", "notes/0/was",
     "Responsable de seguimiento"},
    {"a column twice", TITLE "No.\tSubcriterio\tAcción\tAcción\tInicio\tFin\tResponsable\n", "heading_repeated",
     "notes/0/line", "2"},
};

static void every_irregularity_is_met(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char notes[2048], value[2048];
        json_t *draft = read_grid(grid_of(cases[i].text, strlen(cases[i].text)), (struct importer_options){.year = 0});
        note_list(draft, notes, sizeof notes);
        value_at(draft, cases[i].path, value, sizeof value);
        if (strcmp(notes, cases[i].notes) != 0 || strcmp(value, cases[i].value) != 0) {
            print_error("%s:\n  notes '%s', expected '%s'\n  %s '%s', expected '%s'\n", cases[i].name, notes,
                        cases[i].notes, cases[i].path, value, cases[i].value);
            wrong++;
        }
        json_decref(draft);
    }
    assert_int_equal(wrong, 0);
}

/* --- limits, options, words --- */

static void limits_are_refused_by_name(void **state)
{
    (void)state;
    char *cell_text = calloc(IMPORTER_CELL + 2, 1);
    memset(cell_text, 'a', IMPORTER_CELL + 1);
    const char *long_cell[] = {cell_text}, *wrong_cell[] = {"a\xff"}, *many[IMPORTER_COLUMNS + 1];
    struct grid_row *rows = calloc(IMPORTER_ROWS + 1, sizeof *rows);
    for (size_t i = 0; i <= IMPORTER_COLUMNS; i++)
        many[i] = "";
    const struct grid_row one[] = {{1, 1, long_cell}, {2, 1, wrong_cell}, {3, IMPORTER_COLUMNS + 1, many}};
    const struct {
        struct grid grid;
        const char *notes;
    } grids[] = {{{3, one, "UTF-8"}, "cell_too_long text_invalid columns_too_many"},
                 {{IMPORTER_ROWS + 1, rows, "UTF-8"}, "rows_too_many"}};
    for (size_t i = 0; i < 2; i++) {
        char notes[256];
        json_t *draft = importer_read(&grids[i].grid, &known.catalogue, &(struct importer_options){0});
        note_list(draft, notes, sizeof notes);
        assert_string_equal(notes, grids[i].notes);
        json_decref(draft);
    }
    free(rows);
    free(cell_text);
}

static void options_settle_what_the_file_leaves_open(void **state)
{
    (void)state;
    static const char four_months[] = "Plan de mejora\n" HEAD "1\t" CAF "\t" TEXT "\tT1-2023\tT3-2023\t" REST "\n";
    const struct {
        struct importer_options options;
        const char *text, *notes, *path, *value;
    } asked[] = {
        {{2023, PERIOD_FOUR_MONTH}, four_months, "", "actions/0/end_date", "2023-12-31"},
        {{2023, PERIOD_QUARTER}, four_months, "", "actions/0/end_date", "2023-09-30"},
        {{2024, 0},
         TITLE HEAD ROW("1"),
         "year_differs date_outside_year:1 date_outside_year:1",
         "notes/0/args",
         "[\"2023\",\"2024\"]"},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        char notes[256], value[256];
        json_t *draft = read_grid(grid_of(asked[i].text, strlen(asked[i].text)), asked[i].options);
        note_list(draft, notes, sizeof notes);
        value_at(draft, asked[i].path, value, sizeof value);
        assert_string_equal(notes, asked[i].notes);
        assert_string_equal(value, asked[i].value);
        json_decref(draft);
    }
}

static void encoding_is_said(void **state)
{
    (void)state;
    static const char latin[] = "PLAN DE MEJORA 2023\nNo.\tSubcriterio\tAcci\xf3n\tInicio\tFin\tResponsable\n"
                                "1\t1.2\tdise\xf1"
                                "ar\t2023-01\t2023-02\tCompras\n";
    char notes[256], value[64];
    json_t *draft = read_grid(grid_of(latin, sizeof latin - 1), (struct importer_options){0});
    note_list(draft, notes, sizeof notes);
    value_at(draft, "actions/0/actions/0", value, sizeof value);
    assert_string_equal(notes, "criterion_derived:1 encoding_read");
    assert_string_equal(value, "diseñar");
    json_decref(draft);
}

static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

/* Wherever memory runs out, there is no draft, or the same draft as ever. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    static const char text[] = WITH_STATE("\t\t60\t\t\t\t\t");
    const struct importer_options options = {0};
    struct grid_file *file = grid_of(text, sizeof text - 1);
    json_t *whole = importer_read(&file->grid, &known.catalogue, &options), *draft = NULL;
    for (size_t n = 0; !draft && n < 100000; n++) {
        allocations_left = n;
        json_set_alloc_funcs(scarce_malloc, free);
        draft = importer_read(&file->grid, &known.catalogue, &options);
        json_set_alloc_funcs(malloc, free);
    }
    assert_true(json_equal(draft, whole));
    json_decref(draft);
    json_decref(whole);
    grid_free(file);
}

static void every_note_has_words(void **state)
{
    (void)state;
    static const char *const words[] = {
#define MSG(code, text) #code,
#include "common/messages.def"
#undef MSG
    };
    for (int code = 0; code < NOTE_CODES; code++) {
        bool found = false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            found |= !strcmp(words[i], note_code_name((enum note_code)code));
        if (!found)
            fail_msg("messages.def has no words for %s", note_code_name((enum note_code)code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_2023_is_read_rightly),
        cmocka_unit_test(plan_2024_is_read_rightly),
        cmocka_unit_test(followup_2023_is_joined_by_number),
        cmocka_unit_test(plans_leave_these_questions),
        cmocka_unit_test(every_irregularity_is_met),
        cmocka_unit_test(limits_are_refused_by_name),
        cmocka_unit_test(options_settle_what_the_file_leaves_open),
        cmocka_unit_test(encoding_is_said),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(every_note_has_words),
    };
    return cmocka_run_group_tests(tests, learn, forget);
}
