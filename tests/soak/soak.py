#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""soak.py --seconds N [--flows N] [--hook tcx|clsact] [--seed N]: on a simulated host (scripts/lab), 20 namespaces and
two clients outside, commands of all kinds, addresses that change and floods, for that long. Every map is checked against
every other while it goes on, and when all is idle. At last nothing may be left after `down`.

Prints each violation; exits with 1 if there is any."""
import argparse
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import invariants  # noqa: E402
import load  # noqa: E402
import maps  # noqa: E402

NAMESPACES = [f"n{number}" for number in range(20)]
ROUTER = "172.31.0.1"
SNAPSHOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib/snapshot")
SHORT_TIMEOUTS = {"timeout-udp-unreplied": 2, "timeout-udp": 4, "timeout-icmp": 2, "timeout-tcp-half-open": 3,
                  "timeout-tcp": 20, "timeout-tcp-closing": 2, "timeout-tcp-reset": 1, "timeout-other": 2,
                  "hold-down": 3}
SETTINGS = ("filtering port", "filtering address", "filtering endpoint", "ports 1024-65535", "ports 20000-20400",
            "ports 30000-60999", "flows-per-namespace 100", "flows-per-namespace 2048", "ports-per-namespace 60",
            "ports-per-namespace 2048", "hold-down 0", "hold-down 3")
# What a command may be refused for here; anything else is a violation.
REFUSALS = ("is published", "published already", "is not an address of this host", "is bound to", "was deleted externally",
            "no namespace", "attached already", "are in use")


def run(*args):
    return subprocess.run(args, capture_output=True, text=True)


class Soak:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.violations, self.checks, self.commands, self.refused = [], 0, 0, 0
        self.extra, self.guests, self.address = [], [], 0

    def violation(self, text):
        self.violations.append(text)
        print("VIOLATION", text, flush=True)

    # ---- commands

    def ebpfnet(self, *args):
        done = run("ebpfnet", *args)
        self.commands += 1
        if done.returncode not in (0, 1) or (done.returncode and len(done.stderr.splitlines()) != 1):
            self.violation(f"`ebpfnet {' '.join(args)}`: status {done.returncode}, {done.stderr!r}")
        elif done.returncode:
            self.refused += 1
            if not any(text in done.stderr for text in REFUSALS):
                self.violation(f"`ebpfnet {' '.join(args)}` is refused: {done.stderr.strip()}")
        return done

    def add_or_delete(self):
        name = f"x{self.random.randrange(10)}"
        if name in self.extra:
            self.ebpfnet("ns", "del", name)
            self.extra.remove(name)
        elif self.ebpfnet("ns", "add", name).returncode == 0:
            self.extra.append(name)

    def expose(self):
        first = self.random.choice(load.PUBLISHED)
        last = first + self.random.choice((0, 0, 1, 5, 20))
        self.ebpfnet("expose", self.random.choice(NAMESPACES),
                     self.random.choice(("", "", load.HOSTS[0] + ":")) + (f"{first}-{last}" if last > first else f"{first}") +
                     ":3000/" + self.random.choice(("tcp", "udp")))

    def unexpose(self):
        self.ebpfnet("unexpose", self.random.choice(NAMESPACES))

    def attach(self):
        guest = subprocess.Popen(("unshare", "-n", "sh", "-c", "echo; exec sleep 600"), stdout=subprocess.PIPE)
        guest.stdout.readline()  # it is in its namespace
        name = f"g{self.commands}"
        if self.ebpfnet("attach", str(guest.pid), "--name", name).returncode:
            self.end(guest)
        else:
            self.guests.append((name, guest))
        if len(self.guests) > 4:
            self.detach(*self.guests.pop(0))

    @staticmethod
    def end(guest):
        guest.kill()
        guest.wait()
        guest.stdout.close()

    def detach(self, name, guest):
        if self.random.random() < .5:  # a namespace that ends before it is detached
            self.end(guest)
        self.ebpfnet("detach", name)
        self.end(guest)

    def set(self):
        self.ebpfnet("set", *self.random.choice(SETTINGS).split())

    def up(self):
        self.ebpfnet("up")

    def look(self):
        self.ebpfnet(*self.random.choice(("flows", "fdb", "stats", "exposed", "ns list")).split())

    # ---- the host

    @staticmethod
    def default_route():
        run("ip", "route", "replace", "default", "via", ROUTER, "dev", "eth0")

    def change_address(self):
        old, self.address = load.HOSTS[self.address], 1 - self.address
        run("ip", "address", "add", f"{load.HOSTS[self.address]}/20", "brd", "+", "dev", "eth0")
        run("ip", "address", "del", f"{old}/20", "dev", "eth0")
        # the last primary address takes its secondaries along
        run("ip", "address", "add", f"{load.HOSTS[self.address]}/20", "brd", "+", "dev", "eth0")
        self.default_route()

    def link_down_and_up(self):
        run("ip", "link", "set", "eth0", "down")
        run("ip", "link", "set", "eth0", "up")
        self.default_route()

    # ---- checks

    @staticmethod
    def silence(option):
        for name in NAMESPACES + ["internet"]:
            run("nsenter", f"--net=/run/netns/{name}", "iptables", "-w", option, "OUTPUT", "-j", "DROP")

    def check(self, when):
        """Compares maps that did not change while they were read. TCP sends again though its process is stopped."""
        self.silence("-I")
        for _ in range(10):
            time.sleep(.3)
            wrong, m = invariants.check()
            if m.quiet:
                break
        else:
            wrong = ["the maps never came to rest"]
        self.silence("-D")
        self.checks += 1
        for line in wrong:
            self.violation(f"{when}: {line}")
        return m

    def check_memory(self, before):
        after = maps.pinned()
        if set(after) != set(before):
            self.violation(f"pinned maps were made again: {set(after) ^ set(before)}")
        for number in set(after) & set(before):
            name, size = after[number]
            if name in maps.PREALLOCATED and size != before[number][1]:
                self.violation(f"map {name} had {before[number][1]} bytes, now {size}")

    # ---- phases

    def begin(self):
        self.before = run(SNAPSHOT).stdout
        args = [arg for name in NAMESPACES for arg in ("--ns", name)]
        done = self.ebpfnet("up", "--hook", self.options.hook, "--flows", str(self.options.flows), *args)
        if done.returncode:
            sys.exit(done.stderr)
        for key, value in SHORT_TIMEOUTS.items():
            run("ebpfnet", "set", key, str(value))  # warns that RFCs want more
        self.maps, self.programs = maps.pinned(), maps.programs()
        self.capture = subprocess.Popen(
            ("nsenter", "--net=/run/netns/isp", "tcpdump", "-i", "lan", "-n", "-l", "--immediate-mode",
             "inbound and src net 192.168.1.0/24"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.capture.stderr.readline()

    def churn(self):
        steps = ((self.add_or_delete, 15), (self.expose, 30), (self.unexpose, 20), (self.attach, 10), (self.set, 10),
                 (self.change_address, 5), (self.up, 3), (self.link_down_and_up, 2), (self.look, 5))
        traffic = load.Load(NAMESPACES)
        end, pause = time.monotonic() + self.options.seconds, min(25, self.options.seconds / 3)
        next_check = time.monotonic() + pause
        while time.monotonic() < end:
            self.random.choices([step for step, _ in steps], [share for _, share in steps])[0]()
            time.sleep(.02 + self.random.random() * .05)
            if time.monotonic() < next_check:
                continue
            traffic.pause()
            m = self.check(f"after {self.commands} commands")
            self.check_memory(self.maps)
            print(f"{self.commands} commands, {m.live} flows in {m.used} slots, {len(m.portmaps)} port mappings, "
                  f"{len(m.ports)} ports: {len(self.violations)} violations", flush=True)
            traffic.go_on()
            next_check = time.monotonic() + pause
        if traffic.died():
            self.violation("a process of the load ended: nothing was proved since")
        traffic.stop()

    def become_idle(self):
        for name, guest in self.guests:
            self.detach(name, guest)
        for name in self.extra:
            self.ebpfnet("ns", "del", name)
        for name in NAMESPACES:
            self.ebpfnet("unexpose", name)
        for setting in ("filtering port", "ports 1024-65535", "flows-per-namespace 2048", "ports-per-namespace 2048",
                        "hold-down 0"):
            self.ebpfnet("set", *setting.split())
        for key in SHORT_TIMEOUTS:
            if key.startswith("timeout"):
                run("ebpfnet", "set", key, "1")
        if self.address:
            self.change_address()
        time.sleep(3)  # all flows have expired, also those in hold-down

    def sweep(self):
        """Slots of expired flows are found by new flows, two by each; then only those of the new ones are in use."""
        new = self.options.flows // 2 // len(NAMESPACES) + 10
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        for name in NAMESPACES:
            load.enter(name)
            for _ in range(new):
                with load.socket.socket(load.socket.AF_INET, load.socket.SOCK_DGRAM) as sock:
                    sock.sendto(b"s", (load.NOBODY, 1))
        load.libc.setns(home, load.CLONE_NEWNET)
        os.close(home)
        m = self.check("idle")
        if m.live > new * len(NAMESPACES):
            self.violation(f"{m.live} flows are left, though only {new * len(NAMESPACES)} are new")
        if m.portmaps or m.tcp_ports:
            self.violation(f"idle, but there are {len(m.portmaps)} port mappings and {len(m.tcp_ports)} TCP ports in use")
        self.check_memory(self.maps)

    def end_all(self):
        self.capture.terminate()
        leaks = [line for line in self.capture.communicate()[0].splitlines() if line.strip()]
        if leaks:
            self.violation(f"{len(leaks)} packets with a private source outside, the first: {leaks[0]}")
        health = run("ebpfnet", "status")
        if health.returncode:
            self.violation("status, when all is idle: " + re.sub(r"\s+", " ", health.stdout[-300:]))
        if not self.programs <= maps.programs():  # that of lo came with the first published port
            self.violation("the programs were loaded again")
        self.programs = maps.programs()
        self.ebpfnet("down")
        after = run(SNAPSHOT).stdout
        if after != self.before:
            changed = set(after.splitlines()) ^ set(self.before.splitlines())
            self.violation("left or taken after down: " + "; ".join(sorted(changed)[:5]))
        self.check_released()

    def check_released(self):
        """The kernel frees programs and maps in workers, a moment after their last user is gone."""
        for _ in range(50):
            left = (set(self.maps) & maps.existing("map")) | (self.programs & maps.existing("prog"))
            if not left:
                return
            time.sleep(.1)
        self.violation(f"maps or programs outlive down: {sorted(left)}")

    def run(self):
        self.begin()
        self.churn()
        self.become_idle()
        self.sweep()
        self.end_all()
        print(f"{self.options.hook}: {self.commands} commands ({self.refused} refused), {self.checks} checks of all maps, "
              f"{len(self.violations)} violations")
        return bool(self.violations)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=450)
    parser.add_argument("--flows", type=int, default=4096)
    parser.add_argument("--hook", default="tcx")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(Soak(parser.parse_args()).run())


main()
