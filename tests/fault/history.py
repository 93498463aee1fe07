"""Sixteen people append to the same lists and read them while the server and its PostgreSQL are killed: is there an
order of all that they did that explains what each of them saw?

The lists are an action's comments, its resources (read, and written back longer, if the version is still that) and its
history of reports. One edit may append to two of them; one reading of the plan sees the lists of all actions at once.
"""

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / directory) for directory in ("client", "support")]
from histories import OK, REFUSED, UNKNOWN, Transaction, check  # noqa: E402  (its path is ours to add)
from mejora import Client, NoAnswer, Refused, Server, Tap, fresh_keys, key_bytes  # noqa: E402

SANITIZED = Path(os.environ.get("MEJORA_BUILD", "")).name in ("asan", "tsan")
CLIENTS, EACH = 16, 25 if SANITIZED else 50
PLAN = "inm/2023"
ACTIONS = [f"{PLAN}/{n}" for n in (1, 2, 3)]
FILE = Path(__file__).resolve().parents[1] / "data" / "plans" / "plan_2023.tsv"
tap = Tap()
numbers, numbers_lock = iter(range(1, 1 << 30)), threading.Lock()


def fresh():
    with numbers_lock:
        return f"v{next(numbers)}"


def own(values):
    """Without what the plan came with."""
    return [value for value in values if value[:1] == "v" and value[1:].isdigit()]


def lists_of(action):
    return {("comments", action.ref): own(action.comments), ("resources", action.ref): own(action.resources)}


def read_plan(client, _):
    return {key: values for action in client.ask("action_list", PLAN).actions if action.ref in ACTIONS
            for key, values in lists_of(action).items()}, [], None


def read_action(client, ref):
    return lists_of(client.ask("action_show", ref).action), [], None


def read_history(client, ref):
    return {("history", ref): own(entry.why for entry in client.ask("progress_history", ref).entries)}, [], None


def comment(_, ref):
    value = fresh()
    return {}, [(("comments", ref), value)], ("action_edit", ref, {"comments": [value]})


def report(_, ref):
    value = fresh()
    fields = {"percent": random.choice([25, 50, 75]), "why": value}
    return {}, [(("history", ref), value)], ("progress_report", ref, fields)


def edit(client, ref):
    """The lists of texts share a version; comments have none, so they are not what this has read."""
    action = client.ask("action_show", ref).action
    resource, remark = fresh(), fresh()
    return ({("resources", ref): own(action.resources)}, [(("resources", ref), resource), (("comments", ref), remark)],
            ("action_edit", ref, {"resources": [*action.resources, resource], "comments": [remark],
                                  "if_text_version": action.versions.text}))


KINDS = [read_plan, read_plan, read_action, read_history, comment, report, report, edit, edit]


def act(client, kind, ref, number):
    """One transaction, or None: a reading that was not answered says nothing."""
    began = time.monotonic()
    try:
        reads, appends, write = kind(client, ref)
    except NoAnswer:
        return None
    outcome = OK
    if write:
        try:
            client.ask(write[0], write[1], **write[2])
        except Refused as refused:
            if refused.outcome != "CONFLICT":
                raise
            outcome = REFUSED
        except NoAnswer:
            outcome = UNKNOWN
    return Transaction(number, began, time.monotonic(), outcome, reads, appends)


class People:
    def __init__(self, profile, keys):
        self.profile, self.keys = profile, keys
        self.history, self.failed, self.working = [], [], CLIENTS
        self.moved = threading.Condition()

    def work(self, number):
        try:
            patience = 10.0 if number % 4 else 0.5  # some do not wait for the end
            public, secret = self.keys[number]
            with Client(self.profile, timeout=patience, public_key=public, secret_key=secret) as client:
                for _ in range(EACH):
                    done = act(client, random.choice(KINDS), random.choice(ACTIONS), number)
                    with self.moved:
                        self.history += [done] if done else []
                        self.moved.notify_all()
        except Exception as failed:  # pylint: disable=broad-except
            self.failed.append(failed)
        with self.moved:
            self.working -= 1
            self.moved.notify_all()

    def wait(self, n):
        with self.moved:
            self.moved.wait_for(lambda: len(self.history) >= n or self.working < CLIENTS, 120)


def enrol(admin):
    admin.ask("institution_add", code="inm", name="Instituto Nacional de Migración")
    rows = [{"line": n, "cells": line.split("\t")} for n, line in enumerate(FILE.read_text(encoding="utf-8").splitlines(), 1)]
    admin.ask("plan_import", "inm", rows=rows, file_name=FILE.name, encoding="UTF-8")
    keys = []
    for number in range(CLIENTS):
        once, own_keys = fresh_keys(), fresh_keys()
        admin.ask("person_add", "inm", code=f"p{number}", name=f"Persona {number}", roles=["ROLE_PLANNER"])
        admin.ask("person_invite", "inm", person=f"p{number}", invitation_key=key_bytes(once[0]))
        with Client(admin.profile, public_key=once[0], secret_key=once[1]) as invited:
            invited.ask("join", public_key=key_bytes(own_keys[0]), label="history")
        keys.append(own_keys)
    return keys


def postmaster(server):
    return int(Path(f"{server.home}/data/postgresql/postmaster.pid").read_text(encoding="ascii").split()[0])


def kill_server(server, profile):
    server.kill()
    server.run()
    profile["endpoints"][0] = server.endpoint


def kill_postmaster(server, _):
    os.kill(postmaster(server), signal.SIGKILL)


def kill_backend(server, _):
    """Any one that serves us: the others go with it."""
    for pid in Path(f"/proc/{postmaster(server)}/task/{postmaster(server)}/children").read_text(encoding="ascii").split():
        if b" mejora " in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)
            return


def main():
    seed = int(os.environ.get("MEJORA_SEED", random.randrange(1 << 30)))
    random.seed(seed)
    print(f"# MEJORA_SEED={seed}", flush=True)
    with Server() as server, Client(server.admin, timeout=60) as admin:
        people = People(admin.profile, enrol(admin))
        threads = [threading.Thread(target=people.work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for nth, kill in enumerate([kill_backend, kill_server, kill_postmaster, kill_server], 1):
            people.wait(nth * CLIENTS * EACH // 6)
            kill(server, admin.profile)
        for thread in threads:
            thread.join()
        last = [act(admin, kind, ref, CLIENTS) for kind, refs in ((read_plan, [PLAN]), (read_history, ACTIONS)) for ref in refs]
        history = [*people.history, *last]
    counts = {outcome: sum(t.outcome == outcome for t in history) for outcome in (OK, REFUSED, UNKNOWN)}
    seen = sum(len(values) for t in last for values in t.reads.values())
    print(f"# {len(history)} transactions: {counts}; {seen} values in the end", flush=True)
    tap.ok(not people.failed, "nobody is told anything but OK, CONFLICT or nothing", people.failed)
    tap.ok(counts[OK] > CLIENTS * EACH // 2 and seen > CLIENTS * EACH // 4 and counts[REFUSED] > 0, "they worked, and met", counts)
    found = check(history)
    tap.ok(not found, "no lost update or write, no G0, G1, G-single or G2, nor against the clock", found[:3])
    victim = max((t for t in history if t.appends), key=lambda t: t.began if t.outcome == OK else 0)
    victim.outcome = REFUSED
    tap.ok(check(history), "had one of them been refused instead, it would have been seen")
    tap.done()


main()
