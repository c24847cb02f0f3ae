#!/usr/bin/env python3
"""Kills an ingest at random moments, ingests again, and compares the tables with those of an undisturbed ingest.

  kill.py FILE [--halo target/release/halo] [--rounds 50] [--seed 1]

Each round: a new dataset, a SIGKILL after a random part of the time that an undisturbed ingest takes, then the same ingest to its end. The rows of
spans, traces, messages and texts must be those of the undisturbed dataset, whatever their order and segment. Needs `pip install duckdb`.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import duckdb


def tables(root):
    """Rows of each table as (count, sum of hashes): ids of segments left out, and texts in the place of their ids."""
    con = duckdb.connect()
    file = lambda name: f"read_parquet('{root}/segments/*/{name}.parquet')"
    con.execute(f"create view texts as select * from {file('texts')}; create view messages as select * from {file('messages')}")
    con.execute("create table text_hash as select text_id, hash(text) as h from texts")
    con.execute("""create table said as select m.message_row, hash(m.role, m.tool_calls, m.ids, m.shape, m.spelling, t.h, l.h) as h
        from messages m left join text_hash t on t.text_id = m.content_id
        left join (select message_row, hash(list(x.h order by n)) as h from (select message_row, unnest(texts) as id, generate_subscripts(texts, 1) as n
                   from messages) u join text_hash x on x.text_id = u.id group by 1) l on l.message_row = m.message_row""")
    lists = {}
    for name, table, key in [("input_messages", "said", "message_row"), ("output_messages", "said", "message_row"),
                             ("extra_messages", "said", "message_row"), ("texts", "text_hash", "text_id")]:
        con.execute(f"""create table list_{name} as select row_id, hash(list(x.h order by n)) as h from
            (select row_id, unnest({name}) as id, generate_subscripts({name}, 1) as n from {file('spans')}) u join {table} x on x.{key} = u.id group by 1""")
    skip = {"row_id", "input_id", "output_id", "input_messages", "output_messages", "texts", "extra_messages", "source"}
    columns = [row[0] for row in con.execute(f"describe select * from {file('spans')}").fetchall() if row[0] not in skip]
    plain = ", ".join(f's."{name}"' for name in columns)
    spans = con.execute(f"""select count(*), sum(hash({plain}, i.h, o.h, a.h, b.h, c.h, d.h)::hugeint) from {file('spans')} s
        left join text_hash i on i.text_id = s.input_id left join text_hash o on o.text_id = s.output_id
        left join list_input_messages a on a.row_id = s.row_id left join list_output_messages b on b.row_id = s.row_id
        left join list_extra_messages c on c.row_id = s.row_id left join list_texts d on d.row_id = s.row_id""").fetchone()
    columns = [row[0] for row in con.execute(f"describe select * from {file('traces')}").fetchall() if not row[0].endswith("_id") or row[0] == "trace_id"]
    plain = ", ".join(f't."{name}"' for name in columns)
    traces = con.execute(f"""select count(*), sum(hash({plain}, i.h, o.h)::hugeint) from {file('traces')} t
        left join text_hash i on i.text_id = t.first_input_id left join text_hash o on o.text_id = t.final_output_id""").fetchone()
    return {"spans": spans, "traces": traces}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--halo", default="target/release/halo")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "dataset")
        command = [args.halo, "ingest", args.file, "-o", root, "--quiet"]
        started = time.time()
        subprocess.run(command, check=True)
        whole = time.time() - started
        expected = tables(root)
        print(f"undisturbed: {whole:.2f} s, {expected}")
        killed = 0
        for number in range(1, args.rounds + 1):
            shutil.rmtree(root)
            process = subprocess.Popen(command)
            after = chance.random() * whole
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
            was_killed = process.wait() == -signal.SIGKILL
            killed += was_killed
            subprocess.run(command, check=True)
            found = tables(root)
            folders = len(os.listdir(os.path.join(root, "segments")))
            if found != expected:
                sys.exit(f"round {number}, killed after {after:.2f} s: {found} instead of {expected}")
            print(f"round {number}: {'killed' if was_killed else 'ended before'} after {after:.2f} s, the same tables, {folders} segments", flush=True)
        print(f"{args.rounds} rounds, {killed} killed in the middle: all tables equal the undisturbed ones")


if __name__ == "__main__":
    main()
