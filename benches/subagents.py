#!/usr/bin/env python3
"""Two hundred subagents at depth 2 that share ten permits, against a model that answers after 50 ms: wall time beside the ideal, peak memory.

    python3 benches/subagents.py DATASET --halo target/release/halo [--permits 10] [--delay 0.05] [--runs 3]

The root starts 20 subagents in one call, each of them 9 of its own: 200 subagents, 222 requests. Ideal: the requests of each stage one after the other
in as many lanes as there are permits.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUPS, LEAVES = 20, 9


def handler(delay, counts):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave together: apart, the second waits 40 ms for the acknowledgement of the first.
        wbufsize = -1

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            task = body["messages"][1]["content"].rsplit("# Your task\n\n", 1)[-1]
            results = sum(message["role"] == "tool" for message in body["messages"])
            counts.append(task[:5])
            time.sleep(delay)
            if results == 0 and task.startswith("group"):
                name, arguments = "call_subagent", {"inputs": [f"leaf {n} of {task}" for n in range(LEAVES)]}
            elif results == 0 and not task.startswith("leaf"):
                name, arguments = "call_subagent", {"inputs": [f"group {n}" for n in range(GROUPS)]}
            else:
                name, arguments = "final_answer", {"answer": "Done."}
            function = {"name": name, "arguments": json.dumps(arguments)}
            delta = {"tool_calls": [{"index": 0, "id": f"call_{len(counts)}", "type": "function", "function": function}]}
            chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}],
                     "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
            data = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


class Server(ThreadingHTTPServer):
    request_queue_size = 256


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--halo", required=True)
    parser.add_argument("--permits", type=int, default=10)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    counts = []
    server = Server(("127.0.0.1", 0), handler(args.delay, counts))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"

    def timed(extra):
        with tempfile.TemporaryDirectory() as folder:
            command = [args.halo, "analyze", args.dataset, "-m", "m", "--base-url", url, "--out", os.path.join(folder, "run"), "-q", *extra]
            began = time.monotonic()
            subprocess.run(command, check=True)
            elapsed = time.monotonic() - began
            with open(os.path.join(folder, "run", "events.jsonl")) as log:
                events = [json.loads(line) for line in log]
        first = next(e for e in events if e["item"]["type"] == "run_started")["at"]
        last = events[-1]["at"]
        started = sum(e["item"]["type"] == "agent_started" for e in events)
        seconds = lambda at: int(at[11:13]) * 3600 + int(at[14:16]) * 60 + float(at[17:-1])
        return elapsed, seconds(last) - seconds(first), started

    lanes = args.permits
    stages = [1, GROUPS, GROUPS * LEAVES, GROUPS, 1]
    ideal = sum(math.ceil(requests / lanes) for requests in stages) * args.delay
    runs = [timed(["--max-parallel", str(args.permits)]) for _ in range(args.runs)]
    inside = statistics.median(run[1] for run in runs)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{runs[0][2] - 1} subagents, {len(counts) // args.runs} requests: {inside:.2f} s within the run, ideal {ideal:.2f} s, ratio {inside / ideal:.2f}; "
          f"whole process {statistics.median(run[0] for run in runs):.2f} s, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
