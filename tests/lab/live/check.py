#!/usr/bin/env python3
"""check.py LAB PID NAMES PATHS - asks immure in the booted lab; see run"""

import json
import subprocess
import sys
import time

LAB, PID, NAMES, PATHS = sys.argv[1:]
# The asking child is another process than the one asked about, and has a folder of its own there.
OWN = ("/proc/self", "/proc/thread-self", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty")
wrong = []


def lab(*command, text=None):
    run = subprocess.run([LAB, "exec", PID] + list(command), input=text, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    return run


def immure(*args, user=None, inside=()):
    """As that user; inside: a command that runs it where less can be seen"""
    run = lab(*inside, *(["setpriv", "--reuid=" + user, "--clear-groups"] if user else []), "immure", *args, "--json=short")
    try:
        return json.loads(run.stdout)
    except ValueError:
        sys.exit("immure %s: exit %d, no document: %s" % (" ".join(args), run.returncode, run.stderr))


def lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().split("\n")[:-1]


def properties(name):
    out = lab("systemctl", "show", "-p", "ActiveState,MainPID", "--", name).stdout
    return dict(l.split("=", 1) for l in out.split("\n") if "=" in l)


def start(names):
    lab("systemctl", "start", "--no-block", "--", *names)
    subprocess.run([LAB, "settle", PID], check=True)


def undisturbed(names, paths):
    """Units as they were started: how many ran, how many answers of the kernel were compared."""
    ran = cells = 0
    for name in names:
        if properties(name).get("MainPID", "0") == "0":
            continue
        ran += 1
        doc = immure("can", "--live", "--quiet", name, *paths)
        for d in doc["live"]["differences"]:
            wrong.append("%s: %s %s: predicted %s, running %s (%s)" % (
                name, d["kind"], d["what"], d["predicted"], d["running"], d["reason"]))
        for line in doc["live"]["unseen"]:
            wrong.append("%s: not seen: %s" % (name, line))
        for r in doc["results"]:
            if r["path"].startswith(OWN) or "live" not in r:
                continue
            for k in ("exists", "read", "write", "execute", "connect"):
                if r[k] is None or r["live"][k] is None:
                    continue
                cells += 1
                if r[k] != r["live"][k]:
                    wrong.append("%s: %s %s: kernel %s, predicted %s" % (name, k, r["path"], r["live"][k], r[k]))
    return ran, cells


def expect(what, doc, kind, name, reason):
    """The document names that difference with that reason."""
    found = [d for d in doc["live"]["differences"] if d["kind"] == kind and d["what"] == name]
    if not found:
        wrong.append("%s: no difference %s %s; %s" % (what, kind, name, doc["live"]))
    elif reason not in found[0]["reason"]:
        wrong.append("%s: %s %s: reason is '%s'" % (what, kind, name, found[0]["reason"]))


def script(text):
    run = lab("sh", "-ec", text)
    if run.returncode:
        sys.exit("%s: %s" % (text, run.stderr))


def until_it_sleeps(name):
    """Until systemd, and what changes itself, have made of the process what it is to be; its number"""
    end = time.monotonic() + 300
    while True:
        pid = properties(name)["MainPID"]
        if lab("cat", f"/proc/{pid}/comm").stdout.strip() == "sleep":
            return pid
        if time.monotonic() > end:
            sys.exit(f"{name} does not come to its program")
        time.sleep(0.1)


def unseen(what, doc, part, pid=True):
    """It says that it could not see something, and does not take it for a difference."""
    live = doc["live"]
    if live["differences"] or (live["pid"] is not None) != pid or not any(part in line for line in live["unseen"]):
        wrong.append("%s: %s" % (what, live))


def unprivileged(names):
    """Whoever asks: no difference where there is none, and what may not be looked at is said."""
    for name in names:
        if properties(name).get("MainPID", "0") != "0":
            unseen("without root: " + name, immure("mounts", "--live", name, user="svc"), "root may look at it")
    name = "kind-devices.service"
    unseen("without ptrace", immure("mounts", "--live", name, inside=("setpriv", "--bounding-set=-sys_ptrace")), "root may")
    unseen("without sys_admin", immure("can", "--live", name, "/etc", inside=("setpriv", "--bounding-set=-sys_admin")),
           "was not asked")
    unseen("other pid namespace", immure("mounts", "--live", name, inside=("unshare", "--pid", "--fork", "--mount-proc")),
           "another pid namespace", pid=False)
    unseen("no /proc", immure("mounts", "--live", name, inside=("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")),
           "/proc does not show it", pid=False)
    script("nsenter -t %s -m umount -l /dev" % properties(name)["MainPID"])
    for user in None, "svc":
        expect("unmounted inside", immure("mounts", "--live", name, user=user), "mount", "/dev", "unmounted since the start")
    script("systemctl stop dbus.socket dbus.service")
    unseen("no bus", immure("mounts", "--live", "kind-joined.service", user="svc"), "root asks it without", pid=False)
    if immure("mounts", "--live", "kind-joined.service")["live"]["pid"] is None:
        wrong.append("no bus: root does not see the process")
    script("systemctl start dbus.socket")


def taken_away():
    """What is not there any more, or was not there yet, when the service was started"""
    script("mkdir /not-yet")
    expect("made later", immure("mounts", "--live", "kind-maybe.service"), "mount", "/not-yet", "made or changed after")
    script("rmdir /not-yet")
    script("mkdir -p /etc/systemd/system/kind-several.service.d; "
           "printf '[Service]\\nUser=svc\\n' >/etc/systemd/system/kind-several.service.d/user.conf; "
           "systemctl daemon-reload; systemctl restart kind-several.service; rm -r /etc/systemd/system/kind-several.service.d")
    subprocess.run([LAB, "settle", PID], check=True)
    doc = immure("mounts", "--live", "kind-several.service")
    expect("drop-in taken away", doc, "identity", "Uid", "user.conf was taken away")
    script("systemctl daemon-reload")
    doc = immure("mounts", "--live", "kind-several.service")
    expect("and reloaded", doc, "identity", "Uid", "taken away since the start (/etc/systemd/system changed)")
    script("rm /etc/systemd/system/kind-several.service")
    doc = immure("mounts", "--live", "kind-several.service")
    expect("unit taken away", doc, "namespace", "start", "kind-several.service was taken away")
    script("systemctl daemon-reload")
    doc = immure("mounts", "--live", "kind-several.service")
    expect("and reloaded", doc, "namespace", "start", "taken away, masked or broken")
    script("mv /srv/open /srv/was-open")
    doc = immure("mounts", "--live", "kind-maybe.service")
    script("mv /srv/was-open /srv/open")
    if doc["live"]["differences"]:
        wrong.append("another's path moved: %s" % doc["live"])


def disturbed():
    start(["plain.service", "selfmade.service"])
    until_it_sleeps("selfmade.service")
    pid = until_it_sleeps("plain.service")

    doc = immure("mounts", "--live", "selfmade.service")
    expect("changes itself", doc, "identity", "Uid", "by itself")
    expect("changes itself", doc, "identity", "CapEff", "by itself")
    expect("changes itself", doc, "identity", "NoNewPrivs", "by itself")

    script("nsenter -t %s -m mount -t tmpfs none /media" % pid)
    expect("mounted inside", immure("mounts", "--live", "plain.service"), "mount", "/media", "after the start")
    script("nsenter -t %s -m umount /media" % pid)

    script("mount --make-private /srv 2>/dev/null || mount --bind /srv /srv && mount --make-private /srv; mount -t tmpfs none /srv/www")
    expect("mounted on the host", immure("mounts", "--live", "plain.service"), "mount", "/srv/www", "on the host after")
    script("umount /srv/www; umount /srv")

    script("mkdir -p /etc/systemd/system/plain.service.d; "
           "printf '[Service]\\nProtectHome=yes\\nUser=web\\n' >/etc/systemd/system/plain.service.d/new.conf")
    doc = immure("show", "--live", "plain.service")
    expect("not reloaded", doc, "setting", "User=", "daemon-reload")
    expect("not reloaded", doc, "identity", "Uid", "not restarted since /etc/systemd/system/plain.service.d/new.conf")
    script("systemctl daemon-reload")
    doc = immure("mounts", "--live", "plain.service")
    if [d for d in doc["live"]["differences"] if d["kind"] == "setting"]:
        wrong.append("reloaded: still %s" % doc["live"]["differences"])
    expect("not restarted", doc, "mount", "/home", "not restarted since")
    expect("not restarted", doc, "identity", "Uid", "not restarted since")
    script("systemctl restart plain.service")
    until_it_sleeps("plain.service")
    doc = immure("mounts", "--live", "plain.service")
    if doc["live"]["differences"]:
        wrong.append("restarted: still %s" % doc["live"]["differences"])

    doc = immure("mounts", "--live", "plain.service", user="svc")
    if not any("root may" in line for line in doc["live"]["unseen"]):
        wrong.append("without root: nothing said to be unseen: %s" % doc["live"])
    script("systemctl stop plain.service")
    doc = immure("mounts", "--live", "plain.service")
    if doc["live"]["pid"] is not None or doc["live"]["active"] not in ("inactive", "failed") or doc["live"]["differences"]:
        wrong.append("stopped: %s" % doc["live"])


def main():
    names, paths = lines(NAMES), lines(PATHS)
    start(names)
    ran, cells = undisturbed(names, paths)
    for name in names:
        if name.startswith("kind-") and properties(name).get("MainPID", "0") == "0" and name != "kind-once.service":
            wrong.append("%s does not run" % name)
    unprivileged([name for name in names if name.startswith("kind-")])
    taken_away()
    disturbed()
    for w in wrong:
        print(w)
    print("%d services ran of %d, %d answers of the kernel compared, %d wrong" % (ran, len(names), cells, len(wrong)))
    sys.exit(1 if wrong or ran < 100 else 0)


main()
