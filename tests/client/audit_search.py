#!/usr/bin/python3
"""Every filter of the audit trail, and every pair of them, over some ten thousand entries: the first and the second page are what going
through all entries gives, by index, and no more entries are read for them than a page or two."""

import itertools
import json
import re
import subprocess

from mejora import Server, Tap, psql

ENTRIES, FRESH, PAGE = 40000, 200, 50
tap = Tap()

# name: (argument of op.audit_list, the same as a condition on the entry); rare ones and frequent ones
FILTERS = {
    "frequent person": ("who => 'p1'", "who = 'p1'"),
    "rare person": ("who => 'p5'", "who = 'p5'"),
    "key": ("key => 3", "key = 3"),
    "frequent unit": ("unit => 'u1'", "unit = 'u1'"),
    "rare unit": ("unit => 'u2'", "unit = 'u2'"),
    "role": ("role => 'planner'", "roles @> '{planner}'"),
    "frequent operation": ("op => 'progress_report'", "op = 'progress_report'"),
    "rare operation": ("op => 'plan_approve'", "op = 'plan_approve'"),
    "plan": ("plan => 2022", "plan = 2022"),
    "action": ("plan => 2023, item_no => 17", "plan = 2023 and item_no = 17"),
    "frequent field": ("field => 'percent'", "after ? 'percent' or before ? 'percent'"),
    "rare field": ("field => 'state'", "after ? 'state'"),
    "old value": ("was => '50'", "before::text ~ '\\m50\\M'"),
    "new value": ("now => 'Gestión 31'", "after ->> 'objective' = 'Gestión 31'"),
    "frequent reason": ("reason => 'comité'", "why like 'Acta del comité%'"),
    "rare reason": ("reason => 'zanahora'", "why like '%zanahoria'"),
    "text": ("text => 'gestion'", "after ->> 'objective' like 'Gestión%' or before ->> 'objective' like 'Gestión%'"),
    "refused": ("result => 'refused'", "outcome <> 'ok'"),
    "how refused": ("refusal => 'conflict'", "outcome = 'conflict'"),
    "day": ("since => '2025-01-12', until => '2025-01-12'", "at >= '2025-01-12 04:00+00' and at < '2025-01-13 04:00+00'"),
}
GENERATE = """
insert into mejora.institution values ('big', 'Grande', 'America/Santo_Domingo');
insert into mejora.unit (institution, unit, name) select 'big', 'u' || n, 'Unidad ' || n from generate_series(1, 2) n;
insert into mejora.person (institution, code, name, roles) select 'big', 'p' || n, 'Persona ' || n, '{planner}' from generate_series(1, 5) n;
insert into road.audit (at, institution, plan, item_no, person, who, name, unit, key, op, outcome, why, before, after, roles)
select timestamptz '2025-01-01' + n * interval '30 seconds', 'big', 2020 + n %% 5, n %% 97, p.id, p.code, p.name,
       case when n %% 7 < 3 then 'u1' when n %% 9973 = 5 then 'u2' end, 1 + n %% 11,
       case when k = 2 then 'action_edit' when n %% 17989 = 3 then 'plan_approve' else 'progress_report' end,
       case n %% 23 when 0 then 'conflict' when 1 then 'denied' else 'ok' end::mejora.outcome,
       case when n %% 11003 = 9 then 'una zanahoria' when n %% 3 = 0 then 'Acta del comité ' || n end,
       case when n %% 23 < 2 then null when k = 2 then jsonb_build_object('objective', 'Texto ' || n) else jsonb_build_object('percent', n %% 4 * 25) end,
       case when n %% 23 < 2 then null when n %% 17989 = 3 then '{"state": "approved"}' when k = 2 then jsonb_build_object('objective', 'Gestión ' || n %% 500)
            else jsonb_build_object('percent', 25 + n %% 4 * 25) end,
       case when n %% 5 = 0 then '{planner}' else '{responsable}' end::mejora.role[]
  from generate_series(1, %d) n cross join lateral (select n %% 4 as k) k
  join mejora.person p on p.institution = 'big' and p.code = case when n %% 2 = 0 then 'p1' when n %% 5003 = 2 then 'p5' else 'p' || 2 + n %% 3 end;
insert into road.leaf (leaf, seq, about, nodes)
select row_number() over (order by seq) - 1, seq, institution, '\\x00' from road.audit order by seq limit %d;
insert into road.checkpoint (size, xid, note) select max(leaf) + 1, '0', 'x' from road.leaf;
analyze road.audit;
"""


