#!/usr/bin/env python3
"""The style that matters, as a test: which room may include which, how long files, functions and lines may be, what
engine/control may not call, and names that say nothing. Prints file:line for each finding and fails if there is one."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 80
MAX_COLUMNS = 120

# A room may include itself and what stands here. docs/architecture.md shows the same as a picture.
BASE = {"base"}
NET = BASE | {"net"}
SERVICE = NET | {"service"}
SEAM = BASE | {"engine/seam"}
API = SEAM | {"engine/api", "net"}
CONTROL = SEAM | {"engine/api", "engine/control"}
ABOVE = CONTROL
WORLD = ABOVE | {"net", "engine/node", "engine/edge", "engine/gitops", "engine/azure", "engine/web", "engine/world"}
MAY_INCLUDE = {
    "base": BASE, "net": NET, "service": SERVICE, "apps": SERVICE | {"apps"},
    "engine/seam": SEAM, "engine/api": API, "engine/control": CONTROL,
    "engine/node": ABOVE | {"engine/node"}, "engine/edge": ABOVE | {"engine/edge"},
    "engine/gitops": ABOVE | {"engine/gitops"}, "engine/azure": ABOVE | {"net", "engine/azure"},
    "engine/web": ABOVE | {"net", "engine/web"}, "engine/world": WORLD, "engine/cli": WORLD | {"engine/cli"},
    "tests": WORLD | {"service", "apps", "tests"}, "bench": WORLD | {"service", "apps", "bench"},
}
ROOMS = sorted(MAY_INCLUDE, key=len, reverse=True)

# engine/control is pure: the same objects and the same clock give the same history, on every compiler.
BANNED_IN_CONTROL = {
    r"\b(system_clock|steady_clock|high_resolution_clock)::now\b": "the clock is seam::Clock",
    r"\bstd::(jthread|thread|mutex|condition_variable\w*|async)\b": "one thread runs all controllers",
    r"\bsleep(_for|_until)?\s*\(": "controllers never wait: answer Again::in",
    r"\bstd::unordered_\w+": "its order differs between libraries",
    r"\bstd::hash\b": "its values differ between libraries",
    r"\bstd::\w+_distribution\b": "its values differ between libraries",
    r"\bstd::random_device\b|\brand\s*\(": "randomness comes from the Api's seed",
    r"\bstd::(i|o)?fstream\b|\bfopen\s*\(|\bsocket\s*\(|\bgetenv\s*\(": "the outside is behind a seam",
}
NAMES_THAT_SAY_NOTHING = re.compile(r"(^|_)(util|utils|helper|helpers|common|misc)(_|\.|$)")


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], check=True,
                         capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if (ROOT / line).is_file()]


def room_of(path):
    return next((room for room in ROOMS if path == room or path.startswith(room + "/")), None)


def check_includes(path, lines):
    room = room_of(path)
    if room is None:
        return
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = room_of(match[1])
        if target is not None and target not in MAY_INCLUDE[room]:
            yield number, f"{room} may not include {target} ({match[1]})"


def check_lengths(path, lines):
    if len(lines) > MAX_FILE_LINES:
        yield len(lines), f"{len(lines)} lines; {MAX_FILE_LINES} are the most a file may have: split it by what it does"
    start = None
    raw = None  # The delimiter of the raw string literal that goes on here; its lines are data.
    for number, line in enumerate(lines, 1):
        raw_before = raw is not None
        opened = re.search(r'R"(\w*)\(', line) if raw is None else None
        raw = opened[1] if opened else raw
        if raw is not None and f'){raw}"' in line:
            raw = None
        if len(line) > MAX_COLUMNS and not raw_before and not opened:
            yield number, f"{len(line)} columns; {MAX_COLUMNS} are the most"
        if line and not line[0].isspace() and line[0] not in "}#/" and not line.startswith(("namespace", "class", "struct", "enum", "extern")):
            start = start or number
        if line.rstrip() in ("}", "};"):
            if start and line.rstrip() == "}" and number - start + 1 > MAX_FUNCTION_LINES:
                yield start, f"a function of {number - start + 1} lines; {MAX_FUNCTION_LINES} are the most: name its parts"
            start = None
        elif line.rstrip().endswith(";") and not line[:1].isspace():
            start = None


def check_control(path, lines):
    if not path.startswith("engine/control/") or path.endswith("_test.cc"):
        return
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        for pattern, reason in BANNED_IN_CONTROL.items():
            if re.search(pattern, code):
                yield number, f"not in engine/control: {reason}"


def main():
    findings = []
    for path in tracked():
        if NAMES_THAT_SAY_NOTHING.search(pathlib.Path(path).name):
            findings.append(f"{path}: a name that says nothing: call it after what it does")
        if not path.endswith((".cc", ".h")):
            continue
        lines = (ROOT / path).read_text().splitlines()
        for check in (check_includes, check_lengths, check_control):
            findings += [f"{path}:{number}: {message}" for number, message in check(path, lines)]
    print("\n".join(findings) if findings else "style: nothing to say")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
