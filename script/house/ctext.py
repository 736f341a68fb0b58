"""As much of C as a floor plan needs: includes, and the declarations at the top level of a file.

This is no parser. It blanks comments and literals, drops preprocessor lines and cuts what is left at the semicolons and
braces of the top level. That is exact for the C of this repository (clang-format, no macros that declare things).
"""
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+["<]([^">\n]+)[">]', re.M)
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
CALLABLE = re.compile(r"\b([A-Za-z_]\w*)\s*\((?!\s*\*)")
NOT_A_NAME = {"if", "while", "for", "switch", "return", "sizeof", "_Static_assert", "__asm__", "_Alignas"}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, target) of each #include."""
    for match in INCLUDE.finditer(re.sub(r"/\*.*?\*/", blank, text, flags=re.S)):
        yield line_of(text, match.start()), match.group(1)


class Declaration:
    """One declaration or definition. `head` is its text with the insides of braces left out: `struct a {} b`."""

    def __init__(self, line, head, is_function):
        self.line, self.head, self.is_function = line, head, is_function

    def function(self):
        """The name of the function that is declared or defined here, or None."""
        if re.match(r"\s*typedef\b", self.head) or "=" in self.head or (not self.is_function and "{}" in self.head):
            return None
        match = CALLABLE.search(self.head)
        return match.group(1) if match and match.group(1) not in NOT_A_NAME else None

    def is_private(self):
        return bool(re.search(r"\b(static|inline)\b", self.head))

    def types(self):
        """(name, body) for each type declared here; body is None for a name whose struct stands elsewhere."""
        head = re.sub(r"\[[^]]*\]", "", self.head)
        tagged = re.match(r"\s*(typedef\s+)?(?:const\s+)?(struct|union|enum)\s+(\w+)?\s*(\{\})?\s*([^;]*)$", head)
        if tagged and (tagged.group(1) or not tagged.group(5).strip()):
            _, kind, tag, body, rest = tagged.groups()
            name = re.sub(r"[^\w]", "", rest) if tagged.group(1) else None
            if body:
                yield from ((each, f"{kind} {tag or name}") for each in dict.fromkeys(filter(None, (tag, name))))
            elif name and name != tag:
                yield name, f"typedef {kind} {tag}"
            elif tag:
                yield tag, None
        elif re.match(r"\s*typedef\b", head):
            pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", head) or re.search(r"(\w+)\s*$", head)
            if pointer:
                yield pointer.group(1), "typedef"


def declarations(text):
    """Each declaration at the top level of the file, in order."""
    bare = ATTRIBUTE.sub(blank, DIRECTIVE.sub(blank, NOISE.sub(blank, text)))
    bare = re.sub(r'\bextern\s+(?=\{)', blank, bare)
    head, start, depth, opened, i = "", None, 0, False, 0
    for i, char in enumerate(bare):
        if depth == 0 and char not in "{};":
            if start is None and not char.isspace():
                start = i
            head += char
        elif char == "{":
            if depth == 0 and not head.strip():
                continue  # the block of an extern "C"
            depth += 1
            if depth == 1:
                opened = True
                head += "{}"
        elif char == "}":
            if depth == 0:
                continue
            depth -= 1
            if depth == 0 and opened and re.search(r"\)[\s\w]*\{\}$", head) and "=" not in head:
                yield Declaration(line_of(bare, start), head, True)
                head, start, opened = "", None, False
        elif depth == 0:
            if head.strip():
                yield Declaration(line_of(bare, start), head, False)
            head, start, opened = "", None, False
