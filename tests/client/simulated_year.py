"""A year of reminders for both plans, foreseen by the server and worked out here from docs/reminders.md alone, day by day."""

import csv
from collections import namedtuple
from datetime import date, timedelta
from pathlib import Path

from mejora import MESSAGES, Client, Server, Tap

PLANS = Path(__file__).resolve().parents[1] / "data" / "plans"
DAY = timedelta(1)
LAST = date.max
KIND, HEARS = MESSAGES["ReminderKind"], MESSAGES["HearsAs"]
tap = Tap()

Rule = namedtuple("Rule", "due number step")      # of an action: when it falls, how it is called, whom an escalation goes to
Policy = namedtuple("Policy", "before after_start every working_days steps weeks")
DEFAULT = Policy([30, 15, 7, 3, 1, 0], [0], 7, False, [("DEPUTY", 5), ("MANAGER", 10), ("PLANNER", 15), ("AUTHORITY", 20)], 0)
OTHER = Policy([20, 10, 2, 0], [0, 14], 10, True, [("DEPUTY", 2), ("PLANNER", 4), ("AUTHORITY", 13)], 5)


class World:
    """What was told to the server, kept here as it was told."""

    def __init__(self, client, code, today):
        self.client, self.code, self.today = client, code, today
        self.posts, self.above, self.members, self.absent, self.left = {}, {}, {}, {}, {}
        self.roles = {"PLANNER": [], "AUTHORITY": []}
        self.reported, self.active, self.percent, self.deadlines = {}, {}, {}, {}
        self.holidays = set()
        for year in range(today.year, today.year + 3):
            self.holidays |= {date.fromisoformat(h.date) for h in client.ask("holiday_list", code, year=year).holidays}

    def ask(self, op, **fields):
        return self.client.ask(op, self.code, **fields)

    def person(self, code, roles=("ROLE_RESPONSABLE",), units=()):
        self.ask("person_add", code=code, name=code, email=f"{code}@example.org", roles=roles, units=units)
        for role in self.roles:
            if f"ROLE_{role}" in roles:
                self.roles[role].append(code)
        for unit in units:
            self.members.setdefault(unit, set()).add(code)
        return code

    def appoint(self, unit, post, person, first, last=None):
        fields = {"last_day": str(last)} if last else {}
        self.ask("unit_appoint", name=unit, post=f"POST_KIND_{post}", person=person, first_day=str(first), **fields)
        self.posts.setdefault((unit, post), []).append((first, last or LAST, person))
        self.members.setdefault(unit, set()).add(person)

    def away(self, person, first, last):
        self.ask("person_absent", code=person, first_day=str(first), last_day=str(last))
        self.absent.setdefault(person, []).append((first, last))

    def leave(self, person, last):
        self.ask("person_leave", code=person, last_day=str(last))
        self.left[person] = last

    def put_above(self, unit, what, code):
        self.ask("unit_set", name=unit, **{what: code})
        self.above.setdefault(unit, {})[what] = code

    # --- the calendar

    def works(self, day):
        return day.weekday() < 5 and day not in self.holidays

    def near(self, day, step, policy):
        while policy.working_days and not self.works(day):
            day += step * DAY
        return day

    def after(self, day, working):
        while working:
            day += DAY
            working -= self.works(day)
        return day

    # --- who

    def there(self, person, day):
        return day <= self.left.get(person, LAST) and not any(a <= day <= b for a, b in self.absent.get(person, []))

    def post(self, unit, name, day):
        came = [p for p in self.posts.get((unit, name), []) if p[0] <= day]
        if came and (last := max(came))[1] >= day and self.left.get(last[2], LAST) >= day:
            return last[2]
        return None

    def of_unit(self, unit, day):
        stand = [(name, self.post(unit, name, day)) for name in ("SECRETARY", "HOLDER", "DEPUTY")]
        if not any(person for _, person in stand):
            return {(p, "MEMBER") for p in self.members.get(unit, []) if self.there(p, day)}
        for name, person in stand:
            if person and self.there(person, day):
                return {(person, name)}
        return set()

    def over(self, unit, day):
        while unit:
            above = self.above.get(unit, {})
            if self.there(above.get("manager"), day) and above.get("manager"):
                return {above["manager"]}
            unit = above.get("parent")
            if unit and (found := {p for p, _ in self.of_unit(unit, day)}):
                return found
        return set()

    def step(self, unit, name, day):
        if name == "DEPUTY":
            person = self.post(unit, "DEPUTY", day)
            return {person} if person and self.there(person, day) else set()
        if name == "MANAGER":
            return self.over(unit, day)
        return {p for p in self.roles[name] if self.there(p, day)}

    def hearers(self, unit, day):
        if unit and (found := self.of_unit(unit, day)):
            return found
        for name in (["MANAGER"] if unit else []) + ["PLANNER", "AUTHORITY"]:
            if found := self.step(unit, name, day):
                return {(p, name) for p in found}
        return set()

    # --- when

    def term(self, start, end, policy, until, past=6):
        numbers = {}
        for d in policy.before:
            numbers[-d] = -1
        for n in range(policy.every, (until - end).days + 40, policy.every):
            numbers[n] = 1
        for d in policy.after_start:
            if self.today - past * DAY <= start + d * DAY <= end:
                numbers[(start + d * DAY - end).days] = 1
        return [Rule(self.near(end + n * DAY, step, policy), n, None) for n, step in numbers.items()]

    def silence(self, item, start, end, policy):
        base = max(start, self.reported.get(item, start))
        weeks = range(policy.weeks, 60, policy.weeks) if policy.weeks and self.today < end else []
        return [Rule(self.near(base + w * 7 * DAY, 1, policy), w, None) for w in weeks if base + w * 7 * DAY < end]

    def escalation(self, item, end, policy):
        base = max(end, self.active[item])
        return [Rule(self.after(base, n), n, step) for step, n in policy.steps]

    # --- a year

    def year(self, actions, policy, until):
        told = set()
        topics = []
        for a in actions:
            if self.percent.get(a.item_no) == 100:
                continue
            start, end = date.fromisoformat(a.start_date), date.fromisoformat(a.end_date)
            units = [o.code for o in a.owners]
            topics += [(a.ref, "TERM", self.term(start, end, policy, until), units),
                       (a.ref, "SILENCE", self.silence(a.item_no, start, end, policy), units)]
            topics += [(a.ref, "ESCALATION", [rule], units) for rule in self.escalation(a.item_no, end, policy)
                       if rule.due >= self.today or self.begun(rule, units)]
        for due in set(self.deadlines.values()):
            none = policy._replace(after_start=[])
            topics.append((actions[0].ref.rsplit("/", 1)[0], "DEADLINE", self.term(due, due, none, until), [None]))
        for ref, kind, rules, units in topics:
            self.follow(told, ref, kind, rules, units, policy, until)
        return told

    def begun(self, rule, units):
        """A step whose day is past waits for its people only if it had some on its day."""
        anyway = {p for u in units for p, _ in self.hearers(u, rule.due)}
        return any(self.step(u, rule.step, rule.due) - anyway for u in units)

    def follow(self, told, ref, kind, rules, units, policy, until):
        """One day after the other: of what has come since the last mail only the latest is said."""
        day, waiting = self.today, sorted(rules)
        while day <= until:
            come = [r for r in waiting if r.due <= day]
            if come and (not policy.working_days or self.works(day)):
                waiting = waiting[len(come):]
                anyway = {p for u in units for p, _ in self.hearers(u, day)}
                for unit in units:
                    people = ({(p, come[-1].step) for p in self.step(unit, come[-1].step, day) - anyway} if come[-1].step
                              else self.hearers(unit, day))
                    told |= {(str(day), p, ref, kind, come[-1].number) for p, _ in people}
            day += DAY