class Database:
    """As the server's lanes are set up, and telling how it went about things."""

    def __init__(self, home):
        self.psql = subprocess.Popen(psql(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ask("set jit = off; set enable_seqscan = off; set plan_cache_mode = force_generic_plan; set mejora.institution = '*'")

    def ask(self, *statements):
        self.psql.stdin.write("".join(s + ";\n" for s in statements) + "\\echo --end\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "--end\n":
                return "".join(lines)
            lines.append(line)
        raise SystemExit("Bail out! " + "".join(lines))

    def page(self, arguments, cursor, oldest, told):
        """(numbers of the entries, cursor, what was read of entries, tables read from end to end)"""
        names = "institution plan item_no task_no who unit op since until result page_size key role field was now reason text refusal".split()
        given = dict(argument.split(" => ") for argument in re.split(r", (?=\w+ =>)", arguments))
        call = ", ".join(f"{name} => {given.get(name, 'null')}" for name in names if name not in ("institution", "page_size"))
        said = self.ask(f"set client_min_messages = log; set auto_explain.log_min_duration = {0 if told else -1}",
                        "select 'answer ' || json_build_object('cursor', a.cursor, 'seqs', array(select e.seq from unnest(a.entries) e), 'error', a.error)"
                        f" from op.audit_list(1, 'big', page_size => {PAGE}, oldest_first => {oldest}, cursor => {cursor}, {call}) a",
                        "set client_min_messages = warning; set auto_explain.log_min_duration = -1")
        scans = [line for line in said.splitlines() if "Scan " in line and " on " in line]
        read = [re.search(r" on audit a .*\(actual rows=(\d+) loops=(\d+)\)", line) for line in scans]
        return (json.loads(said[("\n" + said).index("\nanswer {") + 7:].split("\n", 1)[0]), sum(int(r[1]) * int(r[2]) for r in read if r),
                [line for line in scans if re.search(r"Seq Scan on (audit|leaf|mark|marked|word)\b", line)])


def check(database, names, orders=("false",), pages=1, told=True):
    arguments = ", ".join(FILTERS[name][0] for name in names)
    condition = " and ".join(f"({FILTERS[name][1]})" for name in names)
    wrong = []
    for oldest in orders:
        order = "seq" if oldest == "true" else "seq desc"
        rows = database.ask(f"select seq from road.audit where institution = 'big' and {condition} order by {order} limit {pages * PAGE}")
        expected, cursor = [int(row) for row in rows.split()], "null"
        for n in range(pages):
            half = expected[n * PAGE:(n + 1) * PAGE]
            answer, read, scans = database.page(arguments, cursor, oldest, told)
            if answer["error"] or answer["seqs"] != half or scans or read > FRESH + 250:
                wrong.append((names, oldest, read, scans, answer["error"], len(answer["seqs"]), len(half)))
            if not answer["cursor"]:
                break
            cursor = f"'{answer['cursor']}'"
    return wrong


def main():
    with Server() as server:
        database = Database(server.home)
        database.ask("select pg_advisory_lock(hashtext('mejora.index'))")  # the server would go on marking while it is measured
        database.ask("set session_replication_role = replica", GENERATE % (ENTRIES, ENTRIES - FRESH))
        while int(database.ask("select lib.audit_index(1, 4096)").split()[0]):
            pass
        database.ask("load 'auto_explain'; set auto_explain.log_analyze = on; set auto_explain.log_timing = off",
                     "set auto_explain.log_nested_statements = on")
        for name in FILTERS:
            wrong = check(database, [name], ["false", "true"], 2)
            tap.ok(not wrong, f"by {name}", wrong)
        pairs = [pair for pair in itertools.combinations(FILTERS, 2)
                 if not {a.split(" => ")[0] for a in FILTERS[pair[0]][0].split(", ")} & {a.split(" => ")[0] for a in FILTERS[pair[1]][0].split(", ")}]
        wrong = [w for n, pair in enumerate(pairs) for w in check(database, pair, told=n % 6 == 0)]  # telling takes time
        tap.ok(not wrong, f"all {len(pairs)} pairs", wrong[:3])
        database.psql.stdin.close()
        database.psql.wait(60)
    tap.done()


main()
