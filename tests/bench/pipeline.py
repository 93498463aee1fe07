#!/usr/bin/python3
"""pipeline URL FILE MAILS CONNECTIONS - hands the mail in FILE over as fast as the server takes it, so many times, each to somebody
else; prints how many a second.

Where the server offers PIPELINING, MAIL, RCPT and DATA of the next mail leave with the text of the one before (RFC 2920); each
connection has its share."""
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

url, mails, connections = urlsplit(sys.argv[1]), *map(int, sys.argv[3:5])
text = Path(sys.argv[2]).read_bytes().replace(b"\r\n.", b"\r\n..")


def send(line, n):
    while True:  # OpenSMTPD sometimes takes a connection and never greets
        s = socket.create_connection((url.hostname, url.port), 5)
        lines = s.makefile("rb")
        try:
            assert lines.readline()[:3] == b"220"
            break
        except TimeoutError:
            s.close()
    s.settimeout(60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def expect(code):
        said = []
        while not said or said[-1][3:4] == b"-":
            said.append(lines.readline())
        assert said[-1][:3] == code, said
        return said

    s.sendall(b"EHLO bench\r\n")
    group = any(line[4:].strip() == b"PIPELINING" for line in expect(b"250"))

    def envelope(i):
        return [b"MAIL FROM:<plan@example.do>\r\n", b"RCPT TO:<x%d.%d@example.do>\r\n" % (line, i), b"DATA\r\n"]

    if group:
        s.sendall(b"".join(envelope(0)))
    for i in range(n):
        for command, code in zip(envelope(i), (b"250", b"250", b"354")):
            if not group:
                s.sendall(command)
            expect(code)
        s.sendall(text + b".\r\n" + (b"".join(envelope(i + 1)) if group and i + 1 < n else b""))
        expect(b"250")
    s.sendall(b"QUIT\r\n")


threads = [threading.Thread(target=send, args=(line, mails // connections)) for line in range(connections)]
began = time.monotonic()
for t in threads:
    t.start()
for t in threads:
    t.join()
print(f"{mails // connections * connections / (time.monotonic() - began):.0f}")
