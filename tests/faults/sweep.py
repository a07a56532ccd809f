#!/usr/bin/env python3
"""A command with one allocation failing, for many of its allocations (out_of_memory.c is preloaded): each run either says
why it failed, in one line and with an exit code that is not 0, or gives what an undisturbed run gives.

    sweep.py [--points N] [--sticky] [--every] LIBRARY -- COMMAND...

{out} in the command is a fresh folder for each run; {copy:PATH} is a fresh copy of PATH. Files left there are compared where
the exit code is 0. Lines that hold seconds, bytes of memory or dates differ between any two runs: they are left out."""

import argparse, os, re, shutil, signal, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

VARIES = re.compile(rb'_s"|Run of \d{4}|seconds|peak|rss|_bytes"|"(date|time|started|finished|created|utc|host|command|argv|sha256|folder|size)|/tmp/|\d\.\d+ s\b|\d MB|available \d')
REASON = b"logitlens: "


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            rel = os.path.relpath(path, folder)
            if os.path.islink(path) or name == ".started" or name.startswith("timestamp-") or name.endswith((".sqlite", ".sqlite-wal", ".sqlite-shm")):
                continue
            with open(path, "rb") as f:
                found[re.sub(r"\d{4}-\d\d-\d\d[^/]*", "DATE", rel)] = clean(f.read())
    return found


def clean(text):
    return [line for line in text.split(b"\n") if not VARIES.search(line)]


class Sweep:
    def __init__(self, args):
        self.args = args
        self.base = tempfile.mkdtemp(prefix="oom")

    def run(self, name, env):
        out = os.path.join(self.base, name)
        os.makedirs(out)
        command = []
        for a in self.args.command:
            for path in re.findall(r"\{copy:([^}]*)\}", a):
                copy = os.path.join(out, "copy-" + os.path.basename(path))
                (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, copy)
                a = a.replace("{copy:%s}" % path, copy)
            command.append(a.replace("{out}", out))
        try:
            p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                               env={**os.environ, "LD_PRELOAD": self.args.library, **env})
            result = p.returncode, clean(p.stdout.replace(out.encode(), b"OUT")), p.stderr, tree(out) if not p.returncode else None
        except subprocess.TimeoutExpired:
            result = "hang", [], b"", None
        shutil.rmtree(out)
        return result

    def judge(self, n, right):
        env = {"OOM_FROM" if self.args.sticky else "OOM_AT": str(n)}
        code, stdout, stderr, files = self.run("n%d" % n, env)
        lines = [line for line in stderr.split(b"\n") if line.startswith(REASON)]
        if code == "hang":
            return "does not end"
        if code < 0:
            return "killed by %s" % signal.Signals(-code).name
        if code:
            if len(lines) != 1 or len(lines[0]) <= len(REASON):
                return "exit code %d with %d lines of reason: %r" % (code, len(lines), stderr[-300:])
            return None
        if stdout != right[1]:
            a, b = next(((x, y) for x, y in zip(right[1], stdout) if x != y), (b"", b"(length)"))
            return "exit code 0, but standard output differs: %r for %r" % (b[:150], a[:150])
        for name in sorted(set(files) | set(right[3])):
            if files.get(name) != right[3].get(name):
                a, b = files.get(name), right[3].get(name)
                a, b = next(((x, y) for x, y in zip(b, a) if x != y), (b"", b"")) if a and b else (name, "missing or new")
                return "exit code 0, but %s differs: %r for %r" % (name, b[:150], a[:150])
        return None

    def sweep(self):
        counter = os.path.join(self.base, "count")
        right = self.run("right", {"OOM_COUNT": counter})
        if right[0]:
            sys.exit("undisturbed run: exit code %s: %s" % (right[0], right[2].decode(errors="replace")))
        with open(counter) as f:
            total = int(f.read())
        step = 1 if self.args.every else max(1, total // self.args.points)
        first = 1 + total % step // 2
        points = range(first, total + 1, step)
        bad = 0
        with ThreadPoolExecutor(self.args.jobs) as pool:
            for n, fault in zip(points, pool.map(lambda n: self.judge(n, right), points)):
                if fault:
                    bad += 1
                    print("FAIL: allocation %d of %d: %s" % (n, total, fault), flush=True)
        print("%s: %d of %d allocations failed in turn%s, %d wrong" % (" ".join(self.args.command[1:3]), len(points), total, " with all later ones" if self.args.sticky else "", bad))
        shutil.rmtree(self.base)
        return bad


def main():
    at = sys.argv.index("--")
    p = argparse.ArgumentParser()
    p.add_argument("--points", type=int, default=40)
    p.add_argument("--sticky", action="store_true")
    p.add_argument("--every", action="store_true")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("library")
    args = p.parse_args(sys.argv[1:at])
    args.command = sys.argv[at + 1:]
    sys.exit(1 if Sweep(args).sweep() else 0)


main()
