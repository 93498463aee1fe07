"""The checker of histories finds what is wrong in histories that are, and nothing in those that are not."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / directory) for directory in ("client", "support")]
from histories import OK, REFUSED, UNKNOWN, Transaction, check  # noqa: E402  (its path is ours to add)
from mejora import Tap  # noqa: E402

tap = Tap()


def at(began, ended, reads=None, appends=(), outcome=OK):
    return Transaction(0, began, ended, outcome, reads or {}, list(appends))


# Times overlap unless they are what a case is about.
CASES = [
    ("one after the other", [at(0, 1, appends=[("x", 1)]), at(2, 3, {"x": [1]}, [("x", 2)]), at(4, 5, {"x": [1, 2]})], []),
    ("two at once, seen in either order", [at(0, 9, appends=[("x", 1)]), at(0, 9, appends=[("x", 2)]), at(0, 9, {"x": [2, 1]})], []),
    ("a read between two writes", [at(0, 9, appends=[("x", 1)]), at(0, 9, {"x": []}), at(0, 9, appends=[("x", 2)]), at(0, 9, {"x": [1, 2]})], []),
    ("an unknown one that was seen", [at(0, 9, appends=[("x", 1)], outcome=UNKNOWN), at(0, 9, {"x": [1]})], []),
    ("an unknown one that was not", [at(0, 1, appends=[("x", 1)], outcome=UNKNOWN), at(2, 3, {"x": []})], []),
    ("an unknown one that came late", [at(0, 1, appends=[("x", 1)], outcome=UNKNOWN), at(2, 3, {"x": []}), at(4, 5, {"x": [1]})], []),
    ("a refused one that nobody saw", [at(0, 9, {"x": []}, [("x", 1)], REFUSED), at(0, 9, {"x": []}, [("x", 2)]), at(0, 9, {"x": [2]})], []),
    ("lost update", [at(0, 9, {"x": []}, [("x", 1)]), at(0, 9, {"x": []}, [("x", 2)]), at(0, 9, {"x": [2]})], ["lost update"]),
    ("lost write", [at(0, 1, appends=[("x", 1)]), at(2, 3, {"x": []})], ["lost write"]),
    ("a write that is gone", [at(0, 1, appends=[("x", 1)]), at(2, 3, appends=[("x", 2)]), at(4, 5, {"x": [2]}), at(6, 7, {"x": [1, 2]})],
     ["another order"]),
    ("nobody's value", [at(0, 9, {"x": [7]})], ["never written"]),
    ("done twice", [at(0, 9, appends=[("x", 1)]), at(0, 9, {"x": [1, 1]})], ["twice"]),
    ("G1a: of one that was refused", [at(0, 9, appends=[("x", 1)], outcome=REFUSED), at(0, 9, {"x": [1]})], ["G1a"]),
    ("G1b: half of one", [at(0, 9, appends=[("x", 1), ("x", 2)]), at(0, 9, {"x": [1]}), at(0, 9, {"x": [1, 2]})], ["G1b", "G-single"]),
    ("G0: two lists, two orders", [at(0, 9, appends=[("x", 1), ("y", 1)]), at(0, 9, appends=[("x", 2), ("y", 2)]),
                                   at(0, 9, {"x": [1, 2]}), at(0, 9, {"y": [2, 1]})], ["G0"]),
    ("G1c: each has seen the other", [at(0, 9, {"y": [1]}, [("x", 1)]), at(0, 9, {"x": [1]}, [("y", 1)])], ["G1c"]),
    ("G-single: half of the other's writes", [at(0, 9, appends=[("x", 1), ("y", 1)]), at(0, 9, {"x": [1], "y": []}), at(0, 9, {"y": [1]})],
     ["G-single"]),
    ("G2: each has not seen the other", [at(0, 9, {"x": [], "y": []}, [("x", 1)]), at(0, 9, {"x": [], "y": []}, [("y", 1)]),
                                         at(0, 9, {"x": [1], "y": [1]})], ["G2"]),
    ("a stale read", [at(0, 1, appends=[("x", 1)]), at(2, 3, {"x": []}), at(4, 5, {"x": [1]})], ["G-single-realtime"]),
    ("a write before one that had ended", [at(0, 1, appends=[("x", 1)]), at(2, 3, appends=[("x", 2)]), at(4, 5, {"x": [2, 1]})],
     ["G0-realtime"]),
    ("seen before it was asked", [at(0, 1, {"x": [1]}), at(2, 3, appends=[("x", 1)])], ["G1c-realtime"]),
    ("the later of two but not the earlier", [at(0, 1, appends=[("x", 1)]), at(2, 3, appends=[("y", 1)]), at(2, 9, {"x": [], "y": [1]}),
                                              at(10, 11, {"x": [1]})], ["G-single-realtime"]),
]

for name, history, wrong in CASES:
    found = [kind for kind, _ in check(history)]
    tap.ok(sorted(found) == sorted(wrong), name, found)
tap.done()
