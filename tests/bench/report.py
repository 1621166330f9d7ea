#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""tests/bench/report.py [--publish DIR] [RESULTS.json]

Print the results of tests/bench/run (build/bench/results/results.json) as tables, and write plots beside the
file. With --publish, copy results.json, results.csv and the plots to DIR (docs/bench), and update the table in
the README.
"""
import argparse
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

TOP = os.path.realpath(os.path.dirname(__file__) + "/../..")

COLUMNS = ["rate", "cpu_ns", "p50_ns", "p99_ns", "p999_ns", "offered"]

# Figure -> unit of its rate, and its name in plots.
FIGURES = {
    "rr": ("/s", "TCP request/response"), "crr": ("/s", "TCP connections"),
    "udp_rr": ("/s", "UDP request/response"), "udp_pps": ("/s", "UDP packets"),
    "stream": ("B/s", "TCP stream"), "stream8": ("B/s", "8 TCP streams"),
    "socket": ("/s", "delivered to a socket"), "veth": ("/s", "delivered to ns1's device"),
    "drop": ("/s", "dropped at the uplink"),
}
# Path -> floors; the first one measured is used. On paths of one hop `redirect` is no floor: it has a cost itself.
FLOORS = {
    "switch": ["direct"], "host": ["direct"], "masquerade": ["redirect", "direct"],
    "publish": ["redirect", "direct"], "flood": ["redirect", "xdp_drop"],
}

# Contender -> its name in plots and its colour, visible on white and on black.
CONTENDERS = {
    "bridge": ("bridge", "#8b949e"), "iptables": ("bridge + iptables", "#a1887f"),
    "br_netfilter": ("iptables + br_netfilter", "#c08552"), "nft": ("bridge + nft", "#d9a441"),
    "iptables_1000": ("iptables, 1,000 ports", "#c08552"), "iptables_10000": ("iptables, 10,000 ports", "#7d5a4f"),
    "raw_drop": ("iptables raw PREROUTING", "#8b949e"), "input_drop": ("iptables INPUT", "#c08552"),
    "ingress_drop": ("nft ingress", "#b5b04a"),
    "direct": ("bare veth (floor)", "#4caf7a"), "redirect": ("bare redirect (floor)", "#7fb85c"),
    "tc_drop": ("bare TC drop (floor)", "#4caf7a"), "xdp_drop": ("bare XDP drop (floor)", "#2a9d8f"),
    "tcx": ("ebpfnet, TCX", "#2f81f7"), "clsact": ("ebpfnet, clsact", "#8a63d2"), "xdp": ("ebpfnet --xdp", "#d6336c"),
    "tcx_10000": ("ebpfnet, 10,000 ports", "#8a63d2"),
    "bridge_rules": ("bridge + nft", "#d9a441"), "fast_rules": ("fast", "#4caf7a"),
    "ask_rules": ("ask", "#2f81f7"), "stack_rules": ("stack", "#8a63d2"),
    "bridge_100_rules": ("bridge + nft, 100 rules", "#d9a441"), "fast_100_rules": ("fast, 100 rules", "#4caf7a"),
    "ask_100_rules": ("ask, 100 rules", "#2f81f7"), "stack_100_rules": ("stack, 100 rules", "#8a63d2"),
}
TEXT = "#777777"  # visible on white and on black

PLOT = """
set terminal svg noenhanced size 1000,440 font "sans-serif,13"
set output "{file}"
set title "{path}: rate, {baseline} = 1; medians of {samples}" textcolor rgb "{text}"
set border 3 linecolor rgb "{text}"
set key outside bottom center horizontal textcolor rgb "{text}"
set xlabel " "
set xtics nomirror scale 0 textcolor rgb "{text}" ({tics})
set ytics nomirror textcolor rgb "{text}"
set grid ytics linecolor rgb "{text}" linetype 1 linewidth 0.25
set style fill solid noborder
set xrange [-1:{right}]
set yrange [0:{top}]
set arrow from -1,1 to {right},1 nohead linecolor rgb "{text}" dashtype 2
plot {plots}
"""


def short(number, unit=""):
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {letter}{unit}"
    return f"{number:.3g} {unit}"


class Results:
    """Samples by (path, figure) and contender, in order of time. The first contender is the baseline."""

    def __init__(self, plan):
        self.samples = {(path, figure): {name: [] for name in names} for path, figure, names in plan}

    def add(self, path, figure, name, sample):
        self.samples[path, figure][name].append(sample)

    def values(self, key, name, column):
        return [s[column] for s in self.samples[key][name] if s.get(column)]

    def median(self, key, name, column):
        values = self.values(key, name, column)
        return statistics.median(values) if values else 0

    def spread(self, key, name):
        """Half of the interquartile range, relative to the median."""
        values = self.values(key, name, "rate")
        if len(values) < 2:
            return 0
        low, _, high = statistics.quantiles(values, n=4)
        return (high - low) / 2 / statistics.median(values)

    def ratio(self, key, name, other, column="rate"):
        """The median of the ratios of samples adjacent in time, which the same load disturbs."""
        pairs = [a[column] / b[column] for a, b in zip(self.samples[key][name], self.samples[key].get(other, []))
                 if a.get(column) and b.get(column)]
        return statistics.median(pairs) if pairs else None

    def rows(self):
        for key, by_name in self.samples.items():
            names = list(by_name)
            floor = next((f for f in FLOORS.get(key[0], []) if f in names), None)
            for name in names:
                yield {
                    "path": key[0], "figure": key[1], "contender": name,
                    **{column: round(self.median(key, name, column), 4) for column in COLUMNS},
                    "spread": round(self.spread(key, name), 4),
                    "vs_baseline": self.ratio(key, name, names[0]),
                    "vs_floor": self.ratio(key, name, floor) if floor else None,
                    "cpu_vs_baseline": self.ratio(key, name, names[0], "cpu_ns"),
                    "samples": len(self.values(key, name, "rate")),
                }

    def write(self, folder):
        """Write results.json and results.csv. Returns the rows."""
        os.makedirs(folder, exist_ok=True)
        rows = list(self.rows())
        with open(f"{folder}/results.json", "w") as f:
            json.dump({"kernel": os.uname().release, "cpus": os.cpu_count(), "rows": rows}, f, indent=1)
        with open(f"{folder}/results.csv", "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return rows


def tables(rows, out):
    """Print a table for each figure. A flood has the CPU time of each packet instead of latencies."""
    last = None
    for row in rows:
        head = (row["path"], row["figure"])
        flood = row["path"] == "flood"
        more = "CPU x base" + ("  ns/packet     offered" if flood else "   p50 us     p99   p99.9")
        if head != last:
            print(f"\n{row['path']} {row['figure']:<{19 - len(row['path'])}}"
                  f"{'median':>13} {'+-':>4}   x base  x floor   {more}", file=out)
        last = head
        cells = [f"{row[c]:8.2f}" if row[c] else " " * 8 for c in ("vs_baseline", "vs_floor", "cpu_vs_baseline")]
        latency = [f"{row[c] / 1e3:8.1f}" if row[c] else "" for c in ("p50_ns", "p99_ns", "p999_ns")]
        if flood:
            latency = [f"  {row['cpu_ns']:9.0f} {short(row['offered'], '/s'):>11}"]
        print(f"  {row['contender']:<18}{short(row['rate'], FIGURES[row['figure']][0]):>12} {row['spread'] * 100:3.0f}% "
              f"{cells[0]} {cells[1]}     {cells[2]} {''.join(latency)}".rstrip(), file=out)


# ---- plots


def bars(rows):
    """Place the bars, figure by figure: a list of (x, row), and the middle of each figure."""
    x, placed, middles = 0, [], {}
    for figure in dict.fromkeys(r["figure"] for r in rows):
        group = [r for r in rows if r["figure"] == figure]
        placed += [(x + i, r) for i, r in enumerate(group)]
        middles[figure] = x + (len(group) - 1) / 2
        x += len(group) + 1.5
    return placed, middles


def script(path, rows, file):
    """The gnuplot script: one plot for each contender, for the key, and one for the values above the bars."""
    placed, middles = bars(rows)
    firsts = dict.fromkeys(next(r["contender"] for r in rows if r["figure"] == figure) for figure in middles)
    blocks, plots = [], []
    for n, name in enumerate(dict.fromkeys(r["contender"] for r in rows)):
        title, colour = CONTENDERS.get(name, (name, TEXT))
        data = "\n".join(f"{x} {r['vs_baseline']:.4f}" for x, r in placed if r["contender"] == name)
        blocks.append(f"$bar{n} << END\n{data}\nEND\n")
        plots.append(f'$bar{n} using 1:2:(0.92) with boxes linecolor rgb "{colour}" title "{title}"')
    data = "\n".join(f"{x} {r['vs_baseline']:.4f} {r['vs_baseline']:.2f}" for x, r in placed)
    blocks.append(f"$values << END\n{data}\nEND\n")
    plots.append(f'$values using 1:2:3 with labels rotate left offset 0,0.4 font ",10" textcolor rgb "{TEXT}" notitle')
    return "".join(blocks) + PLOT.format(
        file=file, path=path, text=TEXT, samples=max(r["samples"] for r in rows), right=placed[-1][0] + 1,
        baseline=" and ".join(CONTENDERS.get(name, (name,))[0] for name in firsts),
        tics=", ".join(f'"{FIGURES[figure][1]}" {x}' for figure, x in middles.items()),
        top=1.2 * max(r["vs_baseline"] for r in rows), plots=", ".join(plots))


def plot(rows, folder):
    """Write an SVG for each path: ratios to the baseline."""
    if not shutil.which("gnuplot"):
        return print("bench: no plots without gnuplot (`scripts/install-deps bench` installs it)", file=sys.stderr)
    rows = [r for r in rows if r["vs_baseline"]]
    for path in dict.fromkeys(r["path"] for r in rows):
        text = script(path, [r for r in rows if r["path"] == path], f"{folder}/{path}.svg")
        subprocess.run(["gnuplot"], input=text, text=True, check=True)


def publish(rows, folder, target):
    os.makedirs(target, exist_ok=True)
    names = ["results.json", "results.csv"] + [f"{path}.svg" for path in dict.fromkeys(r["path"] for r in rows)]
    for name in names:
        if os.path.exists(f"{folder}/{name}"):
            shutil.copy(f"{folder}/{name}", target)


# ---- the README's table

PATH_NAMES = {
    "switch": "namespace - namespace", "masquerade": "namespace - outside", "publish": "outside - published port",
    "host": "host - namespace", "many-ports": "one of 10,000 published ports",
}
FIGURES_OF_README = ["rr", "crr", "udp_rr", "udp_pps", "stream"]


def cell(rows, path, figure):
    """Ratio to the baseline and, in parentheses, to the floor."""
    ours = next((r for r in rows if (r["path"], r["figure"]) == (path, figure)
                 and r["contender"] == ("tcx_10000" if path == "many-ports" else "tcx")), None)
    if not ours or not ours["vs_baseline"]:
        return ""
    base = next(r for r in rows if r["path"] == path and r["contender"] == "iptables_10000") \
        if path == "many-ports" else None
    ratio = ours["rate"] / base["rate"] if base else ours["vs_baseline"]
    floor = f" ({ours['vs_floor']:.2f})" if ours["vs_floor"] else ""
    return f"{ratio:.2f}{floor}"


def markdown(rows):
    head = ["ebpfnet, times", "the rate of"] + [FIGURES[f][1] for f in FIGURES_OF_README]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for path, name in PATH_NAMES.items():
        of = "iptables_10000" if path == "many-ports" else next(r["contender"] for r in rows if r["path"] == path)
        cells = [name, CONTENDERS[of][0]] + [cell(rows, path, f) for f in FIGURES_OF_README]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def put_in_readme(maker, table, file=f"{TOP}/README.md"):
    """Replace the table that the README has of this maker, the path of a script."""
    with open(file) as f:
        text = f.read()
    begin, end = f"<!-- of {maker} -->\n", "<!-- end -->"
    text, found = re.subn(f"{begin}.*?{end}", lambda _: begin + table + "\n" + end, text, flags=re.S)
    if found != 1:
        sys.exit(f"{file} should contain one table after {begin.strip()}")
    with open(file, "w") as f:
        f.write(text)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--publish", metavar="DIR")
    args.add_argument("results", nargs="?", default=f"{TOP}/build/bench/results/results.json")
    args = args.parse_args()

    with open(args.results) as f:
        rows = json.load(f)["rows"]
    folder = os.path.dirname(os.path.realpath(args.results))
    tables(rows, sys.stdout)
    plot(rows, folder)
    if args.publish:
        publish(rows, folder, args.publish)
        put_in_readme("tests/bench/report.py", markdown(rows))


if __name__ == "__main__":
    main()
