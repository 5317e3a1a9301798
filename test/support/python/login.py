"""Log in to a relay as an app would, with Python's own smtplib; send mail when told to.

Standard input, a JSON object a line: {"host", "port", "mode": "starttls"|"tls", "username", "password", "ca"?, "name"?, "mechanism"?,
"send"?: {"from", "to", "subject"}}. `name` is what the certificate must say, when `host` is an address.
Standard output, a line for each: {"code", "text", "at"} of the last reply, `at` in seconds since 1970; or {"error"}.
Passwords come over standard input so that they stand in no process list.
"""

import json
import smtplib
import socket
import ssl
import sys
import time
from email.message import EmailMessage
from email.utils import make_msgid


def connect(request):
    context = ssl.create_default_context(cadata=request.get("ca") or None)
    name = request.get("name") or request["host"]
    address = (request["host"], request["port"])
    if request["mode"] == "tls":
        raw = context.wrap_socket(socket.create_connection(address, 10), server_hostname=name)
        client = smtplib.SMTP_SSL(context=context, timeout=10)
        client.sock = raw
        client.file = None
        client._host = name
        client.getreply()
        return client
    client = smtplib.SMTP(timeout=10)
    client.connect(*address)
    client._host = name
    client.starttls(context=context)
    return client


def attempt(request):
    client = connect(request)
    try:
        client.ehlo()
        # smtplib repeats a refused login with its next mechanism; here one attempt shall be one attempt.
        client.esmtp_features["auth"] = request.get("mechanism", "PLAIN")
        code, text = client.login(request["username"], request["password"])
        if "send" in request:
            send = request["send"]
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = send["from"], send["to"], send["subject"]
            message["Message-ID"] = make_msgid(domain=send["from"].split("@")[1])
            message.set_content("Sent by Python's smtplib.\n")
            refused = client.send_message(message)
            code, text = (250, b"accepted") if not refused else (450, repr(refused).encode())
        client.quit()
        return code, text
    except smtplib.SMTPResponseException as error:
        client.close()
        return error.smtp_code, error.smtp_error
    except smtplib.SMTPRecipientsRefused as error:
        client.close()
        return next(iter(error.recipients.values()))


for line in sys.stdin:
    try:
        code, text = attempt(json.loads(line))
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        reply = {"code": code, "text": text, "at": time.time()}
    except (OSError, smtplib.SMTPException) as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
