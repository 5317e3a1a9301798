"""GET a JSON document over HTTPS, as a person's tool would.

Standard input: {"url", "token", "ca"}. Standard output: {"status", "body"}. The token stands in no process list.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request

request = json.load(sys.stdin)
context = ssl.create_default_context(cadata=request["ca"])
headers = {"Authorization": f"Bearer {request['token']}"}
try:
    with urllib.request.urlopen(urllib.request.Request(request["url"], headers=headers), context=context, timeout=10) as answer:
        status, text = answer.status, answer.read()
except urllib.error.HTTPError as error:
    status, text = error.code, error.read()
json.dump({"status": status, "body": json.loads(text)}, sys.stdout)
