#include "rules/rules-private.h"
#include "tests/unit/tree.h"

/*
 * A truth table for each condition: a line of a rule, lines of a unit, and whether it holds. A
 * condition without a row fails, so does one that docs/rules.md does not explain.
 */

struct row {
        const char *condition, *value, *unit;
        bool holds;
        unsigned version;
};

/* What the profile daemon has, and what the one of this test has */
#define DAEMON \
        "NoNewPrivileges=yes\nPrivateTmp=yes\nProtectSystem=full\nProtectHome=read-only\n" \
        "ProtectClock=yes\nProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes\n" \
        "ProtectKernelModules=yes\nProtectKernelTunables=yes\nLockPersonality=yes\n" \
        "RestrictRealtime=yes\nRestrictSUIDSGID=yes\n"
#define LISTS \
        "CapabilityBoundingSet=CAP_CHOWN\nUMask=0027\nRestrictAddressFamilies=AF_UNIX\n" \
        "RestrictNamespaces=yes\nSystemCallFilter=@basic-io\nInaccessiblePaths=/srv\n"

static const struct row rows[] = {
        {"SettingIs", "PrivateTmp no", "", true},
        {"SettingIs", "PrivateTmp no", "PrivateTmp=yes", false},
        {"SettingIs", "PrivateTmp yes", "PrivateTmp=yes", true},
        {"SettingIs", "PrivateTmp yes", "PrivateTmp=disconnected", true, 257},
        {"SettingIs", "PrivateTmp yes", "", false},
        {"SettingIs", "PrivateMounts unset", "", true},
        {"SettingIs", "PrivateMounts no", "", false},
        {"SettingIs", "PrivateMounts no", "PrivateMounts=no", true},
        {"SettingIs", "PrivateMounts yes", "PrivateMounts=1", true},
        {"SettingIs", "ProtectHome yes tmpfs", "ProtectHome=tmpfs", true},
        {"SettingIs", "ProtectHome yes tmpfs", "ProtectHome=read-only", false},
        {"SettingIs", "PrivateTmp no", "PrivateTmp=disconnected", false, 257},
        {"SettingIs", "PrivateTmp no", "PrivateTmp=disconnected", true, 254},
        {"SettingIs", "RootDirectory \"\" /", "", true},
        {"SettingIs", "RootDirectory \"\" /", "RootDirectory=/", true},
        {"SettingIs", "RootDirectory \"\" /", "RootDirectory=/srv", false},
        {"SettingIs", "SystemCallArchitectures native", "", false},
        {"SettingIs", "SystemCallArchitectures native", "SystemCallArchitectures=native", true},
        {"SettingIs", "SystemCallArchitectures native", "SystemCallArchitectures=native x86",
                false},
        {"SettingGiven", "RootImage", "", false},
        {"SettingGiven", "RootImage", "RootImage=/x.raw", true},
        {"SettingGiven", "SupplementaryGroups DeviceAllow", "DeviceAllow=/dev/null rw", true},
        {"SettingGiven", "SupplementaryGroups",
                "SupplementaryGroups=adm\nSupplementaryGroups=", false},
        {"SettingGiven", "AmbientCapabilities", "AmbientCapabilities=CAP_KILL", true},
        {"SettingGiven", "AmbientCapabilities", "", false},
        {"UMaskLeaves", "0002", "", false},
        {"UMaskLeaves", "0004", "", true},
        {"UMaskLeaves", "0004", "UMask=0077", false},
        {"UMaskLeaves", "0002", "UMask=0", true},
        {"BoundingCapability", "CAP_KILL", "", true},
        {"BoundingCapability", "CAP_KILL", "CapabilityBoundingSet=~CAP_KILL", false},
        {"BoundingCapability", "CAP_KILL CAP_CHOWN", "CapabilityBoundingSet=~CAP_KILL", true},
        {"BoundingCapability", "CAP_MKNOD", "PrivateDevices=yes", false},
        {"BoundingCapability", "CAP_KILL", "CapabilityBoundingSet=", false},
        {"AllowsNamespace", "user", "", true},
        {"AllowsNamespace", "user", "RestrictNamespaces=yes", false},
        {"AllowsNamespace", "user", "RestrictNamespaces=user", true},
        {"AllowsNamespace", "net user", "RestrictNamespaces=~user", true},
        {"AllowsNamespace", "user", "RestrictNamespaces=~user", false},
        {"RunsAs", "root", "", true},
        {"RunsAs", "root", "User=0", true},
        {"RunsAs", "root", "DynamicUser=yes\nUser=root", true},
        {"RunsAs", "root", "DynamicUser=yes", false},
        {"RunsAs", "dynamic", "DynamicUser=yes\nUser=odd", true},
        {"RunsAs", "static", "User=daemon", true},
        {"RunsAs", "nobody", "User=nobody\nDynamicUser=yes", true},
        {"RunsAs", "static dynamic", "User=nobody", false},
        {"RefusesUse", "RestrictAddressFamilies", "Type=notify\nRestrictAddressFamilies=AF_INET",
                true},
        {"RefusesUse", "RestrictAddressFamilies",
                "Type=notify\nRestrictAddressFamilies=AF_INET AF_UNIX", false},
        {"RefusesUse", "PrivateDevices", "Type=notify\nRestrictAddressFamilies=AF_INET", false},
        {"RefusesFunction", "ProtectHome", "Environment=DATA=/home/alice/data\nProtectHome=yes",
                true},
        {"RefusesFunction", "ProtectHome", "Environment=DATA=/home/alice/data", false},
        {"RefusesFunction", "RestrictAddressFamilies",
                "Type=notify\nRestrictAddressFamilies=AF_INET", false},
        {"MayRefuseUse", "PrivateDevices", "ExecStartPre=/usr/bin/tool\nPrivateDevices=yes", true},
        {"MayRefuseUse", "PrivateDevices", "ExecStartPre=+/usr/bin/tool\nPrivateDevices=yes", true},
        {"MayRefuseUse", "PrivateTmp", "ExecStartPre=+/usr/bin/tool\nPrivateTmp=yes", false},
        {"FilterMode", "SystemCallFilter none", "", true},
        {"FilterMode", "SystemCallFilter none", "SystemCallFilter=~no_such_call", true},
        {"FilterMode", "SystemCallFilter deny", "SystemCallFilter=~mount", true},
        {"FilterMode", "SystemCallFilter allow", "SystemCallFilter=mount", true},
        {"FilterMode", "RestrictAddressFamilies allow", "RestrictAddressFamilies=none", true, 252},
        {"FilterMode", "RestrictAddressFamilies deny none", "RestrictAddressFamilies=AF_UNIX",
                false},
        {"FilterLists", "RestrictAddressFamilies AF_INET AF_INET6",
                "RestrictAddressFamilies=AF_INET6", true},
        {"FilterLists", "RestrictAddressFamilies AF_UNIX", "RestrictAddressFamilies=~AF_INET",
                false},
        {"FilterLists", "RestrictAddressFamilies ~AF_UNIX", "RestrictAddressFamilies=AF_UNIX",
                false},
        {"FilterLists", "RestrictAddressFamilies ~AF_UNIX",
                "RestrictAddressFamilies=AF_UNIX AF_VSOCK", true},
        {"FilterLists", "RestrictAddressFamilies ~AF_UNIX", "", false},
        {"AllowsSystemCall", "@swap", "", true},
        {"AllowsSystemCall", "@swap", "SystemCallFilter=~@swap", false},
        {"AllowsSystemCall", "@swap", "SystemCallFilter=~swapon", true},
        {"AllowsSystemCall", "@swap", "SystemCallFilter=@basic-io", false},
        {"AllowsSystemCall", "@swap", "SystemCallFilter=@basic-io swapoff", true},
        {"AllowsSystemCall", "@swap", "SystemCallFilter=~@swap:EPERM", false},
        {"SystemCallNotKilled", "@swap", "SystemCallFilter=~@swap", false},
        {"SystemCallNotKilled", "@swap", "SystemCallFilter=~@swap:EPERM", true},
        {"SystemCallNotKilled", "@swap", "SystemCallFilter=@basic-io @swap:EPERM", false, 247},
        {"AllowsIP", "any", "", true},
        {"AllowsIP", "any", "IPAddressDeny=10.0.0.0/8", true},
        {"AllowsIP", "any", "IPAddressDeny=any", false},
        {"AllowsIP", "any", "IPAddressDeny=0.0.0.0/0", true},
        {"AllowsIP", "any", "IPAddressDeny=0.0.0.0/1 128.0.0.0/1 ::/0", true},
        {"AllowsIP", "localhost", "IPAddressDeny=any\nIPAddressAllow=localhost", true},
        {"AllowsIP", "other", "IPAddressDeny=any\nIPAddressAllow=localhost", false},
        {"AllowsIP", "other", "IPAddressDeny=any\nIPAddressAllow=10.0.0.1", true},
        {"AllowsIP", "not-all-of-localhost", "IPAddressDeny=any\nIPAddressAllow=localhost", false},
        {"AllowsIP", "not-all-of-localhost", "IPAddressDeny=any\nIPAddressAllow=127.0.0.1", true},
        {"AllowsIP", "other", "IPAddressDeny=any\nIPAddressAllow=127.0.0.1", false},
        {"UnlikeProfile", "daemon", "", true},
        {"UnlikeProfile", "daemon", DAEMON, false},
        {"UnlikeProfile", "daemon", DAEMON, false, 247},
        {"UnlikeProfile", "daemon", DAEMON "ProtectSystem=strict\nProtectHome=yes", false},
        {"UnlikeProfile", "daemon", DAEMON "ProtectSystem=yes", true},
        {"UnlikeProfile", "daemon", DAEMON "ProtectHome=no", true},
        {"UnlikeProfile", "strict", DAEMON, true},
        {"UnlikeProfile", "lists", LISTS, false},
        {"UnlikeProfile", "lists", LISTS "CapabilityBoundingSet=\nUMask=0077", false},
        {"UnlikeProfile", "lists", LISTS "UMask=0022", true},
        {"UnlikeProfile", "lists", LISTS "CapabilityBoundingSet=CAP_KILL", true},
        {"UnlikeProfile", "lists", LISTS "RestrictAddressFamilies=AF_INET", true},
        {"UnlikeProfile", "lists", LISTS "RestrictNamespaces=\nRestrictNamespaces=net", true},
        {"UnlikeProfile", "lists", LISTS "SystemCallFilter=~write", false},
        {"UnlikeProfile", "lists", LISTS "SystemCallFilter=mount", true},
        {"UnlikeProfile", "lists", LISTS "InaccessiblePaths=", true},
        {"UnlikeProfile", "lists", LISTS "InaccessiblePaths=/home", false},
        {"CanCall", "@mount", "", true},
        {"CanCall", "@mount", "SystemCallFilter=~@mount", false},
        {"CanCall", "@mount", "SystemCallFilter=~@mount\nExecStartPre=+/bin/true", true},
        {"CanConnect", "/run/dbus/system_bus_socket", "", true},
        {"CanConnect", "/run/dbus/system_bus_socket", "InaccessiblePaths=/run/dbus", false},
        {"CanConnect", "/run/docker.sock", "", false},
        {"CanConnectBeyond", "yes", "", true},
        {"CanConnectBeyond", "yes", "PrivateNetwork=yes", false},
        {"CanConnectBeyond", "yes", "IPAddressDeny=any", false},
        {"CanConnectBeyond", "yes", "IPAddressDeny=any\nIPAddressAllow=localhost", false},
        {"CanConnectBeyond", "yes", "IPAddressDeny=any\nIPAddressAllow=10.0.0.0/8", true},
        {"CanConnectBeyond", "yes", "RestrictAddressFamilies=AF_UNIX", false},
        {"CanConnectBeyond", "yes", "RestrictAddressFamilies=AF_UNIX\nExecStartPre=+/bin/true",
                true},
        {"CanConnectTo", "tcp:127.0.0.1:80", "", true},
        {"CanConnectTo", "tcp:127.0.0.1:80", "PrivateNetwork=yes", false},
        {"CanConnectTo", "tcp:127.0.0.1:80 tcp:10.0.0.1:1", "IPAddressDeny=127.0.0.0/8", true},
        {"CanConnectTo", "unix:@x", "IPAddressDeny=any", true},
        {"CanConnectTo", "unix:@x", "SystemCallFilter=~connect", false},
        {"CanListenOn", "tcp:8080", "PrivateNetwork=yes", true},
        {"CanListenOn", "tcp:80", "User=daemon", false},
        {"CanListenOn", "tcp:80", "User=daemon\nAmbientCapabilities=CAP_NET_BIND_SERVICE", true},
        {"CanExecute", "/usr/bin/tool", "User=daemon", true},
        {"CanExecute", "/usr/bin/tool", "NoExecPaths=/usr", false},
        {"CanExecute", "/usr/bin/tool", "NoExecPaths=/\nExecPaths=/usr/bin", true},
        {"CanExecute", "/usr/bin/none /etc/passwd", "", false},
        {"CanGainPrivileges", "yes", "", true},
        {"CanGainPrivileges", "yes", "NoNewPrivileges=yes", false},
        {"CanGainPrivileges", "yes", "NoNewPrivileges=yes\nExecStartPre=+/bin/true", true},
        {"CanReach", "/run/docker.sock", "", true},
        {"CanReach", "/run/docker.sock", "TemporaryFileSystem=/run", false},
        {"CanRead", "/etc/secret", "", true},
        {"CanRead", "/etc/secret", "User=daemon", false},
        {"CanRead", "/etc/secret", "User=missing", false},
        {"CanRead", "/etc/secret", "User=daemon\nExecStartPre=+/bin/true", true},
        {"CanRead", "/etc/secret", "InaccessiblePaths=/etc/secret", false},
        {"CanRead", "/etc/secret", "TemporaryFileSystem=/etc", false},
        {"CanRead", "/etc/secret", "TemporaryFileSystem=/etc\nBindPaths=/etc/secret:/x", true},
        {"CanRead", "/etc/none", "", false},
        {"CanRead", "/home", "", true},
        {"CanRead", "/home", "ProtectHome=tmpfs", false},
        {"CanRead", "/home", "ProtectHome=tmpfs\nBindPaths=/home:/mnt", true},
        {"CanRead", "/home", "ProtectHome=tmpfs\nBindPaths=/home/alice", false},
        {"CanReadOthers", "/var/lib", "", true},
        {"CanReadOthers", "/var/lib", "TemporaryFileSystem=/var/lib", false},
        {"CanReadOthers", "/var/lib", "TemporaryFileSystem=/var/lib\nBindPaths=/var/lib/db", true},
        {"CanReadOthers", "/var/lib",
                "User=daemon\nTemporaryFileSystem=/var/lib\nBindPaths=/var/lib/db", true},
        {"CanReadPart", "/home", "ProtectHome=tmpfs\nBindPaths=/home/alice", true},
        {"CanReadPart", "/home", "ProtectHome=tmpfs", false},
        {"CanReadWhole", "/home", "", true},
        {"CanReadWhole", "/home", "InaccessiblePaths=/home/alice", false},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool", true},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool\nProtectSystem=strict", false},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool\nReadOnlyPaths=/usr/bin/tool", true},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool\nReadOnlyPaths=/usr/bin", true},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool\nReadOnlyPaths=/usr/bin /usr", false},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool\nUser=daemon", false},
        {"CanReplace", "own", "ExecStartPre=+/usr/bin/tool\nUser=daemon", true},
        {"CanReplace", "own", "ExecStartPre=/opt/run\nUser=daemon", true},
        {"CanReplace", "own", "ExecStartPre=/opt/run\nUser=daemon\nReadOnlyPaths=/opt", false},
        {"CanReplace", "own",
                "ExecStartPre=/opt/run\nUser=daemon\nReadOnlyPaths=/opt\nBindPaths=/opt:/mnt",
                true},
        {"CanReplace", "own", "ExecStartPre=/tmp/x\nUser=daemon", false},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/python3.11 /opt/run\nUser=daemon", true},
        {"CanReplace", "own", "ExecStartPre=/usr/bin/tool /opt/run\nUser=daemon", false},
        {"CanReplace", "others", "", true},
        {"CanReplace", "others", "ProtectSystem=strict", false},
        {"CanReplace", "others", "ProtectSystem=strict\nReadWritePaths=/opt", true},
        {"CanReplace", "others", "User=daemon", true},
        {"CanReplace", "others", "User=third", false},
        {"CanReplace", "others", "User=daemon\nReadOnlyPaths=/opt", false},
        {"CanReplace", "others own", "User=daemon\nReadOnlyPaths=/opt", false},
        {"CanUnshare", "user", "", true},
        {"CanUnshare", "user", "RestrictNamespaces=yes", false},
        {"CanWrite", "/etc", "", true},
        {"CanWrite", "/etc", "ProtectSystem=full", false},
        {"CanWrite", "/etc", "ProtectSystem=strict\nReadWritePaths=/etc", true},
        {"CanWrite", "/etc", "ProtectSystem=full\nReadWritePaths=/nowhere", false},
        {"CanWrite", "/etc", "RootDirectory=/home", false},
        {"CanWriteOthers", "/var/lib", "", true},
        {"CanWriteOthers", "/var/lib", "ProtectSystem=strict", false},
        {"CanWritePart", "/home", "ProtectHome=read-only\nReadWritePaths=/home/alice", true},
        {"CanWritePart", "/home", "ProtectHome=read-only", false},
        {"CanWriteWhole", "/home", "", true},
        {"CanWriteWhole", "/home", "ReadOnlyPaths=/home/alice", false},
        {"Capability", "CAP_KILL", "", true},
        {"Capability", "CAP_KILL", "User=daemon", false},
        {"Capability", "CAP_KILL", "User=daemon\nAmbientCapabilities=CAP_KILL", true},
        {"Capability", "CAP_KILL", "PrivateUsers=yes", false},
        {"BusGrants", "org.a:.I.M", "", true},
        {"BusGrants", "org.a:.I.M", "User=daemon", true},
        {"BusGrants", "org.a:.I.Root:.no", "User=daemon", false},
        {"BusGrants", "org.b:.I.M org.a:.I.M", "", true},
        {"BusGrants", "org.b:.I.M", "", false},
        {"BusGrants", "org.a:.I.M", "InaccessiblePaths=/run/dbus", false},
        {"BusGrants", "org.a:.I.M", "InaccessiblePaths=/run/dbus\nExecStartPost=+/bin/true", true},
        {"BusGrants", "org.a:.I.M", "RestrictAddressFamilies=AF_INET", false},
        {"BusGrants", "org.a:.I.M", "RestrictAddressFamilies=~AF_UNIX", false},
        {"BusGrants", "org.a:.I.M", "RestrictAddressFamilies=AF_UNIX", true},
        {"BusGrants", "org.a:.I.M", "SystemCallFilter=~connect", false},
        {"BusGrants", "org.a:.I.M", "SystemCallFilter=@basic-io", false},
        {"BusGrants", "org.a:.I.M", "SystemCallFilter=@system-service", true},
        {"FailsToStart", "start", "User=missing", true},
        {"FailsToStart", "start", "ExecStart=\nExecStart=-/bin/none", false},
        {"FailsToStart", "start", "ExecStart=\nExecStart=-/bin/none\nReadOnlyPaths=/none", true},
        {"FailsToStart", "hidden",
                "Type=oneshot\nExecStart=\nExecStart=-/bin/none\nReadOnlyPaths=/none", true},
        {"FailsToStart", "later", "ExecReload=/none", true},
        {"FailsToStart", "later start", "ExecStart=\nExecStart=-/bin/none\nExecStop=-/none", false},
        {"CanCall", "@module", "ProtectKernelModules=yes", false},
        {"CanCall", "@module", "ProtectKernelModules=yes\nExecStartPre=+/bin/true", true},
        {"CanCall", "@clock", "ProtectClock=yes", false},
        {"CanCall", "@clock", "SystemCallFilter=@system-service", false},
        {"CanCall", "syslog", "ProtectKernelLogs=yes", false},
        {"CanCall", "ptrace", "ProtectKernelModules=yes", true},
        {"CanCall", "mount umount umount2", "SystemCallFilter=~mount umount2", true},
        {"CanCall", "mount umount umount2",
                "SystemCallFilter=~mount umount2\nSystemCallArchitectures=native", false},
        {"CanCall", "mount umount umount2", "SystemCallFilter=~@mount", false},
        {"CanCall", "umount", "SystemCallFilter=@basic-io", false},
        {"ForeignCalls", "yes", "", true},
        {"ForeignCalls", "yes", "SystemCallArchitectures=native", false},
        {"ForeignCalls", "yes", "SystemCallArchitectures=x86-64 native", false},
        {"ForeignCalls", "yes", "SystemCallArchitectures=native x86", true},
        {"ForeignCalls", "yes", "SystemCallArchitectures=native\nExecStartPost=+/bin/true", true},
        {"HostNetwork", "yes", "", true},
        {"HostNetwork", "yes", "PrivateNetwork=yes", false},
        {"IdleLine", "overridden", "PrivateTmp=yes\nPrivateTmp=no", true},
        {"IdleLine", "overridden", "PrivateTmp=yes", false},
        {"IdleLine", "misspelt-setting", "PrivateTemp=yes", true},
        {"IdleLine", "needs-other missing-path", "SystemCallErrorNumber=EPERM", true},
        {"IdleLine", "missing-path", "SystemCallErrorNumber=EPERM", false},
        {"InGroup", "adm", "User=daemon\nSupplementaryGroups=adm", true},
        {"InGroup", "adm none", "User=daemon", false},
        {"RootHas", "/etc/none /etc/passwd", "", true},
        {"RootHas", "/etc/none", "", false},
        {"RunsAsRoot", "yes", "", true},
        {"RunsAsRoot", "yes", "User=daemon", false},
        {"RunsAsRoot", "yes", "User=daemon\nExecStartPost=!/bin/true", true},
        {"SharesIdentity", "processes", "", true},
        {"SharesIdentity", "files", "", false},
        {"SharesIdentity", "processes", "User=daemon", true},
        {"SharesIdentity", "files", "User=daemon", true},
        {"SharesIdentity", "files", "User=1", true},
        {"SharesIdentity", "processes files", "User=lonely", false},
        {"SharesIdentity", "processes files", "DynamicUser=yes", false},
        {"SharesIdentity", "processes files", "DynamicUser=yes\nUser=made", true},
        {"SharesIdentity", "processes", "User=daemon\nPrivateUsers=yes", false},
        {"SharesIdentity", "files", "User=daemon\nPrivateUsers=yes", true},
        {"SharesIdentity", "processes", "User=daemon\nPrivatePIDs=yes", false, 257},
        {"SharesIdentity", "processes", "User=daemon\nProtectProc=invisible", true},
        {"SharesIdentity", "processes", "ProtectProc=invisible", true},
        {"SharesIdentity", "processes",
                "ProtectProc=invisible\nCapabilityBoundingSet=~CAP_SYS_PTRACE", true},
        {"SharesIdentity", "processes",
                "ProtectProc=invisible\nCapabilityBoundingSet=~CAP_KILL CAP_SYS_PTRACE", false},
        {"SharesIdentity", "processes", "PrivateUsers=yes", false},
        {"ShowsUnneeded", "programs", "", false}, /* the system's own root: another question */
        {"ShowsUnneeded", "programs", "RootDirectory=/home\nBindReadOnlyPaths=/usr", true},
        {"ShowsUnneeded", "libraries", "RootDirectory=/home\nBindReadOnlyPaths=/usr", false},
        {"ShowsUnneeded", "programs libraries",
                "RootDirectory=/home\nBindReadOnlyPaths=/usr\nExecStartPre=/usr/bin/tool", false},
        {"ShowsUnneeded", "programs", "RootDirectory=/home\nBindReadOnlyPaths=/usr/bin:/x", true},
        {"ShowsUnneeded", "programs", "RootDirectory=/home\nBindReadOnlyPaths=/usr/bin/tool",
                false},
        {"ShowsUnneeded", "programs",
                "RootDirectory=/home\nBindReadOnlyPaths=/usr/bin:/usr/bin\n"
                "InaccessiblePaths=+/usr/bin/tool",
                false},
        {"ViewHas", "/etc/passwd", "", true},
        {"ViewHas", "/etc/passwd", "TemporaryFileSystem=/etc", false},
        {"ViewHas", "/mnt/passwd", "BindPaths=/etc:/mnt", true},
        {"ViewWrites", "/etc", "", true},
        {"ViewWrites", "/etc", "TemporaryFileSystem=/etc:ro", false},
        {"ViewWrites", "/etc", "TemporaryFileSystem=/etc", true},
        {"WritableAndExecutable", "/tmp", "", true},
        {"WritableAndExecutable", "/tmp", "PrivateTmp=yes", true},
        {"WritableAndExecutable", "/tmp", "NoExecPaths=/tmp", false},
        /* of two entries at one path the mount of the one has the flag of the other */
        {"WritableAndExecutable", "/tmp", "NoExecPaths=/tmp\nReadWritePaths=/tmp", false},
        {"WritableAndExecutable", "/tmp", "TemporaryFileSystem=/tmp\nNoExecPaths=/tmp", false},
};

