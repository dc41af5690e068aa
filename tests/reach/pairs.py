"""Pairs of units, the first of which can do less: (name, less, more, what only the second can, as tests/lab/ask asks it).

tests/reach/order compares their figures, tests/lab/ask/order shows in a running systemd that the access is as said.
"""

S = """ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
"""
# a root of its own: programs and their libraries alone
T = """TemporaryFileSystem=/:ro
BindReadOnlyPaths=/usr
BindReadOnlyPaths=/lib -/lib64 /bin /sbin
"""
D = "User=daemon\n"

PAIRS = [
    # homes
    ("home hidden", "ProtectHome=yes", "", "read /home/alice"),
    ("home hidden or read-only", "ProtectHome=yes", "ProtectHome=read-only", "read /home/alice"),
    ("home read-only", "ProtectHome=read-only", "", "write /home/alice"),
    ("home by tmpfs, undone", "ProtectHome=tmpfs", "ProtectHome=tmpfs\nBindPaths=/home", "read /home/alice"),
    ("home by tmpfs, one shown", "ProtectHome=tmpfs", "ProtectHome=tmpfs\nBindReadOnlyPaths=/home/alice", "read /home/alice"),
    ("one home shown, or all", "TemporaryFileSystem=/home\nBindPaths=/home/alice", "TemporaryFileSystem=/home\nBindPaths=/home", "write /home/bob"),
    ("home by TemporaryFileSystem=", "TemporaryFileSystem=/home:ro", "", "read /home/alice"),
    ("home by InaccessiblePaths=", "InaccessiblePaths=/home", "", "read /home/alice"),
    ("one home hidden", "InaccessiblePaths=/home/alice", "", "read /home/alice/file"),
    ("home shown elsewhere", S, S + "BindPaths=/home:/mnt", "write /mnt"),
    ("home shown elsewhere, to read", S, S + "BindReadOnlyPaths=/home:/mnt", "read /mnt/alice"),
    ("home shown elsewhere, read or written", S + "BindReadOnlyPaths=/home:/mnt", S + "BindPaths=/home:/mnt", "write /mnt"),
    ("root's home", "InaccessiblePaths=/root", "", "write /root"),
    ("root's home, read-only", "ReadOnlyPaths=/root", "", "write /root"),
    ("home in a strict unit", S, S.replace("ProtectHome=yes", "ProtectHome=read-only"), "read /home/alice"),
    ("home in a strict unit, writable", S.replace("ProtectHome=yes", "ProtectHome=read-only"), S.replace("ProtectHome=yes", "ProtectHome=no"), "write /home"),
    ("home for a user", D + "ProtectHome=yes", D, "read /home/alice"),
    # temporary files
    ("private tmp", "PrivateTmp=yes", "", None),
    ("private tmp, undone", S, S + "BindPaths=/tmp", None),
    ("private tmp, undone for reading", S, S + "BindReadOnlyPaths=/tmp:/mnt", None),
    ("private tmp, read or written", S + "BindReadOnlyPaths=/tmp:/mnt", S + "BindPaths=/tmp:/mnt", "write /mnt"),
    ("private var tmp, undone", S, S + "BindPaths=/var/tmp", None),
    ("tmp read-only", "ReadOnlyPaths=/tmp", "", "write /tmp"),
    ("tmp by TemporaryFileSystem=", "TemporaryFileSystem=/tmp /var/tmp", "", None),
    ("shm", "TemporaryFileSystem=/dev/shm", "", None),
    ("tmp for a user", D + "PrivateTmp=yes", D, None),
    # system directories
    ("system: yes", "ProtectSystem=yes", "", "write /usr"),
    ("system: full", "ProtectSystem=full", "ProtectSystem=yes", "write /etc"),
    ("system: strict", "ProtectSystem=strict", "ProtectSystem=full", "write /var"),
    ("strict, all undone", S, S + "ReadWritePaths=/usr /etc /var", "write /usr"),
    ("strict, undone in steps", S + "ReadWritePaths=/usr", S + "ReadWritePaths=/usr /etc", "write /etc"),
    ("strict, /usr undone", S, S + "ReadWritePaths=/usr", "write /usr"),
    ("strict, /usr/local undone", S, S + "ReadWritePaths=/usr/local", "write /usr/local"),
    ("strict, /usr or a part", S + "ReadWritePaths=/usr/local", S + "ReadWritePaths=/usr", "write /usr/lib"),
    ("strict, /etc undone", S, S + "ReadWritePaths=/etc", "write /etc"),
    ("strict, a part of /etc", S, S + "ReadWritePaths=/etc/ssl", "write /etc/ssl"),
    ("strict, /etc or a part", S + "ReadWritePaths=/etc/ssl", S + "ReadWritePaths=/etc", "write /etc"),
    ("strict, /boot undone", S, S + "ReadWritePaths=/boot", "write /boot"),
    ("strict, /opt undone", S, S + "ReadWritePaths=/opt", "write /opt"),
    ("strict, /srv undone", S, S + "ReadWritePaths=/srv", "write /srv"),
    ("strict, /run undone", "ProtectSystem=strict", "ProtectSystem=strict\nReadWritePaths=/run", "write /run"),
    ("strict, /var/log undone", S, S + "ReadWritePaths=/var/log", "write /var/log"),
    ("strict, bound over", S, S + "BindPaths=/etc", "write /etc"),
    ("strict, bound elsewhere", S, S + "BindPaths=/etc:/mnt", "write /mnt"),
    ("read-only /usr", "ReadOnlyPaths=/usr", "", "write /usr"),
    ("read-only /etc", "ReadOnlyPaths=/etc", "", "write /etc"),
    ("unit files", "ReadOnlyPaths=/etc/systemd /usr/lib/systemd -/run/systemd/system", "", "write /etc/systemd/system"),
    ("own program of a user", D + "ExecStartPre=-/opt/app/run\nReadOnlyPaths=/opt/app", D + "ExecStartPre=-/opt/app/run", "write /opt/app"),
    ("/etc hidden", "TemporaryFileSystem=/etc:ro", "", "read /etc/passwd"),
    # other services' state
    ("state writable", S, S + "ReadWritePaths=/var/lib", "write /var/lib"),
    ("one service's state writable", S, S + "ReadWritePaths=/var/lib/db", "write /var/lib/db"),
    ("one service's state or all", S + "ReadWritePaths=/var/lib/db", S + "ReadWritePaths=/var/lib", "write /var/lib"),
    ("cache writable", S, S + "ReadWritePaths=/var/cache", "write /var/cache"),
    ("spool writable", S, S + "ReadWritePaths=/var/spool", "write /var/spool"),
    ("state hidden", "TemporaryFileSystem=/var/lib:ro", "", "read /var/lib/db"),
    ("state hidden, in a strict unit", S + "TemporaryFileSystem=/var/lib:ro", S, "read /var/lib/db"),
    ("state hidden, one shown", S + "TemporaryFileSystem=/var/lib:ro", S + "TemporaryFileSystem=/var/lib:ro\nBindReadOnlyPaths=/var/lib/db", "read /var/lib/db"),
    ("state shown, one or all", S + "TemporaryFileSystem=/var/lib:ro\nBindReadOnlyPaths=/var/lib/db", S, "read /var/lib/dpkg"),
    ("one service's state hidden", "InaccessiblePaths=/var/lib/db", "", "read /var/lib/db/file"),
    ("logs hidden", "InaccessiblePaths=/var/log", "", "write /var/log"),
    ("state for a user", D + "InaccessiblePaths=/var/lib", D, "read /var/lib/db"),
    ("state read-only", "ReadOnlyPaths=/var/lib", "", "write /var/lib/db"),
    # devices
    ("private devices", "PrivateDevices=yes", "", "read /dev/mem"),
    ("private devices in a strict unit", S, S.replace("PrivateDevices=yes\n", ""), None),
    ("disk hidden", "InaccessiblePaths=/dev/sda /dev/loop0", "", None),
    ("devices by group", D, D + "SupplementaryGroups=disk", "read /dev/sda"),
    ("devices for a user", D + "PrivateDevices=yes", D, "read /dev/fuse"),
    # what may be executed
    ("execute little", "NoExecPaths=/\nExecPaths=/usr/local/bin", "", "execute /usr/bin/ls"),
    ("execute the system's programs", "NoExecPaths=/\nExecPaths=/usr/local/bin", "NoExecPaths=/\nExecPaths=/usr", "execute /usr/bin/ls"),
    ("execute in tmp, for a user", D + "NoExecPaths=/tmp /var/tmp /dev/shm", D, "drop /tmp"),
    ("execute in temporary directories", "NoExecPaths=/tmp /var/tmp /dev/shm", "NoExecPaths=/tmp /var/tmp", "drop /dev/shm"),
    ("execute what is dropped", "NoExecPaths=/home /root /var /srv /opt /run /tmp /dev/shm", "NoExecPaths=/tmp /dev/shm", "drop /var/lib"),
    ("shells", "InaccessiblePaths=/usr/bin/dash /usr/bin/bash", "", "execute /usr/bin/bash"),
    ("shells, not executable", "NoExecPaths=/usr/bin/dash /usr/bin/bash", "", "execute /usr/bin/bash"),
    ("perl", "NoExecPaths=/usr/bin/perl", "", "execute /usr/bin/perl"),
    ("tools", "NoExecPaths=/usr/bin /usr/sbin\nExecPaths=/usr/bin/bash /usr/bin/perl", "NoExecPaths=/usr/sbin", "execute /usr/bin/mount"),
    ("set-id programs", D + "NoNewPrivileges=yes", D, "privileges"),
    ("shells in a strict unit", S + "InaccessiblePaths=/usr/bin/dash /usr/bin/bash", S, "execute /usr/bin/bash"),
    # a root of its own
    ("a small root, or all", T, "", "read /etc/passwd"),
    ("a small root, /etc shown", T, T + "BindReadOnlyPaths=/etc", "read /etc/passwd"),
    ("a small root, /etc writable", T + "BindReadOnlyPaths=/etc", T + "BindPaths=/etc", "write /etc"),
    ("a small root, home shown", T, T + "BindReadOnlyPaths=/home", "read /home/alice"),
    ("a small root, state shown", T, T + "BindPaths=/var/lib", "write /var/lib/db"),
    ("a small root, the bus shown", T, T + "BindReadOnlyPaths=/run/dbus", "connect /run/dbus/system_bus_socket"),
    ("a small root, tmp shown", T, T + "BindPaths=/tmp", "write /tmp"),
    # other commands
    ("a command with +", S, S + "ExecStartPre=+/bin/true", None),
    ("a command with !", S + D, S + D + "ExecStartPre=!/bin/true", None),
    # user, groups, capabilities
    ("a user", D, "", "write /etc"),
    ("a user, in a strict unit", S + D, S, "uid 0"),
    ("group shadow", D, D + "SupplementaryGroups=shadow", "read /etc/shadow"),
    ("group adm", D, D + "SupplementaryGroups=adm", "group 4"),
    ("capabilities", "CapabilityBoundingSet=", "", "capability 21"),
    ("CAP_SYS_ADMIN", "CapabilityBoundingSet=~CAP_SYS_ADMIN", "", "capability 21"),
    ("CAP_SYS_PTRACE", "CapabilityBoundingSet=~CAP_SYS_PTRACE CAP_PERFMON", "", "capability 19"),
    ("CAP_NET_ADMIN", "CapabilityBoundingSet=~CAP_NET_ADMIN CAP_NET_RAW", "", "capability 12"),
    ("CAP_SYS_MODULE", "CapabilityBoundingSet=~CAP_SYS_MODULE", "", "capability 16"),
    ("CAP_DAC_READ_SEARCH for a user", D, D + "AmbientCapabilities=CAP_DAC_READ_SEARCH", "read /etc/shadow"),
    ("CAP_SYS_ADMIN for a user", D, D + "AmbientCapabilities=CAP_SYS_ADMIN", "capability 21"),
    ("CAP_NET_BIND_SERVICE for a user", D, D + "AmbientCapabilities=CAP_NET_BIND_SERVICE", "listen tcp:80"),
    ("a user namespace", "PrivateUsers=yes", "", "capability 21"),
    # kernel
    ("kernel settings", "ProtectKernelTunables=yes", "", "write /proc/sys/kernel/core_pattern"),
    ("kernel log", "ProtectKernelLogs=yes", "", None),
    ("kernel modules", "ProtectKernelModules=yes", "", "capability 16"),
    ("control groups", "ProtectControlGroups=yes", "", "write /sys/fs/cgroup"),
    ("processes of others", D + "ProtectProc=invisible", D, "read /proc/1/cmdline"),
    # secrets and sockets
    ("password hashes", "InaccessiblePaths=/etc/shadow /etc/gshadow -/etc/shadow- -/etc/gshadow-", "", None),
    ("the bus", "InaccessiblePaths=/run/dbus /run/systemd/private", "", None),
    ("the bus for a user", D + "InaccessiblePaths=/run/dbus", D, "connect /run/dbus/system_bus_socket"),
    ("private keys", "InaccessiblePaths=/etc/ssl/private", "", None),
    # network
    ("network", "PrivateNetwork=yes", "", "connect tcp:127.0.0.1:7001"),
    ("network for a user", D + "PrivateNetwork=yes", D, "connect tcp:127.0.0.1:7001"),
    ("network in a strict unit", S + "PrivateNetwork=yes", S, "connect tcp:127.0.0.1:7001"),
    ("families", S + "RestrictAddressFamilies=AF_UNIX", S, "connect tcp:127.0.0.1:7001"),
    ("no AF_UNIX", S + "RestrictAddressFamilies=AF_INET AF_INET6", S, "connect /run/dbus/system_bus_socket"),
    ("addresses denied", S + "IPAddressDeny=any", S, "connect tcp:127.0.0.1:7001"),
    ("addresses denied, some allowed", S + "IPAddressDeny=any", S + "IPAddressDeny=any\nIPAddressAllow=127.0.0.1", "connect tcp:127.0.0.1:7001"),
    ("addresses denied, a network allowed", S + "IPAddressDeny=any", S + "IPAddressDeny=any\nIPAddressAllow=10.0.0.0/8", None),
    ("a network allowed, or all", S + "IPAddressDeny=any\nIPAddressAllow=10.0.0.0/8", S, "connect tcp:127.0.0.1:7001"),
    # system calls
    ("calls", S + "SystemCallFilter=@system-service", S, "call 165"),
    ("mount calls", S + "SystemCallFilter=~@mount\nSystemCallErrorNumber=99", S, "call 165"),
    ("debugging calls", S + "SystemCallFilter=~@debug process_vm_readv process_vm_writev pidfd_getfd\nSystemCallErrorNumber=99", S, "call 101"),
    ("namespaces", S + "RestrictNamespaces=yes", S, "unshare 268435456"),
    ("user namespaces", D + "RestrictNamespaces=~user", D, "unshare 268435456"),
    # commands, groups and capabilities that undo the rest
    ("whole system bound elsewhere, to read", S, S + "BindReadOnlyPaths=/:/mnt", "read /mnt/home/alice"),
    ("whole system bound elsewhere", S + "BindReadOnlyPaths=/:/mnt", S + "BindPaths=/:/mnt", "write /mnt/etc"),
    ("a privileged reload", D + S, D + S + "ExecReload=+/bin/true", None),
    ("a command of root after it", D + S, D + S + "ExecStopPost=!/bin/true", None),
    ("PermissionsStartOnly=", D + "ExecStartPre=-/bin/true", D + "ExecStartPre=-/bin/true\nPermissionsStartOnly=yes", None),
    ("group disk, alone", D, D + "Group=disk", "read /dev/sda"),
    ("loop devices, or disks", "InaccessiblePaths=-/dev/sda", "", None),
    ("a small capability", D, D + "AmbientCapabilities=CAP_SYS_TIME", "capability 25"),
    ("another small capability", S, S + "CapabilityBoundingSet=CAP_KILL", "capability 5"),
    ("capability to read all", D + "NoNewPrivileges=yes", D + "NoNewPrivileges=yes\nAmbientCapabilities=CAP_DAC_READ_SEARCH", "read /etc/shadow"),
    ("modules", "ProtectKernelModules=yes", "", "capability 16"),
    # a root of its own
    ("own root, a home to read", T, T + "BindReadOnlyPaths=/home/alice", "read /home/alice/file"),
    ("own root, a home to write", T + "BindReadOnlyPaths=/home/alice", T + "BindPaths=/home/alice", "write /home/alice"),
    ("own root, /etc", T, T + "BindReadOnlyPaths=/etc", "read /etc/passwd"),
    ("own root, hashes", T, T + "BindReadOnlyPaths=/etc/shadow", "read /etc/shadow"),
    ("own root, /run", T, T + "BindPaths=/run", "write /run"),
    ("own root, state", T + "BindPaths=/var/lib/db", T + "BindPaths=/var/lib", "write /var/lib"),
    ("own root, all of /var", T + "BindPaths=/var/lib", T + "BindPaths=/var", "write /var"),
    ("own root, cron", T, T + "BindPaths=/etc/cron.d", "write /etc/cron.d"),
    ("own root, the machine's /sys", T, T + "BindPaths=/sys", None),
    ("own root, /tmp", T, T + "BindPaths=/tmp", None),
    ("own root, programs to write", T, T.replace("BindReadOnlyPaths=/usr\n", "BindPaths=/usr\n"), "write /usr"),
    # what is denied by path
    ("nothing but the own program", "NoExecPaths=/\nExecPaths=/usr/local/bin", "NoExecPaths=/\nExecPaths=/usr", "execute /usr/bin/ls"),
    ("read-only throughout", "ReadOnlyPaths=/", "ReadOnlyPaths=/\nReadWritePaths=/var", "write /var"),
    ("one home to read, or to write", "ProtectHome=tmpfs\nBindReadOnlyPaths=/home/alice", "ProtectHome=tmpfs\nBindPaths=/home/alice", "write /home/alice"),
    ("other programs' calls", S + "SystemCallArchitectures=native", S, None),
    ("one address family", S + "RestrictAddressFamilies=none", S + "RestrictAddressFamilies=AF_UNIX", "connect /run/dbus/system_bus_socket"),
    ("another address family", S + "RestrictAddressFamilies=AF_UNIX", S + "RestrictAddressFamilies=AF_UNIX AF_INET", "connect tcp:127.0.0.1:7001"),
    ("processes of its own", D + "ProtectProc=noaccess", D, "read /proc/1/cmdline"),
]

