"""Of each rule of scorecard breakage: settings with which a program fails, and their like with which it works

A case is a program and lines of its unit. "-program" is a command whose failure is ignored; "# in:" the folder of the
unit; "# since:" and "# until:" the systemd that it holds for. The program may be one that is not installed."""

ENV = "Environment=APP_DATA=/srv/app/data\n"
STRICT = "ProtectSystem=strict"
NOTIFY = "Type=notify\nTimeoutStartSec=60"
FORKS = "Type=forking\n"
TREE = "RootDirectory=/srv/tree\nBindReadOnlyPaths=/usr/local /usr/lib64 /usr/lib/x86_64-linux-gnu"
INSTALL = "ExecStartPre=/usr/bin/install -m 02750 -d /srv/group\n"
VENDOR = "# in: /usr/lib/systemd/system"

CASES = {  # rule: cases that fail, cases that work
    "BindPaths": (
        [("lxcfs", "BindPaths=/srv:/mnt")],
        [("homed", "TemporaryFileSystem=/home\nBindPaths=/home/alice")]),
    "BindReadOnlyPaths": (
        [("stored", "BindReadOnlyPaths=/var/lib")],
        [("stored", "BindReadOnlyPaths=/var/cache")]),
    "CapabilityBoundingSet": (
        [("sniffd", "CapabilityBoundingSet=CAP_NET_ADMIN"), ("mountd", "CapabilityBoundingSet=~CAP_SYS_ADMIN"),
         ("portd", "CapabilityBoundingSet=CAP_CHOWN"), ("capd", "CapabilityBoundingSet=CAP_NET_ADMIN"),
         ("capd", "User=daemon\nCapabilityBoundingSet=CAP_NET_ADMIN\nAmbientCapabilities=CAP_NET_ADMIN"),
         ("lockedd", "CapabilityBoundingSet=~CAP_SETUID"), ("initd", "CapabilityBoundingSet=~CAP_SETGID")],
        [("initd", "CapabilityBoundingSet=CAP_SETUID CAP_SETGID"), ("sniffd", "CapabilityBoundingSet=~CAP_NET_RAW\nCapabilityBoundingSet=CAP_NET_RAW"),
         ("lockedd", "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SYS_CHROOT"),
         ("sniffd", "CapabilityBoundingSet=CAP_NET_RAW"), ("ownerd", "CapabilityBoundingSet=CAP_SETUID CAP_SETGID"),
         ("portd", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE"), ("capd", "CapabilityBoundingSet=CAP_NET_RAW")]),
    "DeviceAllow": (
        [("serialdev", "DeviceAllow=/dev/rtc0 r")],
        [("serialdev", "DeviceAllow=/dev/ttyS9 r")]),
    "DevicePolicy": (
        [("serialdev", "DevicePolicy=closed")],
        [("serialdev", "DevicePolicy=auto"), ("serialdev", "DevicePolicy=closed\nDeviceAllow=/dev/ttyS9 rw"),
         ("plaind", "DevicePolicy=strict\nDeviceAllow=/dev/stdin rw")]),
    "DynamicUser": (
        [("tmpd", "DynamicUser=yes")],
        [("homed", "DynamicUser=yes")]),
    "IPAddressDeny": (
        [("served", FORKS + "IPAddressDeny=any")],
        [("served", FORKS + "IPAddressDeny=any\nIPAddressAllow=localhost")]),
    "InaccessiblePaths": (
        [("homed", "InaccessiblePaths=/home/alice"), ("logd", "InaccessiblePaths=/etc/logd.conf"),
         ("envd", ENV + "InaccessiblePaths=/srv/app"), ("passwdd", "InaccessiblePaths=/etc/passwd"),
         ("shmd", "InaccessiblePaths=/dev/shm")],
        [("logd", "InaccessiblePaths=/home"), ("envd", ENV + "InaccessiblePaths=/srv/tree"),
         ("passwdd", "InaccessiblePaths=/etc/group")]),
    "KeyringMode": (
        [("keyctl", "KeyringMode=private")],
        [("keyctl", "KeyringMode=shared"), ("plaind", "KeyringMode=private")]),
    "LimitFSIZE": (
        [("stored", "LimitFSIZE=0")],
        [("stored", "LimitFSIZE=1M"), ("plaind", "LimitFSIZE=0")]),
    "LimitMEMLOCK": (
        [("memlockd", "User=daemon\nLimitMEMLOCK=64K")],
        [("memlockd", "LimitMEMLOCK=64K"), ("memlockd", "User=daemon\nLimitMEMLOCK=64K\nAmbientCapabilities=CAP_IPC_LOCK")]),
    "LimitAS": (
        [],
        [("plaind", "LimitAS=64M"), ("threadd", "LimitAS=1G")]),
    "LimitNOFILE": (
        [("filed", "LimitNOFILE=5")],
        [("filed", "LimitNOFILE=64"), ("plaind", "LimitNOFILE=5")]),
    "LimitNPROC": (
        [("threadd", "User=counted\nLimitNPROC=1")],
        [("threadd", "LimitNPROC=1"), ("threadd", "User=counted\nLimitNPROC=8"), ("plaind", "User=counted\nLimitNPROC=1")]),
    "LockPersonality": (
        [("persd", "LockPersonality=yes"), ("gaind", "# until: 252\nUser=daemon\nLockPersonality=yes")],
        [("persd", "RestrictRealtime=yes"), ("luad", "LockPersonality=yes"),
         ("gaind", "# since: 257\nUser=daemon\nLockPersonality=yes")]),
    "MemoryDenyWriteExecute": (
        [("luad", "MemoryDenyWriteExecute=yes"), ("stackd", "MemoryDenyWriteExecute=yes")],
        [("keyd", "MemoryDenyWriteExecute=yes")]),
    "NoExecPaths": (
        [("keyd", "NoExecPaths=/usr/lib/lab")],
        [("keyd", "NoExecPaths=/srv"), ("keyd", "NoExecPaths=/usr/lib\nExecPaths=/usr/lib/lab /usr/lib/x86_64-linux-gnu")]),
    "NoNewPrivileges": (
        [("gaind", "User=daemon\nNoNewPrivileges=yes")],
        [("gaind", "User=daemon"), ("gaind", "NoNewPrivileges=yes")]),
    "NotifyAccess": (
        [("sayd", "Type=notify\nTimeoutStartSec=10\nUser=daemon\nNotifyAccess=main"),
         ("nestd", "Type=notify\nTimeoutStartSec=10\nNotifyAccess=main"),
         ("sayd", "Type=notify\nTimeoutStartSec=10\nCapabilityBoundingSet=CAP_KILL\nNotifyAccess=exec")],
        [("nestd", NOTIFY + "\nNotifyAccess=all"), ("sayd", NOTIFY + "\nUser=daemon\nNotifyAccess=all"), ("sayd", NOTIFY + "\nNotifyAccess=main")]),
    "PrivateDevices": (
        [("serialdev", "PrivateDevices=yes")],
        [("serialdev", "ProtectClock=no"), ("serialdev", "PrivateTmp=yes")]),
    "PrivateIPC": (
        [("gpsd", "PrivateIPC=yes")],
        [("gpsd", "PrivateIPC=no"), ("gpsd", "PrivateMounts=yes")]),
    "PrivateMounts": (
        [("lxcfs", "PrivateMounts=yes")],
        [("lxcfs", "NoNewPrivileges=yes"), ("mountd", "PrivateMounts=yes")]),
    "PrivateNetwork": (
        [("served", FORKS + "PrivateNetwork=yes")],
        [("served", FORKS + "PrivateMounts=yes"), ("plaind", "PrivateNetwork=yes")]),
    "PrivatePIDs": (
        [("needrestart", "# since: 257\nPrivatePIDs=yes")],
        [("needrestart", "PrivateIPC=yes"), ("uptimed", "# since: 257\nPrivatePIDs=yes")]),
    "PrivateTmp": (
        [("tmpd", "PrivateTmp=yes")],
        [("tmpd", "ProtectHome=yes"), ("mountd", "PrivateTmp=yes"), ("dropd", "PrivateTmp=yes")]),
    "PrivateUsers": (
        [("rngd", "PrivateUsers=yes"), ("portd", "PrivateUsers=yes"), ("portd", "User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nPrivateUsers=yes")],
        [("plaind", "PrivateUsers=yes"), ("portd", "User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE")]),
    "ProcSubset": (
        [("uptimed", "ProcSubset=pid")],
        [("uptimed", "ProcSubset=all"), ("needrestart", "ProcSubset=pid")]),
    "ProtectClock": (
        [("clockd", "ProtectClock=yes")],
        [("clockd", "ProtectHostname=yes")]),
    "ProtectControlGroups": (
        [("cgexec", "ProtectControlGroups=yes"), ("groupsd", "ProtectControlGroups=yes")],
        [("cgexec", "ProtectProc=invisible"), ("cgexec", "ProtectKernelTunables=yes"), ("groupsd", "ProtectProc=invisible")]),
    "ProtectHome": (
        [("homed", "ProtectHome=yes"), ("homed", "ProtectHome=tmpfs")],
        [("homed", "ProtectHome=read-only"), ("homed", STRICT)]),
    "ProtectHostname": (
        [("cloud-init", "ProtectHostname=yes"), ("renamed", "ProtectHostname=yes")],
        [("cloud-init", "ProtectClock=yes"), ("renamed", "ProtectClock=yes"), ("plaind", "ProtectHostname=yes")]),
    "ProtectKernelLogs": (
        [("klogd", "ProtectKernelLogs=yes")],
        [("klogd", "ProtectKernelModules=yes")]),
    "ProtectKernelModules": (
        [("moduled", "ProtectKernelModules=yes")],
        [("moduled", "ProtectKernelLogs=yes")]),
    "ProtectKernelTunables": (
        [("sysctl", "ProtectKernelTunables=yes"), ("attributed", "# until: 254\nProtectKernelTunables=yes"),
         ("attributed", "# until: 254\nProtectKernelTunables=yes\nProtectControlGroups=yes")],
        [("attributed", "ProtectControlGroups=yes"), ("attributed", "# since: 257\nProtectKernelTunables=yes"), ("sysctl", STRICT), ("sysctl", "ProtectControlGroups=yes")]),
    "ProtectProc": (
        [("needrestart", "User=daemon\nProtectProc=invisible"),
         ("needrestart", "CapabilityBoundingSet=~CAP_SYS_PTRACE\nUser=daemon\nProtectProc=noaccess")],
        [("needrestart", "ProtectProc=invisible"), ("needrestart", "User=daemon\nProtectProc=default")]),
    "ProtectSystem": (
        [("stored", STRICT), ("logd", STRICT), ("linesd", STRICT), ("dird", STRICT),
         ("archived", STRICT), ("owned", STRICT)],
        [("archived", STRICT + "\nReadWritePaths=/var/lib"), ("owned", STRICT + "\nReadWritePaths=/srv"), ("linesd", STRICT + "\nReadWritePaths=/var/lib"), ("dird", STRICT + "\nReadWritePaths=/var/lib"), ("stored", "ProtectSystem=full"), ("stored", STRICT + "\nStateDirectory=stored"), ("logd", "ProtectSystem=yes")]),
    "ReadOnlyPaths": (
        [("stored", "ReadOnlyPaths=/var/lib"), ("exportd", "ReadOnlyPaths=/srv/exported")],
        [("stored", "ReadOnlyPaths=/var/cache"), ("exportd", "ReadOnlyPaths=/srv\nReadWritePaths=/srv/exported")]),
    "ReadWritePaths": (
        [("lxcfs", "ReadWritePaths=/srv")],
        [("stored", STRICT + "\nReadWritePaths=/var/lib/stored"), ("logd", STRICT + "\nReadWritePaths=/srv")]),
    "RemoveIPC": (
        [],
        [("plaind", "User=daemon\nRemoveIPC=yes"), ("shmd", "RemoveIPC=yes")]),
    "RestrictAddressFamilies": (
        [("sniffd", "RestrictAddressFamilies=AF_INET AF_UNIX"), ("locald", "RestrictAddressFamilies=AF_INET"), ("sockd", "RestrictAddressFamilies=AF_INET"),
         ("notifyd", NOTIFY + "\nRestrictAddressFamilies=AF_INET")],
        [("sniffd", "RestrictAddressFamilies=AF_PACKET"), ("locald", "RestrictAddressFamilies=AF_UNIX"), ("sockd", "RestrictAddressFamilies=AF_UNIX"),
         ("locald", "RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=AF_UNIX"),
         ("notifyd", NOTIFY + "\nRestrictAddressFamilies=AF_UNIX"),
         ("netifd", "RestrictAddressFamilies=AF_UNIX"), ("netifd", "RestrictAddressFamilies=AF_INET AF_INET6"),
         ("portd", "RestrictAddressFamilies=AF_INET")]),
    "RestrictNamespaces": (
        [("crun", "RestrictNamespaces=yes"), ("crun", "RestrictNamespaces=~mnt")],
        [("crun", "RestrictNamespaces=mnt user"), ("crun", "RestrictSUIDSGID=yes")]),
    "RestrictRealtime": (
        [("chrt", "RestrictRealtime=yes")],
        [("chrt", "LockPersonality=yes")]),
    "RestrictSUIDSGID": (
        [("packagekitd", "RestrictSUIDSGID=yes"), ("groupdird", "RestrictSUIDSGID=yes"), ("plaind", INSTALL + "RestrictSUIDSGID=yes")],
        [("groupdird", "RestrictRealtime=yes"), ("plaind", INSTALL + "PermissionsStartOnly=yes\nRestrictSUIDSGID=yes"),
         ("packagekitd", "RestrictNamespaces=yes"), ("stored", "RestrictSUIDSGID=yes")]),
    "RootDirectory": (
        [("keyd", TREE)],
        [("keyd", TREE + " /usr/lib/lab"), ("plaind", TREE)]),
    "SocketBindDeny": (
        [],
        [("served", FORKS + "SocketBindDeny=any"), ("plaind", "SocketBindDeny=any")]),
    "SystemCallArchitectures": (
        [("oldd", "SystemCallArchitectures=native")],
        [("oldd", "SystemCallArchitectures=native x86"), ("plaind", "SystemCallArchitectures=native")]),
    "SystemCallFilter": (
        [("served", FORKS + "SystemCallFilter=~@process"), ("keyd", "SystemCallFilter=~@keyring"), ("keyd", "SystemCallFilter=~@keyring\nSystemCallErrorNumber=EPERM"),
         ("clockd", "SystemCallFilter=~@clock"), ("mountd", "SystemCallFilter=~@mount"),
         ("mountd", "SystemCallFilter=@system-service"), ("dropd", "SystemCallFilter=~@setuid"),
         ("wrapd", "SystemCallFilter=~@keyring"), ("askd", "SystemCallFilter=@default @basic-io @file-system @process @signal")],
        [("askd", "SystemCallFilter=@default @basic-io @file-system @process @signal sysinfo ioctl"),
         ("keyd", "SystemCallFilter=~@keyring\nSystemCallFilter=keyctl"), ("wrapd", "SystemCallFilter=~@mount"),
         ("keyd", "SystemCallFilter=@system-service"), ("keyd", "SystemCallFilter=~@mount"),
         ("jaild", "SystemCallFilter=@system-service chroot"), ("dropd", "SystemCallFilter=@system-service")]),
    "MemoryMax": (
        [],
        [("plaind", "MemoryMax=64M")]),
    "TasksMax": (
        [],
        [("threadd", "TasksMax=2"), ("plaind", "TasksMax=1")]),
    "TemporaryFileSystem": (
        [("homed", "TemporaryFileSystem=/home"), ("envd", ENV + "TemporaryFileSystem=/srv"),
         ("notifyd", NOTIFY + "\nTemporaryFileSystem=/run")],
        [("homed", "TemporaryFileSystem=/srv"), ("notifyd", NOTIFY + "\nTemporaryFileSystem=/srv")]),
    "Type": (
        [("plaind", NOTIFY)],
        [("notifyd", NOTIFY)]),
    "UMask": (
        [("makerd", "StateDirectory=makerd\nUser=daemon\nUMask=0117"), ("makerd", "StateDirectory=makerd\nUser=daemon\nUMask=0777")],
        [("makerd", "StateDirectory=makerd\nUMask=0117"), ("makerd", "StateDirectory=makerd\nUser=daemon\nUMask=0077")]),
    "User": (
        [("sniffd", "User=daemon"), ("portd", "User=daemon")],
        [("sniffd", "User=daemon\nAmbientCapabilities=CAP_NET_RAW"),
         ("portd", "User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE")]),
    "WatchdogSec": (
        [("idled", "Type=exec\nWatchdogSec=1s")],
        [("pingd", "Type=exec\nWatchdogSec=2s"), ("plaind", "WatchdogSec=1s"), ("idled", "Type=exec\nWatchdogSec=0")]),
    "command-fails": (
        [("reloadd", "RemainAfterExit=yes\nExecReload=/no/such/program")],
        [("reloadd", "RemainAfterExit=yes\nExecReload=/usr/local/bin/plaind")]),
    "command-hidden": (
        [("-deedd", "InaccessiblePaths=/usr/local/bin/deedd")],
        [("-deedd", "InaccessiblePaths=/srv")]),
    "not-installed": (
        [("no-such-program", VENDOR)],
        [("plaind", VENDOR)]),
    "start-fails": (
        [("no-such-program", ""), ("plaind", "ReadOnlyPaths=/no/such"), ("plaind", "LoadCredential=name:/run/of-nobody")],
        [("plaind", "ReadOnlyPaths=-/no/such")]),
    "start-fails-perhaps": (
        [("plaind", "LoadCredential=name:/run/apt"), ("plaind", "ReadOnlyPaths=/run/apt/lists")],
        [("plaind", "LoadCredential=name:/etc/hostname")]),
}

# What cannot be seen to fail in the lab, and why
NOT_SHOWN = {
    "LimitAS": "it takes run-times that reserve addresses (Go, Java), which the lab's roots do not have",
    "RemoveIPC": "it takes PostgreSQL, whose memory is removed while it runs, which the lab's roots do not have",
    "SocketBindDeny": "it takes a systemd that was built with BPF programs, and libbpf: without, all may be bound",
    "MemoryMax": "the lab's systemd has no controllers of control groups, memory among them",
    "TasksMax": "the lab's systemd has no controllers of control groups, pids among them",
}

# Much at once, which does a program no harm
WORKS = [
    ("plaind", "PrivateDevices=yes\nPrivateTmp=yes\nProtectHome=yes\nProtectSystem=strict\nProtectClock=yes\n"
               "ProtectKernelModules=yes\nProtectKernelTunables=yes\nProtectKernelLogs=yes\nNoNewPrivileges=yes\n"
               "RestrictNamespaces=yes\nRestrictRealtime=yes\nMemoryDenyWriteExecute=yes\nLockPersonality=yes\n"
               "SystemCallArchitectures=native\nSystemCallFilter=@system-service\nCapabilityBoundingSet="),
]