def imported(client, code, file):
    client.ask("institution_add", code=code, name=code)
    lines = (PLANS / file).read_text(encoding="utf-8").splitlines()
    rows = [{"line": n, "cells": c} for n, c in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 1)]
    return client.ask("plan_import", code, rows=rows, file_name=file, encoding="UTF-8").plan


def peopled(world, actions):
    """Every way in which a unit can have people, one after the other, through the year."""
    year, codes = world.today.year, sorted({o.code for a in actions for o in a.owners})
    world.person("pla", ["ROLE_PLANNER"])
    world.person("pla2", ["ROLE_PLANNER"])
    world.person("aut", ["ROLE_AUTHORITY"])
    world.away("pla", date(year, 7, 1), date(year, 7, 31))
    world.away("pla2", date(year, 7, 10), date(year, 7, 24))
    for n, unit in enumerate(codes):
        first, second = (world.person(f"{who}{n}", units=[unit] if n % 5 != 3 else []) for who in "ab")
        if n % 5 in (0, 4):
            world.appoint(unit, "HOLDER", first, date(year, 1, 1), date(year, 9, 30) if n % 2 else None)
        if n % 5 == 0:
            world.appoint(unit, "DEPUTY", second, date(year, 3, 1))
            world.appoint(unit, "HOLDER", world.person(f"c{n}"), date(year, 11, 1))
        if n % 5 == 2:
            world.appoint(unit, "SECRETARY", second, date(year, 1, 1))
        if n and n % 2 == 0:
            world.put_above(unit, "parent", codes[n // 2 - 1])
        elif n % 3 == 1:
            world.put_above(unit, "manager", "a0")
        world.away(first, date(year, 6, 1 + n), date(year, 6, 20 + n % 9))
        world.away(first, date(year, 12, 15), date(year + 1, 1, 8))
        if n % 4 == 0:
            world.away(second, date(year, 6, 10), date(year, 6, 30))
        if n % 4 == 1:
            world.leave(first, date(year, 8, 15))
    for day, name in [(date(year, 6, 27), "Aniversario"), (date(year, 12, 29), "Cierre"), (date(year, 12, 30), "Cierre")]:
        world.ask("holiday_add", date=str(day), name=name)
        world.holidays.add(day)


def owed(world, plan):
    for name, due in [("Informe de avance", (7, 1)), ("Plan de Mejora", (8, 31)), ("Plan del próximo año", (8, 31))]:
        world.deadlines[name] = date(world.today.year, *due)
        world.client.ask("deadline_add", plan, name=name, due_on=str(world.deadlines[name]))


def governed(world, policy):
    days = lambda numbers: ",".join(map(str, numbers))
    world.ask("reminder_policy_set", days_before=days(policy.before), days_after_start=days(policy.after_start),
              overdue_every=policy.every, working_days=policy.working_days, silent_weeks=policy.weeks,
              escalation=",".join(f"{step.lower()}:{n}" for step, n in policy.steps))


def foreseen(world, until):
    reply = world.ask("reminder_simulate", until=str(until))
    return {(mail.date, mail.person, rule.ref, KIND.Name(rule.kind).removeprefix("REMINDER_KIND_"), rule.rule)
            for mail in reply.mails for rule in mail.rules}


def compared(world, actions, policy, what):
    until = world.today + 365 * DAY
    server, here = foreseen(world, until), world.year(actions, policy, until)
    wrong = sorted(server ^ here)
    tap.ok(server == here, f"{what}: {len(here)} things to say on {len({t[0] for t in here})} days, identical",
           [("server" if w in server else "here", *w) for w in wrong[:12]])
    kinds = {t[3] for t in here}
    tap.ok(kinds >= {"TERM", "ESCALATION"} and len(here) > 100, f"{what}: there is enough of everything", kinds)


def reports(world, actions):
    """Some are done, some go on; the others are silent."""
    for a in actions:
        if a.item_no % 4 < 2:
            percent = 100 if a.item_no % 4 == 0 else 50
            world.client.ask("progress_report", a.ref, percent=percent, evidence="Acta")
            world.percent[a.item_no] = percent
            world.reported[a.item_no] = world.active[a.item_no] = world.today
        elif a.item_no % 4 == 2:
            world.client.ask("action_edit", a.ref, comments=["Se espera la firma"])
            world.active[a.item_no] = world.today


def check(code, file, year):
    first, later = date(year, 1, 2), date(year, 8, 14)
    with Server("--now", f"{first}T11:00:00Z") as server:
        with Client(server.admin) as admin:
            plan = imported(admin, code, file)
            actions = admin.ask("action_list", plan).actions
            world = World(admin, code, first)
            world.active = {a.item_no: first for a in actions}
            peopled(world, actions)
            compared(world, actions, DEFAULT, f"{plan}, the default policy")
            owed(world, plan)
            governed(world, OTHER)
            compared(world, actions, OTHER, f"{plan}, another policy and deadlines")
        server.stop()
        server.run("--now", f"{later}T11:00:00Z")   # eight months without a worker
        with Client(server.admin) as admin:
            world.client, world.today = admin, later
            reports(world, actions)
            compared(world, actions, OTHER, f"{plan}, after an outage and some reports")


check("inm", "plan_2023.tsv", 2023)
check("inmi", "plan_2024.tsv", 2024)
tap.done()