# The same access, said in different ways
EQUAL = [
    ("nothing said", "", "ProtectHome=no\nProtectSystem=no\nPrivateTmp=no"),
    ("home hidden", "ProtectHome=yes", "InaccessiblePaths=/home /root /run/user"),
    ("home by tmpfs", "ProtectHome=tmpfs", "TemporaryFileSystem=/home:ro,nodev /root:ro,nodev /run/user:ro,nodev"),
    ("home read-only", "ProtectHome=read-only", "ReadOnlyPaths=/home /root /run/user"),
    ("system: full", "ProtectSystem=full", "ReadOnlyPaths=/usr /boot /etc -/efi"),
    ("system: yes", "ProtectSystem=yes", "ReadOnlyPaths=/usr /boot -/efi"),
    ("read-only by bind", "ReadOnlyPaths=/etc", "BindReadOnlyPaths=/etc"),
    ("undone by bind", S + "ReadWritePaths=/etc", S + "BindPaths=/etc"),
    ("ReadWritePaths= where nothing is read-only", "", "ReadWritePaths=/usr /etc"),
    ("an odd user", D, "User=1"),
    ("no capabilities", "CapabilityBoundingSet=", "CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet="),
    ("no network", S + "IPAddressDeny=any", S + "IPAddressDeny=0.0.0.0/0 ::/0"),
    ("no network, by slice or not", S + "IPAddressDeny=10.0.0.0/8\nIPAddressAllow=10.0.0.0/8", S),
    ("families", S + "RestrictAddressFamilies=AF_UNIX", S + "RestrictAddressFamilies=AF_INET AF_UNIX\nRestrictAddressFamilies=~AF_INET"),
    ("calls", S + "SystemCallFilter=~@mount", S + "SystemCallFilter=~mount umount2 @mount"),
    ("a filter with nothing in it", S, S + "SystemCallFilter=~no_such_call"),
    ("the same command twice", S + "ExecStartPre=+/bin/true", S + "ExecStartPost=+/bin/true"),
    ("implied or said", "DynamicUser=yes", "DynamicUser=yes\nProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\nNoNewPrivileges=yes\nRestrictSUIDSGID=yes\nRemoveIPC=yes"),
    ("execute nothing else", "NoExecPaths=/tmp /var/tmp /dev/shm", "NoExecPaths=/tmp\nNoExecPaths=/var/tmp /dev/shm"),
]

