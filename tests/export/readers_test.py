#!/usr/bin/env python3
"""What other programs make of our text: a JSON Schema validator of NDJSON, Python's csv module of CSV. TAP on standard output.

usage: readers_test.py SCHEMA EXPORT_SAMPLES STH CLIP

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import copy
import csv
import io
import json
import subprocess
import sys

import jsonschema

schema_file, samples, sth, clip = sys.argv[1:]
with open(schema_file, encoding="utf-8") as file:
    SCHEMA = json.load(file)
jsonschema.Draft202012Validator.check_schema(SCHEMA)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
tests = failed = 0


def ok(what, good):
    global tests, failed
    tests += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {tests} - {what}")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8", "strict")


def parse(text):
    """One value a line; strict: NaN and Infinity are no JSON."""
    def refuse(word):
        raise ValueError(word)
    return [json.loads(line, parse_constant=refuse) for line in text.removesuffix("\n").split("\n")]


def check_lines(what, text):
    lines = parse(text)
    errors = [f"line {i + 1}: {e.message}" for i, line in enumerate(lines) for e in VALIDATOR.iter_errors(line)]
    for error in errors[:5]:
        print("#", error)
    ok(f"{what}: {len(lines)} lines are as the schema has them", lines and not errors)
    return lines


def changed(line, path, value):
    """The line with the value at this path set, or removed if the value is ...."""
    line = copy.deepcopy(line)
    at = line
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return line


every = check_lines("samples of results", output(samples, "ndjson", "results"))
check_lines("samples of events", output(samples, "ndjson", "events"))
check_lines("the clip's results", output(sth, "classify", clip))

# A schema that lets everything pass would test nothing.
full = next(line for line in every if line["objects"] and len(line["sth"]["events"]) == 2 and "utc" in line["sth"])
assert not list(VALIDATOR.iter_errors(full))
WRONG = [
    (["objects", 0, "classification", "confidence"], 1.5),
    (["objects", 0, "classification", "label"], ...),
    (["objects", 0, "x"], ...),
    (["objects", 0, "more"], 1),
    (["timestamp"], "2 s"),
    (["timestamp"], -1),
    (["resolution", "width"], 0),
    (["tags"], {"a": 1}),
    (["sth", "utc"], "2026-09-21 14:13:20"),
    (["sth", "held"], 0),
    (["sth", "events", 0, "event"], "action"),
    (["sth", "window", "end"], ...),
    (["sth"], ...),
    (["stuff"], {}),
]
for path, value in WRONG:
    name = ".".join(map(str, path))
    ok(f"{name} {'missing' if value is ... else value} is refused", list(VALIDATOR.iter_errors(changed(full, path, value))))
end = next(line for line in every if any("end" in event for event in line["sth"]["events"]))
at = next(i for i, event in enumerate(end["sth"]["events"]) if "end" in event)
ok("an end without its time is refused", list(VALIDATOR.iter_errors(changed(end, ["sth", "events", at, "end"], ...))))

# The same records, by another reader: the labels agree.
rows = list(csv.DictReader(io.StringIO(output(samples, "csv", "results"), newline=""), strict=True))
results = [row for row in rows if row["event"] == "result"]
ok("csv: as many results as NDJSON has", len(results) == len(every))
ok("csv: no row has too many or too few fields", all(None not in row and None not in row.values() for row in rows))
ok("csv: sources are NDJSON's", [row["source"] for row in results] == [line.get("source", "") for line in every])
labels = [line["objects"][0]["classification"]["label"] if line["objects"] else "" for line in every]
ok("csv: labels are NDJSON's", [row["label"] for row in results] == labels)
starts = [None if row["start"] == "" else round(float(row["start"]) * 1e9) for row in results]
ok("csv: times are NDJSON's", starts == [line["sth"]["window"]["start"] for line in every])

print(f"1..{tests}")
sys.exit(bool(failed))
