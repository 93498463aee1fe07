#include "client/cli/cli.h"
#include "client/cli/kept.h"

#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const struct arg[]){__VA_ARGS__, {0}})
#define ABOUT(name, level, help)                                                                                       \
    {                                                                                                                  \
        name, NULL, ARG_REF, 0, level, help                                                                            \
    }
#define ABOUT_NEEDED(name, level, help)                                                                                \
    {                                                                                                                  \
        name, NULL, ARG_REF, ARG_NEEDED, level, help                                                                   \
    }
#define FIELD(name, field, help)                                                                                       \
    {                                                                                                                  \
        name, field, ARG_FIELD, 0, 0, help                                                                             \
    }
#define NEEDED(name, field, help)                                                                                      \
    {                                                                                                                  \
        name, field, ARG_FIELD, ARG_NEEDED, 0, help                                                                    \
    }
#define MANY(name, field, help)                                                                                        \
    {                                                                                                                  \
        name, field, ARG_FIELD, ARG_MANY, 0, help                                                                      \
    }
#define SWITCH(name, field, help)                                                                                      \
    {                                                                                                                  \
        name, field, ARG_SWITCH, 0, 0, help                                                                            \
    }
#define DAYS(name, field, help)                                                                                        \
    {                                                                                                                  \
        name, field, ARG_DAYS, 0, 0, help                                                                              \
    }
#define DATE(name, field, help)                                                                                        \
    {                                                                                                                  \
        name, field, ARG_DATE, 0, 0, help                                                                              \
    }
#define DAY(name, field, flags, help)                                                                                  \
    {                                                                                                                  \
        name, field, ARG_DAY, flags, 0, help                                                                           \
    }
#define INSTANT(name, field, flags, help)                                                                              \
    {                                                                                                                  \
        name, field, ARG_INSTANT, flags, 0, help                                                                       \
    }
#define PERIOD(name, field, help)                                                                                      \
    {                                                                                                                  \
        name, field, ARG_PERIOD, 0, 0, help                                                                            \
    }
#define LOCAL(name, help)                                                                                              \
    {                                                                                                                  \
        name, NULL, ARG_LOCAL, 0, 0, help                                                                              \
    }
#define LOCAL_NEEDED(name, help)                                                                                       \
    {                                                                                                                  \
        name, NULL, ARG_LOCAL, ARG_NEEDED, 0, help                                                                     \
    }
#define LOCAL_MANY(name, help)                                                                                         \
    {                                                                                                                  \
        name, NULL, ARG_LOCAL, ARG_MANY, 0, help                                                                       \
    }
#define LOCAL_SWITCH(name, help)                                                                                       \
    {                                                                                                                  \
        name, NULL, ARG_LOCAL_SWITCH, 0, 0, help                                                                       \
    }
#define NO_ARGS ARGS({0})

#define IN_INSTITUTION ABOUT("institution", REF_INSTITUTION, N_("the institution, by its code"))
#define IN_PLAN        ABOUT("plan", REF_PLAN, N_("the plan: inm/2026, or its year"))
#define THE_ACTION     ABOUT_NEEDED(N_("REF"), REF_ACTION, N_("the action: inm/2026/12, or 12 in the profile's plan"))
#define ON_CONFLICT                                                                                                    \
    LOCAL_SWITCH("theirs", N_("if somebody was first: leave theirs")),                                                 \
        LOCAL_SWITCH("mine", N_("if somebody was first: mine over theirs"))
#define APPOINT_ARGS                                                                                                   \
    ARGS(NEEDED(N_("UNIT"), "name", N_("the unit: code, name or alias")),                                              \
         FIELD(N_("PERSON"), "person", N_("the person's code; none: who is there now goes on the last day")),          \
         DAY("from", "first_day", 0, N_("the first day; today")),                                                      \
         DAY("to", "last_day", 0, N_("the last day; until somebody follows")), IN_INSTITUTION, WHY)
#define WHY FIELD("why", "why", N_("the reason, kept in the audit trail"))

#define PLAN_COLUMNS  "ref title state actions reported done to_decide carried_to"
#define TASK_COLUMNS  "ref text done_at done_by"
#define TALLY_COLUMNS "actions percent done in_progress due_soon overdue not_reported"
#define POLICY_COLUMNS                                                                                                 \
    "days_before days_after_start overdue_every hour working_days escalation silent_weeks asks set_for"
#define PAUSE_COLUMNS    "ref at name why reason"
#define POSTS_COLUMNS    "code name secretary holder deputy manager parent email"
#define DEADLINE_COLUMNS "name due_on days_left points done_on"
#define DECISION_COLUMNS "decision ref state reason"
#define SINCE            DATE("since", "since", N_("2026-11-20, 20/11/2026, today, yesterday, 7d"))
#define UNTIL            DATE("until", "until", N_("the last day, as --since"))
#define AUDIT_FILTERS                                                                                                  \
    FIELD("who", "who", N_("a person's code")), FIELD("unit", "unit", N_("a unit: code, name or alias")),              \
        FIELD("role", "role", N_("the role that the person had then")), FIELD("key", "key", N_("a key's number")),     \
        FIELD("op", "op", N_("an operation: progress report, action edit")),                                           \
        ABOUT("ref", REF_TASK, N_("what it is about: 12, inm/2026")),                                                  \
        FIELD("field", "field", N_("a field that was changed: end_date")),                                             \
        FIELD("old", "was", N_("words of a value that went away")),                                                    \
        FIELD("new", "now", N_("words of a value that came")),                                                         \
        FIELD("reason", "reason", N_("words of the reason, without accents and as they sound")),                       \
        FIELD("text", "text", N_("words anywhere, without accents and as they sound")), SINCE, UNTIL,                  \
        FIELD("outcome", "result", N_("ok or refused")),                                                               \
        FIELD("refusal", "refusal", N_("how it was refused: denied, conflict, invalid"))

