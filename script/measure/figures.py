"""Results as people read them: units, tables in text and in Markdown."""

HTTP_COLUMNS = [["cpu_us", "CPU per request", "us"], ["of_rille", "times rille", "times"],
                ["per_second", "requests/s", "per_second"], ["p50_us", "p50", "us"], ["p99_us", "p99", "us"],
                ["resident", "memory", "bytes"]]


def human(value, unit):
    """Three digits and a unit: 1,234,567 us is 1.23 s."""
    if value is None:
        return ""
    if unit == "times":
        return f"{digits(value)} ×"
    if unit == "per_second":
        return f"{value:,.0f}" if value >= 100 else digits(value)
    scale, names = (1024, ("B", "KiB", "MiB", "GiB")) if unit == "bytes" else (1000, ("µs", "ms", "s"))
    at = {"ms": 1}.get(unit, 0)
    while abs(value) >= scale * 0.9995 and at < len(names) - 1:
        value, at = value / scale, at + 1
    return f"{digits(value)} {names[at]}"


def digits(value):
    """Three digits that count."""
    size = abs(value)
    return f"{value:.0f}" if size >= 99.95 or size == 0 else f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"


def ordered(result):
    """Rows, the best first by the first column."""
    key = columns(result)[0][0]
    return sorted(result["rows"], key=lambda row: row.get(key, 0))


def columns(result):
    if result["kind"] == "table":
        return result["columns"]
    there = [column for column in HTTP_COLUMNS if any(column[0] in row for row in result["rows"]) or column[0] == "of_rille"]
    return there if row_of(result, "rille") else [column for column in there if column[0] != "of_rille"]


def row_of(result, peer):
    return next((row for row in result["rows"] if row["peer"] == peer), None)


def cells(result):
    """A heading and rows of text."""
    shown, ours = columns(result), row_of(result, "rille")
    lines = [[""] + [title for _, title, _ in shown]]
    for row in ordered(result):
        values = dict(row)
        if ours and result["kind"] == "http":
            values["of_rille"] = row["cpu_us"] / ours["cpu_us"]
        lines.append([row["peer"]] + [human(values.get(key), unit) for key, _, unit in shown])
    return lines


def note(result):
    """What stands below the table."""
    if result["kind"] != "http" or not any("p50_us" in row for row in result["rows"]):
        return ""
    return f"p50 and p99 at {human(result['rate'], 'per_second')} requests/s, 60 % of what the slowest can do."


def as_text(result):
    lines = cells(result)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    out = [f"{result['case']}: {result['title']}"]
    for line in lines:
        right = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        out.append("  " + "  ".join([line[0].ljust(widths[0]), *right]))
    return "\n".join(out + (["  " + note(result)] if note(result) else []))


def as_markdown(result):
    lines = cells(result)
    rows = ["| " + " | ".join(bold(line)) + " |" for line in lines]
    rows.insert(1, "|---|" + "---:|" * (len(lines[0]) - 1))
    return "\n".join(rows + (["", note(result)] if note(result) else []))


def bold(line):
    return [f"**{cell}**" for cell in line] if line[0] == "rille" else line
