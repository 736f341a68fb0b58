"""bench/results, and what is made of them: the tables of bench/README.md and README.md, the charts."""
import json
import os
import re
import subprocess
import sys

from . import figures, goals, machine
from .process import RILLE, ROOT

RESULTS = os.path.join(ROOT, "bench", "results")
ORDER = ["hello", "pipelined", "json", "orders", "routes", "page", "point-read", "rows", "insert", "transaction", "static-small",
         "static-large", "upload", "short", "fanout", "session", "threads", "secure", "scan", "idle", "start", "script", "codec",
         "templates", "client"]
CHARTS = {"hello": ["hello", "pipelined", "json", "orders", "page", "routes"],
          "data": ["point-read", "rows", "insert", "transaction", "session", "fanout"]}
BLOCK = "<!-- bench: {} -->\n{}\n<!-- end of bench: {} -->"


def path_of(name):
    return os.path.join(RESULTS, name + ".json")


def load():
    """The results that there are, in the order of the page."""
    found = {}
    for name in ORDER:
        if os.path.exists(path_of(name)):
            with open(path_of(name), encoding="utf-8") as file:
                found[name] = json.load(file)
    return found


def rounded(value):
    if isinstance(value, float):
        return round(value, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def keep(result, bench):
    """Writes one result; a run that ends early has those that came before."""
    os.makedirs(RESULTS, exist_ok=True)
    result = {**rounded(result), "rounds": bench.rounds, "seconds": bench.seconds, "machine": machine.facts()}
    with open(path_of(result["case"]) + "~", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.rename(path_of(result["case"]) + "~", path_of(result["case"]))


def is_current(name, bench):
    if not os.path.exists(path_of(name)):
        return False
    with open(path_of(name), encoding="utf-8") as file:
        result = json.load(file)
    return (result["machine"]["commit"], result["rounds"], result["seconds"]) == (machine.commit(), bench.rounds, bench.seconds)


def cases(results):
    parts = []
    for name, result in results.items():
        parts += [f"### {name}", "", result["title"] + ".", "", figures.as_markdown(result), ""]
        if result["skipped"]:
            parts += ["Not installed: " + ", ".join(result["skipped"]) + ".", ""]
    return "\n".join(parts).strip()


def runs(results):
    """The machine and the versions; more than one line where results are of several runs."""
    lines = {}
    for name, result in results.items():
        about = result["machine"]
        lines.setdefault(f"{about['date']}, commit {about['commit']}, {about['processor']}, {about['cores']} cores, "
                         f"{about['system']}, {result['rounds']} rounds of {result['seconds']} s", []).append(name)
    versions = {row["peer"]: row["version"] for result in results.values() for row in result["rows"] if row.get("version")}
    out = [f"- {line}" + ("" if len(lines) == 1 else ": " + ", ".join(names)) for line, names in lines.items()]
    return "\n".join(out + ["- " + ", ".join(f"{peer} {version}".strip() for peer, version in versions.items())])


def charted(results):
    """The charts for which there are results, and the cases of each."""
    there = {chart: [name for name in names if name in results] for chart, names in CHARTS.items()}
    return {chart: names for chart, names in there.items() if names}


def charts(results):
    return "\n\n".join(f"![{chart}](images/{chart}.svg)" for chart in charted(results))


def replaced(text, name, content):
    pattern = re.compile(rf"<!-- bench: {name} -->\n.*?<!-- end of bench: {name} -->", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"bench: the page has no block {name}")
    return pattern.sub(lambda _: BLOCK.format(name, content, name), text)


def pages(results):
    """Path and text of each page as it must be."""
    blocks = {"bench/README.md": {"runs": runs, "goals": goals.as_markdown, "charts": charts, "cases": cases},
              "README.md": {"table": goals.summary}}
    for page, parts in blocks.items():
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        wanted = text
        for name, make in parts.items():
            wanted = replaced(wanted, name, make(results))
        yield os.path.join(ROOT, page), text, wanted


def draw(results):
    os.makedirs(os.path.join(ROOT, "bench", "images"), exist_ok=True)
    for chart, names in charted(results).items():
        subprocess.run([RILLE, "run", "bench/chart.lua", f"bench/images/{chart}.svg", *map(path_of, names)], cwd=ROOT, check=True)


def write(check=False):
    results = load()
    status = 0
    for path, text, wanted in pages(results):
        if check and text != wanted:
            print(f"{os.path.relpath(path, ROOT)}:1: is not what bench/results says: run script/bench report", file=sys.stderr)
            status = 1
        elif text != wanted:
            with open(path, "w", encoding="utf-8") as file:
                file.write(wanted)
    if not check and results:
        draw(results)
    return status