const struct command commands[] = {
    {"progress", "report", OP_progress_report, REF_ACTION,
     ARGS(THE_ACTION, NEEDED(N_("PERCENT"), "percent", N_("0, 25, 50, 75 or 100")), WHY,
          FIELD("evidence", "evidence", N_("what proves it: a document, a link")),
          FIELD("if-version", "if_version", N_("only if nobody reported since this version")), ON_CONFLICT),
     NULL, N_("{ref}: {was} → {percent} (version {version})"), run_changing, N_("report how far an action is"),
     "mejora progress report 12 75 --evidence \"Acta 014-2026\""},
    {"progress", "evidence", OP_progress_report, REF_ACTION,
     ARGS(THE_ACTION, NEEDED(N_("EVIDENCE"), "evidence", N_("what proves it: a document, a link")), WHY), NULL,
     N_("{ref}: evidence for {percent} (version {version})"), NULL, N_("add evidence for what was reported"),
     "mejora progress evidence 12 \"Acta 014-2026\""},
    {"progress", "history", OP_progress_history, REF_ACTION, ARGS(THE_ACTION),
     "entries: version at name percent why evidence", NULL, NULL, N_("who reported what about an action, and when"),
     "mejora progress history 12"},

    {"status", NULL, OP_status, REF_PLAN,
     ARGS(ABOUT(N_("REF"), REF_PLAN, N_("the plan: inm/2026, or its year")), IN_PLAN, IN_INSTITUTION),
     ".: plan title today; total: " TALLY_COLUMNS "; criteria: code name " TALLY_COLUMNS "; units: name " TALLY_COLUMNS,
     NULL, NULL, N_("the board: how the plan stands, by criterion and by unit"), "mejora status 2026"},
    {"due", NULL, OP_due, REF_INSTITUTION,
     ARGS(IN_PLAN, IN_INSTITUTION, DAYS("within", "within_days", N_("how far ahead: 30d"))),
     "actions: ref action end_date days_left percent state owners", NULL, NULL, N_("what ends soon or is overdue"),
     "mejora due --within 15d"},

    {"watch", NULL, OP_change_list, REF_INSTITUTION,
     ARGS(FIELD("since", "since", N_("go on behind this change; 0: from the beginning; without it: from now on")),
          LOCAL("count", N_("end after so many")), IN_PLAN, IN_INSTITUTION),
     NULL, NULL, run_watch, N_("what changes, as it happens, without gap or repeat; ^C ends it"),
     "mejora watch --since 128"},

    {"action", "list", OP_action_list, REF_PLAN,
     ARGS(IN_PLAN, FIELD("unit", "unit", N_("only this unit's: code, name or alias")),
          FIELD("state", "state", N_("only in this state")), SWITCH("mine", "mine", N_("only those of my units"))),
     "actions: ref objective owners end_date percent state", NULL, NULL, N_("the actions of a plan"),
     "mejora action list --unit rrhh --state overdue"},
    {"action", "show", OP_action_show, REF_ACTION, ARGS(THE_ACTION),
     "action: ref item_no title criterion subcriteria improvement_areas actions objective start_date end_date "
     "start_period "
     "end_period resources indicator owners percent state comments; .: annulled_why carried_from; tasks: " TASK_COLUMNS
     "; history: version at name percent why evidence; follow_up: line action_text tasks_text owner_text result "
     "comments",
     NULL, NULL, N_("everything about one action"), "mejora action show 12"},
    {"action", "edit", OP_action_edit, REF_ACTION,
     ARGS(THE_ACTION, FIELD("objective", "objective", N_("its objective")),
          MANY("action", "actions", N_("an action's text")),
          MANY("improvement-area", "improvement_areas", N_("an improvement area")),
          MANY("subcriterion", "subcriteria", N_("a CAF subcriterion; the first is the primary one")),
          MANY("resource", "resources", N_("a resource it needs")),
          FIELD("indicator", "indicator", N_("the evidence that is expected")),
          PERIOD("start", "start", N_("T1-2026, ene-26 or 2026-01-01")),
          PERIOD("end", "end", N_("T2-2026, jun-26 or 2026-06-30")),
          MANY("owner", "owners", N_("a unit that answers for it; the first leads")),
          MANY("comment", "comments", N_("a comment, added to those there are")), WHY,
          FIELD("if-text-version", "if_text_version", N_("only if the texts are still at this version")),
          FIELD("if-dates-version", "if_dates_version", N_("only if the dates are still at this version")),
          FIELD("if-owners-version", "if_owners_version", N_("only if the owners are still at this version")),
          ON_CONFLICT),
     "changes: field was now", NULL, run_changing, N_("change an action; what is not named stays"),
     "mejora action edit 12 --end T3-2026 --why \"Se amplió el alcance\""},
    {"action", "propose-date", OP_action_propose_date, REF_ACTION,
     ARGS(THE_ACTION, DAY(N_("DATE"), "end_date", ARG_NEEDED, N_("the end that would be possible: 2027-03-31")),
          NEEDED("why", "why", N_("the reason, which Planificación reads"))),
     NULL, N_("{ref}: the end {end_date} is proposed (decision {decision})"), NULL,
     N_("ask Planificación for another end; see: mejora decision list"),
     "mejora action propose-date 12 2027-03-31 --why \"Falta la licitación\""},
    {"action", "annul", OP_action_annul, REF_ACTION,
     ARGS(THE_ACTION, NEEDED("why", "why", N_("the reason, kept in the audit trail"))), NULL, N_("{ref}: annulled"),
     NULL, N_("take an action out of the plan; it stays readable"),
     "mejora action annul 12 --why \"Duplicada con la 9\""},
    {"action", "restore", OP_action_restore, REF_ACTION,
     ARGS(THE_ACTION, NEEDED("why", "why", N_("the reason, kept in the audit trail"))), NULL, N_("{ref}: counts again"),
     NULL, N_("take an annulled action back into the plan"), "mejora action restore 12 --why \"Se anuló por error\""},
    {"task", "list", OP_task_list, REF_ACTION, ARGS(THE_ACTION), "tasks: " TASK_COLUMNS, NULL, NULL,
     N_("the tasks of an action"), "mejora task list 12"},
    {"task", "done", OP_task_done, REF_TASK,
     ARGS(ABOUT_NEEDED(N_("REF"), REF_TASK, N_("the task: inm/2026/12.3, or 12.3")),
          SWITCH("undo", "undo", N_("it is not done after all")), WHY),
     "task: " TASK_COLUMNS, NULL, NULL, N_("mark a task as done"), "mejora task done 12.3"},

    {"plan", "import", OP_plan_import, REF_INSTITUTION,
     ARGS(LOCAL_NEEDED(N_("FILE"), N_("the plan as a table: TSV or CSV")), IN_INSTITUTION,
          LOCAL("year", N_("the plan's year, where its title does not say")),
          LOCAL_SWITCH("dry-run", N_("show what would change, change nothing")), LOCAL_SWITCH("yes", N_("do not ask"))),
     ".: plan added changed unchanged; changes: item_no field was now; notes: kind line column item_no reason", NULL,
     run_import, N_("read a plan from a file: first what would change, then, if you say so, the change"),
     "mejora plan import plan-2026.tsv --institution inm"},
    {"plan", "list", OP_plan_list, REF_INSTITUTION, ARGS(IN_INSTITUTION), "plans: " PLAN_COLUMNS, NULL, NULL,
     N_("the plans"), "mejora plan list"},
    {"plan", "show", OP_plan_show, REF_PLAN,
     ARGS(ABOUT(N_("PLAN"), REF_PLAN, N_("the plan: inm/2026, or its year")), IN_PLAN),
     "plan: ref title year state actions reported done to_decide carried_to caf; signatures: role name date; "
     "coverage: criterion title actions",
     NULL, NULL, N_("a plan: its state, signatures and coverage of the CAF criteria"), "mejora plan show 2026"},
    {"plan", "compare", OP_plan_compare, REF_PLAN,
     ARGS(INSTANT(N_("SINCE"), "since", ARG_NEEDED, N_("the end of a day, or an instant: 2026-06-30, yesterday, 30d")),
          INSTANT(N_("UNTIL"), "until", 0, N_("the same; now")), IN_PLAN),
     "differences: item_no kind field was now", NULL, run_compare,
     N_("what became of a plan from one day to another: added, changed, annulled"),
     "mejora plan compare 2026-03-31 2026-06-30"},
    {"plan", "carry", OP_plan_carry, REF_PLAN,
     ARGS(ABOUT_NEEDED(N_("PLAN"), REF_PLAN, N_("the plan: inm/2026, or its year")),
          NEEDED("year", "year", N_("the new plan's year")),
          PERIOD("start", "start", N_("where its earliest action begins: T1-2026, ene-26 or 2026-01-01")), WHY),
     NULL, N_("{plan}: {carried} actions carried over, {left_done} stay where they are"), NULL,
     N_("carry what is unfinished into another year's plan"), "mejora plan carry 2023 --year 2026 --start T4-2026"},
    {"plan", "approve", OP_plan_approve, REF_PLAN,
     ARGS(ABOUT(N_("PLAN"), REF_PLAN, N_("the plan: inm/2026, or its year")), WHY), "plan: " PLAN_COLUMNS, NULL, NULL,
     N_("approve a plan"), "mejora plan approve 2026"},
    {"decision", "list", OP_decision_list, REF_INSTITUTION,
     ARGS(IN_PLAN, IN_INSTITUTION, SWITCH("all", "all", N_("also those that are resolved"))),
     "decisions: " DECISION_COLUMNS, NULL, run_decision_list, N_("what an import left for people to decide"),
     "mejora decision list"},
    {"decision", "resolve", OP_decision_resolve, REF_INSTITUTION,
     ARGS(LOCAL_MANY(N_("ID"),
                     N_("its number, then accept, keep or an answer of your own; with --all only accept or keep")),
          LOCAL_SWITCH("all", N_("every open decision")), IN_PLAN, IN_INSTITUTION, WHY),
     "decision: " DECISION_COLUMNS, NULL, run_resolve, N_("decide what an import left open"),
     "mejora decision resolve 3 accept"},

    {"institution", "add", OP_institution_add, REF_NOTHING,
     ARGS(NEEDED(N_("CODE"), "code", N_("a short code: letters, digits, -")),
          NEEDED(N_("NAME"), "name", N_("its name")),
          FIELD("time-zone", "time_zone", N_("where its days begin and end; America/Santo_Domingo"))),
     "institution: code name time_zone", NULL, NULL, N_("register an institution"),
     "mejora institution add inm \"Instituto Nacional de Migración\""},
    {"institution", "set", OP_institution_set, REF_INSTITUTION,
     ARGS(FIELD("name", "name", N_("its name")),
          FIELD("time-zone", "time_zone", N_("where its days begin and end; America/Santo_Domingo")), IN_INSTITUTION,
          WHY),
     ".: code name time_zone", NULL, NULL, N_("change an institution; what is not named stays"),
     "mejora institution set --time-zone America/Santo_Domingo"},
    {"institution", "list", OP_institution_list, REF_NOTHING, NO_ARGS, "institutions: code name time_zone plans", NULL,
     NULL, N_("the institutions"), "mejora institution list"},
    {"unit", "add", OP_unit_add, REF_INSTITUTION,
     ARGS(NEEDED(N_("NAME"), "name", N_("its name")), FIELD("code", "code", N_("a short code: letters, digits, -")),
          IN_INSTITUTION),
     "unit: code name aliases", NULL, NULL, N_("register a unit of the institution"),
     "mejora unit add --code rrhh \"Recursos Humanos\""},
    {"unit", "list", OP_unit_list, REF_INSTITUTION, ARGS(IN_INSTITUTION), "units: " POSTS_COLUMNS " people provisional",
     NULL, NULL, N_("the units, who stands for them and who is above them"), "mejora unit list"},
    {"unit", "set", OP_unit_set, REF_INSTITUTION,
     ARGS(NEEDED(N_("UNIT"), "name", N_("the unit: code, name or alias")), FIELD("name", "new_name", N_("its name")),
          FIELD("email", "email", N_("where mail goes for who stands for it and has no address; \"\" for none")),
          FIELD("parent", "parent", N_("the unit above it; \"\" for none")),
          FIELD("manager", "manager", N_("the person above it, by code; \"\" for none")), IN_INSTITUTION, WHY),
     "unit: " POSTS_COLUMNS, NULL, NULL, N_("change a unit; what is not named stays"),
     "mejora unit set rrhh --parent administrativo --email rrhh@inm.example"},
    {"unit", "holder", OP_unit_appoint, REF_INSTITUTION, APPOINT_ARGS, "unit: " POSTS_COLUMNS, NULL, run_appoint,
     N_("who heads a unit and hears of its actions, from and to when"),
     "mejora unit holder rrhh ana --from 2026-01-15"},
    {"unit", "deputy", OP_unit_appoint, REF_INSTITUTION, APPOINT_ARGS, "unit: " POSTS_COLUMNS, NULL, run_appoint,
     N_("who hears in place of a holder who is away"), "mejora unit deputy rrhh luz"},
    {"unit", "secretary", OP_unit_appoint, REF_INSTITUTION, APPOINT_ARGS, "unit: " POSTS_COLUMNS, NULL, run_appoint,
     N_("who hears for a committee"), "mejora unit secretary \"Comité de Calidad\" luz"},
    {"unit", "import", OP_unit_import, REF_INSTITUTION,
     ARGS(
         LOCAL_NEEDED(N_("FILE"), N_("the directory as a table, TSV or CSV: unit, code, alias, holder, e-mail, deputy, "
                                     "above, address")),
         LOCAL_SWITCH("dry-run", N_("show what would change, change nothing")), LOCAL_SWITCH("yes", N_("do not ask")),
         IN_INSTITUTION),
     ".: added changed unchanged; changes: line subject field was now; notes: kind line column was reason", NULL,
     run_import, N_("read units, and who stands for them, from a directory sheet"),
     "mejora unit import directorio.csv --dry-run"},
    {"unit", "alias", OP_unit_alias, REF_INSTITUTION,
     ARGS(NEEDED(N_("UNIT"), "name", N_("the unit: code, name or alias")),
          NEEDED(N_("ALIAS"), "alias", N_("another name for it")), IN_INSTITUTION),
     "unit: code name aliases", NULL, NULL, N_("another name by which plans call a unit"),
     "mejora unit alias rrhh \"RR. HH.\""},
    {"person", "add", OP_person_add, REF_INSTITUTION,
     ARGS(NEEDED(N_("CODE"), "code", N_("a short code: letters, digits, -")),
          NEEDED(N_("NAME"), "name", N_("the person's name")), FIELD("email", "email", N_("where reminders go")),
          MANY("role", "roles", N_("planner, responsable, authority, auditor, viewer")),
          MANY("unit", "units", N_("a unit the person works for")), IN_INSTITUTION),
     "person: code name email roles units", NULL, NULL, N_("register a person"),
     "mejora person add ana \"Ana Peña\" --email ana@inm.example --role responsable --unit rrhh"},
    {"person", "list", OP_person_list, REF_INSTITUTION, ARGS(IN_INSTITUTION),
     "people: code name email roles units keys last_day absences", NULL, NULL, N_("the people"), "mejora person list"},
    {"person", "set", OP_person_set, REF_INSTITUTION,
     ARGS(NEEDED(N_("CODE"), "code", N_("the person's code")), FIELD("name", "name", N_("the person's name")),
          FIELD("email", "email", N_("where reminders go; \"\" for none")),
          MANY("role", "roles", N_("planner, responsable, authority, auditor, viewer; all that are to hold")),
          MANY("unit", "units", N_("a unit the person works for; all that are to hold")), IN_INSTITUTION, WHY),
     "person: code name email roles units", NULL, NULL, N_("change a person; what is not named stays"),
     "mejora person set ana --email ana.pena@inm.example"},
    {"person", "absent", OP_person_absent, REF_INSTITUTION,
     ARGS(NEEDED(N_("CODE"), "code", N_("the person's code")), DAY("from", "first_day", 0, N_("the first day; today")),
          DAY("to", "last_day", 0, N_("the last day")),
          SWITCH("cancel", "cancel", N_("take back the absence that begins on the first day")), IN_INSTITUTION, WHY),
     "person: code name last_day absences", NULL, NULL,
     N_("a person is away, on holiday or leave: the deputy hears meanwhile"),
     "mejora person absent ana --from 2026-12-21 --to 2027-01-06 --why Vacaciones"},
    {"person", "leave", OP_person_leave, REF_INSTITUTION,
     ARGS(NEEDED(N_("CODE"), "code", N_("the person's code")), DAY(N_("DATE"), "last_day", 0, N_("the last day")),
          SWITCH("back", "back", N_("it is not so after all")), IN_INSTITUTION, WHY),
     "person: code name last_day absences", NULL, NULL,
     N_("a person leaves the institution and gets no mail from the day after on"),
     "mejora person leave ana 2026-12-31"},
    {"person", "invite", OP_person_invite, REF_INSTITUTION,
     ARGS(NEEDED(N_("CODE"), "person", N_("the person's code")),
          LOCAL("file", N_("where to write the invitation; CODE.invitation")),
          FIELD("valid-days", "valid_days", N_("how many days it is good for; 14")), IN_INSTITUTION),
     NULL, NULL, run_invite, N_("write an invitation file with which a person joins"),
     "mejora person invite ana --file ana.invitation"},
    {"join", NULL, OP_join, REF_NOTHING,
     ARGS(LOCAL_NEEDED(N_("FILE"), N_("the invitation")),
          FIELD("label", "label", N_("what to call this key; the computer's name"))),
     NULL, NULL, run_join, N_("accept an invitation: makes your key on this computer and registers it"),
     "mejora join ana.invitation"},
    {"use", NULL, -1, REF_NOTHING, ARGS(LOCAL_NEEDED(N_("REF"), N_("an institution, a plan, or a plan's year"))), NULL,
     NULL, run_use, N_("set the institution and plan that short references mean"), "mejora use inm/2026"},
    {"key", "list", OP_key_list, REF_INSTITUTION,
     ARGS(FIELD("person", "person", N_("only this person's")), IN_INSTITUTION),
     "keys: key person kind label created_at expires_at revoked_at why", NULL, NULL, N_("the keys and invitations"),
     "mejora key list --person ana"},
    {"key", "revoke", OP_key_revoke, REF_INSTITUTION,
     ARGS(NEEDED(N_("KEY"), "key", N_("its number")), NEEDED("why", "why", N_("the reason, kept in the audit trail")),
          IN_INSTITUTION),
     NULL, N_("Key {key} of {person} is revoked."), NULL, N_("stop accepting a key, from its next message on"),
     "mejora key revoke 4 --why \"Se perdió la laptop\""},

    {"holiday", "list", OP_holiday_list, REF_INSTITUTION,
     ARGS(FIELD("year", "year", N_("which year; this one")), IN_INSTITUTION), "holidays: date kind name moved_from",
     NULL, NULL, N_("the days on which nobody works, besides weekends"), "mejora holiday list --year 2027"},
    {"holiday", "add", OP_holiday_add, REF_INSTITUTION,
     ARGS(DAY(N_("DATE"), "date", ARG_NEEDED, N_("the day: 2027-03-19")), NEEDED(N_("NAME"), "name", N_("its name")),
          IN_INSTITUTION),
     "holiday: date kind name", NULL, NULL, N_("add a day on which the institution does not work"),
     "mejora holiday add 2027-03-19 \"Aniversario de la institución\""},
    {"holiday", "remove", OP_holiday_remove, REF_INSTITUTION,
     ARGS(DAY(N_("DATE"), "date", ARG_NEEDED, N_("the day: 2027-03-19")), WHY, IN_INSTITUTION), NULL,
     N_("{date} ({name}): removed"), NULL, N_("take back a day that was added"), "mejora holiday remove 2027-03-19"},
    {"holiday", "import", OP_holiday_import, REF_INSTITUTION,
     ARGS(LOCAL_NEEDED(N_("FILE"), N_("a calendar: .ics")),
          SWITCH("dry-run", "dry_run", N_("show what would change, change nothing")), IN_INSTITUTION, WHY),
     "added: date name; .: known", NULL, run_import_holidays, N_("add the days of a calendar file"),
     "mejora holiday import feriados-2027.ics"},
    {"deadline", "list", OP_deadline_list, REF_PLAN, ARGS(IN_PLAN), "deadlines: " DEADLINE_COLUMNS, NULL, NULL,
     N_("by when the plan itself owes what"), "mejora plan deadline list"},
    {"deadline", "add", OP_deadline_add, REF_PLAN,
     ARGS(NEEDED(N_("NAME"), "name", N_("what is owed")),
          DAY(N_("DATE"), "due_on", ARG_NEEDED, N_("by when: 2027-08-31")),
          FIELD("points", "points", N_("what is at stake")), IN_PLAN, WHY),
     "deadline: " DEADLINE_COLUMNS, NULL, NULL,
     N_("something the plan owes by a day; Planificación is reminded. The same name again moves it"),
     "mejora plan deadline add \"Informe de avance\" 2027-07-01 --points \"50 de 100\""},
    {"deadline", "done", OP_deadline_done, REF_PLAN,
     ARGS(NEEDED(N_("NAME"), "name", N_("what is owed")), SWITCH("undo", "undo", N_("it is not done after all")),
          IN_PLAN, WHY),
     "deadline: " DEADLINE_COLUMNS, NULL, NULL, N_("it was delivered: nobody is reminded of it any more"),
     "mejora plan deadline done \"Informe de avance\""},
    {"deadline", "remove", OP_deadline_remove, REF_PLAN,
     ARGS(NEEDED(N_("NAME"), "name", N_("what is owed")), IN_PLAN, WHY), NULL, N_("{name} ({due_on}): removed"), NULL,
     N_("take back a deadline"), "mejora plan deadline remove \"Informe de avance\""},

    {"reminder", "list", OP_reminder_list, REF_INSTITUTION,
     ARGS(ABOUT(N_("REF"), REF_ACTION, N_("only this action's")), IN_PLAN, IN_INSTITUTION,
          SWITCH("pending", "pending", N_("only those not yet sent")),
          FIELD("state", "state", N_("only in this state: failed shows what could not be sent"))),
     "reminders: ref name hears_as rule due_on state sent_at reason mail; "
     "unreached: name address since relay_code relay_text; paused: " PAUSE_COLUMNS,
     NULL, NULL, N_("the reminders, sent and to be sent"), "mejora reminder list --pending"},
    {"reminder", "explain", OP_reminder_explain, REF_ACTION, ARGS(THE_ACTION),
     ".: ref action end_date percent today reason; "
     "reminders: name hears_as unit address rule due_on state reason attempts sent_at next_attempt_at relay_code "
     "relay_text; "
     "policy: " POLICY_COLUMNS "; paused: " PAUSE_COLUMNS,
     NULL, NULL, N_("why an action's reminders went out, or did not, and to whom"), "mejora reminder explain 12"},
    {"reminder", "show", OP_reminder_show, REF_INSTITUTION,
     ARGS(NEEDED(N_("MAIL"), "mail", N_("the mail's number, as reminder list shows it")), IN_INSTITUTION),
     ".: mail name address message_id created_at ended_at result next_attempt_at; "
     "reminders: ref rule due_on state reason; attempts: attempt at address result relay_code relay_text",
     NULL, NULL, N_("one mail: to whom, about what, each attempt and what the relay said"), "mejora reminder show 17"},
    {"reminder", "preview", OP_reminder_preview, REF_INSTITUTION,
     ARGS(FIELD(N_("PERSON"), "person", N_("the person's code; you")),
          LOCAL("html", N_("write the page into this file")), IN_INSTITUTION),
     NULL, NULL, run_preview, N_("a person's next mail, as it would be sent"),
     "mejora reminder preview ana --html aviso.html"},
    {"reminder", "ack", OP_reminder_ack, REF_ACTION, ARGS(THE_ACTION, WHY), NULL,
     N_("{ref}: noted; the next reminder is for {next_on}"), NULL, N_("I know: remind me again only when it ends"),
     "mejora reminder ack 12"},
    {"reminder", "snooze", OP_reminder_snooze, REF_ACTION,
     ARGS(THE_ACTION, DAY("until", "until", ARG_NEEDED, N_("the day on which to remind me: 2027-03-19")), WHY), NULL,
     N_("{ref}: put off until {until}"), NULL, N_("remind me of an action not before that day"),
     "mejora reminder snooze 12 --until 2027-03-19"},
    {"reminder", "prefer", OP_reminder_prefer, REF_INSTITUTION,
     ARGS(FIELD(N_("PERSON"), "person", N_("the person's code; you")),
          FIELD("language", "language", N_("of the mails: es or en")),
          FIELD("text-only", "plain", N_("without the page: yes or no")),
          FIELD("weekly", "weekly", N_("on Mondays, but for what ends today or tomorrow: yes or no")),
          FIELD("hour", "hour", N_("not before this hour, where the policy is earlier: 0 to 23")), IN_INSTITUTION),
     ".: person name address language plain weekly hour", NULL, NULL,
     N_("how you want your reminders; without options, how you have them"), "mejora reminder prefer --weekly yes"},
    {"reminder", "resend", OP_reminder_resend, REF_INSTITUTION,
     ARGS(ABOUT(N_("REF"), REF_ACTION, N_("only this action's")),
          FIELD("person", "person", N_("only this person's, by code")), IN_PLAN, IN_INSTITUTION, WHY),
     NULL, N_("{again} will be sent again"), NULL, N_("send again what relays refused or never took"),
     "mejora reminder resend 12"},
    {"reminder", "test", -1, REF_NOTHING,
     ARGS(LOCAL_NEEDED(N_("ADDRESS"), N_("where the mail goes")),
          LOCAL_NEEDED("smtp", N_("the relay, as mejora-notify takes it")),
          LOCAL("from", N_("the sender; the address itself")),
          LOCAL("smtp-credentials", N_("user in the first line, password in the second; mode 0600")),
          LOCAL("smtp-ca", N_("the relay's authorities, instead of the system's"))),
     NULL, NULL, run_mail_test, N_("send one test mail, and say at which step it fails and why"),
     "mejora reminder test ana@inm.example --smtp smtp://relay.inm.example:587"},
    {"reminder", "simulate", OP_reminder_simulate, REF_INSTITUTION,
     ARGS(DAY("until", "until", 0, N_("the last day: 2027-06-30; in 30 days")), IN_PLAN, IN_INSTITUTION),
     "mails: date name address rules reason; paused: " PAUSE_COLUMNS, NULL, NULL,
     N_("every reminder that would go out, day by day, without sending any"),
     "mejora reminder simulate --until 2027-06-30"},
    {"reminder", "pause", OP_reminder_pause, REF_INSTITUTION, ARGS(IN_PLAN, IN_INSTITUTION, WHY),
     "paused: " PAUSE_COLUMNS, NULL, NULL, N_("send no reminders until they are resumed"),
     "mejora reminder pause --why \"Vacaciones colectivas\""},
    {"reminder", "resume", OP_reminder_resume, REF_INSTITUTION, ARGS(IN_PLAN, IN_INSTITUTION, WHY),
     ".: ref; paused: " PAUSE_COLUMNS, NULL, NULL, N_("send reminders again; what is due goes out once"),
     "mejora reminder resume"},
    {"policy", "show", OP_reminder_policy_show, REF_INSTITUTION, ARGS(IN_PLAN, IN_INSTITUTION),
     "policy: " POLICY_COLUMNS "; paused: " PAUSE_COLUMNS, NULL, NULL, N_("when reminders go out"),
     "mejora reminder policy show --plan 2026"},
    {"policy", "set", OP_reminder_policy_set, REF_INSTITUTION,
     ARGS(FIELD("before", "days_before", N_("so many days before the end: 30,15,7,3,1,0; \"\" for none")),
          FIELD("after-start", "days_after_start", N_("so many days after the start: 0; \"\" for none")),
          FIELD("overdue-every", "overdue_every", N_("how many days from one to the next when overdue; 7")),
          FIELD("hour", "hour", N_("from which hour of the day on: 0 to 23")),
          FIELD("working-days", "working_days", N_("only on working days: yes or no")),
          FIELD("escalation", "escalation",
                N_("who else hears after so many working days overdue without activity: "
                   "deputy:5,manager:10,planner:15,authority:20; \"\" for nobody")),
          FIELD("silent-weeks", "silent_weeks", N_("ask for a report every so many weeks without one; 0 for never")),
          FIELD("ask", "asks", N_("what reminders ask for: report,evidence")),
          SWITCH("reset", "reset", N_("go back to the institution's policy, or the default")), IN_PLAN, IN_INSTITUTION,
          WHY),
     "policy: " POLICY_COLUMNS, NULL, NULL,
     N_("set when reminders go out, for an institution or a plan; what is not named stays"),
     "mejora reminder policy set --before 15,5,0 --working-days yes"},
    {"audit", "list", OP_audit_list, REF_INSTITUTION,
     ARGS(AUDIT_FILTERS, SWITCH("oldest-first", "oldest_first", N_("from the beginning of the log")),
          LOCAL("limit", N_("how many; 50")), IN_INSTITUTION),
     "entries: seq at name op ref outcome why after_json", NULL, run_audit,
     N_("who did what, when and why; also what was refused"),
     "mejora audit list --who ana --field end_date --since 30d"},
    {"audit", "show", OP_audit_show, REF_INSTITUTION,
     ARGS(NEEDED(N_("ENTRY"), "seq", N_("the entry's number, as audit list shows it")), IN_INSTITUTION), NULL, NULL,
     run_audit_show, N_("the whole of an entry: before and after, why, with which key, and whether it is sealed"),
     "mejora audit show 128"},
    {"audit", "who", OP_audit_who, REF_PLAN,
     ARGS(ABOUT_NEEDED(N_("REF"), REF_ACTION, N_("an action or a plan: inm/2026/12, 12, inm/2026")),
          FIELD(N_("FIELD"), "field", N_("only this field: end_date"))),
     "fields: task_no field value name at why file line", NULL, NULL,
     N_("who gave each field the value that it has, when and why"), "mejora audit who 12 end_date"},
    {"audit", "report", OP_audit_report, REF_INSTITUTION,
     ARGS(FIELD("unit", "unit", N_("a unit: code, name or alias")),
          ABOUT("ref", REF_ACTION, N_("what it is about: 12, inm/2026")), SINCE, UNTIL, IN_INSTITUTION),
     ".: changes with_reason refused people; counts: by what changes refused", NULL, run_audit_report,
     N_("how many changes and refusals there were, by person, field, week and reason"),
     "mejora audit report --unit rrhh --since 2026-01-01"},
    {"audit", "checkpoint", OP_audit_checkpoint, REF_NOTHING, NO_ARGS, ".: key size at note", NULL, run_checkpoint,
     N_("the signed checkpoint of the audit log, checked against the last one seen"),
     "mejora audit checkpoint > acta.checkpoint"},
    {"audit", "proof", OP_audit_proof, REF_NOTHING,
     ARGS(NEEDED(N_("ENTRY"), "seq", N_("the entry's number, as audit list shows it"))), NULL, NULL, run_proof,
     N_("prove that an entry is in the sealed audit log"), "mejora audit proof 128"},
    {"audit", "export", OP_audit_export, REF_INSTITUTION,
     ARGS(LOCAL_NEEDED(N_("FILE"), N_("where to write it; -: standard output")), AUDIT_FILTERS,
          LOCAL_SWITCH("raw", N_("CSV as it is, also what spreadsheets take for formulas")), IN_INSTITUTION),
     NULL, NULL, run_export, N_("write the audit log with its checkpoints into a file that proves itself"),
     "mejora audit export auditoria.csv -o csv --since 2026-01-01"},
    {"retention", "show", OP_audit_retention_show, REF_INSTITUTION, ARGS(IN_INSTITUTION),
     "retention: years at name why", NULL, NULL, N_("for how many years the audit trail is kept"),
     "mejora audit retention show"},
    {"retention", "set", OP_audit_retention_set, REF_INSTITUTION,
     ARGS(NEEDED(N_("YEARS"), "years", N_("for how many years; 0: for ever")),
          NEEDED("why", "why", N_("the reason, kept in the audit trail")), IN_INSTITUTION),
     "retention: years at name why", NULL, NULL,
     N_("keep the audit trail only so long: what is older is removed, and its hashes stay"),
     "mejora audit retention set 10 --why \"Resolución 14-2026\""},
    {"audit", "verify", -1, REF_NOTHING,
     ARGS(LOCAL_NEEDED(N_("FILE"), N_("an export of the audit log")),
          LOCAL("public-key", N_("the log's key, from the institution's papers")),
          LOCAL("checkpoint", N_("a file with a checkpoint seen earlier; the profile's"))),
     NULL, NULL, run_verify, N_("check an export, without a server: nothing altered, exchanged, inserted or removed"),
     "mejora audit verify auditoria.jsonl"},

    {"whoami", NULL, OP_whoami, REF_NOTHING, NO_ARGS, ".: person name institution roles units key", NULL, NULL,
     N_("who the server takes you for"), "mejora whoami"},
    {"server", "status", OP_server_status, REF_NOTHING, NO_ARGS,
     ".: version database_version schema now institutions plans actions reminders_pending audit_entries audit_sealed "
     "audit_key",
     NULL, NULL, N_("whether the server is well"), "mejora server status"},
    {"call", NULL, -1, REF_NOTHING,
     ARGS(LOCAL_MANY(N_("OPERATION"), N_("its name, then a reference, then field=value …")),
          LOCAL_SWITCH("list", N_("the operations")), LOCAL_SWITCH("describe", N_("their fields, as in PROTOCOL.md"))),
     NULL, NULL, run_call, N_("any operation, straight from the protocol"),
     "mejora call progress_report inm/2026/12 percent=75 why=\"Acta firmada\""},
    {"retry", NULL, -1, REF_NOTHING,
     ARGS(LOCAL(N_("ID"), N_("the request's id, or how it begins; without one: what waits for an answer")),
          LOCAL_SWITCH("all", N_("everything that waits, the oldest first")),
          LOCAL_SWITCH("drop", N_("forget it without asking"))),
     NULL, NULL, run_retry, N_("ask again what got no answer; what was done is not done twice"),
     "mejora retry 9f2c41d07be88a3605d1e6a47c90b3f2"},
    {"queue", "send", -1, REF_NOTHING, NO_ARGS, NULL, NULL, run_queue_send,
     N_("send what --queue kept, in order, and say how each ended"), "mejora queue send"},
    {"queue", "list", -1, REF_NOTHING, NO_ARGS, NULL, NULL, run_queue_list,
     N_("what --queue kept: still to be sent, or refused"), "mejora queue list"},
    {"queue", "drop", -1, REF_NOTHING, ARGS(LOCAL_NEEDED(N_("ID"), N_("the request's id, or how it begins"))), NULL,
     NULL, run_queue_drop, N_("take a request out of the queue"), "mejora queue drop 9f2c41"},
    {"conflict", "list", -1, REF_NOTHING, NO_ARGS, NULL, NULL, run_conflict_list,
     N_("where somebody was first, and what was chosen"), "mejora conflict list"},
    {"conflict", "show", -1, REF_NOTHING, ARGS(LOCAL_NEEDED(N_("ID"), N_("its id, or how it begins"))), NULL, NULL,
     run_conflict_show, N_("what there was before, theirs and mine, also what lost"), "mejora conflict show 9f2c41"},
    {"conflict", "drop", -1, REF_NOTHING, ARGS(LOCAL_NEEDED(N_("ID"), N_("its id, or how it begins"))), NULL, NULL,
     run_conflict_drop, N_("forget a conflict and the text that lost"), "mejora conflict drop 9f2c41"},
    {"completion", NULL, -1, REF_NOTHING, ARGS(LOCAL_NEEDED(N_("SHELL"), N_("bash, zsh or fish"))), NULL, NULL,
     run_completion, N_("a script that completes commands in your shell"),
     "mejora completion bash > ~/.local/share/bash-completion/completions/mejora"},
    {"help", NULL, -1, REF_NOTHING, ARGS(LOCAL_MANY(N_("COMMAND"), N_("a command"))), NULL, NULL, run_help,
     N_("this list, or one command"), "mejora help progress report"},
};
const size_t n_commands = sizeof commands / sizeof *commands;