static void tree_modes(void) {
        static const struct {
                const char *path;
                mode_t mode;
        } modes[] = {{".", 0755}, {"etc/secret", 0600}, {"usr/bin/tool", 0755}, {"tmp", 01777},
                {"opt", 0777}, {"opt/run", 0755}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(modes); i++) {
                imm_auto_free char *path = NULL;

                assert_true(asprintf(&path, "%s/%s", tree, modes[i].path) > 0);
                assert_int_equal(chmod(path, modes[i].mode), 0);
        }
}

/* A shipped one, or that of this test */
static void take_profile(
        struct imm_manager *m, const char *name, struct imm_arena *a, struct imm_argument *to) {
        const char *path = imm_printf(a, "profiles/%s.conf", name), *text = "[Service]\n" LISTS;
        struct imm_rule_source source = {.path = path};
        struct imm_diags diags = {0};

        for (size_t i = 0; i < imm_builtins_n; i++)
                if (imm_streq(imm_builtins[i].path, path))
                        text = imm_builtins[i].text;
        source.text = text;
        source.size = strlen(text);
        to->profiles = imm_alloc_array(a, 1, sizeof(*to->profiles));
        to->profiles[to->n_profiles++] = imm_profile_read(name, &source, m, a, &diags);
        if (diags.n > 0)
                fail_msg("%s:%u: %s", path, diags.v[0].line, diags.v[0].message);
}

