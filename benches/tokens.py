#!/usr/bin/env python3
"""Counts the tokens that a model reads to see a trace, of halo's view_trace and of HALO's, over the same traces.

  tokens.py FILE DATASET [--traces 100] [--seed 7] [--facts] [--profile release]

FILE holds flat span lines, DATASET is what `halo ingest` made of it. HALO's answer is what its tool view_trace returns, called in this
process; a trace that it refuses is counted apart. halo's are all pages of its view_trace, as the model gets them. Tokens are those of
o200k_base. With --facts, every text in HALO's answers is looked for in what halo's view_trace and view_spans show of the same trace.
Needs `pip install halo-engine==0.3.5` and builds the example `view` of halo-query and halo-bench.
"""
import argparse
import asyncio
import json
import random
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

MARK = "... [HALO truncated"


def run(command, text=None):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


def tokens(texts, profile):
    command = ["cargo", "run", "--quiet", "--profile", profile, "-p", "halo-bench", "--", "tokens"]
    return [int(count) for count in run(command, "".join(json.dumps(text) + "\n" for text in texts)).split()]


def halo_answers(file, count, seed):
    """HALO's answer for traces chosen at random, and whether it refuses them."""
    from engine.traces.models.trace_index_config import TraceIndexConfig
    from engine.traces.models.trace_query_models import ViewTraceResult
    from engine.traces.trace_index_builder import TraceIndexBuilder
    from engine.traces.trace_store import TraceStore

    with tempfile.TemporaryDirectory() as folder:
        index = asyncio.run(TraceIndexBuilder.ensure_index_exists(file, TraceIndexConfig(index_dir=Path(folder))))
        store = TraceStore.load(file, Path(index))
    ids = sorted(row.trace_id for row in store._rows)
    answers = {}
    for trace_id in random.Random(seed).sample(ids, min(count, len(ids))):
        view = store.view_trace(trace_id)
        answers[trace_id] = (ViewTraceResult(result=view).model_dump_json(), view.oversized is not None)
    return answers


def pages(dataset, trace_ids, profile, spans):
    """The texts of halo's tools, by trace and tool."""
    command = ["cargo", "run", "--quiet", "--profile", profile, "-p", "halo-query", "--example", "view", "--", dataset]
    shown = {trace_id: {"view_trace": [], "view_spans": []} for trace_id in trace_ids}
    for line in run(command + (["--spans"] if spans else []) + list(trace_ids)).splitlines():
        page = json.loads(line)
        shown[page["trace_id"]][page["tool"]].append(page["text"])
    return shown


def leaves(value):
    """The texts inside a value, JSON inside texts opened; of what HALO cuts, nothing is opened."""
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        opened = None
        if value[:1] in "[{" and MARK not in value:
            try:
                opened = json.loads(value)
            except ValueError:
                pass
        if isinstance(opened, (dict, list)):
            yield from leaves(opened)
        elif MARK in value and value[:1] in "[{":
            # A cut JSON text: its whole strings.
            for text in re.findall(r'"((?:[^"\\]|\\.)*)"', value.split(MARK)[0]):
                yield from leaves(json.loads(f'"{text}"'))
        else:
            yield value.split(MARK)[0]


def bare(text):
    """Letters and digits alone: what is shown stands on lines with marks, and in JSON with escapes."""
    return re.sub(r"\\[nrt]|[\W_]", "", text)


def missing(answer, texts):
    """Texts of HALO's answer that halo shows nowhere."""
    # A text that goes on on the next page has the words about the page in its midst: what was recorded, without them, counts as well.
    recorded = re.findall(r"^(?!Names, ids) *(?:[^\[|\n]*)\| ?(.*)$", "".join(texts), re.MULTILINE)
    shown = bare("".join(texts)) + bare("".join(recorded))
    spans = json.loads(answer)["result"]["spans"]
    for span in spans:
        span["attributes"].pop("__halo_dropped_flat_projections", None)
        # Spelled otherwise: kind and status by their short names, times without their zeros.
        for key in ("kind", "status", "start_time", "end_time"):
            span.pop(key)
    return {text for text in leaves(spans) if bare(text) and bare(text) not in shown}


def tell(name, rows):
    if not rows:
        return
    theirs, first, all_pages = (sum(row[at] for row in rows) for at in (1, 2, 3))
    print(f"{name}: {len(rows)} traces; HALO {theirs:,} tokens; halo, first pages {first:,} ({first / theirs:.3f}), "
          f"all pages {all_pages:,} ({all_pages / theirs:.3f}); median of the traces, first page "
          f"{statistics.median(row[2] / row[1] for row in rows):.3f}, all pages {statistics.median(row[3] / row[1] for row in rows):.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("--traces", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--profile", default="release")
    args = parser.parse_args()
    answers = halo_answers(args.file, args.traces, args.seed)
    shown = pages(args.dataset, answers, args.profile, args.facts)
    theirs = tokens([text for text, _ in answers.values()], args.profile)
    counts = iter(tokens([page for trace_id in answers for page in shown[trace_id]["view_trace"]], args.profile))
    rows, largest = [], 0
    for (trace_id, (_, refused)), count in zip(answers.items(), theirs):
        ours = [next(counts) for _ in shown[trace_id]["view_trace"]]
        largest = max(largest, *ours)
        rows.append((refused, count, ours[0], sum(ours)))
    tell("shown by both", [row for row in rows if not row[0]])
    tell("refused by HALO", [row for row in rows if row[0]])
    print(f"the largest page: {largest:,} tokens")
    if args.facts:
        lost = {trace_id: missing(text, sum(shown[trace_id].values(), [])) for trace_id, (text, refused) in answers.items() if not refused}
        lost = {trace_id: texts for trace_id, texts in lost.items() if texts}
        print(f"traces with a text of HALO's answer that halo shows nowhere: {len(lost)}")
        for trace_id, texts in list(lost.items())[:5]:
            print(f"  {trace_id}: {len(texts)}, as {sorted(texts)[0][:200]!r}")


if __name__ == "__main__":
    main()
