#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""json_check.py COMMAND [MEMBER...]: compares the JSON on standard input with the tables of docs/json.md.

Prints each difference, and the name of each list that was empty, so that a test can see that its rows were compared.
MEMBER...: only these are expected (`get KEY`). Exits with 1 if there is a difference."""
import json
import os
import re
import sys

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/json.md")


def tables():
    """{heading: {member: type}}"""
    found, heading = {}, None
    for line in open(DOC):
        if line.startswith("#"):
            heading = line.strip("# \n")
        cells = [cell.strip() for cell in line.strip("|\n ").split("|")]
        if line.startswith("|") and cells[0] not in ("member", "---"):
            found.setdefault(heading, {})[cells[0]] = cells[1]
    return found


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


PLAIN = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "number": whole,
    "ratio": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


class Check:
    def __init__(self):
        self.tables, self.wrong, self.empty = tables(), [], []

    def value(self, where, kind, value):
        kind = kind.replace(", while up", "")
        if value is None and re.search(r",? or null$", kind):
            return
        kind = re.sub(r",? or null$", "", kind)
        if kind.startswith("list of "):
            return self.rows(where, kind.removeprefix("list of "), value)
        if kind.startswith("one of "):
            good = value in kind.removeprefix("one of ").split(", ")
        else:
            good = PLAIN[kind](value)
        if not good:
            self.wrong.append(f"{where} is {value!r}, not: {kind}")

    def rows(self, where, thing, rows):
        if not isinstance(rows, list):
            self.wrong.append(f"{where} is no list")
            return
        if not rows:
            self.empty.append(where)
        for row in rows:
            self.object(where, self.tables[thing], row)

    def object(self, where, members, value):
        for name in members.keys() - value.keys():
            self.wrong.append(f"{where}: {name} is missing")
        for name in value.keys() - members.keys():
            self.wrong.append(f"{where}: {name} is not in docs/json.md")
        for name in members.keys() & value.keys():
            self.value(f"{where}.{name}", members[name], value[name])


def main():
    command, only = sys.argv[1], sys.argv[2:]
    check, value = Check(), json.load(sys.stdin)
    members = {name: kind for name, kind in check.tables[command].items()
               if (not only or name in only) and (value.get("state", "up") == "up" or "while up" not in kind)}
    check.object(command, members, value)
    for line in check.wrong:
        print(line)
    for where in check.empty:
        print("empty:", where)
    sys.exit(bool(check.wrong))


main()
