"""What a result was measured on."""
import os
import platform
import subprocess
import time

from .process import ROOT


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def system():
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            name = next(line.split("=", 1)[1].strip().strip('"') for line in file if line.startswith("PRETTY_NAME"))
    except (OSError, StopIteration):
        name = platform.system()
    return f"{name}, Linux {platform.release()}"


def commit():
    """The commit, with a + where files that git knows have been changed."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    ours = ":!bench/results", ":!bench/images", ":!bench/README.md", ":!README.md"  # what a run writes
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *ours)
    return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")


def facts():
    return {"processor": processor(), "cores": os.cpu_count(), "system": system(), "commit": commit(),
            "date": time.strftime("%Y-%m-%d", time.gmtime())}
