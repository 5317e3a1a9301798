"""Verify the DKIM signatures of a message with dkimpy, asking one name server.

Usage: dkim_verify.py <name server>[:port] < message. Standard output: {"signatures": [{"domain", "selector", "algorithm", "valid"}]}.
"""

import json
import sys

import dkim
import dns.resolver


def lookup(server):
    address, _, port = server.partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = int(port or 53)

    def txt(name, timeout=5):
        try:
            answer = resolver.resolve(name.decode() if isinstance(name, bytes) else name, "TXT", lifetime=timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        return b"".join(answer[0].strings)

    return txt


message = sys.stdin.buffer.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
verifier = dkim.DKIM(message)
headers = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
signatures = []
for index, value in enumerate(headers):
    tags = dkim.util.parse_tag_value(value)
    try:
        valid = verifier.verify(idx=index, dnsfunc=lookup(sys.argv[1]))
    except dkim.DKIMException as error:
        valid = False
        print(f"signature {index}: {error}", file=sys.stderr)
    signatures.append(
        {"domain": tags[b"d"].decode(), "selector": tags[b"s"].decode(), "algorithm": tags[b"a"].decode(), "valid": valid}
    )
json.dump({"signatures": signatures}, sys.stdout)
