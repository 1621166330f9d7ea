# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What was measured, as tables, JSON, CSV and plots."""
import csv
import json
import os
import statistics
import subprocess

COLUMNS = ["rate", "cpu_ns", "p50_ns", "p99_ns", "p999_ns"]
UNITS = {"rr": "/s", "crr": "/s", "udp_rr": "/s", "udp_pps": "/s", "stream": "B/s", "stream8": "B/s"}
FLOORS = ["redirect", "direct"]


def short(number, unit=""):
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {letter}{unit}"
    return f"{number:.3g} {unit}"


class Results:
    """Samples by (path, figure) and contender, in the order in which they came."""

    def __init__(self):
        self.samples = {}

    def add(self, path, figure, name, sample):
        self.samples.setdefault((path, figure), {}).setdefault(name, []).append(sample)

    def values(self, key, name, column):
        return [s[column] for s in self.samples[key][name] if s.get(column)]

    def median(self, key, name, column):
        values = self.values(key, name, column)
        return statistics.median(values) if values else 0

    def spread(self, key, name):
        """Half of what lies between the quartiles, as a part of the median."""
        values = self.values(key, name, "rate")
        if len(values) < 2:
            return 0
        low, _, high = statistics.quantiles(values, n=4)
        return (high - low) / 2 / statistics.median(values)

    def ratio(self, key, name, other, column="rate"):
        """The median of the ratios of neighbours in time: what disturbs one disturbs the other."""
        pairs = [a[column] / b[column] for a, b in zip(self.samples[key][name], self.samples[key].get(other, []))
                 if a.get(column) and b.get(column)]
        return statistics.median(pairs) if pairs else None

    def rows(self):
        for key, by_name in self.samples.items():
            names = list(by_name)
            floor = next((f for f in FLOORS if f in names), None)
            for name in names:
                yield {
                    "path": key[0], "figure": key[1], "contender": name,
                    **{column: round(self.median(key, name, column), 1) for column in COLUMNS},
                    "spread": round(self.spread(key, name), 4),
                    "vs_baseline": self.ratio(key, name, names[0]),
                    "vs_floor": self.ratio(key, name, floor) if floor else None,
                    "cpu_vs_baseline": self.ratio(key, name, names[0], "cpu_ns"),
                    "samples": len(self.values(key, name, "rate")),
                }

    def print(self, out):
        last = None
        for row in self.rows():
            head = (row["path"], row["figure"])
            if head != last:
                print(f"\n{row['path']} {row['figure']:<14}{'median':>12} {'+-':>4}   x base  x floor   CPU x base"
                      f"{'p50 us':>9}{'p99':>8}{'p99.9':>8}", file=out)
            last = head
            unit = UNITS[row["figure"]]
            cells = [f"{row[c]:8.2f}" if row[c] else " " * 8 for c in ("vs_baseline", "vs_floor", "cpu_vs_baseline")]
            latency = [f"{row[c] / 1e3:8.1f}" if row[c] else "" for c in ("p50_ns", "p99_ns", "p999_ns")]
            print(f"  {row['contender']:<18}{short(row['rate'], unit):>12} {row['spread'] * 100:3.0f}% "
                  f"{cells[0]} {cells[1]}     {cells[2]} {''.join(latency)}", file=out)

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        rows = list(self.rows())
        with open(f"{folder}/results.json", "w") as f:
            json.dump({"kernel": os.uname().release, "cpus": os.cpu_count(), "rows": rows}, f, indent=1)
        with open(f"{folder}/results.csv", "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0])
            writer.writeheader()
            writer.writerows(rows)
