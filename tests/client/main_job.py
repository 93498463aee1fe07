"""The main job through a client that knows nothing but PROTOCOL.md and proto/: from an empty server to who changed what."""

import csv
import os
import threading
from pathlib import Path

from mejora import MESSAGES, Client, KeyUnknown, Refused, Server, Tap, fresh_keys, key_bytes

PLAN = Path(__file__).resolve().parents[1] / "data" / "plans" / "plan_2023.tsv"
tap = Tap()


def refusal(call, *args, **fields):
    """(outcome, code) of what must be refused."""
    try:
        call(*args, **fields)
    except Refused as refused:
        return refused.outcome, refused.error
    return "OK", ""


def import_plan(admin):
    admin.ask("institution_add", code="inm", name="Instituto Nacional de Migración")
    lines = PLAN.read_text(encoding="utf-8").splitlines()
    rows = [{"line": n, "cells": cells} for n, cells in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 1)]
    look = admin.ask("plan_import", "inm", rows=rows, file_name=PLAN.name, encoding="UTF-8", dry_run=True)
    tap.ok(look.added == 17 and not look.applied, "a dry run says what would change", look.added)
    done = admin.ask("plan_import", "inm", rows=rows, file_name=PLAN.name, encoding="UTF-8")
    tap.ok(done.applied and done.plan == "inm/2023", "the plan is imported", done.plan)
    again = admin.ask("plan_import", "inm", rows=rows, file_name=PLAN.name, encoding="UTF-8")
    tap.ok((again.added, again.changed, again.unchanged) == (0, 0, 17), "a second import changes nothing")
    for decision in admin.ask("decision_list", "inm").decisions:
        admin.ask("decision_resolve", "inm", number=decision.decision, accept=True)
    tap.ok(not admin.ask("decision_list", "inm").decisions, "what was left to decide is decided")


def enrol(admin, code, unit):
    """Invited with a one-time key, joined with one's own."""
    admin.ask("person_add", "inm", code=code, name=code.capitalize(), roles=["ROLE_RESPONSABLE"], units=[unit])
    once, own = fresh_keys(), fresh_keys()
    admin.ask("person_invite", "inm", person=code, invitation_key=key_bytes(once[0]))
    with Client(admin.profile, public_key=once[0], secret_key=once[1]) as invited:
        invited.ask("join", public_key=key_bytes(own[0]), label="python")
    with Client(admin.profile, public_key=once[0], secret_key=once[1]) as spent:
        try:
            outcome = refusal(spent.ask, "join", public_key=key_bytes(fresh_keys()[0]))[0]
        except KeyUnknown:
            outcome = "DENIED"
    tap.ok(outcome == "DENIED", f"the invitation of {code} works once", outcome)
    return Client(admin.profile, public_key=own[0], secret_key=own[1])


def report(admin, owner, ref, foreign):
    request_id = os.urandom(16)
    first = owner.ask("progress_report", ref, request_id, percent=50, why="acta")
    again = owner.ask("progress_report", ref, request_id, percent=50, why="acta")
    tap.ok(first == again and first.percent == 50 and not first.HasField("was"), "the same request twice: one reply", again)
    tap.ok(len(owner.ask("progress_history", ref).entries) == 1, "and one entry in the history")
    tap.ok(refusal(owner.ask, "progress_report", ref, request_id, percent=75)[0] == "ID_REUSED", "its id is good for nothing else")
    tap.ok(refusal(owner.ask, "progress_report", foreign, percent=50) == ("DENIED", "not_your_action"), "others' actions are others'")
    tap.ok(refusal(owner.ask, "progress_report", ref, percent=33) == ("INVALID", "percent_not_a_step"), "progress goes in steps")
    tap.ok(refusal(owner.ask, "progress_report", ref, percent=25) == ("INVALID", "why_missing"), "going down needs a reason")
    admin.ask("progress_report", ref, percent=75, if_version=first.version, why="revisado")
    try:
        owner.ask("progress_report", ref, percent=100, if_version=first.version, evidence="x")
        tap.ok(False, "a stale version is a conflict")
    except Refused as refused:
        body = refused.body
        tap.ok(refused.outcome == "CONFLICT" and (body.was, body.percent, body.changed_why) == (50, 75, "revisado") and body.changed_by,
               "a stale version is a conflict that says who, from what to what and why", body)


