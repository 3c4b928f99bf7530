#!/usr/bin/env python3
"""Limen against PyTorch on the same GAN: one table, measured in one go.

usage: tests/bench/compare.py LIMEN_CLI [--rounds N] [--threads 1,2] [--out FILE.json]

Runs `limen-cli bench gan` and tests/bench/torch_gan.py in turn, so that a slow minute of the machine
hits both, at each number of threads; a figure is the best over the rounds (each of them a median).
PyTorch is run in both memory layouts in the first round and in the faster one after that. "best" is
the best over the numbers of threads, of each program for itself. A ratio above 1: Limen is faster.
"""
import argparse
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = [("generator forward, batch 1", ("generator_forward_ms", "1")),
        ("generator forward, batch 16", ("generator_forward_ms", "16")),
        ("generator forward, batch 64", ("generator_forward_ms", "64")),
        ("discriminator step, batch 64", ("discriminator_step_ms",)),
        ("generator step, batch 64", ("generator_step_ms",))]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    return json.loads(done.stdout)


def pick(result, path):
    for key in path:
        result = result[key]
    return result


def total(result):
    return sum(pick(result, path) for _, path in ROWS)


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def measure(args):
    """{"limen": {threads: [results]}, "torch": {...}}"""
    torch = ["/usr/bin/python3", os.path.join(HERE, "torch_gan.py"), "--repeats", "3"]
    runs = {"limen": {t: [] for t in args.threads}, "torch": {t: [] for t in args.threads}}
    layouts = {t: ["nchw", "channels_last"] for t in args.threads}
    for r in range(args.rounds):
        for t in args.threads:
            print(f"round {r + 1} of {args.rounds}, {t} thread{'s' * (t > 1)} ...", file=sys.stderr)
            runs["limen"][t].append(run([args.limen, "bench", "gan", "--json", "--quiet",
                                         "--threads", str(t)]))
            new = [run(torch + ["--threads", str(t), "--layout", layout]) for layout in layouts[t]]
            runs["torch"][t] += new
            layouts[t] = [min(new, key=total)["layout"]]
    return runs


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("limen", metavar="LIMEN_CLI", help="the program to measure")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--threads", type=lambda s: [int(t) for t in s.split(",")],
                   default=sorted({1, min(2, len(os.sched_getaffinity(0)))}))
    p.add_argument("--out", help="also write everything that was measured to this JSON file")
    args = p.parse_args()

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"The load is {load:.1f}: other programs disturb the figures, above all those with "
              "several threads.", file=sys.stderr)
    runs = measure(args)
    best = {who: {t: {name: min(pick(r, path) for r in runs[who][t]) for name, path in ROWS}
                  for t in args.threads} for who in runs}

    first = runs["limen"][args.threads[0]][0]
    print(f"{processor()}, {len(os.sched_getaffinity(0))} processors, load {load:.1f} at the start; "
          f"kernels {first['kernels']}, PyTorch {runs['torch'][args.threads[0]][0]['version']}")
    columns = [str(t) for t in args.threads] + ["best"]
    head = f"{'milliseconds; threads:':30}"
    for who in ("PyTorch", "Limen", "ratio"):
        head += " |" + "".join(f"{(who + ' ' + c if c == columns[0] else c):>12}" for c in columns)
    print(head)
    table = []
    for name, _ in ROWS:
        values = {who: [best[who][t][name] for t in args.threads] for who in best}
        for who in values:
            values[who].append(min(values[who]))
        ratios = [a / b for a, b in zip(values["torch"], values["limen"])]
        print(f"{name:30}" + "".join(" |" + "".join(f"{v:12.{d}f}" for v in vs) for vs, d in (
            (values["torch"], 1), (values["limen"], 1), (ratios, 2))))
        table.append({"what": name, "torch_ms": dict(zip(columns, values["torch"])),
                      "limen_ms": dict(zip(columns, values["limen"])),
                      "ratio": dict(zip(columns, [round(r, 3) for r in ratios]))})
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump({"command": "tests/bench/compare.py --rounds %d --threads %s" % (
                           args.rounds, ",".join(map(str, args.threads))),
                       "processor": processor(), "load_at_start": load, "table": table,
                       "runs": runs}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
