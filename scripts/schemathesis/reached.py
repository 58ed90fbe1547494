"""Tells how far a run came: fails when an operation of the document never answered with success."""

import json
import sys
from collections import Counter

# Needs a token that only an identity provider can make; core/tests/logout.rs and its cases do that.
UNREACHABLE = {"POST /oidc/backchannel-logout"}

with open(sys.argv[1], encoding="utf-8") as file:
    answers = json.load(file)
succeeded, asked, statuses = set(), set(), Counter()
for key, count in answers.items():
    method, path, status = key.split(" ")
    asked.add(f"{method} {path}")
    statuses[status] += count
    if status.startswith("2"):
        succeeded.add(f"{method} {path}")
missing = sorted(asked - succeeded - UNREACHABLE)
print(f"{sum(statuses.values())} requests:", ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
if missing:
    sys.exit("no success was seen of: " + ", ".join(missing))
