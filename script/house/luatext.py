"""As much of Lua as a floor plan needs: which modules a file requires, and whether while it loads or when it is called."""
import re

TOKEN = re.compile(r"""
    (?P<noise>--\[(?P<c>=*)\[.*?\](?P=c)\]|--[^\n]*|\[(?P<s>=*)\[.*?\](?P=s)\])
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign>[(),.:])
""", re.X | re.S)
OPENS = {"function", "do", "if", "repeat"}  # `while` and `for` end in a `do`
CLOSES = {"end", "until"}


def requires(text):
    """(line, module, lazy) of each require with a literal name; lazy: inside a function."""
    blocks, before, waiting = [], None, False
    for match in TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group(0)
        kind = "noise" if token.startswith(("--", "[")) else kind
        if kind == "noise":
            continue
        if waiting and kind == "string":
            yield text.count("\n", 0, match.start()) + 1, token[1:-1], "function" in blocks
        waiting = (kind == "word" and token == "require" and before not in (".", ":")) or (waiting and token in "(,")
        if kind == "word" and before not in (".", ":"):
            if token in OPENS:
                blocks.append(token)
            elif token in CLOSES and blocks:
                blocks.pop()
        before = token
