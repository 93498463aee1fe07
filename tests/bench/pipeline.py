#!/usr/bin/python3
"""pipeline URL MAILS SIZE CONNECTIONS - hands mails over as fast as the server takes them; prints how many a second.

Where the server offers PIPELINING, MAIL, RCPT and DATA of the next mail leave with the text of the one before (RFC 2920); each
connection has its share."""
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

url, mails, size, connections = urlsplit(sys.argv[1]), *map(int, sys.argv[2:5])
text = b"Subject: x\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
text += (b"0123456789" * 7 + b"\r\n") * ((size - len(text)) // 72)


def send(n):
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
    envelope = [b"MAIL FROM:<plan@example.do>\r\n", b"RCPT TO:<x@example.do>\r\n", b"DATA\r\n"]
    if group:
        s.sendall(b"".join(envelope))
    for i in range(n):
        for command, code in zip(envelope, (b"250", b"250", b"354")):
            if not group:
                s.sendall(command)
            expect(code)
        s.sendall(text + b".\r\n" + (b"".join(envelope) if group and i + 1 < n else b""))
        expect(b"250")
    s.sendall(b"QUIT\r\n")


threads = [threading.Thread(target=send, args=(mails // connections,)) for _ in range(connections)]
began = time.monotonic()
for t in threads:
    t.start()
for t in threads:
    t.join()
print(f"{mails // connections * connections / (time.monotonic() - began):.0f}")
