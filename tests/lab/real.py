#!/usr/bin/env python3
"""real.py - real packages' units: what immure says against that release's own systemd tools

  real.py units ROOT                    their names, templates as such
  real.py exposure ROOT IMMURE [RUN..]  every check and the overall figure of systemd-analyze security; RUN: how to run a
                                        command in the root (default: chroot ROOT)
  real.py properties ROOT IMMURE SHOWN  SHOWN: the output of systemctl show for the names that "units" prints, with
                                        instances "lab" of templates, in that order

Prints each difference; exits 1 when there is one."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys

# What a running manager knows, what depends on the machine, and what other units say about a unit.
RUNTIME = re.compile(
    r".*(Timestamp|TimestampMonotonic|USecMonotonic)$|^(Active|Sub|Freezer)State$|^ExecMain|^(Main|Control)PID$|^Status|^N[A-Z]"
    r"|^(InvocationID|ControlGroup|ControlGroupId|Result|ReloadResult|CleanResult|ConditionResult|AssertResult|CanFreeze"
    r"|CanIsolate|CanStart|CanStop|CanReload|CanClean|CanLiveMount|CPUUsageNSec|Memory(Current|Available|Peak|SwapCurrent"
    r"|SwapPeak|ZSwapCurrent)|Effective.*|Tasks(Current)|IO(Read|Write)(Bytes|Operations)|IP(In|E)gress(Bytes|Packets)"
    r"|UID|GID|ExtraFileDescriptorNames|UnitFile(State|Preset)|NeedDaemonReload|Job|Transient|Perpetual|Triggers|TriggeredBy"
    r"|After|Before|Wants|WantedBy|Requires|RequiredBy|Requisite|RequisiteOf|BindsTo|BoundBy|Conflicts|ConflictedBy|PartOf"
    r"|ConsistsOf|OnFailure|OnFailureOf|OnSuccess|OnSuccessOf|Upholds|UpheldBy|PropagatesReloadTo|ReloadPropagatedFrom"
    r"|PropagatesStopTo|StopPropagatedFrom|JoinsNamespaceOf|SliceOf|RequiresMountsFor|WantsMountsFor|LoadError|RestartKillSignal"
    r"|Limit(SIGPENDING|NPROC|MEMLOCK|NOFILE|CORE)(Soft)?|TasksMax|Delegate|DelegateControllers|Controls?)$")
SETS = {"Names", "IPAddressAllow", "IPAddressDeny", "RestrictNetworkInterfaces"}
MASKED_BY_LAB = {"systemd-sysctl.service", "systemd-modules-load.service", "systemd-binfmt.service",
                 "systemd-random-seed.service", "kmod-static-nodes.service", "kmod.service", "procps.service"}


def units(root):
    names = set()
    for top in ("etc/systemd/system", "usr/lib/systemd/system", "usr/local/lib/systemd/system"):
        try:
            found = os.listdir(os.path.join(root, top))
        except OSError:
            continue
        names.update(n for n in found if n.endswith(".service") and not os.path.isdir(os.path.join(root, top, n)))
    return sorted(names - MASKED_BY_LAB)


def document(immure, *args):
    run = subprocess.run([immure, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    try:
        return json.loads(run.stdout.decode("utf-8", "surrogateescape"))
    except ValueError:
        sys.exit("%s: exit %d, no document: %s" % (" ".join(args), run.returncode, run.stderr.decode(errors="replace")[:400]))


def blocks(text):
    return [dict(l.split("=", 1) for l in b.split("\n") if "=" in l) for b in text.split("\n\n") if b.strip()]


def properties(root, immure, shown):
    names = [n.replace("@.", "@lab.") for n in units(root)]
    with open(shown, encoding="utf-8", errors="surrogateescape") as f:
        real = blocks(f.read())
    wanted = sorted({k for b in real for k in b if not RUNTIME.match(k)})
    run = subprocess.run([immure, "show", "--quiet", "--root=" + root, "--property=" + ",".join(wanted), "--"] + names,
                         stdout=subprocess.PIPE, check=False)
    mine = blocks(run.stdout.decode("utf-8", "surrogateescape"))
    if not len(names) == len(real) == len(mine):
        sys.exit("%d units, %d shown by systemctl, %d by immure" % (len(names), len(real), len(mine)))
    counts, units_wrong, lines = {}, set(), 0
    for name, r, m in zip(names, real, mine):
        if r.get("LoadState") != "loaded":
            keys = ["Id", "Names", "LoadState", "FragmentPath"]
        else:
            keys = wanted
        for k in keys:
            a, b = r.get(k), m.get(k)
            if a is None and b is None:
                continue
            lines += 1
            if k in SETS and a and b:
                a, b = sorted(a.split()), sorted(b.split())
            if a != b:
                counts[k] = counts.get(k, 0) + 1
                units_wrong.add(name)
                print("%s: %s: systemctl %s, immure %s" % (name, k, a, b))
    print("%d units, %d properties compared, %d units differ%s" % (len(names), lines, len(units_wrong), "".join(
        ", %s %d" % kv for kv in sorted(counts.items(), key=lambda kv: -kv[1]))))
    return 1 if counts else 0


def figures(run, name):
    """systemd-analyze security's rows by id, and its overall figure and rating; None where it gives none"""
    def tool(*args):
        return subprocess.run(run + ["env", "SYSTEMD_COLORS=0", "LC_ALL=C.UTF-8", "systemd-analyze", "security", "--no-pager", *args, name],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode(errors="replace")

    offline = ["--offline=yes"] if run[0] == "chroot" else []
    m = re.search(r"Overall exposure level for .*: ([0-9.]+) ([A-Z]+)", tool(*offline))
    rows = None
    if m and offline:
        try:
            rows = {r["json_field"]: r for r in json.loads(tool(*offline, "--json=short"))}
        except ValueError:
            pass
    return (m.group(1), m.group(2), rows) if m else None


def exposure(root, immure, run):
    names = units(root)
    scanned = {u["unit"]: u for u in document(immure, "scan", "--quiet", "--root=" + root, "--scorecard=systemd", "--json=short",
                                              "--", *names)["units"]}
    wrong, checks, judged = set(), 0, 0

    def say(name, what, theirs, ours):
        wrong.add(name)
        print("%s: %s: systemd-analyze %s, immure %s" % (name, what, theirs, ours))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, real in zip(names, pool.map(lambda n: figures(run, n), names)):
            u = scanned.get(name)
            if u is None:
                say(name, "unit", real and real[0], "does not list it")
                continue
            if real is None:
                if u.get("exposure") is not None:
                    say(name, "exposure", None, u["exposure"])
                continue
            judged += 1
            if (u.get("exposure"), u.get("rating")) != real[:2]:
                say(name, "exposure", " ".join(real[:2]), "%s %s" % (u.get("exposure"), u.get("rating")))
            if real[2] is None:
                continue
            mine = {c["id"]: c for c in u.get("checks", [])}
            for key in sorted(set(mine) | set(real[2])):
                a, b = real[2].get(key), mine.get(key)
                if a is None or b is None:
                    say(name, key, "has it" if a else "has it not", "has it" if b else "has it not")
                    continue
                checks += 1
                for field in ("set", "exposure"):
                    if a.get(field) != b.get(field):
                        say(name, "%s %s" % (key, field), a.get(field), b.get(field))
    print("%d units, %d with a figure, %d checks compared, %d units differ" % (len(names), judged, checks, len(wrong)))
    return 1 if wrong else 0


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("units", "exposure", "properties"):
        sys.exit(__doc__)
    kind, root = sys.argv[1:3]
    if kind == "units":
        print("\n".join(units(root)))
        return 0
    if kind == "exposure":
        return exposure(root, sys.argv[3], sys.argv[4:] or ["chroot", root])
    return properties(root, sys.argv[3], sys.argv[4])


sys.exit(main())
