"""What the house does not allow. Each check yields faults: the place, what is wrong, what to do."""
import os
import re

from house import ctext, luatext
from house.circles import circles
from house.tree import FLOORS, SEES_LUA, room_of

C_FILES = (".c", ".h", ".cc")


def module_of(path):
    """runtime/vm/task.c and runtime/vm/task.h -> vm/task"""
    return os.path.splitext(path)[0].removeprefix("runtime/")


def sources(tree):
    """Each file of C in a room that stands on a floor."""
    return [path for path in tree.below("runtime", *C_FILES) if path.count("/") > 1 and room_of(path) in FLOORS]


def floors(tree):
    """An include that points up or at a neighbour, and a room that sees what only others may see."""
    for path in tree.below("runtime", *C_FILES):
        if path.count("/") < 2 or room_of(path) not in FLOORS:
            yield f"{path}:1: this room is on no floor: move the file, or give the room a floor in script/house/tree.py"
            continue
        room = room_of(path)
        for line, target in ctext.includes(tree.text(path)):
            where, other = f"{path}:{line}: includes {target}", target.split("/")[0]
            if target in ("lua.h", "lauxlib.h", "lualib.h") and room not in SEES_LUA:
                yield f"{where}, but only {', '.join(SEES_LUA)} see Lua: hand over a callback struct of {room}/ instead"
            if target.startswith("openssl/ssl") and path != "runtime/crypto/openssl.h":
                yield f"{where}: include crypto/openssl.h instead, which says whom it is for"
            if "/" in target and other in FLOORS and other != room and FLOORS[other] >= FLOORS[room]:
                way = "up" if FLOORS[other] > FLOORS[room] else "at a neighbour"
                yield (f"{where}, which points {way} (floor {FLOORS[room]} to {FLOORS[other]}): let {room}/ own a callback "
                       f"struct that {other}/ fills in, or move what both need to a lower floor")


def module_graph(tree):
    """{module: {module of the same room: "file:line"}}"""
    graph = {module_of(path): {} for path in sources(tree)}
    for path in sources(tree):
        for line, target in ctext.includes(tree.text(path)):
            other = os.path.splitext(target)[0]
            if other in graph and other != module_of(path) and other.split("/")[0] == room_of(path):
                graph[module_of(path)].setdefault(other, f"{path}:{line}")
    return graph


def told(way, graph):
    return " -> ".join(way), "; ".join(f"{graph[a][b]} includes {b}" for a, b in zip(way, way[1:]))


def include_circles(tree):
    """Files of one room that include each other in a circle. A .c and its .h are one module."""
    graph = module_graph(tree)
    for way, size in circles(graph):
        line, places = told(way, graph)
        more = f" ({size} modules reach each other)" if size > len(way) - 1 else ""
        yield (f"{graph[way[0]][way[1]]}: a circle of includes: {line}{more}; {places}. "
               "Move what both need into a file of its own, or turn one arrow into a callback")


def type_names(tree):
    """One public type name for two types."""
    named, bodies = {}, {}
    for path in sources(tree):
        for declaration in ctext.declarations(tree.text(path)):
            for name, body in declaration.types():
                if path.endswith(".h"):
                    named.setdefault(name, (path, declaration.line))
                if body:
                    bodies.setdefault(name, []).append((path, declaration.line))
    for name, (path, line) in sorted(named.items()):
        if len(bodies.get(name, ())) > 1:
            places = [f"{where}:{number}" for where, number in bodies[name]]
            yield (f"{places[0]}: the type {name} is declared again in {', '.join(places[1:])}: "
                   "one public name has one type in runtime/; rename one of them")


def homeless_functions(tree):
    """A function that a header declares and a file of another folder defines."""
    defined = {}
    for path in sources(tree):
        for declaration in ctext.declarations(tree.text(path)):
            name = declaration.is_function and not declaration.is_private() and declaration.function()
            if name and not path.endswith(".h"):
                defined.setdefault(name, []).append((path, declaration.line))
    for path in (path for path in sources(tree) if path.endswith(".h")):
        for declaration in ctext.declarations(tree.text(path)):
            name = not declaration.is_function and not declaration.is_private() and declaration.function()
            places = defined.get(name or "", [])
            if places and not any(os.path.dirname(where) == os.path.dirname(path) for where, _ in places):
                where, line = places[0]
                yield (f"{path}:{declaration.line}: declares {name}, which {where}:{line} defines: "
                       f"declare it in a header of {os.path.dirname(where)}/, or move the function")


def lua_module(path):
    """lua/rille/client/url.lua -> rille.client.url"""
    return re.sub(r"\.init$", "", path[len("lua/"):-len(".lua")].replace("/", "."))


def lua_graphs(tree):
    """Two graphs of lua/rille: what is required while a module loads, and also what is required when it is called."""
    paths = [path for path in tree.below("lua/rille", ".lua") if not path.startswith("lua/rille/meta/")]
    loading, calling = ({lua_module(path): {} for path in paths} for _ in range(2))
    for path in paths:
        for line, name, lazy in luatext.requires(tree.text(path)):
            if name in loading:
                (calling if lazy else loading)[lua_module(path)].setdefault(name, f"{path}:{line}")
    return loading, calling


def require_circles(tree):
    """Modules of lua/rille that require each other while they load."""
    loading, _ = lua_graphs(tree)
    for way, size in circles(loading):
        line = " -> ".join(way)
        places = "; ".join(f"{loading[a][b]} requires {b}" for a, b in zip(way, way[1:]))
        more = f" ({size} modules reach each other)" if size > len(way) - 1 else ""
        yield (f"{loading[way[0]][way[1]]}: a circle of require: {line}{more}; {places}. "
               "Move what both need into a module of its own, hand it over as an argument, or require it inside the function")


def late_requires(tree):
    """[(a, b)]: a requires b inside a function, and b leads back to a. Allowed; the drawing lists them."""
    loading, calling = lua_graphs(tree)
    both = {name: {**calling[name], **loading[name]} for name in loading}

    def leads_to(start, wanted):
        queue, seen = [start], {start}
        for node in queue:
            queue += [other for other in both[node] if other not in seen]
            seen.update(both[node])
        return wanted in seen

    return sorted((a, b) for a in calling for b in calling[a] if b not in loading[a] and leads_to(b, a))


CITED = re.compile(r"(?<![\w/.*{}-])([\w./-]+\.md)\b")
CITING = ("runtime", "lua", "ctests", "bench", "script", "cmake")


def citations(tree):
    """A document that a source cites and the repository does not have."""
    known = [path for path in tree.paths if path.endswith(".md")]
    for path in (path for folder in CITING for path in tree.below(folder, "")):
        if not path.endswith((".c", ".h", ".lua", ".md", ".cmake", ".txt", ".py")) and not path.startswith("script/"):
            continue
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            for name in CITED.findall(line):
                if not name.startswith("usr/") and not any(other == name or other.endswith("/" + name) for other in known):
                    yield (f"{path}:{number}: cites {name}, which is not in the repository: "
                           "cite an RFC, a CVE, a paper, or a page of docs/design/")


ALWAYS = (floors, citations)
STRICT = (include_circles, type_names, homeless_functions, require_circles)
