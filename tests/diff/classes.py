# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Differences and their classes; the file `explained`, which says which are as they should be."""
import os
import re
from collections import Counter, namedtuple

EXPLAINED = os.path.join(os.path.dirname(os.path.realpath(__file__)), "explained")

# What was sent, what came out of netfilter's lab and not of ours, and the other way round.
Class = namedtuple("Class", "kind netfilter ours")


def key(item):
    shape, fields, _ = item
    return repr((shape, sorted(fields.items())))


def unlike(left, right):
    """What of each has no equal in the other."""
    a, b = Counter(map(key, left)), Counter(map(key, right))
    both = a & b
    rests = []
    for items in left, right:
        seen, rest = Counter(), []
        for item in sorted(items, key=key):
            seen[key(item)] += 1
            if seen[key(item)] > both[key(item)]:
                rest.append(item)
        rests.append(rest)
    return rests


def role(shape, origin):
    """Where it came out, seen from where the packet came from."""
    place, what = shape.split(" ", 1)
    if place == origin:
        return "back " + what
    return shape if place == "lan" else "ns " + what


def misdelivered(left, right):
    """The same, in another place."""
    return len(left) == 1 and len(right) == 1 and left[0][0] != right[0][0] and \
        left[0][0].split()[1:] == right[0][0].split()[1:]


def differing(a, b):
    """The names of the fields in which two packets differ."""
    return sorted(name for name in {**a, **b} if a.get(name) != b.get(name))


def told(name, value):
    """A field that differs; of some the value in our lab, too."""
    return "%s=%s" % (name, value) if name in ("src", "ttl", "tos", "vlan") else name


def classify(record, left, right):
    """The class of a difference; None if there is none."""
    left, right = unlike(left, right)
    if not left and not right:
        return None
    origin = record["in"][0][0]
    fields = set()
    for a, b in zip(left, right):
        if a[0] == b[0]:
            fields |= {told(name, b[1].get(name)) for name in differing(a[1], b[1])}
    words = [", ".join(sorted(role(shape, origin) for shape, _, _ in side)) or "-"
             for side in (left, right)]
    if misdelivered(left, right):
        fields.add("place")
    if fields:
        words[1] += ": " + ", ".join(sorted(fields))
    return Class(record["kind"], *words)


class Line:
    """A line of `explained`: numbers of requirements | kind | netfilter | ours | why, where the three
    in the middle are regular expressions. A + before the numbers: the rest of such a session may differ
    too, as one of the labs knows a flow that the other does not. BUG: it is one."""

    def __init__(self, number, text):
        self.number, self.text = number, text
        self.reqs, kind, netfilter, ours, self.why = [part.strip() for part in text.split(" | ")]
        self.infects = self.reqs.startswith("+")
        self.reqs = self.reqs.lstrip("+")
        self.match = [re.compile(part) for part in (kind, netfilter, ours)]
        self.count = self.following = 0
        self.classes = Counter()

    def explains(self, cls):
        return all(regex.fullmatch(word) for regex, word in zip(self.match, cls))


class Explained:
    def __init__(self, path=EXPLAINED):
        with open(path, encoding="utf-8") as text:
            self.lines = [Line(n, line.rstrip("\n")) for n, line in enumerate(text, 1)
                          if line.strip() and not line.startswith("#")]
        self.known = {}
        self.infected = {}  # session: the line that is to blame

    def forget_sessions(self):
        self.infected = {}

    def explain(self, cls, session):
        """The line, counted; None."""
        if cls not in self.known:
            self.known[cls] = next((line for line in self.lines if line.explains(cls)), None)
        line = self.known[cls]
        if line:
            line.count += 1
            line.classes[cls] += 1
            if line.infects:
                self.infected.setdefault(session, line)
            return line
        line = self.infected.get(session)
        if line:
            line.following += 1
        return line