/* Spanish and other names of the words above, the one that is shown first; one of them only behind a certain noun. */
static const struct alias {
    const char *alias, *word, *noun;
} aliases[] = {
    {"institución", "institution", NULL},
    {"institucion", "institution", NULL},
    {"unidad", "unit", NULL},
    {"persona", "person", NULL},
    {"acción", "action", NULL},
    {"accion", "action", NULL},
    {"tarea", "task", NULL},
    {"avance", "progress", NULL},
    {"progreso", "progress", NULL},
    {"decisión", "decision", NULL},
    {"aviso", "reminder", NULL},
    {"recordatorio", "reminder", NULL},
    {"feriado", "holiday", NULL},
    {"feriados", "holiday", NULL},
    {"quitar", "remove", NULL},
    {"plazo", "deadline", NULL},
    {"plazos", "deadline", NULL},
    {"titular", "holder", NULL},
    {"suplente", "deputy", NULL},
    {"secretario", "secretary", NULL},
    {"secretaria", "secretary", NULL},
    {"ausente", "absent", NULL},
    {"ausencia", "absent", NULL},
    {"salida", "leave", NULL},
    {"cumplido", "done", "deadline"},
    {"política", "policy", NULL},
    {"politica", "policy", NULL},
    {"fijar", "set", NULL},
    {"pausar", "pause", NULL},
    {"reanudar", "resume", NULL},
    {"explicar", "explain", NULL},
    {"simular", "simulate", NULL},
    {"auditoría", "audit", NULL},
    {"auditoria", "audit", NULL},
    {"clave", "key", NULL},
    {"llave", "key", NULL},
    {"servidor", "server", NULL},
    {"estado", "status", NULL},
    {"tablero", "status", NULL},
    {"observar", "watch", NULL},
    {"seguir", "watch", NULL},
    {"vence", "due", NULL},
    {"vencimientos", "due", NULL},
    {"quién-soy", "whoami", NULL},
    {"quien-soy", "whoami", NULL},
    {"invitar", "invite", NULL},
    {"unirse", "join", NULL},
    {"usar", "use", NULL},
    {"llamar", "call", NULL},
    {"ayuda", "help", NULL},
    {"completar", "completion", NULL},
    {"listar", "list", NULL},
    {"lista", "list", NULL},
    {"mostrar", "show", NULL},
    {"ver", "show", NULL},
    {"importar", "import", NULL},
    {"trasladar", "carry", NULL},
    {"comparar", "compare", NULL},
    {"aprobar", "approve", NULL},
    {"agregar", "add", NULL},
    {"añadir", "add", NULL},
    {"anadir", "add", NULL},
    {"alias", "alias", NULL},
    {"editar", "edit", NULL},
    {"anular", "annul", NULL},
    {"restaurar", "restore", NULL},
    {"hecha", "done", NULL},
    {"reportar", "report", NULL},
    {"evidencia", "evidence", NULL},
    {"historial", "history", NULL},
    {"resolver", "resolve", NULL},
    {"proponer-fecha", "propose-date", NULL},
    {"vista-previa", "preview", NULL},
    {"enterado", "ack", NULL},
    {"posponer", "snooze", NULL},
    {"preferir", "prefer", NULL},
    {"reenviar", "resend", NULL},
    {"probar", "test", NULL},
    {"reintentar", "retry", NULL},
    {"cola", "queue", NULL},
    {"conflicto", "conflict", NULL},
    {"enviar", "send", NULL},
    {"descartar", "drop", NULL},
    {"revocar", "revoke", NULL},
    {"punto-de-control", "checkpoint", NULL},
    {"exportar", "export", NULL},
    {"verificar", "verify", NULL},
    {"prueba", "proof", NULL},
    {"conservación", "retention", NULL},
    {"conservacion", "retention", NULL},
    {"quién", "who", NULL},
    {"quien", "who", NULL},
    {"informe", "report", "audit"},
};

