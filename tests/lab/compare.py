#!/usr/bin/env python3
"""compare.py [OPTIONS] ROOT RESULTS - what immure predicts against what the kernel did

ROOT: the root file system as it was before the boot, with the units installed. RESULTS: the folder that
"lab run" filled. For each unit there: the outcome of the start, the mount table, the identity, and each probed
path's access are computed by immure from ROOT and compared with what was measured. Prints each difference;
exits 1 when there is one.

  --immure=PROGRAM   default: build/immure of this repository
  --only=KIND        outcome, mounts, can or identity (several: comma)
  --unit=GLOB        these units only
  --summary          counts only
  --jobs=N           default 2
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = ("exists", "read", "write", "execute", "level")
LEVELS = ("none", "readable", "special", "sticky", "writable")
FAILURES = {
    200: "chdir-failure",
    202: "fds-failure",
    203: "exec-failure",
    208: "stdin-failure",
    209: "stdout-failure",
    210: "chroot-failure",
    211: "ioprio-failure",
    214: "setscheduler-failure",
    215: "cpu-affinity-failure",
    216: "group-failure",
    217: "user-failure",
    218: "capabilities-failure",
    222: "stderr-failure",
    224: "pam-failure",
    225: "network-failure",
    226: "namespace-failure",
    233: "state-directory-failure",
    238: "state-directory-failure",
    239: "state-directory-failure",
    240: "state-directory-failure",
    241: "state-directory-failure",
    242: "numa-policy-failure",
    243: "credentials-failure",
}
# What an ordinary Debian kernel has and this machine's may lack: immure answers for the former.
MAYBE = ("/proc/kcore", "/dev/core", "/proc/sysrq-trigger", "/proc/scsi", "/proc/acpi", "/proc/asound", "/proc/latency_stats",
         "/proc/timer_stats", "/proc/apm", "/proc/mtrr", "/sys/firmware/efi/efivars")
RANDOM = re.compile(r"systemd-private-(?:\*|[0-9a-f]{32})-(.+?)-(?:\*|[A-Za-z0-9]{6})(?=/|$)")


def load(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()
    except OSError:
        return default


def starred(path):
    return RANDOM.sub(r"systemd-private-*-\1-*", path)


# ---- mountinfo


class Mount:
    def __init__(self, line):
        left, right = line.split(" - ", 1)
        f = left.split(" ")
        self.id, self.parent, self.device = int(f[0]), int(f[1]), f[2]
        self.root, self.path = unescape(f[3]), unescape(f[4])
        self.options = set(f[5].split(","))
        self.fstype, self.source, super_options = (right.split(" ") + ["", ""])[:3]
        self.read_only = "ro" in self.options or "ro" in super_options.split(",")
        self.root = self.root.removesuffix("//deleted")


def unescape(s):
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), s)


def parse(text):
    return [Mount(line) for line in text.split("\n") if " - " in line]


def below(path, top):
    return top == "/" or path == top or path.startswith(top + "/")


class Table:
    """What paths reach: from the root, at each directory the last mount whose parent is the one stood on."""

    def __init__(self, mounts):
        self.children = {}
        ids = {m.id for m in mounts}
        for m in mounts:
            self.children.setdefault((m.parent, m.path), []).append(m)
        tops = [m for m in mounts if m.path == "/" and m.parent not in ids]
        self.top = tops[0] if tops else None
        # in a mere chroot into a folder the list has no root
        self.first = self.top.id if self.top else (mounts[0].parent if mounts else 0)
        self.entries = {}
        for m in mounts:
            t = self.at(m.path)
            if t and t.path == m.path:
                self.entries[m.path] = t

    def at(self, path):
        here, where = self.top, self.first
        walked = "/"
        parts = [p for p in path.split("/") if p]
        for i in range(len(parts) + 1):
            walked = "/" + "/".join(parts[:i])
            while True:
                over = [m for m in self.children.get((where, walked), ()) if m is not here]
                if not over:
                    break
                here, where = over[-1], over[-1].id
        return here


def sources(mount, host):
    """The ways in which its content may rightly be named: (fstype, source), source None: not compared."""
    ways = set()
    best = None
    for h in host:
        if h.device == mount.device and below(mount.root, h.root) and (best is None or len(h.root) > len(best.root)):
            best = h
    if best is None:
        return {(mount.fstype, None)}
    for h in host:
        if h.device == mount.device and below(mount.root, h.root):
            rest = mount.root[len(h.root):] if h.root != "/" else mount.root
            path = (h.path.rstrip("/") + "/" + rest.strip("/")).rstrip("/") or "/"
            ways.add(("bind", starred(path)))
            if rest.strip("/") == "" and h.path == mount.path:
                ways.add((mount.fstype, None))  # the host's own mount
    if mount.root == "/" and mount.fstype not in ("tmpfs", "ext4", "overlay", "xfs", "btrfs"):
        ways.add((mount.fstype, None))  # the kernel has it once, however often it is mounted
    return ways


# ---- one unit


class Unit:
    def __init__(self, name, args, version):
        self.name, self.args, self.version = name, args, version
        self.dir = os.path.join(args.results, name)
        self.differences = []
        self.cells = self.unknown = self.known = 0

    def say(self, kind, what, kernel, predicted):
        for e in self.args.exceptions:
            if all(fnmatch.fnmatchcase(a, b) for a, b in
                   zip((self.name, self.version, kind, what.split(" (")[0]), e)):
                e[-1] += 1
                self.known += 1
                return
        self.differences.append((kind, "%s: %s: %s: kernel %s, immure %s" % (self.name, kind, what, kernel, predicted)))

    def ask(self, verb, *more):
        args = self.args
        command = [args.immure, verb, "--root=" + args.root, "--json"]
        if args.user:
            command += ["--user", "--uid=" + args.user]
        run = subprocess.run(command + [self.name] + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=600, check=False)
        try:
            return json.loads(run.stdout.decode("utf-8", "surrogateescape"))
        except ValueError:
            self.say("error", verb, "-", "exit %d, no document: %s" % (
                run.returncode, run.stderr.decode(errors="replace").strip()[:200]))
            return None

    def expected_outcome(self):
        show = dict(l.split("=", 1) for l in load(self.dir + "/show").split("\n") if "=" in l)
        if show.get("LoadState") != "loaded":
            return "not-loadable"
        self.probe = None
        text = load(self.dir + "/probe.json")
        if '"complete": true}' in text[-40:]:
            self.probe = json.loads(text)
            return "ok"
        status = int(show.get("ExecMainStatus", 0))
        if status in FAILURES:
            return FAILURES[status]
        return "status %d, %s" % (status, show.get("Result"))

    def compare(self):
        wanted = self.args.only
        expected = self.expected_outcome()
        mounts = self.ask("mounts") if {"outcome", "mounts"} & wanted else None
        if mounts is not None and "outcome" in wanted:
            self.cells += 1
            outcome = mounts.get("outcome")
            if expected == "status 0, resources":
                good = outcome in ("environment-failure", "dynamic-user-failure", "socket-failure", "filter-failure")
            elif expected.startswith("status 0,"):
                good = True  # skipped on a condition, or a failure ignored: it did not run, and nothing tells where
            elif expected.startswith("status "):
                # a step that the interface gives no name to: any failure will do
                good = outcome not in ("ok", "not-loadable")
            else:
                good = outcome == expected
            if not good and outcome not in ("not-loadable", expected) and any(a.startswith("whether ") for a in mounts.get("assumes") or ()):
                self.unknown += 1  # said to hang on what other services made
                return
            if not good:
                self.say("outcome", "start", expected, "%s (%s)" % (outcome, mounts.get("culprit")))
                if expected == "ok":
                    return
        if expected != "ok":
            return
        self.table = Table(self.own_process(parse(load(self.dir + "/mountinfo"))))
        if mounts is not None and "mounts" in wanted:
            self.compare_mounts(mounts.get("mounts") or [])
        if "can" in wanted:
            self.compare_access()
            self.compare_expectation()
        if "identity" in wanted:
            self.compare_identity()

    def own_process(self, mounts):
        """The service's folder in /proc has a number; immure calls it by its name."""
        pids = dict(l.split(":\t", 1) for l in load(self.dir + "/status").split("\n") if ":\t" in l).get("NSpid", "0").split()

        def name(path, pid):
            path = re.sub(r"^/proc/%s/task/%s(?=/|$)" % (pid, pid), "/proc/thread-self", path)
            return re.sub(r"^/proc/%s(?=/|$)" % pid, "/proc/self", path)

        for m in mounts:
            m.path = name(m.path, pids[-1])
            if m.fstype == "proc":
                m.root = name("/proc" + m.root, pids[0])[len("/proc"):]
        return mounts

    def compare_mounts(self, predicted):
        real = self.table.entries
        host = parse(load(self.args.results + "/_host/mountinfo"))
        seen = {}
        for m in predicted:
            if m["path"] in seen:
                self.say("mounts", m["path"], "one entry a path", "two")
            seen[m["path"]] = m
        for path in sorted(set(real) | set(seen)):
            if path in MAYBE and not os.path.lexists(path) or self.others_credentials(path):
                continue
            self.cells += 1
            if path not in seen:
                r = real[path]
                self.say("mounts", path, "%s %s" % (named(sources(r, host)), flags_of(r)), "no entry")
                continue
            s = seen[path]
            mine = {k: s.get(k) for k in ("read_only", "nosuid", "nodev", "noexec")}
            origin = s.get("origin") or {}
            by = "by %s" % (s.get("setting") or origin.get("setting") or origin.get("by") or origin.get("kind"))
            if path not in real:
                if path == "/" and "/" not in real:
                    continue  # a chroot into a folder that is no mount
                self.say("mounts", path, "no mount", "%s %s %s" % (s.get("fstype"), s.get("source"), by))
                continue
            r = real[path]
            ways = sources(r, host)
            if not any(s.get("fstype") == f and (p is None or p == starred(s.get("source") or "")) for f, p in ways):
                self.say("mounts", path, named(ways), "%s %s (%s)" % (s.get("fstype"), s.get("source"), by))
            theirs = {"read_only": r.read_only, **{k: k in r.options for k in ("nosuid", "nodev", "noexec")}}
            for k, v in theirs.items():
                if mine[k] != v:
                    self.say("mounts", "%s %s" % (path, k), v, "%s (%s)" % (mine[k], by))

    def others_credentials(self, path):
        """Those of the units that run beside this one only because the lab started them together."""
        folder, name = os.path.split(path)
        return folder == "/run/credentials" and name != self.name and os.path.isdir(os.path.join(self.args.results, name))

    def compare_access(self):
        cells = self.probe["paths"]
        answer = self.ask("can", "--quiet", "--", *[c["path"] for c in cells])
        if answer is None:
            return
        results = {r["path"]: r for r in answer.get("results", [])}
        for cell in cells:
            path = cell["path"]
            r = results.get(path)
            if r is None:
                self.say("can", path, "an answer", "none")
                continue
            if path in MAYBE and not cell["exists"] and not os.path.lexists(path):
                continue
            truth = {"exists": cell["exists"], "level": level(cell, self.table),
                     **{k: cell.get(k, False) for k in ("read", "write", "execute")}}
            if cell.get("target", cell.get("type")) in ("char", "block"):
                # access(2) says EACCES; EPERM is the device policy's, which is no part of these answers
                for k in ("read", "write"):
                    if cell.get(k + "_errno") == "EPERM":
                        truth.pop(k)
                        truth.pop("level", None)
            if "connect" in cell:
                truth["connect"] = cell["connect"]
            wrong = []
            for k, v in truth.items():
                self.cells += 1
                if k not in r or r[k] != v:
                    wrong.append(k)
            known = path in self.args.must_know and not self.from_kernel(path)
            if wrong and not known and all(k in r and r[k] is None for k in wrong):
                self.unknown += 1  # below /run and the like an answer may be that nobody can know
                continue
            if wrong:
                because = [b if isinstance(b, str) else json.dumps(b) for b in r.get("because") or []]
                detail = "%s %s %s:%s%s" % (cell.get("type", cell.get("errno")), cell.get("mode", ""), cell.get("uid", ""),
                                            cell.get("gid", ""), " " + cell["flags"] if "flags" in cell else "")
                self.say("can", "%s (%s)" % (path, detail), " ".join("%s=%s" % (k, word(truth[k])) for k in wrong),
                         " ".join("%s=%s" % (k, word(r.get(k, "missing"))) for k in wrong) +
                         (": " + "; ".join(because) if because else ""))

    def from_kernel(self, path):
        """Stands a part of /proc, /sys or /run there that is elsewhere by rights?"""
        mount = self.table.at(path)
        if not mount or mount.fstype not in ("proc", "sysfs", "cgroup2", "tmpfs"):
            return False
        return mount.root != "/" or (mount.fstype != "tmpfs" and not below(path, "/proc" if mount.fstype == "proc" else "/sys"))

    def compare_expectation(self):
        """Where the scenario says what the service may have at most, the kernel keeps it."""
        cells = {c["path"]: c for c in self.probe["paths"]}
        for line in load(self.args.results + "/_expect").split("\n"):
            words = line.split(" ")
            if words[0] != self.name:
                continue
            self.cells += 1
            real = level(cells[words[1]], self.table)
            if LEVELS.index(real) > LEVELS.index(words[2]):
                self.say("expected", words[1], real, "(the scenario) " + words[2])

    def compare_identity(self):
        answer = self.ask("show")
        identity = (answer or {}).get("identity")
        if not isinstance(identity, dict):
            return
        status = dict(l.split(":\t", 1) for l in load(self.dir + "/status").split("\n") if ":\t" in l)
        p = self.probe
        if not status:
            return
        theirs = {"uid": int(status["Uid"].split()[1]), "gid": int(status["Gid"].split()[1]),
                  "groups": sorted(int(g) for g in status["Groups"].split())}
        if identity.get("dynamic"):
            theirs.pop("uid")
            if not 61184 <= (identity.get("gid") or 61184) <= 65519:
                pass
            else:
                theirs.pop("gid")
                theirs.pop("groups")
        for key, name in (("effective", "CapEff"), ("permitted", "CapPrm"), ("inheritable", "CapInh"),
                          ("ambient", "CapAmb"), ("bounding", "CapBnd")):
            theirs[key] = int(status[name], 16)
        caps = identity.get("capabilities") or {}
        limit = int(dict(l.split(":\t", 1) for l in load(self.args.results + "/_host/status").split("\n")
                         if ":\t" in l).get("CapBnd", "ffffffffffffffff"), 16)
        for key, v in theirs.items():
            mine = identity.get(key, caps.get(key))
            if mine is None:
                continue
            self.cells += 1
            if key == "groups":
                mine = sorted(mine)
            if isinstance(mine, (list, str)) and key not in ("groups",):
                mine = mask(mine)
                if mine is None:
                    continue
                mine &= limit
                if mine != v:
                    self.say("identity", key, "%x" % v, "%x" % mine)
                continue
            if mine != v:
                self.say("identity", key, v, mine)
        nnp = identity.get("no_new_privileges")
        if nnp is not None and nnp != bool(p["no_new_privs"]):
            self.say("identity", "no_new_privileges", bool(p["no_new_privs"]), nnp)


