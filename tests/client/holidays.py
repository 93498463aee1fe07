"""Holidays for 2020 to 2040 against another way of computing them, and against what the Ministry of Labour announced."""

from datetime import date, timedelta

from mejora import Client, Refused, Server, Tap

tap = Tap()

# As announced, day by day.
ANNOUNCED = {
    2022: "01-01 01-10 01-21 01-24 02-27 04-15 05-02 06-16 08-16 09-24 11-06 12-25",
    2023: "01-01 01-09 01-21 01-30 02-27 04-07 05-01 06-08 08-16 09-24 11-06 12-25",
    2024: "01-01 01-06 01-21 01-29 02-27 03-29 04-29 05-30 08-16 09-24 11-04 12-25",
    2025: "01-01 01-06 01-21 01-26 02-27 04-18 05-05 06-19 08-16 09-24 11-10 12-25",
    2026: "01-01 01-05 01-21 01-26 02-27 04-03 05-04 06-04 08-16 09-24 11-09 12-25",
}


def easter(year):
    """From the age of the moon: the Sunday after the first full moon on or after 21 March (Clavius)."""
    century = year // 100 + 1
    solar, lunar = 3 * century // 4 - 12, (8 * century + 5) // 25 - 5
    epact = (11 * (year % 19 + 1) + 20 + lunar - solar) % 30
    if epact == 24 or (epact == 25 and year % 19 + 1 > 11):
        epact += 1
    full_moon = date(year, 3, 1) + timedelta(43 if 44 - epact >= 21 else 73) - timedelta(epact)
    return full_moon + timedelta(7 - full_moon.isoweekday() % 7)


def kept(day, sunday_moves=False):
    """The Monday of the same week up to Wednesday, that of the next one after it; at the weekend it stays."""
    if day.weekday() < 5:
        monday = day - timedelta(day.weekday())
        return monday if day.weekday() < 3 else monday + timedelta(7)
    return day + timedelta(1) if sunday_moves and day.weekday() == 6 else day


def expected(year):
    sunday = easter(year)
    fixed = [(1, 1), (1, 21), (2, 27), (8, 16), (9, 24), (12, 25)]
    days = [date(year, *day) for day in fixed] + [sunday - timedelta(2), sunday + timedelta(60)]
    days += [kept(date(year, *day), day == (5, 1)) for day in [(1, 6), (1, 26), (5, 1), (11, 6)]]
    return sorted(map(str, days))


def refusal(client, op, **fields):
    try:
        client.ask(op, "inm", **fields)
    except Refused as refused:
        return f"{refused.outcome} {refused.error} {' '.join(refused.args_)}"
    return "OK"


def asked(client, year):
    return [day.date for day in client.ask("holiday_list", "inm", year=year).holidays]


def check_country(admin):
    for year in range(2020, 2041):
        tap.ok(asked(admin, year) == expected(year), f"{year}: as computed here", asked(admin, year))
    for year, days in ANNOUNCED.items():
        tap.ok(asked(admin, year) == [f"{year}-{day}" for day in days.split()], f"{year}: as announced", asked(admin, year))
    moved = {day.moved_from: day.date for day in admin.ask("holiday_list", "inm", year=2026).holidays if day.moved_from}
    tap.ok(moved == {"2026-01-06": "2026-01-05", "2026-05-01": "2026-05-04", "2026-11-06": "2026-11-09"},
           "what was moved says from where", moved)
    tap.ok(refusal(admin, "holiday_list", year=2008) == "INVALID field_invalid year", "not before the law was as it is")


def check_own(admin):
    day = {"date": "2026-12-24", "name": "Nochebuena"}
    tap.ok(admin.ask("holiday_add", "inm", **day).holiday.name == "Nochebuena", "the institution adds one")
    tap.ok(admin.ask("holiday_add", "inm", **day).holiday.name == "Nochebuena", "twice is once")
    tap.ok(asked(admin, 2026) == sorted(expected(2026) + ["2026-12-24"]), "it is in the list, in its place")
    tap.ok(asked(admin, 2027) == expected(2027), "of its year alone")
    for fields, refused in [({**day, "name": "Otra"}, "CONFLICT already_holiday 2026-12-24"),
                            ({"date": "2026-05-04", "name": "X"}, "CONFLICT already_holiday 2026-05-04"),
                            ({"date": "2026-12-24"}, "INVALID field_missing name"),
                            ({"name": "X"}, "INVALID field_missing date"),
                            ({"date": "2026-02-29", "name": "X"}, "INVALID field_invalid date")]:
        answer = refusal(admin, "holiday_add", **fields)
        tap.ok(answer == refused, f"refused: {refused}", answer)
    audit = [e for e in admin.ask("audit_list", "inm").entries if e.op == "holiday_add" and e.after_json]
    tap.ok(len(audit) == 1, "one entry in the audit trail", audit)
    tap.ok(admin.ask("holiday_remove", "inm", date="2026-12-24", why="Se trabaja").name == "Nochebuena", "it is taken back")
    tap.ok(asked(admin, 2026) == expected(2026), "and gone")
    tap.ok(refusal(admin, "holiday_remove", date="2026-12-25") == "NOT_FOUND no_such_holiday 2026-12-25",
           "one of the country cannot be taken back")


with Server() as server, Client(server.admin) as admin:
    admin.ask("institution_add", code="inm", name="Instituto")
    check_country(admin)
    check_own(admin)
tap.done()