def at_once(clients, ref):
    """Every acknowledged report is in the history exactly once."""
    told, errors = [], []

    def work(client):
        try:
            for n in range(20):
                told.append(client.ask("progress_report", ref, percent=(n % 4 + 1) * 25, why="a la vez").version)
        except Exception as error:  # whatever it is, the test is to say so
            errors.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    versions = [entry.version for entry in clients[0].ask("progress_history", ref).entries]
    tap.ok(not errors and len(told) == 20 * len(clients) == len(set(told)), "reports at the same time each get a version", errors)
    tap.ok(set(told) <= set(versions) and len(versions) == len(set(versions)), "each is in the history once")


def refused_by_the_wire(admin):
    tap.ok(refusal(ask_as, admin, protocol=9)[1] == "protocol_unsupported", "another protocol number")
    tap.ok(refusal(ask_as, admin, op="coffee_make")[1] == "op_unknown", "an operation of tomorrow")
    tap.ok(refusal(ask_as, admin, body=b"\xff\xff\xff")[0] == "INVALID", "a body that is none")
    tap.ok(refusal(ask_as, admin, op="due", ref="INM//")[1] == "ref_malformed", "a reference that is none")
    with Client(admin.profile, timeout=10, **dict(zip(("public_key", "secret_key"), fresh_keys()))) as stranger:
        try:
            stranger.ask("whoami")
            tap.ok(False, "a stranger is told at once")
        except KeyUnknown:
            tap.ok(True, "a stranger is told at once")
    tap.ok(admin.ask("whoami").person == "admin", "and the server goes on")


def ask_as(client, protocol=1, op="whoami", ref="", body=b""):
    """One request, written by hand."""
    request_id = os.urandom(16)
    head = MESSAGES["RequestHead"](protocol=protocol, request_id=request_id, op=op, ref=ref)
    client.socket.send_multipart([head.SerializeToString(), body])
    reply = MESSAGES["ReplyHead"].FromString(client.socket.recv_multipart()[0])
    assert reply.request_id == request_id
    if reply.outcome != MESSAGES["Outcome"].OUTCOME_OK:
        raise Refused(reply, None)


def look_back(admin, owner, ref):
    trail = admin.ask("audit_list", ref, who="ana").entries
    tap.ok(any(e.op == "progress_report" and e.outcome == MESSAGES["Outcome"].OUTCOME_OK and e.why == "acta" for e in trail),
           "the trail says who did it and why")
    refused = admin.ask("audit_list", "inm", result="AUDIT_OUTCOME_REFUSED").entries
    tap.ok({"not_your_action", "percent_not_a_step", "version_stale"} <= {e.error for e in refused}, "and what was refused",
           {e.error for e in refused})
    board = admin.ask("status", "inm/2023")
    tap.ok(board.total.actions == 17 and len(board.units) > 5, "the board counts", board.total)
    key = owner.ask("whoami").key
    admin.ask("key_revoke", "inm", key=key, why="prueba")
    try:
        outcome = refusal(owner.ask, "whoami")[0]
    except KeyUnknown:
        outcome = "DENIED"
    tap.ok(outcome == "DENIED", "a revoked key ends with its next message", outcome)


def main():
    with Server() as server, Client(server.admin) as admin:
        tap.ok(admin.ask("server_status").version, "the server says how it is")
        import_plan(admin)
        actions = admin.ask("action_list", "inm/2023").actions
        mine = next(a for a in actions if len(a.owners) == 1)
        foreign = next(a for a in actions if not {o.code for o in a.owners} & {mine.owners[0].code})
        with enrol(admin, "ana", mine.owners[0].code) as ana, enrol(admin, "luis", mine.owners[0].code) as luis:
            report(admin, ana, mine.ref, foreign.ref)
            at_once([ana, luis, admin], mine.ref)
            refused_by_the_wire(admin)
            look_back(admin, ana, mine.ref)
    tap.done()


main()
