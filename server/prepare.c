#include "server/prepare.h"

#include "common/log.h"
#include "internal.pb-c.h"
#include "server/db.h"
#include "server/importer/road.h"

static const struct preparation {
    int op;
    const ProtobufCMessageDescriptor *call;
    ProtobufCMessage *(*prepare)(PGconn *pg,
                                 struct call *c); /* NULL: refused, or the database failed (PQstatus tells) */
} preparations[] = {
    {OP_plan_import, &mejora__plan_import_call__descriptor, importer_prepare},
    {OP_unit_import, &mejora__unit_import_call__descriptor, directory_prepare},
};

static const struct preparation *find(const struct op *op)
{
    for (size_t i = 0; i < sizeof preparations / sizeof *preparations; i++)
        if (op == &ops[preparations[i].op])
            return &preparations[i];
    return NULL;
}

const ProtobufCMessageDescriptor *prepared_request(const struct op *op)
{
    const struct preparation *p = find(op);
    return p ? p->call : op->request;
}

bool prepare_wanted(const struct op *op)
{
    return find(op) != NULL;
}

static void prepare(struct preparer *p, struct call *c)
{
    if (PQstatus(p->pg) != CONNECTION_OK) {
        PQfinish(p->pg);
        p->pg = db_connect(p->conninfo, true);
    }
    ProtobufCMessage *prepared = find(c->op)->prepare(p->pg, c);
    if (prepared) {
        c->request = prepared;
        return;
    }
    if (PQstatus(p->pg) != CONNECTION_OK)
        call_refuse(c, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable", NULL);
    else if (!c->error)
        call_refuse(c, MEJORA__OUTCOME__OUTCOME_INTERNAL, "internal", NULL);
    c->only_note = true; /* the lane notes it */
}

static void *run(void *arg)
{
    struct preparer *p = arg;
    for (struct list taken, one;;) {
        if (!mailbox_take(&p->in, 1, 1, &taken)) {
            if (!mailbox_wait(&p->in))
                return NULL;
            continue;
        }
        prepare(p, taken.first);
        one = taken;
        mailbox_put(&p->lane->in, &one);
    }
}

int preparer_start(struct preparer *p)
{
    p->pg = db_connect(p->conninfo, true);
    p->started = !mailbox_init(&p->in) && !pthread_create(&p->thread, NULL, run, p);
    if (p->started)
        return 0;
    log_line(LOG_ERROR, "prepare: cannot start");
    PQfinish(p->pg);
    return -1;
}

void preparer_stop(struct preparer *p)
{
    if (!p->started)
        return;
    mailbox_close(&p->in);
    pthread_join(p->thread, NULL);
    PQfinish(p->pg);
}
