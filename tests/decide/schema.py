#!/usr/bin/env python3
"""The published schemas say what the programs do: every example is valid, and what a schema refuses the
loader refuses too, naming file and place. Usage: schema.py VERDICT TREE; 77 = skipped."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: no python3-jsonschema")
    sys.exit(77)

verdict, tree = sys.argv[1], pathlib.Path(sys.argv[2])
formats, examples = tree / "docs/formats", tree / "docs/examples/bank"
KINDS = ("catalogue", "policy")
# What a schema cannot say (docs/formats/policy.md): other files' names and types, sums, order, bytes. A document that is valid by the schema is
# refused for one of these reasons only.
BEYOND = ("needs a policy with a risk_tag", "nothing ends this step", "expected, .* found", "digits behind the point")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def walk(value, path=()):
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from walk(inner, path + (key,))


def put(document, path, change):
    changed = copy.deepcopy(document)
    at = changed
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return changed


def drop(at, key):
    del at[key]


def mutants(document):
    """Members dropped, misspelt, of another type, out of range: at every place of the document, one of ten
    values each in turn."""
    for turn, (path, value) in enumerate(walk(document)):
        if not path:
            continue
        if isinstance(path[-1], str):
            yield put(document, path, drop)
        if isinstance(value, dict):
            yield put(document, path, lambda at, key: at[key].update({"misspelt": 1}))
        others = (None, -1, 10**15, 0.5, "", "X" * 700, [], {}, True, "\x01")
        other = others[turn % len(others)]
        if type(other) is not type(value) or other != value:
            yield put(document, path, lambda at, key, other=other: at.__setitem__(key, other))


def loads(folder, texts):
    for kind in KINDS:
        (folder / f"{kind}.json").write_text(texts[kind], encoding="utf-8")


def main():
    schemas = {k: jsonschema.Draft202012Validator(read(formats / f"{k}.schema.json")) for k in KINDS}
    good = {k: read(examples / f"{k}.json") for k in KINDS}
    full = read(tree / "tests/decide/full-policy.json")
    for kind in KINDS:
        schemas[kind].check_schema(schemas[kind].schema)
        schemas[kind].validate(good[kind])
    schemas["policy"].validate(full)
    cases, lines = 0, []
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        for kind, document in (("catalogue", good["catalogue"]), ("policy", good["policy"]), ("policy", full)):
            for mutant in [document, *mutants(document)]:
                name = f"{cases}.{kind}"
                (folder / name).write_text(json.dumps(mutant, indent=1), encoding="utf-8")
                lines.append((name, kind, schemas[kind].is_valid(mutant)))
                cases += 1
        asked = "\n".join(f"{kind} {folder / name}" for name, kind, _ in lines) + "\n"
        run = subprocess.run([verdict, str(examples)], input=asked, capture_output=True, text=True, check=True)
        answers = run.stdout.splitlines()
        failed = 0 if len(answers) == len(lines) else 1
        refused = 0
        for (name, kind, valid), answer in zip(lines, answers):
            if valid:
                continue
            refused += 1
            # "refused LINE WORDS": a line, since the file is well-formed JSON.
            if not answer.startswith("refused ") or answer.split(" ")[1] == "0":
                failed += 1
                print(f"FAIL {kind}: the schema refuses it, the loader says '{answer}'")
                print((folder / name).read_text(encoding="utf-8")[:400])
    for (name, kind, valid), answer in zip(lines, answers):
        if valid and answer.startswith("refused ") and not any(re.search(words, answer) for words in BEYOND):
            failed += 1
            print(f"FAIL {kind}: valid by the schema, and the loader says '{answer}'")
    originals = [a for (n, k, v), a in zip(lines, answers) if v]
    print(f"{cases} documents, {refused} refused by schema and loader, {len(originals)} valid by schema, {failed} failed")
    return 1 if failed or refused < 500 else 0


sys.exit(main())
