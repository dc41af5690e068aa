#!/usr/bin/env python3
"""generate.py --seed=S --count=N FILE.units - random units over all settings that bear on what a service gets

Writes a scenario file (expand.py) and, beside it, FILE.setup. The same seed gives the same units."""

import argparse
import os
import random

PLACES = """/srv /srv /srv/a /srv/a/b /srv/a/b/c /srv/open /srv/open/any /srv/www /srv/www/index.html /srv/team /srv/upload
/srv/link/dir /srv/link/abs /srv/special /srv/acl /home /home /home/alice /home/alice/.ssh /home/alice/public /home/bob /root
/var /var/lib /var/lib/svc /var/lib/web /var/log /var/tmp /var/spool /tmp /etc /etc/ssl /etc/passwd /etc/shadow /usr /usr/local
/usr/share /opt /opt/app /boot /mnt /media /run/dbus /run/systemd/journal /run/user /run/lock /dev /dev/shm
/dev/mqueue /dev/fuse /dev/mem /proc /proc/sys /proc/sys/kernel /proc/kallsyms /sys /sys/fs /sys/fs/cgroup /sys/class
/sys/kernel/debug /sys/kernel/security""".split()
SOURCES = """/srv /srv/a /srv/open /srv/www /srv/www/index.html /srv/link/dir /srv/special /home /home/alice /home/alice/public
/etc /etc/passwd /usr /usr/local /var/lib /var/lib/svc /opt/app /tmp /var/tmp /root /dev/fuse /dev/null /run/dbus
/proc/sys /sys/class""".split()
USERS = ["alice"] * 6 + ["web"] * 4 + ["svc"] * 3 + ["bob"] * 2 + ["nobody", "1000", "root", "labsys"]
GROUPS = ["team", "disk", "svc", "web", "shadow", "adm", "tty", "kmem"]
CAPS = ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_MKNOD",
        "CAP_SETUID", "CAP_SYS_PTRACE", "CAP_SYSLOG"]
CHOICES = [  # setting, how often, values
    ("ProtectSystem", 0.45, ["yes", "full", "strict", "strict", "no"]),
    ("ProtectHome", 0.35, ["yes", "read-only", "tmpfs", "no"]),
    ("PrivateTmp", 0.3, ["yes", "yes", "disconnected", "no"]),
    ("PrivateDevices", 0.2, ["yes"]),
    ("PrivateMounts", 0.1, ["yes", "no"]),
    ("PrivateNetwork", 0.1, ["yes"]),
    ("PrivateIPC", 0.08, ["yes"]),
    ("PrivateUsers", 0.12, ["yes", "yes", "self", "identity", "full"]),
    ("ProtectKernelTunables", 0.2, ["yes"]),
    ("ProtectKernelModules", 0.15, ["yes"]),
    ("ProtectKernelLogs", 0.15, ["yes"]),
    ("ProtectControlGroups", 0.2, ["yes", "yes", "strict", "private"]),
    ("ProtectClock", 0.08, ["yes"]),
    ("ProtectHostname", 0.1, ["yes", "private"]),
    ("ProtectProc", 0.12, ["invisible", "ptraceable", "noaccess", "default"]),
    ("ProcSubset", 0.07, ["pid", "all"]),
    ("NoNewPrivileges", 0.25, ["yes"]),
    ("MountAPIVFS", 0.08, ["yes", "no"]),
    ("BindLogSockets", 0.04, ["yes", "no"]),
    ("RestrictSUIDSGID", 0.08, ["yes"]),
    ("LogNamespace", 0.03, ["lab"]),
    ("RestrictRealtime", 0.04, ["yes"]),
    ("LockPersonality", 0.04, ["yes"]),
    ("RestrictNamespaces", 0.04, ["yes", "~user"]),
    ("MemoryDenyWriteExecute", 0.04, ["yes"]),
    ("SystemCallArchitectures", 0.04, ["native"]),
    ("SystemCallFilter", 0.05, ["~@clock", "~@reboot @swap"]),
    ("RestrictAddressFamilies", 0.04, ["AF_UNIX", "~AF_PACKET"]),
    ("KeyringMode", 0.02, ["private", "shared"]),
    ("MountFlags", 0.04, ["slave", "private", "shared"]),
    ("PrivatePIDs", 0.03, ["yes"]),
    ("ExtensionDirectories", 0.04, ["/srv/ext", "-/srv/no-ext", "-/srv/ext /srv/ext"]),
    ("Slice", 0.05, ["lab.slice", "lab-inner.slice"]),
    ("ImportCredential", 0.03, ["lab.*", "nothing.*"]),
    ("UMask", 0.05, ["0077", "0002"]),
    ("Delegate", 0.04, ["yes"]),
    ("NetworkNamespacePath", 0.03, ["/proc/1/ns/net"]),
    ("IPCNamespacePath", 0.03, ["/proc/1/ns/ipc"]),
    ("NotifyAccess", 0.04, ["all", "none"]),
    ("WatchdogSec", 0.02, ["1h"]),
    ("FileDescriptorStoreMax", 0.03, ["3"]),
    ("RootEphemeral", 0.02, ["no"]),
    ("RootDirectoryStartOnly", 0.02, ["yes"]),
    ("PermissionsStartOnly", 0.02, ["yes"]),
    ("RemoveIPC", 0.03, ["yes"]),
    ("RuntimeDirectoryPreserve", 0.03, ["yes"]),
    ("RestrictFileSystems", 0.02, ["~tmpfs"]),
    ("RestrictNetworkInterfaces", 0.02, ["lo"]),
    ("SocketBindDeny", 0.02, ["any"]),
    ("IPAddressDeny", 0.02, ["any"]),
    ("DisableControllers", 0.02, ["cpu"]),
    ("MemoryPressureWatch", 0.04, ["on", "off", "skip"]),
    ("MemoryMax", 0.02, ["256M"]),
    ("TasksMax", 0.02, ["50"]),
    ("AllowedCPUs", 0.02, ["0"]),
    ("OpenFile", 0.02, ["/etc/passwd:x:read-only"]),
    ("SetLoginEnvironment", 0.02, ["yes"]),
    ("UnsetEnvironment", 0.02, ["HOME"]),
    ("Personality", 0.02, ["x86-64"]),
    ("LogLevelMax", 0.02, ["warning"]),
    ("NonBlocking", 0.02, ["yes"]),
    ("SetCredentialEncrypted", 0.01, ["sealed:aGVsbG8="]),
    ("SecureBits", 0.04, ["noroot", "keep-caps", "noroot noroot-locked"]),
]
PROGRAMS = ["/usr/local/bin/probe"] * 30 + ["/usr/local/bin/probe-suid", "/usr/local/bin/probe-sgid", "/usr/local/bin/probe-cap",
                                            "/usr/local/bin/script", "/srv/bin/probe", "/opt/app/bin/probe", "/home/alice/bin/probe"]
