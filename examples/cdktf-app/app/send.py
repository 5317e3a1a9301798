"""Sends one mail with STARTTLS (587) and one with TLS (465), and again whenever the password changes.

All that it knows of its account is in the files of the mounted Secret, read anew each time: they follow a rotation.
"""

import os
import signal
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

BINDING = Path(os.environ.get("SMTP_BINDING", "/bindings/smtp"))
RECIPIENT = os.environ["MAIL_TO"]
POLL_SECONDS = 0.5
RETRY_SECONDS = 2


def credentials():
    return {file.name: file.read_text() for file in BINDING.iterdir() if file.is_file()}


def context(binding):
    # A relay with a certificate of its own publishes the CA beside the password.
    return ssl.create_default_context(cadata=binding.get("ca.crt"))


def connect(binding, port):
    if port == 465:
        return smtplib.SMTP_SSL(binding["host"], port, timeout=30, context=context(binding))
    server = smtplib.SMTP(binding["host"], port, timeout=30)
    server.starttls(context=context(binding))
    return server


def send(binding, port):
    message = EmailMessage()
    message["Subject"] = f"Your order, sent over port {port}"
    message["From"] = binding["from"]
    message["To"] = RECIPIENT
    message["Message-ID"] = make_msgid(domain=binding["from"].partition("@")[2])
    message.set_content("Thank you for your order. It is on its way.\n")
    with connect(binding, port) as server:
        server.login(binding["username"], binding["password"])
        server.send_message(message)
    print(f"sent over port {port} as {binding['username']}: {message['Message-ID']}")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sent_with = {}
    while True:
        for port in (587, 465):
            try:
                binding = credentials()
                if sent_with.get(port) != binding["password"]:
                    send(binding, port)
                    sent_with[port] = binding["password"]
            except (OSError, KeyError, smtplib.SMTPException) as problem:
                # KeyError: the Secret has no `from` while no sender domain is verified.
                print(f"not sent over port {port}, trying again: {problem!r}")
                time.sleep(RETRY_SECONDS)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