static enum imm_truth ask(const struct row *row, bool why, size_t *ret_evidence) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        struct imm_manager_options options = {.version = row->version ? row->version : 257};
        const struct imm_condition *c = imm_condition_by_key(row->condition);
        struct imm_argument argument;
        struct imm_facts facts = {.arena = why ? a : NULL};
        const char *problem = NULL;
        enum imm_truth truth;

        tree_make(NULL);
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\ndaemon:x:1:1::/:/bin/false\n"
                                "lonely:x:7:7::/:/bin/false\nthird:x:8:8::/:/bin/false\n");
        tree_file("etc/secret", "");
        tree_file("usr/bin/tool", "#!/bin/sh\ncat /dev/sda\n");
        assert_int_equal(chmod(tree_path("usr/bin/tool"), 0755), 0);
        tree_file("home/alice/x", "");
        tree_file("var/lib/db/x", "");
        tree_file("tmp/x", "");
        tree_file("opt/run", "");
        tree_modes();
        tree_file("etc/systemd/system/other.service", "[Service]\nExecStart=/bin/true\n");
        tree_file("etc/systemd/system/other-small.service",
                "[Service]\nExecStart=/bin/true\nCapabilityBoundingSet=CAP_KILL CAP_CHOWN\n"
                "CapabilityBoundingSet=~CAP_CHOWN\n");
        tree_file("etc/systemd/system/other-run.service",
                "[Service]\nExecStart=-/opt/run x\nUser=third\n");
        tree_file("etc/systemd/system/other-daemon.service",
                "[Service]\nExecStart=/bin/true\nUser=root\n");
        tree_file("etc/systemd/system/other-daemon.service.d/x.conf", "[Service]\nUser=daemon\n");
        tree_file("etc/systemd/system/other-made.service",
                "[Service]\nExecStart=/bin/true\nDynamicUser=yes\nUser=made\n");
        tree_file("usr/lib/systemd/system/dbus.socket",
                "[Socket]\nListenStream=/run/dbus/system_bus_socket\n");
        tree_file("usr/share/dbus-1/system.conf",
                "<busconfig><policy context='default'><allow send_destination='org.a'/></policy>"
                "</busconfig>");
        tree_file("etc/group", "root:x:0:\nadm:x:4:\n");
        tree_file("etc/systemd/system/odd.service",
                imm_printf(a, "[Service]\nExecStart=/bin/true\n%s\n", row->unit));
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        assert_int_equal(imm_manager_unit(m, "odd.service", &facts.unit, NULL), 0);
        facts.manager = m;
        facts.settings = imm_settings_of(m, facts.unit);
        assert_int_equal(facts.settings->load, IMM_LOAD_LOADED);
        assert_non_null(c);
        if (imm_argument_parse(c->argument, row->value, m->version, a, &argument, &problem) < 0)
                fail_msg("%s=%s: %s", row->condition, row->value, problem);
        if (c->argument == IMM_ARGUMENT_PROFILES)
                take_profile(m, row->value, a, &argument);
        truth = c->holds(&facts, &argument);
        *ret_evidence = facts.evidence.n + facts.places_found.n;
        tree_remove(NULL);
        return truth;
}

