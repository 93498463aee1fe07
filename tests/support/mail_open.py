#!/usr/bin/python3
"""mail_open FILE - a mail as a reader's program sees it: headers decoded, one to a line, a blank line, the text.

Python's own parser does it. Anything that it finds wrong with the mail, and any line end that is not CRLF, is an error.
"""
import email.policy
import re
import sys

raw = open(sys.argv[1], "rb").read()
if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
    sys.exit("a line does not end in CRLF")
if any(len(line) > 998 or not line.isascii() for line in raw.split(b"\r\n")):
    sys.exit("a line is too long, or not ASCII")
mail = email.message_from_bytes(raw, policy=email.policy.default)
if mail.defects or any(header.defects for header in mail.values()):
    sys.exit(f"defects: {mail.defects} {[h.defects for h in mail.values()]}")
for name, value in mail.items():
    print(f"{name}: {value}")
text = mail.get_body(("plain",))
print("encoding:", text["Content-Transfer-Encoding"], text.get_content_charset())
print()
print(text.get_content().replace("\r\n", "\n"), end="")