TMPFS_OPTIONS = ["", "", "", ":ro", ":mode=1777", ":mode=0700", ":nosuid,noexec", ":ro,mode=0755", ":size=1M", ":dev",
                 ":uid=1000,gid=1100,mode=0750", ":nr_inodes=100,rw", ":size=10%,nodev,noexec,ro", ":exec,suid,mode=02770,gid=1100"]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.seed = seed
        self.setup = []

    def often(self, p):
        return self.r.random() < p

    def place(self, in_root):
        r = self.r
        if self.often(0.02):
            return "/"
        path = r.choice(PLACES)
        if self.often(0.05):
            path = r.choice(["/no/such", path + "/nothing", "/srv/link/dangling"])
            return "-" + path if self.often(0.8) else path
        if in_root and self.often(0.6):
            path = "+" + path
        # where a missing path would only stop the whole unit, mostly allow it
        return "-" + path if in_root or self.often(0.25) else path

    def places(self, in_root):
        return " ".join(self.place(in_root) for _ in range(self.r.choice([1, 1, 1, 2, 2, 3, 4])))

    def bind(self, name, n, probed):
        r = self.r
        source = r.choice(SOURCES)
        if self.often(0.35):
            return source
        if self.often(0.5):
            to = r.choice(PLACES)
        else:
            to = "/mnt/%s/%d" % (name, n)
            probed.append(to)
            if self.often(0.2):
                to = "/mnt/%%p/%d" % n
            if self.often(0.1):
                source = r.choice(["%S/svc", "%S", "%h", "%C", "%L/svc", "%E/ssl", "%T", "%V", "%t/dbus"])
            if self.often(0.5):
                probed.append(to + r.choice(["/a", "/open", "/alice", "/passwd", "/web"]))
        option = r.choice(["", "", "", ":rbind", ":norbind"])
        return ("-" if self.often(0.1) else "") + source + ":" + to + option

    def identity(self, lines):
        r = self.r
        dynamic = False
        if self.often(0.5):
            lines.append("User=" + r.choice(USERS))
        elif self.often(0.35):
            dynamic = True
            lines.append("DynamicUser=yes")
            if self.often(0.15):
                lines.append("User=labdyn%d" % r.randrange(100))
        if self.often(0.12):
            lines.append("Group=" + r.choice(GROUPS))
        if self.often(0.15):
            lines.append("SupplementaryGroups=" + " ".join(r.sample(GROUPS, r.randint(1, 3))))
        if self.often(0.2):
            caps = " ".join(r.sample(CAPS, r.randint(0, 4)))
            lines.append("CapabilityBoundingSet=" + ("~" if caps and self.often(0.5) else "") + caps)
        if self.often(0.12):
            lines.append("AmbientCapabilities=" + " ".join(r.sample(CAPS[:6], r.randint(1, 2))))
        return dynamic

    def directories(self, name, lines, probed, in_root):
        r = self.r
        for key, top in (("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log"), ("Runtime", "/run"),
                         ("Configuration", "/etc")):
            if not self.often(0.07):
                continue
            folder = name + r.choice(["", "", "/sub"])
            extra = r.choice(["", "", "", " " + folder + "-two", " " + folder + "/deep/er", ":" + name + "-link",
                              ":" + name + "-link:ro", "::ro"])
            lines.append("%sDirectory=%s%s" % (key, folder, extra))
            if "link" in extra:
                probed.append(top + "/" + name + "-link")
            elif extra.startswith(" "):
                probed.append(top + "/" + extra[1:])
            if self.often(0.25):
                lines.append("%sDirectoryMode=%s" % (key, r.choice(["0700", "0750", "0755", "0777"])))
            probed.append(top + "/" + folder)
            if not in_root:
                probed.append(top + "/private")

    def unit(self, number):
        r = self.r
        name = "g%d-%d" % (self.seed % 100000, number)
        lines, probed = [], []
        in_root = self.often(0.08)
        program = r.choice(PROGRAMS)
        if in_root:
            tree = r.choice(["root", "root", "bare"])
            self.setup.append("cp -a %s rd/%s" % (tree, name))
            lines.append("RootDirectory=/srv/rd/" + name)
            program = "/probe"
        dynamic = self.identity(lines)
        chosen = [c for c in CHOICES if self.often(c[1])]
        for setting, _, values in chosen:
            lines.append("%s=%s" % (setting, r.choice(values)))
        for setting, p in (("ReadOnlyPaths", 0.3), ("ReadWritePaths", 0.25), ("InaccessiblePaths", 0.25), ("NoExecPaths", 0.08),
                           ("ExecPaths", 0.05)):
            if self.often(p):
                lines.append("%s=%s" % (setting, self.places(in_root)))
        n = 0
        for setting, p in (("BindPaths", 0.2), ("BindReadOnlyPaths", 0.2)):
            if self.often(p):
                binds = []
                for _ in range(r.randint(1, 2)):
                    n += 1
                    binds.append(self.bind(name, n, probed))
                lines.append("%s=%s" % (setting, " ".join(binds)))
        if self.often(0.2):
            where = r.choice(PLACES + ["/", "/", "/mnt"])
            lines.append("TemporaryFileSystem=%s%s" % (where, r.choice(TMPFS_OPTIONS)))
            if not in_root and (where in ("/", "/usr", "/usr/local") or program.startswith(where + "/")):
                lines.append("BindReadOnlyPaths=" + ("/usr" if self.often(0.3) else os.path.dirname(program)))
        self.directories(name, lines, probed, in_root)
        if self.often(0.05):
            lines.append(r.choice(["SetCredential=one:value", "LoadCredential=one:/srv/credential", "LoadCredential=one:/srv/www",
                                   "LoadCredential=one:/no/such\nSetCredential=one:value", "LoadCredential=lab.cred"]))
            probed += ["/run/credentials/%s.service%s" % (name, f) for f in ("", "/one", "/one_index.html", "/lab.cred")]
        if self.often(0.05):
            lines.append("WorkingDirectory=" + r.choice(["/srv", "-/no/such", "/tmp", "/home/bob", "~"]))
        prefix = r.choice(["+", "!", ":", "@", "!!"]) if self.often(0.08) else ""
        r.shuffle(lines)
        if dynamic and self.often(0.1):
            lines.append("ProtectSystem=no")
        command = "%s%s%s" % (prefix, program, " probe" if prefix == "@" else "")
        return ["## " + name] + ["# path: " + p for p in dict.fromkeys(probed)] + ["ExecStart=" + command] + lines


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seed", type=int, required=True)
    p.add_argument("--count", type=int, default=60)
    p.add_argument("file")
    args = p.parse_args()
    g = Generator(args.seed)
    out = ["# generate.py --seed=%d --count=%d" % (args.seed, args.count)]
    for i in range(args.count):
        out += g.unit(i)
    with open(args.file, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
    setup = args.file.removesuffix(".units") + ".setup"
    with open(setup, "w", encoding="utf-8") as f:
        f.write('#!/bin/sh\nset -e\ncd "$1/srv"\nmkdir -p rd\n' + "\n".join(g.setup) + "\n")
    os.chmod(setup, 0o755)


main()
