#!/usr/bin/env python3
"""Writes the spans of a flat file in another encoding, for benchmarks.

  encode.py otlp FLAT OUT     OTLP/JSON as the Collector's file exporter writes it, 64 spans a line
  encode.py small FLAT OUT    flat spans of about 1.5 KB: long attributes are cut, and spans repeated under new ids until there are 135,000
"""
import itertools
import json
import sys

KINDS = {"SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3, "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5}
CODES = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
SMALL_SPANS = 135_000


def nanoseconds(text):
    import datetime

    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return str(int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0))


def any_value(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if value is None:
        return {}
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}


def attributes(values):
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def otlp_span(span):
    status = {"code": CODES.get(span["status"]["code"], 0), "message": span["status"]["message"]}
    return {
        "traceId": span["trace_id"], "spanId": span["span_id"], "parentSpanId": span["parent_span_id"] or "", "name": span["name"],
        "kind": KINDS.get(span["kind"], 0), "startTimeUnixNano": nanoseconds(span["start_time"]), "endTimeUnixNano": nanoseconds(span["end_time"]),
        "attributes": attributes(span["attributes"]), "status": {key: value for key, value in status.items() if value},
    }


def otlp(spans, out):
    while batch := list(itertools.islice(spans, 64)):
        groups = {}
        for span in batch:
            key = json.dumps([span["resource"], span["scope"]], sort_keys=True)
            groups.setdefault(key, []).append(span)
        resource_spans = [
            {"resource": {"attributes": attributes(group[0]["resource"]["attributes"])}, "scopeSpans": [{"scope": group[0]["scope"], "spans": [otlp_span(span) for span in group]}]}
            for group in groups.values()
        ]
        out.write(json.dumps({"resourceSpans": resource_spans}, ensure_ascii=False, separators=(",", ":")) + "\n")


def small(path, out):
    written = 0
    for round_number in itertools.count():
        for line in open(path, encoding="utf-8"):
            span = json.loads(line)
            for key, value in span["attributes"].items():
                if isinstance(value, str) and len(value) > 160:
                    span["attributes"][key] = value[:160]
            for key in ("trace_id", "span_id", "parent_span_id"):
                if span[key]:
                    span[key] = f"{round_number:02x}" + span[key][2:]
            out.write(json.dumps(span, ensure_ascii=False, separators=(",", ":")) + "\n")
            written += 1
            if written == SMALL_SPANS:
                return


def main():
    how, source, target = sys.argv[1:4]
    with open(target, "w", encoding="utf-8") as out:
        if how == "otlp":
            otlp((json.loads(line) for line in open(source, encoding="utf-8")), out)
        else:
            small(source, out)


if __name__ == "__main__":
    main()
