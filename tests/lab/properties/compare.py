#!/usr/bin/env python3
"""Two files of `systemctl show` answers, compared property by property.

compare.py [--flattened] TITLE NAMES SYSTEMCTL OTHER EXCEPTIONS    OTHER: immure's, or systemctl's after flattening
compare.py --list-loaded NAMES SYSTEMCTL                           the units that are read under the name asked for

EXCEPTIONS has lines "PROPERTY UNIT TITLE reason", the first three as globs: differences that are known and explained in
docs/properties.md. Ends with 1 if anything else differs.
"""
import collections
import fnmatch
import re
import shlex
import sys

# Hash order in systemd, so any order is right
SETS = {
    "Names", "IPAddressAllow", "IPAddressDeny", "RestrictNetworkInterfaces", "LogFilterPatterns", "Requires", "Requisite",
    "Wants", "BindsTo", "PartOf", "Upholds", "RequiredBy", "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy", "ConsistsOf",
    "Conflicts", "ConflictedBy", "Before", "After", "OnSuccess", "OnSuccessOf", "OnFailure", "OnFailureOf", "Triggers",
    "TriggeredBy", "PropagatesReloadTo", "ReloadPropagatedFrom", "PropagatesStopTo", "StopPropagatedFrom",
    "JoinsNamespaceOf", "SliceOf", "ImportCredential", "RequiresMountsFor", "WantsMountsFor",
}
# The lab masks what would set up the machine's kernel
MASKED_BY_LAB = {
    "systemd-sysctl.service", "systemd-modules-load.service", "systemd-binfmt.service", "systemd-random-seed.service",
    "kmod-static-nodes.service", "kmod.service", "procps.service",
}
# What a running unit tells about its run
RUNTIME = re.compile(
    r"Timestamp|^(Active|Sub|Freezer)State$|^InvocationID$|PID$|^ControlGroup|^(Memory|Tasks)(Current|Peak|Available)|"
    r"^Memory(Swap|ZSwap)(Current|Peak)$|Effective|^CPUUsage|^IP(In|E)gress|^IO(Read|Write)(Bytes|Operations)$|^NRestarts$|"
    r"^Status|^ExecMain|^NFileDesc|^[UG]ID$|Result$|^ConditionResult$|^AssertResult$|^NextElapse|^LastTrigger|^Job$|^Can|^N(Connections|Accepted|Refused)$|"
    r"^Refs$|^ActivationDetails$|^Controller$|^Perpetual$|^Transient$|^SysFSPath$|^Following$|^UnitFile|^RestartUSecNext$|^WatchdogUSec$")
# What is another thing for a unit whose files lie elsewhere
PLACE = {"FragmentPath", "DropInPaths", "UnitFileState", "UnitFilePreset", "NeedDaemonReload", "EffectiveTasksMax"}
# Of a unit that does not load
UNLOADED = {"Id", "Names", "LoadState", "FragmentPath"}


def block(lines):
    props = collections.OrderedDict()
    last = None
    for line in lines:
        m = re.match(r"([A-Za-z0-9]+)=(.*)", line, re.S)
        if m:
            last = m[1]
            props.setdefault(last, []).append(m[2])
        elif last:
            props[last][-1] += "\n" + line
    return props


def read(names, path):
    """Blocks with an empty line between them, in the order of the names"""
    text = open(path, encoding="utf-8", errors="surrogateescape").read()
    blocks = [block(b.split("\n")) for b in re.split(r"\n\n+(?=[A-Za-z])", text.strip("\n"))]
    if len(blocks) != len(names):
        sys.exit(f"{path}: {len(blocks)} answers for {len(names)} units")
    return dict(zip(names, blocks))


def plain(prop, values, running):
    if prop == "RestrictNetworkInterfaces":  # a name may begin with the tilde of a deny-list
        return sorted(" ".join(values).replace("~", " ").split()) + ["~"] * "".join(values).count("~")
    if prop in SETS:
        words = []
        for v in values:
            tilde = v.startswith("~")
            try:
                words += ["~"] * tilde + shlex.split(v[tilde:])
            except ValueError:
                words += v.split()
        return sorted(words)
    if running and prop.startswith("Exec"):
        return [re.sub(r" ; start_time=.*", "", v) for v in values]
    return values


def exceptions(path):
    rows = []
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            rows.append(line.split(None, 3))
    return rows


def main():
    args = sys.argv[1:]
    if args[0] == "--list-loaded":
        for name, props in read(open(args[1]).read().split("\n")[:-1], args[2]).items():
            if props.get("LoadState") in (["loaded"], ["bad-setting"]) and props.get("Id") == [name] and props.get("FragmentPath") != [""]:
                print(name)
        return 0
    flattened = args[0] == "--flattened"
    title, names, truth_path, other_path, known = args[flattened:]
    names = open(names).read().split("\n")[:-1]
    truth, other = read(names, truth_path), read(names, other_path)
    known = exceptions(known)
    compared, differ, excused = collections.Counter(), collections.defaultdict(list), collections.Counter()
    for name, props in truth.items():
        mine = other[name]
        if MASKED_BY_LAB & set(" ".join(props.get("Names", [])).split()):
            continue
        if flattened and props.get("Id") != [name]:
            continue  # an alias: its unit is compared
        running = props.get("ActiveState") != ["inactive"] or props.get("ConditionTimestamp", [""]) != [""]
        loaded = props.get("LoadState") == ["loaded"]
        for prop in list(mine) + [p for p in UNLOADED if p not in mine]:
            if running and RUNTIME.search(prop):
                continue
            if flattened and prop in PLACE:
                continue
            if not loaded and prop not in UNLOADED:
                continue
            a, b = plain(prop, props.get(prop, []), running), plain(prop, mine.get(prop, []), running)
            if any(fnmatch.fnmatch(prop, k[0]) and fnmatch.fnmatch(name, k[1]) and fnmatch.fnmatch(title, k[2]) for k in known):
                excused[prop] += a != b
                continue
            compared[prop] += 1
            if a != b:
                differ[prop].append((name, a, b))
    n = sum(len(v) for v in differ.values())
    print(f"{title}: {len(truth)} units, {len(compared)} properties, {sum(compared.values())} compared, {n} differ, "
          f"{sum(excused.values())} known exceptions")
    for prop, rows in sorted(differ.items(), key=lambda kv: -len(kv[1])):
        print(f"  {prop}: {len(rows)}")
        for name, a, b in rows[:4]:
            print(f"    {name}\n      systemctl {str(a)[:300]}\n      other     {str(b)[:300]}")
    return 1 if n else 0


sys.exit(main())
