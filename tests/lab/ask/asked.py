"""Units whose main program is ask, started by a real systemd: what each can really do."""
import os
import re
import signal
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
lab = os.path.join(here, "..", "lab")
roots = os.path.join(here, "..", "roots")
ASK = "/usr/local/bin/ask"

# Names of capabilities by number, as linux/capability.h has them
CAPS = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN
NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON
BPF CHECKPOINT_RESTORE""".split()
# x86-64's; of groups one call each that shows them
GROUPS = {"@module": ["init_module"], "@mount": ["mount"], "@debug": ["ptrace"], "@raw-io": ["iopl"], "@reboot": ["reboot"], "@swap": ["swapon"],
          "@clock": ["settimeofday"], "@privileged": ["chroot"], "@resources": ["ioprio_set"], "@obsolete": ["uselib"], "@cpu-emulation": ["modify_ldt"], "@keyring": ["add_key"]}
with open(here + "/../../../analyzer/settings/groups/groups-data.c", encoding="utf-8") as f:
    CALLS = {m[1]: int(m[2]) for m in re.finditer(r'\{"(\w+)", (-?\d+), -?\d+, 0x', f.read())}


def read_rule(card, name):
    """Its steps, {"Check...": [(key, value)]}, and the lines of its remedy"""
    steps, remedy, section = {}, [], ""
    with open(f"{here}/../../../rules/{card}/{name}.rule", encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("["):
                section = line[1:-1]
            elif "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                if section.startswith("Check"):
                    steps.setdefault(section, []).append((key, value))
                elif section == "Remedy" and key == "Set":
                    remedy.append(value)
    return steps, remedy


class Lab:
    """A root of a release with units in it, booted once. Predict from .root before boot(): it changes files."""

    def __init__(self, release):
        # a test that takes too long is told to end: its systemd goes with it
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
        cache = os.environ.get("IMMURE_LAB_CACHE", "/var/cache/immure-lab")
        os.makedirs(cache + "/run", exist_ok=True)
        self.dir = tempfile.mkdtemp(dir=cache + "/run")
        self.root = self.dir + "/root"
        self.units = {}
        self.users_units = {}
        self.pid = None
        subprocess.run([roots, "prepared", release, self.root], check=True)
        subprocess.run(["cc", "-static", "-O1", "-o", self.root + ASK, here + "/ask.c", here + "/net.c"],
                       check=True)
        os.makedirs(self.root + "/var/ask", exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid:
            subprocess.run([lab, "down", self.pid])
        subprocess.run(["rm", "-rf", self.dir])

    def write(self, path, text="", mode=0o644):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def file(self, name, text):
        """A unit file that is none of those asked"""
        self.write("/etc/systemd/system/" + name, text)

    def server(self, *addresses):
        """A service that answers on them, once start("served.service") is"""
        self.file("served.service", f"[Service]\nType=notify\nTimeoutStartSec=300\nExecStart={ASK} serve {' '.join(addresses)}\n")

    def unit(self, name, settings, questions, prefix="", before="", scope="system"):
        """@before: lines of [Unit]. A file for questions and one for answers: systemd opens both outside the sandbox."""
        where = f"/etc/systemd/{scope}/{name}.service"
        self.write(where, f"[Unit]\n{before}[Service]\nType=oneshot\nExecStart={prefix}{ASK}\n{settings}\n")
        self.write(where + ".d/zz-lab.conf", "[Service]\nStandardInput=file:/var/ask/%N.in\n"
                   "StandardOutput=file:/var/ask/%N.out\nStandardError=null\nTimeoutStartSec=300\n")
        self.ask(name, questions, scope)
        self.write(f"/var/ask/{name}.out", "", 0o666)

    def ask(self, name, questions, scope="system"):
        """May be called again after boot()"""
        (self.units if scope == "system" else self.users_units)[name] = questions
        self.write(f"/var/ask/{name}.in", "".join(q + "\n" for q in questions))

    def start(self, *units):
        """Those that are needed, and up when this returns"""
        r = self.run("systemctl", "start", *units)
        if r.returncode:
            sys.exit(f"{' '.join(units)}: {r.stderr}" + self.run("journalctl", "-q", "--no-pager", "-n", "20").stdout)

    def run(self, *command):
        return subprocess.run([lab, "exec", self.pid, *command], capture_output=True, text=True)

    def boot(self):
        self.pid = subprocess.run([lab, "up", self.root], capture_output=True, text=True, check=True).stdout.strip()

    def answers(self):
        """{unit: {question: bool}}; a unit that did not start has no answers"""
        names = [n + ".service" for n in self.units]
        for i in range(0, len(names), 50):
            self.run("systemctl", "start", *names[i:i + 50])
        return self.read(self.units)

    def answers_of_user(self, uid):
        """The same of units of a user's manager, which is started for that"""
        self.run("sh", "-c", "mkdir -p /run/systemd/system/user@.service.d; printf '[Service]\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\\n' "
                 f">/run/systemd/system/user@.service.d/zz-lab.conf; systemctl daemon-reload; systemctl start user@{uid}.service")
        for name in self.users_units:
            self.run("setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups", "env", f"XDG_RUNTIME_DIR=/run/user/{uid}",
                     "systemctl", "--user", "start", name + ".service")
        return self.read(self.users_units)

    def read(self, units):
        result = {}
        for n in units:
            with open(f"{self.root}/var/ask/{n}.out") as f:
                lines = [line.rsplit(": ", 1) for line in f.read().splitlines()]
            result[n] = {q: a == "yes" for q, a in lines}
        return result
