#!/usr/bin/env python3
"""One analysis with a scripted model, halo beside HALO: wall time, peak memory and size of the first request.

A small server on the loopback answers at once, in both programs' wire forms, with the same six requests: three turns of the root, one
subagent of two turns, and the answer. Needs `pip install halo-engine==0.3.5` for HALO.

    python3 benches/analyze.py TRACES.jsonl --halo target/release/halo [--dataset DATASET] [--peer venv/bin/halo] [--runs 5]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def call(name, arguments):
    return {"name": name, "arguments": json.dumps(arguments)}


class Script:
    """The model: looks at who asks and how many results it has."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sizes = []
        self.trace = None

    def answer(self, text, results, size):
        with self.lock:
            self.sizes.append(size)
        if "SUBAGENT-TASK" in text["last_task"]:
            if results == 0:
                return call("view_trace", {"trace_id": self.trace})
            # HALO's subagents answer in words, halo's with the tool.
            return {"text": "Seen."} if text["is_peer"] else call("final_answer", {"answer": "Seen."})
        steps = [
            call("get_dataset_overview", {}),
            call("query_traces", {"filters": {"has_errors": True}, "limit": 50}),
            call("call_subagent", {"input": "SUBAGENT-TASK look at one trace"}),
            call("final_answer", {"answer": "Fix the retries."}),
        ]
        return steps[min(results, len(steps) - 1)]


def looked_at(body):
    """The task that an agent was given, and how many results it has: in either wire form."""
    items = body.get("input") or body.get("messages") or []
    task, results = "", 0
    for item in items:
        if item.get("type") == "function_call_output" or item.get("role") == "tool":
            results += 1
        elif item.get("role") == "user":
            content = item.get("content")
            content = content if isinstance(content, str) else json.dumps(content)
            # halo's root has the words of no subagent in its first message, and HALO's none at all.
            task = task or content
    return {"last_task": task, "is_peer": "input" in body}, results


def handler(script):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave together: apart, the second waits 40 ms for the acknowledgement of the first.
        wbufsize = -1

        def log_message(self, *_):
            pass

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            text, results = looked_at(json.loads(raw))
            reply = script.answer(text, results, len(raw))
            ident = f"call_{time.monotonic_ns()}"
            events = self.as_responses(reply, ident) if self.path.endswith("/responses") else self.as_chat(reply, ident)
            data = "".join(events).encode()
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        @staticmethod
        def as_chat(reply, ident):
            delta = {"role": "assistant", "tool_calls": [{"index": 0, "id": ident, "type": "function", "function": reply}]}
            chunk = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            end = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
                   "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}
            return [f"data: {json.dumps(chunk)}\n\n", f"data: {json.dumps(end)}\n\n", "data: [DONE]\n\n"]

        @staticmethod
        def as_responses(reply, ident):
            if "text" in reply:
                part = {"type": "output_text", "text": reply["text"], "annotations": []}
                item = {"type": "message", "id": "msg_" + ident, "role": "assistant", "status": "completed", "content": [part]}
                return Handler.in_events(item, ident, [])
            item = {"type": "function_call", "id": "fc_" + ident, "call_id": ident, "status": "completed", **reply}
            steps = [
                {"type": "response.function_call_arguments.delta", "item_id": item["id"], "output_index": 0, "delta": item["arguments"]},
                {"type": "response.function_call_arguments.done", "item_id": item["id"], "output_index": 0, "arguments": item["arguments"]},
            ]
            return Handler.in_events(item, ident, steps)

        @staticmethod
        def in_events(item, ident, steps):
            usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110,
                     "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
            whole = {"id": "resp_" + ident, "object": "response", "created_at": 0, "model": "m", "status": "completed",
                     "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage}
            begun = {**whole, "status": "in_progress", "output": [], "usage": None}
            empty = {**item, "arguments": ""} if "arguments" in item else {**item, "content": []}
            events = [
                {"type": "response.created", "response": begun},
                {"type": "response.output_item.added", "output_index": 0, "item": empty},
                *steps,
                {"type": "response.output_item.done", "output_index": 0, "item": item},
                {"type": "response.completed", "response": whole},
            ]
            return [f"event: {e['type']}\ndata: {json.dumps({**e, 'sequence_number': n})}\n\n" for n, e in enumerate(events)]

    return Handler


def run(command, env):
    began = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = process.communicate()
    elapsed = time.monotonic() - began
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output.decode()[-2000:]}")
    return elapsed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces")
    parser.add_argument("--halo", required=True)
    parser.add_argument("--dataset", help="a dataset that halo has made of the traces, for the runs without ingest")
    parser.add_argument("--peer", help="HALO's own program")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    script = Script()
    with open(args.traces) as lines:
        script.trace = json.loads(next(lines))["trace_id"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(script))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    times, firsts, counts = {}, {}, {}

    def measure(name, command, env):
        script.sizes.clear()
        times.setdefault(name, []).append(run(command, env))
        firsts[name], counts[name] = script.sizes[0], len(script.sizes)

    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.runs):
            home = os.path.join(folder, f"home{number}")
            fresh = {"XDG_CACHE_HOME": home, "XDG_DATA_HOME": home}
            common = ["-m", "scripted", "--base-url", url, "-p", "What goes wrong?"]
            measure("halo, with ingest", [args.halo, "analyze", args.traces, *common, "--out", home + "-run"], fresh)
            if args.dataset:
                measure("halo, dataset ready", [args.halo, "analyze", args.dataset, *common, "--out", home + "-ready"], fresh)
            if args.peer:
                key = ["--api-key", "none"]
                measure("HALO, with index", [args.peer, args.traces, *common, *key], {})
                measure("HALO, index ready", [args.peer, args.traces, *common, *key], {})
                for name in os.listdir(os.path.dirname(os.path.abspath(args.traces))):
                    # HALO keeps its index beside the traces; the next round begins without.
                    if name.startswith(os.path.basename(args.traces)) and name != os.path.basename(args.traces):
                        os.remove(os.path.join(os.path.dirname(os.path.abspath(args.traces)), name))
    for name, seconds in times.items():
        print(f"{name:24} median {statistics.median(seconds):6.2f} s  ({', '.join(f'{s:.2f}' for s in seconds)})  "
              f"{counts[name]} requests, first {firsts[name]:,} bytes")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
