#!/usr/bin/python3
"""mail_open FILE [html|calendar] - a mail as a reader's program sees it: headers decoded, one to a line, a blank line, the text.

With html the page instead, with calendar a line for each event. Independent parsers do it (Python's email and html.parser,
icalendar). Anything that they find wrong with any part of the mail, and any line end that is not CRLF, is an error.
"""
import email.policy
import html.parser
import re
import sys

import icalendar


class Page(html.parser.HTMLParser):
    """Every tag is closed by its own, none fetches or runs anything."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "link", "iframe", "form", "a") or any(n in ("src", "href") or n.startswith("on") for n, _ in attrs):
            sys.exit(f"a page that does something: <{tag}>")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            sys.exit(f"</{tag}> closes something else")


def page_of(mail):
    part = mail.get_body(("html",))
    page = part.get_content() if part else ""
    parser = Page()
    parser.feed(page)
    parser.close()
    if parser.open:
        sys.exit(f"never closed: {parser.open}")
    return page


def events_of(mail):
    for part in mail.iter_attachments():
        if part.get_content_type() != "text/calendar" or part.get_param("method") != "PUBLISH":
            sys.exit(f"an attachment that is no calendar: {part['Content-Type']}")
        raw = part.get_payload(decode=True)
        if any(len(line) > 75 for line in raw.split(b"\r\n")) or re.search(rb"(?<!\r)\n", raw):
            sys.exit("a line of the calendar is too long, or ends otherwise")
        calendar = icalendar.Calendar.from_ical(raw)
        if any(calendar.errors) or calendar["VERSION"] != "2.0":
            sys.exit(f"calendar: {calendar.errors}")
        for event in calendar.walk("VEVENT"):
            yield f"{event['UID']} {event.decoded('DTSTART')} {event.decoded('DTEND')} {event['DTSTAMP'].dt:%Y%m%dT%H%M%SZ} {event['SUMMARY']} | {event['DESCRIPTION']}"


raw = open(sys.argv[1], "rb").read()
what = sys.argv[2] if len(sys.argv) > 2 else "text"
if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
    sys.exit("a line does not end in CRLF")
if any(len(line) > 998 or not line.isascii() for line in raw.split(b"\r\n")):
    sys.exit("a line is too long, or not ASCII")
mail = email.message_from_bytes(raw, policy=email.policy.default)
for part in mail.walk():
    if part.defects or any(header.defects for header in part.values()):
        sys.exit(f"defects: {part.defects} {[h.defects for h in part.values()]}")
page, events = page_of(mail), list(events_of(mail))
if what == "html":
    sys.exit(print(page.replace("\r\n", "\n"), end=""))
if what == "calendar":
    sys.exit(print("\n".join(events)))
for name, value in mail.items():
    print(f"{name}: {value}")
text = mail.get_body(("plain",))
print("encoding:", text["Content-Transfer-Encoding"], text.get_content_charset())
print()
print(text.get_content().replace("\r\n", "\n"), end="")
