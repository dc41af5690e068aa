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


def immure(*args, user=None):
    run = lab(*(["setpriv", "--reuid=" + user, "--clear-groups"] if user else []), "immure", *args, "--json=short")
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
        doc = immure("can", "--live", name, *paths)
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
    disturbed()
    for w in wrong:
        print(w)
    print("%d services ran of %d, %d answers of the kernel compared, %d wrong" % (ran, len(names), cells, len(wrong)))
    sys.exit(1 if wrong or ran < 100 else 0)


main()
