#!/usr/bin/env python3
"""Run the shared workloads through logitlens and print wall time and memory beside the peers' figures.

    workloads.py --binary build/release/logitlens --ckpt-dir DIR [--checkpoint qwen2.5-0.5b] [--workload W1 W2 W3]
                 [--repeat 3] [--analysis] [--peer-python PYTHON]

Checkpoints have random weights and the true shapes; ../shared/bench/peers/make_checkpoint.py writes them into --ckpt-dir (it
needs numpy). With --peer-python (a Python that has torch and transformers) the peer runs here, in turn with the product,
and the ratio is of this run; otherwise the peers' stored figures are shown, and they come from another machine.

wall_s     the whole process, start to exit, files written
anon_mb    peak anonymous memory, sampled every 10 ms from /proc
Nothing here passes or fails: it prints.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "bench"


def anon_kb(pid):
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Anonymous:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def other_cpu():
    v = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return sum(v) - v[3] - v[4], sum(v)


def timed(command, env=None):
    """Wall seconds, peak anonymous MB, own CPU seconds and the others' share of the machine."""
    busy0, total0 = other_cpu()
    t0, peak = time.perf_counter(), 0
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    while p.poll() is None:
        peak = max(peak, anon_kb(p.pid))
        time.sleep(0.01)
    wall = time.perf_counter() - t0
    out = p.stdout.read().decode()
    busy1, total1 = other_cpu()
    if p.returncode:
        sys.exit(f"{command[0]} failed with {p.returncode}: {out}")
    times = os.times()
    timed.last, before = times.children_user + times.children_system, timed.last
    own = timed.last - before
    share = max(0.0, (busy1 - busy0) / os.sysconf("SC_CLK_TCK") - own) / (wall * os.cpu_count())
    return {"wall_s": wall, "anon_mb": peak / 1024, "cpu_s": own, "other_cpu": share, "out": out}


timed.last = 0.0


def experiment(checkpoint, workload, folder, analysis):
    vocab = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    work = json.loads((SHARED / "workloads" / f"{workload}.v{vocab}.json").read_text())
    prompts = [{"id": p["id"], "ids": p["tokens"], "answer_id": p["answer"]} for p in work["prompts"]]
    path = Path(folder) / f"{workload}.json"
    path.write_text(json.dumps({"models": [str(checkpoint)], "prompts": prompts,
                                "top_k": {"record": work["top_k"], "verbose": work["top_k"]}, "analysis": analysis}))
    return path


def product(binary, checkpoint, workload, analysis):
    with tempfile.TemporaryDirectory() as folder:
        spec = experiment(checkpoint, workload, folder, analysis)
        return timed([binary, "run", str(spec), "--out-dir", f"{folder}/out", "--no-index", "--quiet"])


def peer(python, checkpoint, workload):
    vocab = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    with tempfile.TemporaryDirectory() as folder:
        r = timed([python, str(SHARED / "peers" / "hf.py"), "--dir", str(checkpoint), "--out", folder, "--variant", "fp32:stack",
                   "--workload", str(SHARED / "workloads" / f"{workload}.v{vocab}.json")])
    line = [x for x in r["out"].splitlines() if x.startswith("RESULT ")]
    if line:
        r["run_s"] = json.loads(line[-1][7:]).get("run_s")
    return r


def stored(checkpoint, workload):
    rows = {}
    for line in (SHARED / "peers" / "results.jsonl").read_text().splitlines():
        d = json.loads(line)
        if d.get("checkpoint") == checkpoint and d.get("workload") == workload and "wall_s" in d:
            rows.setdefault(d["peer"], []).append(d)
    return rows


def median(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    return statistics.median(values) if values else float("nan")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default=str(ROOT / "build" / "release" / "logitlens"))
    ap.add_argument("--ckpt-dir", default=os.environ.get("LENS_CKPT_DIR", "ckpt"))
    ap.add_argument("--checkpoint", default="qwen2.5-0.5b")
    ap.add_argument("--workload", nargs="+", default=["W1", "W2", "W3"])
    ap.add_argument("--repeat", type=int, default=3)
    ap.add_argument("--analysis", action="store_true", help="with the last position's analysis, which no peer computes")
    ap.add_argument("--peer-python")
    a = ap.parse_args()
    if not SHARED.is_dir():
        sys.exit("skipped: no shared folder")
    checkpoint = Path(a.ckpt_dir) / a.checkpoint
    if not checkpoint.is_dir():
        sys.exit(f"no {checkpoint}: make it with {SHARED / 'peers' / 'make_checkpoint.py'} --out {a.ckpt_dir} {a.checkpoint}")
    for workload in a.workload:
        ours, theirs = [], []
        for _ in range(a.repeat):
            ours.append(product(a.binary, checkpoint, workload, a.analysis))
            if a.peer_python:
                theirs.append(peer(a.peer_python, checkpoint, workload))
        wall = median(ours, "wall_s")
        print(f"\n{a.checkpoint} {workload}, median of {a.repeat}")
        print(f"  {'logitlens':34} wall {wall:7.2f} s  cpu {median(ours, 'cpu_s'):7.2f} s  anon {median(ours, 'anon_mb'):7.0f} MB  other load {median(ours, 'other_cpu'):.2f}")
        if theirs:
            print(f"  {'transformers float32, here':34} wall {median(theirs, 'wall_s'):7.2f} s  run {median(theirs, 'run_s'):7.2f} s  anon {median(theirs, 'anon_mb'):7.0f} MB"
                  f"  other load {median(theirs, 'other_cpu'):.2f}")
            print(f"  {'ratio logitlens process / theirs':34} of process {wall / median(theirs, 'wall_s'):.3f}, of run alone {wall / median(theirs, 'run_s'):.3f}")
        for name, rows in sorted(stored(a.checkpoint, workload).items(), key=lambda kv: median(kv[1], "wall_s")):
            print(f"  {name + ' (stored)':34} wall {median(rows, 'wall_s'):7.2f} s  run {median(rows, 'run_s'):7.2f} s  anon {median(rows, 'peak_anon_mb'):7.0f} MB"
                  f"  ratio {wall / median(rows, 'wall_s'):.3f} / {wall / median(rows, 'run_s'):.3f}")


if __name__ == "__main__":
    main()