TEST(each_condition_holds_where_it_should) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                size_t evidence;
                enum imm_truth truth = ask(&rows[i], false, &evidence);

                if (truth != (enum imm_truth)rows[i].holds)
                        fail_msg("%s=%s on '%s': %s", rows[i].condition, rows[i].value,
                                rows[i].unit, truth == IMM_YES ? "holds" : "does not hold");
                assert_int_equal(evidence, 0);
        }
}

TEST(asking_why_changes_no_answer_and_gives_a_reason) {
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                size_t evidence;
                enum imm_truth truth = ask(&rows[i], true, &evidence);

                assert_int_equal(truth, rows[i].holds);
                if (truth == IMM_YES)
                        assert_true(evidence > 0);
        }
}

TEST(each_condition_has_both_answers_in_the_table) {
        for (size_t i = 0; i < imm_conditions_n; i++) {
                bool seen[2] = {false, false};

                for (size_t k = 0; k < IMM_ELEMENTSOF(rows); k++)
                        if (imm_streq(rows[k].condition, imm_conditions[i].key))
                                seen[rows[k].holds] = true;
                if (!seen[0] || !seen[1])
                        fail_msg("%s=: no row that says %s", imm_conditions[i].key,
                                seen[0] ? "yes" : "no");
                if (i > 0)
                        assert_true(strcmp(imm_conditions[i - 1].key, imm_conditions[i].key) < 0);
        }
}