const char *command_word(const char *alias)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!strcmp(aliases[i].alias, alias))
            return aliases[i].word;
    return alias;
}

static const char *alias_of(const char *word, const char *noun)
{
    const char *ret = NULL;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!strcmp(aliases[i].word, word) && (aliases[i].noun ? noun && !strcmp(aliases[i].noun, noun) : !ret))
            ret = aliases[i].alias;
    return ret ? ret : word;
}

/* What these do is said with what it is of: mejora plan deadline add. */
static const struct part {
    const char *whole, *noun;
} parts[] = {{"reminder", "policy"}, {"plan", "deadline"}, {"audit", "retention"}};

static const struct part *part_find(const char *noun)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].noun, noun))
            return &parts[i];
    return NULL;
}

bool command_belongs(const struct command *c, const char *noun)
{
    const struct part *part = part_find(c->noun);
    return !strcmp(c->noun, noun) || (part && !strcmp(part->whole, noun));
}

static const char *join(const struct command *c, const char *(*word)(const char *, const char *),
                        char ret[COMMAND_NAME])
{
    const struct part *part = part_find(c->noun);
    snprintf(ret, COMMAND_NAME, "%s%s%s%s%s", part ? word(part->whole, NULL) : "", part ? " " : "", word(c->noun, NULL),
             c->verb ? " " : "", c->verb ? word(c->verb, c->noun) : "");
    return ret;
}

