#!/usr/bin/python3
"""Exports beside what else there is: with a filter they have what audit list finds, as a table what the lines have, also of what was
pruned, and while others write they are whole."""

import csv
import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path

from mejora import Client, Server, Tap

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import verify_audit  # noqa: E402

ENTRIES, MARKED, EXPORTS = 3000, 2000, 5
tap = Tap()

FILTERS = [["--who", "p1"], ["--unit", "u1"], ["--role", "planner"], ["--key", "3"], ["--op", "action_edit"], ["--ref", "big/2023"],
           ["--ref", "big/2023/17"], ["--field", "percent"], ["--old", "50"], ["--new", "Gestión 30"], ["--reason", "comite"],
           ["--text", "zanahora"], ["--since", "2025-01-02"], ["--until", "2025-01-02"], ["--outcome", "refused"],
           ["--refusal", "conflict"]]
GENERATE = f"""
insert into mejora.institution values ('big', 'Grande', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) select 'big', 'u' || n, 'Unidad ' || n from generate_series(1, 2) n;
insert into mejora.person (institution, code, name, roles) select 'big', 'p' || n, 'Persona ' || n, '{{planner}}' from generate_series(1, 5) n;
insert into road.audit (at, institution, plan, item_no, person, who, name, unit, key, op, outcome, why, before, after, roles)
select timestamptz '2025-01-01' + n * interval '1 minute', 'big', 2020 + n % 5, n % 97, p.id, p.code, p.name, 'u' || 1 + n % 3, 1 + n % 11,
       case n % 4 when 2 then 'action_edit' else 'progress_report' end,
       case n % 23 when 0 then 'conflict' when 1 then 'denied' else 'ok' end::mejora.outcome,
       case when n % 601 = 9 then E'=una "zanahoria";\\nroja' when n % 3 = 0 then 'Acta del Comité ' || n end,
       jsonb_build_object('percent', n % 4 * 25), case n % 4 when 2 then jsonb_build_object('objective', 'Gestión ' || n % 50)
            else jsonb_build_object('percent', 25 + n % 4 * 25) end, case n % 5 when 0 then '{{planner}}' when 1 then '{{}}'
                                                                         else '{{responsable,planner}}' end::mejora.role[]
  from generate_series(1, {ENTRIES}) n join mejora.person p on p.institution = 'big' and p.code = 'p' || 1 + n % 5"""


class World:
    def __init__(self, server, admin):
        self.server, self.admin, self.sql = server, admin, server.sql

    def cli(self, *words):
        done = subprocess.run(["mejora", "--profile", self.server.admin, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"Bail out! mejora {' '.join(words)}: {done.stderr}")
        return done.stdout

    def sealed(self):
        """Asks until the log has come to its end: each question waits for its answer."""
        while self.admin.ask("server_status").audit_sealed < int(self.sql("select max(seq) from road.audit")):
            pass

    def export(self, *words):
        """(its path, its lines) once both verifiers have agreed that it is intact."""
        path = f"{self.server.home}/export"
        self.cli("audit", "export", path, *words)
        self.cli("audit", "verify", path)
        verify_audit.verify(path)
        return path, [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()] if "csv" not in words else None


def filters_agree(world, last):
    """Every filter and pairs of them, over entries that are marked for questions and some that are not yet."""
    wrong, found = [], []  # last: of the entries before the questions themselves
    names = {"old": "was", "new": "now", "outcome": "result"}
    chosen = [[f] for f in FILTERS] + list(itertools.islice(itertools.combinations(FILTERS, 2), 0, None, 5))
    for some in chosen:
        words = [word for one in some for word in one] + (["--institution", "big"] if "--ref" not in sum(some, []) else [])
        lines = world.export(*words)[1]
        exported = [int(line["entry"]["seq"]) for line in lines if int(line.get("entry", {}).get("seq", last + 1)) <= last]
        listed = json.loads(world.cli("audit", "list", *words, "--oldest-first", "--limit", "100000", "-o", "json")).get("entries", [])
        listed = [e["seq"] for e in listed if e["seq"] <= last]
        told = {names.get(one[0][2:], one[0][2:]) for one in some} - {"ref"}
        if exported != listed or (len(some) == 1 and not listed) or set(lines[0]["filter"]) != told:
            wrong.append((words, len(exported), len(listed), lines[0]["filter"]))
        found.append(len(listed))
    tap.ok(not wrong, f"{len(chosen)} filters and pairs: exported is what is listed, and the first line says what was asked for", wrong[:3])
    tap.ok(any(n > 2048 for n in found), "some of them more than a page", found)


def unguarded(cell):
    return cell[1:] if cell.startswith("'") else cell


def table_agrees(world, *words):
    """The table as Python's csv reads it against the lines: the same cells, guarded against spreadsheets, and nothing of what is gone."""
    lines = [line for line in world.export(*words)[1] if "leaf" in line]
    size = len(lines)
    wrong, gone = [], 0
    for raw in ([], ["--raw"]):
        path = world.export(*words, "-o", "csv", *raw)[0]
        with open(path, encoding="utf-8-sig", newline="") as f:
            head, *rows = csv.reader(f)
        for row, line in zip(rows, lines):
            cells = dict(zip(head, row if raw else map(unguarded, row)))
            expected = line.get("entry", {})
            gone += "entry" not in line
            if len(row) != len(head) or int(cells["leaf"]) != line["leaf"] or cells["hash"] != line["hash"] or any(
                    cells[column] != expected.get(column, "") for column in verify_audit.COLUMNS) or bool(cells["time"]) != bool(expected):
                wrong.append((row, line))
        if not raw and any(cell[:1] in "=+-@" for row in rows for cell in row if cell):
            wrong.append("a cell that a spreadsheet would run")
        if len(rows) < size:  # entries about the exports themselves follow
            wrong.append((len(rows), size))
    return wrong, gone


def main():
    with Server() as server, Client(server.admin, timeout=60) as admin:
        world = World(server, admin)
        world.sql(GENERATE)
        world.sealed()
        world.sql(f"select lib.audit_index(1, {MARKED})", "mejora_server")
        filters_agree(world, int(world.sql("select max(seq) from road.audit")))

        wrong, _ = table_agrees(world, "--institution", "big", "--until", "2025-01-03")
        tap.ok(not wrong, "as a table: what csv reads is what the lines have", wrong[:2])
        admin.ask("audit_retention_set", "big", years=1, why="Resolución")
        while world.sql("select count(*) from road.audit where institution = 'big' and at < now() - interval '1 year'") != "0":
            world.sql("select road.prune(1000)", "mejora_server")
        world.sealed()
        for words in (["--institution", "big"], ["--op", "institution_add"], []):
            wrong, gone = table_agrees(world, *words)
            tap.ok(not wrong and gone == 2 * ENTRIES, f"a table with what was pruned {words}", (wrong[:2], gone))

        done, written = threading.Event(), []

        def write():
            with Client(server.admin, timeout=60) as writer:
                while not done.is_set():
                    written.append(writer.ask("institution_set", "big", name=f"Grande {len(written)}", why="Otro nombre"))
        writer = threading.Thread(target=write)
        writer.start()
        sizes = []
        while len(set(sizes)) < EXPORTS:
            sizes.append(world.export()[1][0]["size"])
        done.set()
        writer.join()
        tap.ok(sizes == sorted(sizes) and len(written) >= EXPORTS, "while somebody writes each is whole, up to a later end",
               (sizes, len(written)))
    tap.done()


main()
