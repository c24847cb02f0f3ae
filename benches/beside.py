#!/usr/bin/env python3
"""Reads trace files with halo and with other programs in turn, and prints the medians side by side.

  beside.py FILE [--halo target/release/halo] [--runs 5] [--threads 2] [--with duckdb,halo-engine]
  beside.py FILE OTHER ...        the same spans in other encodings: halo alone, each in turn

Each run is a process of its own. `halo-engine` is HALO's Python package: what it builds is an index of offsets and roll-ups, no copy of the
data. DuckDB gets its cheapest layout: top-level keys as columns, everything nested left as JSON text, zstd Parquet.
Needs `pip install duckdb halo-engine==0.3.5` for the peers that are asked for.
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

HALO_ENGINE = """
import asyncio, sys
from pathlib import Path
from engine.traces.models.trace_index_config import TraceIndexConfig
from engine.traces.trace_index_builder import TraceIndexBuilder
asyncio.run(TraceIndexBuilder.ensure_index_exists(Path(sys.argv[1]), TraceIndexConfig(index_dir=Path(sys.argv[2]))))
"""


def run(command):
    """Wall seconds, CPU seconds and peak memory in MB of one process."""
    started = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed: {error.decode(errors='replace')[-2000:]}")
    return time.time() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def size(path):
    """Bytes below a file or folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def remove(path):
    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--halo", default="target/release/halo")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--with", dest="peers", default="duckdb,halo-engine")
    args = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "out")
        jobs = {
            f"halo {os.path.basename(file)}": (file, [args.halo, "ingest", file, "-o", target, "--threads", str(args.threads), "--quiet"])
            for file in args.files
        }
        if len(args.files) == 1:
            peers = {"duckdb": [DUCKDB, args.files[0], target, str(args.threads)], "halo-engine": [HALO_ENGINE, args.files[0], target]}
            for peer in filter(None, args.peers.split(",")):
                jobs[peer] = (args.files[0], [sys.executable, "-c", *peers[peer]])
        for _ in range(args.runs):
            for name, (file, command) in jobs.items():
                seconds, cpu, memory = run(command)
                results.setdefault(name, []).append((seconds, cpu, memory, size(target), os.path.getsize(file)))
                remove(target)
    for name, runs in results.items():
        seconds = statistics.median(run[0] for run in runs)
        first = next(iter(results.values()))
        ratio = statistics.median(run[0] for run in first) / seconds
        print(f"{name:32} {seconds:6.2f} s {runs[0][4] / 1e6 / seconds:6.0f} MB/s  CPU {statistics.median(run[1] for run in runs):6.2f} s  "
              f"peak {max(run[2] for run in runs):5.0f} MB  wrote {runs[0][3] / 1e6:6.1f} MB  first/this {ratio:4.2f}  "
              f"(all: {', '.join(f'{run[0]:.2f}' for run in runs)})")


if __name__ == "__main__":
    main()