const char *command_alias(const struct command *c, char ret[COMMAND_NAME])
{
    return join(c, alias_of, ret);
}

bool command_queues(const struct command *c)
{
    return c->op >= 0 ? kept_wanted(&ops[c->op]) : c->run == run_call;
}

static const char *itself(const char *word, const char *noun)
{
    (void)noun;
    return word;
}

const char *command_name(const struct command *c, char ret[COMMAND_NAME])
{
    return join(c, itself, ret);
}

const char *command_title(const struct command *c, char ret[COMMAND_NAME])
{
    const char *language = getenv("LANGUAGE"); /* as message_language left it */
    return language && !strcmp(language, "es") ? command_alias(c, ret) : command_name(c, ret);
}

static bool is_part(const char *whole, const char *noun)
{
    const struct part *part = part_find(noun);
    return part && !strcmp(part->whole, whole);
}

const struct command *command_find(int argc, char *const argv[], int *ret_used)
{
    const char *noun = argc > 0 ? command_word(argv[0]) : "", *verb = argc > 1 ? command_word(argv[1]) : "";
    int used = 2;
    if (!strcmp(noun, "invite")) { /* inviting is said without the person */
        verb = noun;
        noun = "person";
        used = 1;
    } else if (is_part(noun, verb)) { /* a policy and a deadline are said with what they are of */
        noun = verb;
        verb = argc > 2 ? command_word(argv[2]) : "";
        used = 3;
    }
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];
        if (!strcmp(c->noun, noun) && (!c->verb || !strcmp(c->verb, verb))) {
            *ret_used = c->verb ? used : 1;
            return c;
        }
    }
    return NULL;
}

const struct command *command_of(const struct op *op)
{
    for (size_t i = 0; op && i < n_commands; i++)
        if (commands[i].op == op - ops)
            return &commands[i];
    return NULL;
}

/* How many letters apart two words are; words here are short. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t row[LONGEST + 1], n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]), step = (row[j - 1] < row[j] ? row[j - 1] : row[j]) + 1;
            corner = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[n];
}

static size_t word_distance(const char *typed, const char *word)
{
    size_t best = distance(typed, word);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!strcmp(aliases[i].word, word) && distance(typed, aliases[i].alias) < best)
            best = distance(typed, aliases[i].alias);
    return best;
}

void command_suggest(const char *noun, const char *verb)
{
    enum { NEAR = 2 };
    char name[COMMAND_NAME];
    const char *lead = _("Did you mean:");
    if (verb && is_part(command_word(noun), command_word(verb))) {
        noun = verb;
        verb = NULL;
    }
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];
        size_t far = word_distance(noun, c->noun);
        bool same = !far && c->verb; /* the right noun: every verb it has */
        if (same || (far <= NEAR && (!c->verb || !verb || word_distance(verb, c->verb) <= NEAR))) {
            say("%s mejora %s", lead, command_title(c, name));
            lead = "             ";
        }
    }
}
