#!/usr/bin/env python3
"""Reads one file of flat spans with halo and with DuckDB in turn, and prints the medians side by side.

  beside_duckdb.py FILE [--halo target/release/halo] [--runs 5] [--threads 2]
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DUCKDB = """
import duckdb, sys
source, target, threads = sys.argv[1:4]
con = duckdb.connect()
con.execute(f"set threads={threads}; set preserve_insertion_order=false")
columns = "{trace_id:'VARCHAR',span_id:'VARCHAR',parent_span_id:'VARCHAR',trace_state:'VARCHAR',name:'VARCHAR',kind:'VARCHAR'," \\
    "start_time:'VARCHAR',end_time:'VARCHAR',status:'JSON',resource:'JSON',scope:'JSON',attributes:'JSON'}"
con.execute(f"copy (select * from read_json('{source}', format='newline_delimited', maximum_object_size=300000000, columns={columns})) "
            f"to '{target}' (format parquet, compression zstd)")
"""


def run(command):
    """Wall seconds and peak memory in MB of one process."""
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed: {error.decode(errors='replace')[-2000:]}")
    return time.time() - started, usage.ru_maxrss / 1024


def size(path):
    """Bytes below a file or folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--halo", default="target/release/halo")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    megabytes = os.path.getsize(args.file) / 1e6
    results = {"halo": [], "duckdb": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.runs):
            target = os.path.join(folder, "halo")
            seconds, memory = run([args.halo, "ingest", args.file, "-o", target, "--threads", str(args.threads), "--quiet"])
            results["halo"].append((seconds, memory, size(target)))
            shutil.rmtree(target)
            target = os.path.join(folder, "duckdb.parquet")
            seconds, memory = run([sys.executable, "-c", DUCKDB, args.file, target, str(args.threads)])
            results["duckdb"].append((seconds, memory, size(target)))
            os.remove(target)
    for name, runs in results.items():
        seconds = statistics.median(run[0] for run in runs)
        print(f"{name:8} {seconds:6.2f} s {megabytes / seconds:6.0f} MB/s  peak {max(run[1] for run in runs):5.0f} MB  "
              f"wrote {runs[0][2] / 1e6:6.1f} MB  (all: {', '.join(f'{run[0]:.2f}' for run in runs)})")


if __name__ == "__main__":
    main()