TEST(each_condition_is_documented) {
        imm_auto_free char *text = imm_xcalloc(1, 256 * 1024);
        FILE *f = fopen(SOURCE "/docs/rules.md", "re");

        assert_non_null(f);
        assert_true(fread(text, 1, 256 * 1024 - 1, f) > 0);
        assert_int_equal(fclose(f), 0);
        for (size_t i = 0; i < imm_conditions_n; i++) {
                char row[100];

                (void)snprintf(row, sizeof(row), "| `%s=` |", imm_conditions[i].key);
                if (!strstr(text, row))
                        fail_msg("docs/rules.md has no row for %s=", imm_conditions[i].key);
        }
}

/* What is wrong with a condition's value; NULL: nothing */
static const char *mistake(struct imm_arena *a, const char *key, const char *value) {
        struct imm_argument argument;
        const char *problem = NULL;

        if (imm_argument_parse(
                    imm_condition_by_key(key)->argument, value, 257, a, &argument, &problem) < 0)
                assert_non_null(problem);
        return problem;
}

TEST(mistakes_in_values_are_named) {
        static const char *const wrong[][2] = {
                {"SettingIs", ""},
                {"SettingIs", "PrivateTmp"},
                {"SettingIs", "PrivateTemp no"},
                {"SettingIs", "PrivateTmp maybe"},
                {"SettingIs", "BindPaths /x"},
                {"SettingIs", "PrivateTmp \"no"},
                {"SettingGiven", "NoSuchSetting"},
                {"UMaskLeaves", "9"},
                {"UMaskLeaves", "077777"},
                {"BoundingCapability", "CAP_NO_SUCH"},
                {"AllowsNamespace", "time"},
                {"AllowsSystemCall", "@no-such"},
                {"AllowsSystemCall", "no_such_call"},
                {"RunsAs", "admin"},
                {"AllowsIP", "10.0.0.1"},
                {"FilterMode", "PrivateTmp allow"},
                {"FilterMode", "SystemCallFilter some"},
                {"FilterLists", "RestrictAddressFamilies"},
                {"IdleLine", "because"},
                {"FailsToStart", "yes"},
                {"CanConnectTo", "localhost:80"},
                {"CanListenOn", "tcp:0"},
        };
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t i = 0; i < IMM_ELEMENTSOF(wrong); i++)
                if (!mistake(a, wrong[i][0], wrong[i][1]))
                        fail_msg("%s=%s was taken", wrong[i][0], wrong[i][1]);
        assert_null(mistake(a, "SettingIs", "PrivateTmp no"));
        assert_null(mistake(a, "AllowsSystemCall", "listmount")); /* of later systemds */
}

RUN(cmocka_unit_test(each_condition_holds_where_it_should),
        cmocka_unit_test(asking_why_changes_no_answer_and_gives_a_reason),
        cmocka_unit_test(each_condition_has_both_answers_in_the_table),
        cmocka_unit_test(each_condition_is_documented),
        cmocka_unit_test(mistakes_in_values_are_named))