CAPABILITIES = """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct
sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap
mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore""".split()


def mask(value):
    if isinstance(value, str):
        try:
            return int(value, 16)
        except ValueError:
            value = value.split()
    n = 0
    for c in value:
        c = c.lower().removeprefix("cap_")
        if c not in CAPABILITIES:
            return None
        n |= 1 << CAPABILITIES.index(c)
    return n


def named(ways):
    return " or ".join("%s %s" % (f, p) if p else f for f, p in sorted(ways, key=str))


def flags_of(r):
    return ",".join(["ro" if r.read_only else "rw"] + [k for k in ("nosuid", "nodev", "noexec") if k in r.options])


def word(v):
    return {True: "yes", False: "no", None: "unknown"}[v] if v in (True, False, None) else v


def level(c, table):
    """The interface's words for a probed cell."""
    if not c["exists"]:
        return "none"
    if c["path"] in ("/proc", "/sys"):
        mount = table.at(c["path"])
        if mount and mount.path == c["path"] and mount.fstype in ("proc", "sysfs"):
            return "special"
    if c["type"] == "symlink":
        return "readable"
    if c["type"] == "dir":
        if c["write"]:
            return "sticky" if int(c["mode"], 8) & 0o1000 else "writable"
        return "readable" if c["read"] or c["execute"] else "none"
    if c["type"] == "file":
        return "writable" if c["write"] else "readable" if c["read"] else "none"
    return "special" if c["write"] else "readable" if c["read"] else "none"


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("root")
    p.add_argument("results")
    p.add_argument("--immure", default=os.path.join(HERE, "../../build/immure"))
    p.add_argument("--only", default="outcome,mounts,can,identity")
    p.add_argument("--unit", default="*")
    p.add_argument("--summary", action="store_true")
    p.add_argument("--jobs", type=int, default=2)
    args = p.parse_args()
    args.must_know = set(load(os.path.join(HERE, "paths.list")).split("\n"))
    # UNIT SYSTEMD KIND WHAT reason...: all but the reason are globs
    args.exceptions = [l.split(None, 4)[:4] + [0] for l in load(os.path.join(HERE, "exceptions")).split("\n")
                       if l and not l.startswith("#")]
    args.only = set(args.only.split(","))
    args.immure = os.path.abspath(args.immure)
    args.user = load(args.results + "/_host/user").strip()
    version = load(args.results + "/_host/version").strip()
    names = sorted(n for n in os.listdir(args.results) if not n.startswith("_") and fnmatch.fnmatch(n, args.unit))
    units = [Unit(n, args, version) for n in names]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in [pool.submit(u.compare) for u in units]:
            done.result()
    counts = {}
    for u in units:
        for kind, line in u.differences:
            counts[kind] = counts.get(kind, 0) + 1
            if not args.summary:
                print(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    print("systemd %s: %d units, %d answers compared (%d known to differ, %d cannot be known), %d units differ%s" % (
        version, len(units), sum(u.cells for u in units), sum(u.known for u in units), sum(u.unknown for u in units),
        sum(1 for u in units if u.differences), "".join(", %s %d" % kv for kv in sorted(counts.items()))))
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
