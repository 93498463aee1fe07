"""Some hundred random changes; now and then the answers of every read are remembered. Afterwards each read, asked as of then, must
answer the same bytes."""

import csv
import os
import random
import re
from datetime import datetime, timezone
from pathlib import Path

from mejora import MESSAGES, Client, Refused, Server, Tap

ROOT = Path(__file__).resolve().parents[2]
CHANGES, EVERY = int(os.environ.get("CHANGES", 300)), 25
READS = re.findall(r"^OP\((\w+),\s*\w+,\s*([A-Z| ]+?),\s*[A-Z| ]+,\s*READ\)", (ROOT / "common/ops.def").read_text(), re.MULTILINE)
WORDS = "manual política informe auditoría reunión capacitación registro archivo".split()
tap = Tap()


def rows(lines):
    return [{"line": n, "cells": cells} for n, cells in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 1)]


class World:
    def __init__(self, ask):
        self.ask = ask
        self.lines = (ROOT / "tests/data/plans/plan_2023.tsv").read_text(encoding="utf-8").splitlines()
        self.done = {}

    def refs(self, level):
        """Every reference of a level that there is."""
        if level in ("NOTHING", "INSTITUTION"):
            return ["" if level == "NOTHING" else "inm"]
        plans = [plan.ref for plan in self.ask("plan_list", "inm").plans]
        return plans if level == "PLAN" else [a.ref for plan in plans for a in self.ask("action_list", plan).actions]

    def action(self):
        return random.choice(self.refs("ACTION"))

    def unit(self):
        return random.choice(self.ask("unit_list", "inm").units).code

    def words(self):
        return " ".join(random.sample(WORDS, 3))

    # What people do. Each returns what it asks: operation, reference, fields.
    def report(self):
        return "progress_report", self.action(), {"percent": random.choice((0, 25, 50, 75, 100)), "why": self.words()}

    def texts(self):
        return "action_edit", self.action(), {"objective": self.words(), "comments": [self.words()], "why": self.words()}

    def dates(self):
        month = random.randint(1, 9)
        return "action_edit", self.action(), {"start_date": f"2023-{month:02}-01", "end_date": f"2023-{month + 3}-28".replace("-4-", "-04-"), "why": "x"}

    def owners(self):
        return "action_edit", self.action(), {"owners": list({self.unit(), self.unit()}), "why": self.words()}

    def annul(self):
        return "action_annul", self.action(), {"why": self.words()}

    def restore(self):
        return "action_restore", self.action(), {"why": self.words()}

    def task(self):
        tasks = self.ask("task_list", self.action()).tasks
        return "task_done", random.choice(tasks).ref if tasks else self.action() + ".1", {"undo": random.random() < 0.3, "why": "x"}

    def decide(self):
        decisions = self.ask("decision_list", "inm", all=True).decisions
        return "decision_resolve", "inm", {"number": random.choice(decisions).decision, "accept": random.random() < 0.6, "why": "x"}

    def merge(self):
        units = [d for d in self.ask("decision_list", "inm", all=True).decisions if d.code.startswith("unit")]
        return "decision_resolve", "inm", {"number": random.choice(units).decision, "value": self.unit(), "why": self.words()}

    def file(self):
        lines = [re.sub("(?i)informe", random.choice(WORDS), line) if random.random() < 0.1 else line for line in self.lines]
        return "plan_import", "inm", {"rows": rows(lines), "file_name": "plan.tsv", "encoding": "UTF-8"}

    def add_unit(self):
        return "unit_add", "inm", {"name": self.words()}

    def alias(self):
        return "unit_alias", "inm", {"name": self.unit(), "alias": self.words()}

    def person(self):
        return "person_add", "inm", {"code": f"p{random.randrange(10**9)}", "name": self.words(), "roles": ["ROLE_RESPONSABLE"], "units": [self.unit()]}

    def holiday(self):
        date = f"2026-07-{random.randint(1, 28):02}"
        return random.choice([("holiday_add", "inm", {"date": date, "name": self.words()}), ("holiday_remove", "inm", {"date": date})])

    def policy(self):
        return "reminder_policy_set", random.choice(["inm", "inm/2023"]), random.choice([{"hour": random.randint(0, 23)}, {"reset": True}])

    def pause(self):
        return random.choice(["reminder_pause", "reminder_resume"]), random.choice(["inm", "inm/2023"]), {"why": self.words()}

    def carry(self):
        return "plan_carry", "inm/2023", {"year": 2026, "why": self.words()}

    def approve(self):
        return "plan_approve", random.choice(self.refs("PLAN")), {"why": self.words()}

    KINDS = [report] * 8 + [texts, dates, owners] * 4 + [annul, restore, task, decide, merge] * 3 + [
        file, add_unit, alias, person, holiday, policy, pause] * 2

    def change(self, kind):
        op, ref, fields = kind(self)
        try:
            self.ask(op, ref, **fields)
            self.done[op] = self.done.get(op, 0) + 1
        except Refused as refused:
            if refused.outcome in ("INTERNAL", "UNSUPPORTED"):
                raise

    def remember(self):
        """An instant, and all that can be asked at it."""
        asked = [(op, ref) for op, about in READS for level in about.replace(" ", "").split("|") for ref in self.refs(level)]
        answers = {question: self.answer(*question) for question in asked}
        return datetime.fromtimestamp(self.ask("server_status").now / 1e6, timezone.utc).isoformat(), answers

    def answer(self, op, ref, as_of=None):
        fields = {"decision_list": {"all": True}, "due": {"within_days": 36500}, "holiday_list": {"year": 2026}}.get(op, {})
        try:
            return self.ask(op, ref, as_of=as_of, **fields).SerializeToString(deterministic=True)
        except Refused as refused:
            return str(refused).encode()


def refusal(ask, *args, **fields):
    try:
        ask(*args, **fields)
    except Refused as refused:
        return refused.error
    return ""


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    random.seed(seed)
    print(f"# SEED={seed}")
    with Server() as server, Client(server.admin, timeout=60) as admin:
        world = World(admin.ask)
        admin.ask("institution_add", code="inm", name="Instituto")
        before = world.remember()
        world.change(World.file)
        moments = [world.remember()]
        late = {CHANGES * 3 // 5: World.carry, CHANGES * 4 // 5: World.approve}
        for n in range(1, CHANGES + 1):
            world.change(late.get(n) or random.choice(World.KINDS))
            if n % EVERY == 0:
                moments.append(world.remember())
        print("#", sum(world.done.values()), "changes:", world.done)
        tap.ok(sum(world.done.values()) > CHANGES // 2, "most changes were made", world.done)
        wrong = [(at, question) for at, answers in [before, *moments] for question, was in answers.items()
                 if world.answer(*question, as_of=at) != was]
        asked = sum(len(answers) for _, answers in moments)
        tap.ok(not wrong, f"{asked} answers as of {len(moments)} instants are those that were given then", wrong[:5])
        tap.ok(moments[0][1] != moments[-1][1], "and something had changed")
        tap.ok(refusal(admin.ask, "plan_show", "inm/2023", as_of=before[0]) == "no_plan_then", "before the plan there was none")
        tap.ok(refusal(admin.ask, "plan_show", "inm/2023", as_of="2999-01-01") == "as_of_future", "the future is not known")
        tap.ok(refusal(admin.ask, "progress_report", "inm/2023/1", as_of=before[0], percent=50) == "as_of_write",
               "the past cannot be changed")
        tap.ok(refusal(admin.ask, "audit_list", "inm", as_of=before[0]) == "as_of_now", "what is known as it is now only")
    tap.done()


main()
