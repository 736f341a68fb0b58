"""The files of one checkout, and the floors its rooms stand on."""
import os
import subprocess

# An include points into its own room or to a lower floor.
FLOORS = {"base": 0, "loop": 1, "crypto": 1, "image": 1, "net": 2, "http": 3, "server": 4, "session": 4, "data": 4,
          "client": 4, "vm": 5, "app": 6, "bind": 7, "cli": 8}
SEES_LUA = ("vm", "app", "bind", "cli")


class Tree:
    """The files below `root`: those git knows, or all where `root` is not a repository."""

    def __init__(self, root):
        self.root = root
        self.paths = sorted(self.tracked() if os.path.exists(os.path.join(root, ".git")) else self.walked())
        self.texts = {}

    def tracked(self):
        listed = subprocess.run(["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                                text=True, check=True).stdout.split("\n")
        return [path for path in listed if path and os.path.isfile(os.path.join(self.root, path))]

    def walked(self):
        for folder, _, names in os.walk(self.root):
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def text(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as source:
                self.texts[path] = source.read()
        return self.texts[path]

    def below(self, folder, *endings):
        return [path for path in self.paths if path.startswith(folder + "/") and path.endswith(endings)]


def room_of(path):
    """runtime/vm/task.c -> vm"""
    return path.split("/")[1]