# In the manager of the user alice; the first of them is said from that version on (before, a user manager does nothing of it)
USER = [
    ("user: own home hidden", "ProtectHome=tmpfs", "", "read /home/alice/file", 254),
    ("user: own home read-only", "ProtectHome=read-only", "", "write /home/alice", 254),
    ("user: own home hidden or read-only", "ProtectHome=tmpfs", "ProtectHome=read-only", "read /home/alice/file", 254),
    ("user: own home out of reach", "InaccessiblePaths=/home/alice", "", "read /home/alice/file", 254),
    ("user: a part of the home shown", "ProtectHome=tmpfs", "ProtectHome=tmpfs\nBindPaths=/home/alice", "read /home/alice/file", 254),
    ("user: by its own user namespace, in old versions too", "PrivateUsers=yes\nProtectHome=tmpfs", "PrivateUsers=yes", "read /home/alice/file", 252),
    ("user: the system read-only", "ProtectSystem=strict\nReadOnlyPaths=/home", "ProtectSystem=strict", "write /home/alice", 254),
    ("user: private tmp", "PrivateTmp=yes", "", None, 254),
    ("user: network", "PrivateNetwork=yes", "", "connect tcp:127.0.0.1:7001", 254),
    ("user: families", "RestrictAddressFamilies=AF_UNIX", "", "connect tcp:127.0.0.1:7001", 247),
    ("user: calls", "SystemCallFilter=@system-service", "", None, 247),
    ("user: namespaces", "RestrictNamespaces=yes", "", "unshare 268435456", 247),
    ("user: privileges", "NoNewPrivileges=yes", "", "privileges", 247),
]
