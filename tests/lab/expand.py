#!/usr/bin/env python3
"""expand.py FILE DIR - writes the units of a scenario file as unit files.

A scenario file has blocks, each begun by a line "## NAME": the unit NAME.service, or, where NAME holds a slash or
ends in .socket and the like, the file of that name (a drop-in, a helper). Lines are settings of [Service] unless a
line "[Section]" stands before them. A unit that names no ExecStart= gets the probe; Type=exec is added likewise."""

import os
import sys

PROBE = "/usr/local/bin/probe"


def blocks(path):
    name, lines = None, []
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            if line.startswith("## "):
                if name:
                    yield name, lines
                name, lines = line[3:].strip(), []
            elif name:
                lines.append(line)
    if name:
        yield name, lines


def unit(lines):
    comments = [l for l in lines if l.startswith("# ")]
    body = [l for l in lines if l.strip() and not l.startswith("# ")]
    service = []
    if not any(l.startswith("Type=") for l in body):
        service.append("Type=exec")
    if not any(l.startswith("ExecStart=") for l in body):
        service.append("ExecStart=" + PROBE)
    return "\n".join(comments + ["[Service]"] + service + body) + "\n"


def expand(path, to):
    """The names of the units written."""
    names = []
    for name, lines in blocks(path):
        plain = "/" in name or os.path.splitext(name)[1] in (
            ".socket", ".slice", ".target", ".mount", ".automount", ".swap", ".timer", ".path", ".conf")
        file = os.path.join(to, name if plain else name + ".service")
        if os.path.exists(file):
            sys.exit("%s: %s is there twice" % (path, name))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as f:
            if plain:
                body = [l for l in lines if l.strip()]
                if not any(l.startswith("[") for l in body[:1]):
                    body.insert(0, "[Service]")
                f.write("\n".join(body) + "\n")
            else:
                f.write(unit(lines))
                names.append(name)
    return names


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print("%d units" % len(expand(sys.argv[1], sys.argv[2])))
