#!/usr/bin/env python3
"""Kills a run of three levels at random moments, resumes it each time, and looks at what came of it.

A run is killed with SIGKILL after a random time, resumed, killed again, up to a few times, and then left to end. Every run must end with the report of
an undisturbed one, and no request whose reply the log held when it was killed may come again.

    python3 benches/kill_run.py DATASET --halo target/release/halo [--kills 50]
"""

import argparse
import json
import os
import random
import re
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DELAY = 0.03


def reply(task, results):
    """A root with tables, rows, code and four subagents, each with one of its own."""
    if task.startswith("deep"):
        return [("sql", {"query": f"SELECT count(*), '{task}' FROM spans"})] if results == 0 else [("final_answer", {"answer": f"About {task}."})]
    if task.startswith("wide"):
        steps = [
            [("call_subagent", {"input": "deep " + task}), ("sql", {"query": f"SELECT count(*), '{task}' FROM traces"})],
            [("search", {"pattern": task})],
            [("final_answer", {"answer": f"About {task}."})],
        ]
        return steps[{0: 0, 2: 1}.get(results, 2)]
    steps = {
        0: [("sql", {"query": "SELECT trace_id FROM traces LIMIT 20", "save_as": "some"})],
        1: [("call_subagent", {"inputs": ["wide a", "wide b", "wide c", "wide d"]}), ("run_code", {"code": "len(sql('select * from some'))"})],
        3: [("get_dataset_overview", {}), ("sql", {"query": "SELECT count(*) FROM some"})],
    }
    return steps.get(results, [("final_answer", {"answer": "All is told."})])


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys = []
        self.lock = threading.Lock()


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
        with self.server.lock:
            self.server.keys.append((task if task.startswith(("wide", "deep")) else "root", results))
            number = len(self.server.keys)
        time.sleep(DELAY)
        calls = [
            {"index": at, "id": f"call_{number}_{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for at, (name, arguments) in enumerate(reply(task, results))
        ]
        chunk = {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}],
                 "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        data = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        try:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass


def essence(folder):
    with open(os.path.join(folder, "report.json")) as file:
        report = json.load(file)
    return json.dumps([report["run"]["end"], report["answer"], report["findings"], report["usage"], report["coverage"]["traces_read"]], sort_keys=True)


def recorded(folder):
    """Numbers of the requests whose replies the log holds."""
    numbers = set()
    try:
        with open(os.path.join(folder, "events.jsonl"), "rb") as log:
            for line in log:
                if line.endswith(b"\n") and b'"model_reply"' in line:
                    numbers.update(int(number) for number in re.findall(rb'"id":"call_(\d+)_', line))
    except FileNotFoundError:
        pass
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--halo", required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    kills, runs, wrong, twice = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as parent:
        begin = lambda folder: [args.halo, "analyze", args.dataset, "-m", "m", "--base-url", url, "--out", folder, "-q"]
        whole = os.path.join(parent, "whole")
        began = time.monotonic()
        subprocess.run(begin(whole), check=True)
        length, expected, requests = time.monotonic() - began, essence(whole), len(server.keys)
        while kills < args.kills:
            folder = os.path.join(parent, f"run{runs}")
            finished, command, cut = set(), begin(folder), False
            while True:
                first = len(server.keys)
                process = subprocess.Popen(command)
                try:
                    process.wait(dice.uniform(0.05, length))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    kills += 1
                    cut = True
                twice += sum(key in finished for key in server.keys[first:])
                if process.returncode == 0:
                    break
                finished |= {server.keys[number - 1] for number in recorded(folder) if number > 0}
                command = [args.halo, "resume", folder, "-q"] if os.path.exists(os.path.join(folder, "events.jsonl")) else begin(folder)
            runs += 1
            wrong += essence(folder) != expected
    print(f"{kills} kills over {runs} runs of {requests} requests ({length:.2f} s undisturbed): {wrong} reports differ, {twice} finished requests came again")


if __name__ == "__main__":
    main()
