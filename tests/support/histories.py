"""What clients saw, and whether any order of their transactions explains it: list-append histories, in the manner of Elle.

A transaction reads whole lists and appends values that nobody appends twice, so a read tells the order of all appends before it.
From the reads follow who came before whom; a circle is something that no serial order explains. The names are Adya's:

    G1a           a value of a transaction that was refused
    G1b           a value that its own transaction had already followed by another
    lost write    acknowledged, and not there
    lost update   two transactions read the same list, and both appended to it
    G0 G1c G-single G2    circles of writes; with reads of others' writes; with one read of what was before; with several
    …-realtime    the same, where an arrow is that one had ended before the other began

A transaction whose end nobody knows counts if anybody saw a value of it.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclass(eq=False)
class Transaction:
    client: int
    began: float
    ended: float
    outcome: str
    reads: dict      # key -> list of values; before the appends
    appends: list    # (key, value), in order


def check(history):
    """What is wrong: [(name, words)]. Nothing: []."""
    writers = {(key, value): t for t in history for key, value in t.appends}
    reads = [(t, key, values) for t in history if t.outcome == OK for key, values in t.reads.items()]
    found = [*wrong_values(reads, writers)]
    orders = longest(reads)
    found += wrong_orders(reads, orders)
    found += lost_updates(history) + lost_writes(history, reads, orders)
    if any(name in ("never written", "twice", "another order") for name, _ in found):
        return found  # arrows would mean nothing
    seen = {writers[key, value] for key, values in orders.items() for value in values}
    there = [t for t in history if t.outcome == OK or (t.outcome == UNKNOWN and t in seen)]
    return found + circles(there, arrows(there, reads, orders, writers))


def wrong_values(reads, writers):
    for t, key, values in reads:
        for at, value in enumerate(values):
            writer = writers.get((key, value))
            if not writer:
                yield "never written", f"{value} in {key}"
            elif writer.outcome == REFUSED:
                yield "G1a", f"{value} in {key}"
            elif writer is not t:
                own = [v for k, v in writer.appends if k == key]
                if at == len(values) - 1 and value != own[-1]:
                    yield "G1b", f"{value} in {key}, and not {own[-1]}"
        if len(set(values)) < len(values):
            yield "twice", f"{key}: {values}"


def longest(reads):
    orders = defaultdict(list)
    for _, key, values in reads:
        if len(values) > len(orders[key]):
            orders[key] = values
    return orders


def wrong_orders(reads, orders):
    return [("another order", f"{key}: {values} and {orders[key]}") for _, key, values in reads
            if orders[key][:len(values)] != values]


def lost_updates(history):
    based_on = defaultdict(list)
    for t in history:
        if t.outcome == OK:
            for key in {key for key, _ in t.appends} & set(t.reads):
                based_on[key, len(t.reads[key])].append(t)
    return [("lost update", f"{key} after {n} values: {[t.appends for t in ts]}") for (key, n), ts in based_on.items() if len(ts) > 1]


def lost_writes(history, reads, orders):
    """What nobody ever saw, and somebody should have. What only some saw too late is a circle."""
    last = {}
    for t, key, _ in reads:
        last[key] = max(last.get(key, t.began), t.began)
    return [("lost write", f"{value} in {key}") for t in history if t.outcome == OK for key, value in t.appends
            if key in last and last[key] > t.ended and value not in orders[key]]


def arrows(there, reads, orders, writers):
    """{kind: {from: set of to}}"""
    found = {kind: defaultdict(set) for kind in ("ww", "wr", "rw", "rt")}

    def add(kind, a, b):
        if a is not b:
            found[kind][a].add(b)

    for key, values in orders.items():
        for one, next_one in zip(values, values[1:]):
            add("ww", writers[key, one], writers[key, next_one])
    for t, key, values in reads:
        if values:
            add("wr", writers[key, values[-1]], t)
        if len(values) < len(orders[key]):
            add("rw", t, writers[key, orders[key][len(values)]])
    # Who ended before another began; only the last of those that ended: the rest follows.
    ends = sorted((t for t in there if t.outcome == OK), key=lambda t: t.ended)
    for b in there:
        latest = -math.inf
        for a in reversed(ends):
            if a.ended < latest:
                break
            if a.ended < b.began:
                latest = max(latest, a.began)
                add("rt", a, b)
    return found


def reaches(start, end, graphs):
    todo, seen = [start], set()
    while todo:
        t = todo.pop()
        if t is end:
            return True
        if t not in seen:
            seen.add(t)
            for graph in graphs:
                todo.extend(graph[t])
    return False


def on_circles(there, graphs):
    """Those that no order of all can place: what is left when the first and the last are taken away again and again."""
    left = set(there)
    for backwards in (False, True):
        after, degree = defaultdict(set), dict.fromkeys(left, 0)
        for graph in graphs:
            for a, bs in graph.items():
                for b in bs:
                    one, other = (b, a) if backwards else (a, b)
                    if one in left and other in left and other not in after[one]:
                        after[one].add(other)
                        degree[other] += 1
        todo = [t for t, n in degree.items() if not n]
        while todo:
            t = todo.pop()
            left.discard(t)
            for b in after[t]:
                degree[b] -= 1
                if not degree[b]:
                    todo.append(b)
    return left


def circles(there, graph):
    """The mildest explanation first: without the clock, then with it."""
    for clock in ([], ["rt"]):
        suffix = "-realtime" if clock else ""
        writes = [graph[kind] for kind in ["ww", *clock]]
        known = [*writes, graph["wr"]]
        if on_circles(there, writes):
            return [("G0" + suffix, "")]
        if on_circles(there, known):
            return [("G1c" + suffix, "")]
        left = on_circles(there, [*known, graph["rw"]])
        for a in left:
            for b in graph["rw"][a]:
                if reaches(b, a, known):
                    return [("G-single" + suffix, f"{a} and {b}")]
        if left:
            return [("G2" + suffix, f"{len(left)} transactions")]
    return []
