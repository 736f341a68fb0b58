"""Draws the house: docs/images/house.svg.

  floor 8   +-----+
            | cli |                      Each floor begins to the right of all floors above it, like stairs. So an arrow can
            +-----+                      go straight down past every floor, turn right above the one it wants, and enter a
  floor 7    | | |  +------+             room from above: no arrow runs through a room, and no two lie on each other.
             | | +->| bind |
             | |    +------+             Within a room the arrow that goes deepest leaves at the left; above a floor the
             | +----------------->       arrow that comes from farthest left runs lowest. Both save crossings.
             v
  =========================== base       base/ is the ground: everything stands on it.

Counts are rounded and widths come in five steps, so that an ordinary commit leaves the drawing as it is.
"""
from html import escape

from house import ctext
from house.checks import late_requires, sources
from house.tree import FLOORS, room_of

ROOM_WIDTH, ROOM_HEIGHT, GAP = 96, 66, 11
LEFT, TOP = 66, 58
PORT_GAP, HEAD_GAP, TRACK_GAP = 4, 7, 3
STEPS = ((1, 1.4), (4, 2.2), (12, 3.4), (35, 4.8), (90, 6.4))  # from so many includes on: so wide a line
LIGHT = ("#7a4f9a", "#1668a8", "#0b7a75", "#4f7a1e", "#9a6a00", "#b4501e", "#a83254", "#5b5fc7", "#6b7280")
DARK = ("#c9a3e6", "#79bdf2", "#5fd0c9", "#a6d46a", "#e6bd55", "#f0a070", "#f08aa8", "#a9acf5", "#b6bcc8")


class Room:
    """A room: how many files and lines it has, and how often it includes each other room."""

    def __init__(self):
        self.files, self.lines, self.uses = 0, 0, {}


def rooms(tree):
    found = {name: Room() for name in FLOORS}
    for path in sources(tree):
        room = found[room_of(path)]
        room.files += 1
        room.lines += tree.text(path).count("\n")
        for _, target in ctext.includes(tree.text(path)):
            other = target.split("/")[0]
            if "/" in target and other in FLOORS and other != room_of(path):
                room.uses[other] = room.uses.get(other, 0) + 1
    return found


