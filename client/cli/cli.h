/* cli - one command on its way: what was typed, whom it goes to, how its answer is shown.
 *
 * commands.c is the table; args.c reads the command line by it; run.c carries a plain operation out; the few commands
 * that are more than one operation have a file each. */
#pragma once

#include "client/cli/view.h"
#include "client/lib/call.h"
#include "common/message.h"
#include "common/ref.h"

#include <jansson.h>

/* What the shell sees; docs and scripts rely on it. */
enum exit_code {
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    EXIT_NOT_FOUND,
    EXIT_DENIED,
    EXIT_CONFLICT,
    EXIT_INVALID,
    EXIT_UNREACHABLE,
    EXIT_UNKNOWN,
    EXIT_CONTRADICTED,
    EXIT_INTERRUPTED = 130,
};

enum arg_kind {
    ARG_FIELD,   /* a field of the request, by its type */
    ARG_SWITCH,  /* a field that becomes true */
    ARG_DAYS,    /* 30 or 30d into a field */
    ARG_DAY,     /* 2026-11-20, 20/11/2026 into a field */
    ARG_DATE,    /* the same, today, yesterday, 7d */
    ARG_INSTANT, /* the same, or 2026-11-20T15:00 */
    ARG_PERIOD,  /* T2-2026, may-26 or a date into start_* or end_* */
    ARG_REF,     /* the reference, completed to `level` */
    ARG_LOCAL,   /* text for the command itself */
    ARG_LOCAL_SWITCH,
};
enum { ARG_NEEDED = 1, ARG_MANY = 2 };

/* A positional one is written in capitals, an option is --name. */
struct arg {
    const char *name;
    const char *field; /* ARG_FIELD … ARG_PERIOD */
    enum arg_kind kind;
    unsigned flags;
    enum ref_level level;
    const char *help;
};

struct cli;
struct command {
    const char *noun, *verb;     /* verb NULL: a single word */
    int op;                      /* OP_…; -1: none of its own */
    enum ref_level about;        /* what the reference defaults to, from the profile; REF_NOTHING: none */
    const struct arg *args;      /* ends with one that has no name */
    const char *columns;         /* of its tables, see view.h; NULL: what it says is in `said` or `run` */
    const char *said;            /* a sentence about what was done, {field} standing for the reply's fields */
    int (*run)(struct cli *cli); /* NULL: cli_run */
    const char *help, *example;
};
extern const struct command commands[];
extern const size_t n_commands;

enum { COMMAND_NAME = 64 };

/* NULL: none, and *ret_used words were not eaten. */
const struct command *command_find(int argc, char *const argv[], int *ret_used);
const struct command *command_of(const struct op *op);    /* the first that asks for it, or NULL */
void command_suggest(const char *noun, const char *verb); /* "did you mean", on stderr */
const char *command_word(const char *alias);              /* the English word for an alias; itself when there is none */
bool command_belongs(const struct command *c, const char *noun); /* is said with that noun first */
bool command_queues(const struct command *c);                    /* takes --queue */
const char *command_name(const struct command *c, char ret[COMMAND_NAME]);
const char *command_alias(const struct command *c, char ret[COMMAND_NAME]); /* the same in Spanish */
const char *command_title(const struct command *c, char ret[COMMAND_NAME]); /* in the language that is spoken */

struct cli {
    const struct command *command;
    enum format format;
    const char *profile_option, *language;
    char *profile_file;
    struct profile profile;
    bool has_profile;
    bool plan_settled; /* it has been looked up which plan is meant */
    struct client *client;
    int timeout_ms;  /* 0: the command's own */
    char as_of[48];  /* --as-of; empty: as things are now */
    long days_back;  /* the same as a number of days; 0: none */
    json_t *fields;  /* of the request */
    json_t *local;   /* options that stay here, and words left over */
    json_t *refused; /* what came with the last refusal */
    json_t *settled; /* the names of requests that are answered, kept on disk until their answers are shown */
    char ref[REF_TEXT];
    const char *ref_typed;    /* NULL: the default */
    enum ref_level ref_level; /* what ref_typed is to be completed to */
    bool wants_help;
    bool witnessed; /* the audit log was compared with what was seen of it */
    bool queue;     /* --queue: what cannot be sent now waits */
    int queued;     /* the exit code after it went there; -1: it did not */
};

