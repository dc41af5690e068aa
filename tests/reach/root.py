"""A small root, as Debian lays it out"""
import os


def make_root(root):
    os.chmod(root, 0o755)

    def write(path, text="", mode=0o644):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w") as f:
            f.write(text)
        os.chmod(root + path, mode)

    write("/etc/passwd", "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nalice:x:1000:1000::/home/alice:/bin/sh\n")
    write("/etc/group", "root:x:0:\ndaemon:x:1:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nkmem:x:15:\nshadow:x:42:\nalice:x:1000:\n")
    write("/etc/shadow", "", 0o640)
    os.chown(root + "/etc/shadow", os.getuid(), 42 if os.getuid() == 0 else -1)
    for name in ("bash", "dash", "perl", "true", "ls", "mount", "systemctl"):
        write("/usr/bin/" + name, "", 0o755)
    for name in ("su", "passwd"):
        write("/usr/bin/" + name, "", 0o4755)
    write("/usr/local/bin/ask", "", 0o755)
    for d in ("root home/alice home/bob boot opt srv mnt media tmp var/tmp var/lib/db var/lib/dpkg var/log/journal var/cache/apt "
              "var/spool/cron/crontabs var/backups etc/ssl/private etc/cron.d etc/systemd/system etc/init.d etc/pam.d etc/profile.d "
              "usr/lib/systemd/system usr/sbin usr/share run dev proc sys").split():
        os.makedirs(f"{root}/{d}", exist_ok=True)
    for name in "bin", "sbin", "lib":
        os.symlink("usr/" + name, f"{root}/{name}")
    write("/opt/app/run", "", 0o755)
    os.chown(root + "/opt/app", 1, 1)
    for name in "root", "etc/ssl/private":
        os.chmod(f"{root}/{name}", 0o700)
    for name in "tmp", "var/tmp":
        os.chmod(f"{root}/{name}", 0o1777)
