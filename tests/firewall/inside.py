# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""inside.py WAY HOOK FILE: one rule set, one way, in the lab that scripts/lab made for it. Prints one line of JSON:

    {"before": {CONNECTION: WORD}, "outcomes": {CONNECTION: WORD}, "expected": {CONNECTION: WORD}}, or {"skip": WHY}

Status: 0, or 1 with the reason on stderr.
"""
import json
import os
import shutil
import subprocess
import sys

import connections as c

HERE = os.path.dirname(os.path.realpath(__file__))
# s for which a connection that a change must not harm is watched. Without a generation (iptables-legacy), `ask` asks
# again only every second, in these labs.
WATCHED, WATCHED_WITHOUT_GENERATION = 0.3, 2.5


def shell(code, *args):
    """Bash with lib.sh and the rule set. What goes on behind it (firewalld) has neither of the pipes."""
    done = subprocess.run(["bash", "-Eeuo", "pipefail", "-c", 'source "$0"; source "$1"; shift; ' + code,
                           os.path.join(HERE, "lib.sh"), FILE, *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("%s: %s" % (code, done.stderr.strip() or "status %d" % done.returncode))
    return done.stdout


def variable(name):
    return shell('printf "%%s" "${%s-}"' % name)


def words(text):
    return dict(word.split("=") for word in text.split())


def expectations(way):
    """All passes, but for what the rule set says. What differs with ebpfnet is said there, too, with its reason. By
    *fast* no rule at FORWARD applies."""
    first, then = words(variable("expect")), words(variable("expect_changed"))
    if way != "bridge":
        first.update(words(variable("expect_ebpfnet")))
        then.update(words(variable("expect_ebpfnet_changed")))
    expected = {name: first.get(name, first.get(c.LIKE.get(name), "passes")) for name in c.FIRST}
    expected[c.NEVER_PASSES] = "silent"
    for shown, name in c.KEPT.items():
        expected[shown] = then.get(shown, "passes") if expected[name] == "passes" else "none"
    for shown, name in c.NEW.items():
        expected[shown] = then.get(shown, expected[name])
    unknown = set(first) | set(then)
    if unknown - set(expected):
        raise RuntimeError("the rule set expects something of unknown connections: %s" % ", ".join(unknown))
    for name in {"bridge": (c.NEVER_PASSES,), "router": c.NOT_BY_ROUTER}.get(way, ()):
        del expected[name]
    if way == "fast":
        expected.update((name, "passes") for name in (*c.FORWARDED, *c.KEPT, *c.NEW))
    return expected


def make_network(way, hook):
    if way in ("bridge", "router"):
        shell("network_of_" + way)
    elif os.environ.get("FIREWALL_ONE_WAY"):
        shell('network_of_ebpfnet_as_it_is "$@"', hook)
    else:
        shell('network_of_ebpfnet "$@"', way, hook)


def try_all(way, hook):
    expected = expectations(way)
    first = {name: name for name in c.FIRST if name in expected}
    if variable("rules_first"):
        shell("rules")
    make_network(way, hook)
    c.start_servers()
    before = {}
    if not variable("rules_first"):
        # without rules all passes, by every way: a network that is closed shows nothing of rules
        before = c.attempts({name: name for name in first if name != c.NEVER_PASSES}, {})
        shell("rules")
    outcomes = c.attempts(first, expected)
    kept = c.keep(expected)
    shell("change")
    seconds = WATCHED
    if way == "ask" and variable("generation") == "no":
        seconds = WATCHED_WITHOUT_GENERATION
    outcomes.update(c.outcomes_of_kept(kept, expected, 0 if way in ("bridge", "router") else seconds))
    outcomes.update(c.attempts(c.NEW, expected))
    return {"before": before, "outcomes": outcomes, "expected": expected}


def lacking():
    """What the rule set needs and this machine or this kernel has not, or nothing."""
    for command in variable("needs").split():
        if not shutil.which(command):
            return "there is no " + command
    try:
        shell("! declare -F available > /dev/null || available")
    except RuntimeError as e:
        return str(e).split("\n", maxsplit=1)[0]
    return None


def main():
    way, hook = sys.argv[1:3]
    try:
        why = lacking()
        result = {"skip": why} if why else try_all(way, hook)
    except RuntimeError as e:
        sys.exit(str(e))
    print(json.dumps(result))


FILE = sys.argv[3]
if __name__ == "__main__":
    main()