/* args.c: true, or said on stderr what is wrong. */
bool args_common(struct cli *cli, int *argc, char **argv[]); /* takes the options that every command has */
bool args_read(struct cli *cli, int argc, char *argv[]);
bool args_ref(struct cli *cli, const char *text, enum ref_level level);
bool args_past(const struct cli *cli, const struct op *op); /* --as-of suits the operation; NULL: a command has none */
const char *arg_shown(const struct arg *arg, char ret[COMMAND_NAME]); /* --why, PERCENT */
void usage_error(const struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* run.c */
bool cli_open(struct cli *cli, int *ret_exit); /* profile and client; said why not */

/* Asks and has the answer as JSON. NULL: said why not, and the exit code. */
json_t *cli_ask(struct cli *cli, const struct op *op, const char *ref, json_t *fields, int *ret_exit);
/* Its two halves: false, said why nothing was sent; and what to say about the answer, which it frees. */
bool cli_send(struct cli *cli, const struct op *op, const char *ref, json_t *fields, struct answer *ret,
              json_t **ret_reply, int *ret_exit);
json_t *cli_judge(struct cli *cli, const struct op *op, struct answer *answer, json_t *reply, int *ret_exit);
/* The same with a client of one's own and nothing said. */
json_t *cli_try(struct client *client, const struct op *op, const char *ref, json_t *fields, struct answer *ret);
json_t *cli_reply(struct answer *a);                 /* the answer as JSON, with its words; NULL: none */
bool cli_reference(struct cli *cli, unsigned about); /* cli->ref from what was typed and the profile; said why not */
/* What references without a year mean, into the profile: what was chosen (mejora use), else the institution's current plan, which is
 * looked up: the one it was may have been carried on. Who cannot ask takes that one. */
void cli_settle_plan(struct cli *cli);
int cli_run(struct cli *cli);
json_t *cli_run_shown(struct cli *cli, int *ret_exit); /* the same, and what was shown; NULL: said why not */
void cli_show(struct cli *cli, const struct op *op, json_t *reply);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a line on stderr */
const char *local_text(const struct cli *cli, const char *name);
bool local_is(const struct cli *cli, const char *name);
extern atomic_int interrupted;

/* retry.c: cli_try for a write, which is on disk until it is answered. */
json_t *cli_write(struct cli *cli, const struct op *op, const char *ref, json_t *fields, struct answer *ret);
void kept_forget_settled(const struct cli *cli); /* their answers are shown */

/* trouble.c: says why there is no OK; the exit code. reply: what came with a refusal */
int trouble(struct cli *cli, const struct op *op, const struct answer *a, json_t *reply);
void profile_trouble(const struct profile_error *error, const char *path);

/* The commands that are more than one operation. */
int run_home(struct cli *cli);
int run_help(struct cli *cli);
int run_call(struct cli *cli);
int run_completion(struct cli *cli);
int run_complete(struct cli *cli, int argc, char *argv[]);
int run_invite(struct cli *cli);
int run_join(struct cli *cli);
int run_use(struct cli *cli);
int run_import(struct cli *cli);
int run_import_holidays(struct cli *cli);
int run_appoint(struct cli *cli);
int run_resolve(struct cli *cli);
int run_decision_list(struct cli *cli);
int run_compare(struct cli *cli);
int run_audit(struct cli *cli);
int run_watch(struct cli *cli);
int run_preview(struct cli *cli);
int run_mail_test(struct cli *cli);
int run_audit_show(struct cli *cli);
int run_audit_report(struct cli *cli);
int run_retry(struct cli *cli);
int run_queue_send(struct cli *cli);
int run_queue_list(struct cli *cli);
int run_queue_drop(struct cli *cli);
int run_changing(struct cli *cli);
int run_conflict_list(struct cli *cli);
int run_conflict_show(struct cli *cli);
int run_conflict_drop(struct cli *cli);
int run_checkpoint(struct cli *cli);
int run_proof(struct cli *cli);
int run_export(struct cli *cli);
int run_verify(struct cli *cli);
char *import_slurp(const char *path, size_t *ret_size); /* a file of at most GRID_LIMIT; NULL: said why not */
bool settle_period(struct cli *cli, const struct op *op,
                   int *ret_exit);            /* open, about something, and days back are dates */
void witness_run(struct cli *cli, int *code); /* at the end of every command that had an answer */
void settle_as_of(struct cli *cli);           /* and what is asked is asked as of then */
void help_command(const struct command *c, FILE *out);
void help_all(FILE *out);