def rounded(count, step):
    """To the next `step`, but never 0."""
    return max(step, (count + step // 2) // step * step)


def width_of(count):
    return max(width for least, width in STEPS if count >= least)


class Arrow:
    """From one room down to another: leaves at `x`, runs right at `y`, enters at `end`."""

    def __init__(self, source, target, count):
        self.source, self.target, self.width = source, target, width_of(count)
        self.x = self.y = self.end = 0


def spread(arrows, gap, start, room):
    """Centres for arrows side by side: in the middle of `room`, which begins at `start`."""
    wide = sum(arrow.width for arrow in arrows)
    gap = min(gap, (room - 8 - wide) / max(1, len(arrows) - 1))
    total = wide + gap * (len(arrows) - 1)
    at = start + max(0, (room - total) / 2)
    for arrow in arrows:
        yield at + arrow.width / 2
        at += arrow.width + gap


class Plan:
    """Where everything stands. All positions follow from the rooms and what they include."""

    def __init__(self, found):
        self.names = [name for name in sorted(FLOORS, key=lambda name: -FLOORS[name]) if found[name].files]
        self.found, self.place = found, {}
        self.arrows = [Arrow(name, other, count) for name in self.names for other, count in found[name].uses.items()
                       if other in self.names and FLOORS[other] < FLOORS[name]]
        self.floors = sorted({FLOORS[name] for name in self.names}, reverse=True)
        x = LEFT
        for name in (name for name in self.names if FLOORS[name]):
            self.place[name] = [x, 0]
            x += ROOM_WIDTH + GAP
        self.width = x + 30
        for name in (name for name in self.names if not FLOORS[name]):
            self.place[name] = [LEFT, 0]
        self.leave()
        self.stack()
        self.enter()

    def leave(self):
        """Each room's arrows leave at its bottom edge, the one that goes deepest at the left."""
        for name in self.names:
            own = [arrow for arrow in self.arrows if arrow.source == name]
            own.sort(key=lambda arrow: (FLOORS[arrow.target], self.place[arrow.target][0], arrow.target))
            for arrow, x in zip(own, spread(own, PORT_GAP, self.place[name][0], ROOM_WIDTH)):
                arrow.x = x

    def stack(self):
        """Floors from the top down. Above each is room for the arrows that come in, one track each."""
        y = TOP
        for floor in self.floors:
            coming = [arrow for arrow in self.arrows if FLOORS[arrow.target] == floor and floor > 0]
            coming.sort(key=lambda arrow: (-self.place[arrow.target][0], -arrow.x))
            y += 16
            for arrow in coming:
                arrow.y = y + arrow.width / 2
                y += arrow.width + TRACK_GAP
            y += 18
            for name in (name for name in self.names if FLOORS[name] == floor):
                self.place[name][1] = y
            y += ROOM_HEIGHT
        self.height = y + 24

    def enter(self):
        """Arrows enter a room from above, in the order in which they come; those to the ground go straight down."""
        for name in self.names:
            coming = sorted((arrow for arrow in self.arrows if arrow.target == name), key=lambda arrow: arrow.x)
            for arrow, x in zip(coming, spread(coming, HEAD_GAP, self.place[name][0], ROOM_WIDTH)):
                arrow.end = x if FLOORS[name] else arrow.x


def path_of(plan, arrow):
    start = plan.place[arrow.source][1] + ROOM_HEIGHT
    top = plan.place[arrow.target][1] - 7 - arrow.width / 2
    if arrow.end == arrow.x:
        return f"M{arrow.x:.1f} {start}V{top:.1f}"
    bend = 4
    return (f"M{arrow.x:.1f} {start}V{arrow.y - bend:.1f}q0 {bend} {bend} {bend}H{arrow.end - bend:.1f}"
            f"q{bend} 0 {bend} {bend}V{top:.1f}")


def head_of(plan, arrow):
    half, tip = 3 + arrow.width / 2, plan.place[arrow.target][1]
    back = 7 + arrow.width / 2
    return f"M{arrow.end:.1f} {tip}l{-half:.1f} {-back:.1f}h{2 * half:.1f}z"


def style():
    def colours(table):
        return "".join(f".f{floor}{{stroke:{colour}}}.h{floor}{{fill:{colour}}}" for floor, colour in enumerate(table))
    return ("text{font-family:system-ui,sans-serif;fill:#1f2328}.paper{fill:#fff}.room{fill:#f6f8fa;stroke-width:2}"
            ".floor{stroke:#d0d7de;stroke-dasharray:2 5}.way{fill:none}.under{fill:none;stroke:#fff}"
            ".name{font-weight:600;font-size:18px}.small{font-size:14px}.quiet{fill:#59636e}.title{font-size:22px;font-weight:600}" + colours(LIGHT) +
            "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.paper{fill:#0d1117}.room{fill:#161b22}.floor{stroke:#3d444d}"
            ".under{stroke:#0d1117}.quiet{fill:#9198a1}" + colours(DARK) + "}")


def text(x, y, content, classes, extra=""):
    return f'<text x="{x:g}" y="{y:g}" class="{classes}"{extra}>{escape(content)}</text>'


def room_box(plan, name):
    x, y = plan.place[name]
    room, floor = plan.found[name], FLOORS[name]
    width = ROOM_WIDTH if floor else plan.width - LEFT - 30 - GAP
    files, lines = rounded(room.files, 5), rounded(room.lines, 100)
    middle = x + width / 2
    anchor = ' text-anchor="middle"'
    yield f'<rect class="room f{floor}" x="{x}" y="{y:g}" width="{width}" height="{ROOM_HEIGHT}" rx="6"/>'
    yield text(middle, y + 24, name + "/", "name", anchor)
    yield text(middle, y + 42, f"{files} files", "small quiet", anchor)
    yield text(middle, y + 58, f"{lines:,} lines".replace(",", " "), "small quiet", anchor)


def floor_lines(plan):
    for floor in plan.floors:
        y = next(plan.place[name][1] for name in plan.names if FLOORS[name] == floor)
        yield f'<path class="floor" d="M14 {y + ROOM_HEIGHT:g}H{plan.width - 20}"/>'
        yield text(14, y + 40, str(floor), "title quiet")


def note(plan, tree):
    """The empty corner over the stairs: what the picture means, and which modules of Lua require each other late."""
    x, y = plan.width - 610, TOP + 6
    yield text(LEFT, 34, "The house, from the #include lines of runtime/", "title")
    lines = ["A room points at the rooms whose files it includes: always down.",
             "The wider the arrow, the more includes (from 1 on, 4, 12, 35, 90).",
             "Files are rounded to 5, lines to 100. Drawn by script/floorplan --draw."]
    for index, line in enumerate(lines):
        yield text(x, y + 20 * index, line, "small quiet")
    late = [tuple(name.removeprefix("rille.") for name in pair) for pair in late_requires(tree)]
    if not late:
        return
    y += 20 * len(lines) + 16
    rows = (len(late) + 1) // 2
    yield f'<rect class="paper" x="{x - 8}" y="{y - 16}" width="610" height="{18 * rows + 36}"/>'
    yield text(x, y, "lua/rille: required inside a function, since a require at the top would close a circle", "small")
    for index, (one, other) in enumerate(late):
        yield text(x + 300 * (index // rows), y + 20 + 18 * (index % rows), f"{one} → {other}", "small quiet")


def draw(tree):
    plan = Plan(rooms(tree))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plan.width} {plan.height:g}" role="img" '
             'aria-label="The rooms of runtime/ by floor, and which room includes which">',
             f"<style>{style()}</style>", f'<rect class="paper" width="{plan.width}" height="{plan.height:g}"/>']
    parts += floor_lines(plan)
    parts += note(plan, tree)
    order = sorted(plan.arrows, key=lambda arrow: (-FLOORS[arrow.source], -FLOORS[arrow.target], arrow.source, arrow.target))
    for arrow in order:
        way = path_of(plan, arrow)
        parts.append(f'<path class="under" stroke-width="{arrow.width + 3:g}" d="{way}"/>')
        parts.append(f'<path class="way f{FLOORS[arrow.source]}" stroke-width="{arrow.width:g}" d="{way}"/>')
        parts.append(f'<path class="h{FLOORS[arrow.source]}" d="{head_of(plan, arrow)}">'
                     f"<title>{arrow.source} includes {arrow.target}</title></path>")
    for name in plan.names:
        parts += room_box(plan, name)
    return "\n".join(parts) + "\n</svg>\n"
