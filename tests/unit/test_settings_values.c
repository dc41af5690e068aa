/*
 * What values mean: each row is a line (or several) and what the setting says after it. The rows
 * were held against systemctl show of the versions that they name.
 */

#include "tests/unit/settings.h"

struct row {
        const char *lines, *want;
};

static void rows(unsigned version, const char *setting, const struct row *r, size_t n) {
        for (size_t i = 0; i < n; i++)
                check(version, r[i].lines, setting, r[i].want);
}
#define ROWS(version, setting, ...) \
        do { \
                static const struct row list[] = {__VA_ARGS__}; \
                rows(version, setting, list, IMM_ELEMENTSOF(list)); \
        } while (0)

TEST(booleans_in_all_spellings) {
        ROWS(257, "NoNewPrivileges", {"NoNewPrivileges=yes", "yes"}, {"NoNewPrivileges=T", "yes"},
                {"NoNewPrivileges=on", "yes"}, {"NoNewPrivileges=1", "yes"},
                {"NoNewPrivileges=y", "yes"}, {"NoNewPrivileges=2", "no"},
                {"NoNewPrivileges=\"yes\"", "no"}, {"NoNewPrivileges=yes # really", "no"},
                {"NoNewPrivileges=yes\nNoNewPrivileges=", "yes"},
                {"NoNewPrivileges=yes\nNoNewPrivileges=off", "no"});
        ROWS(257, "MemoryKSM", {"MemoryKSM=yes\nMemoryKSM=", ""}, {"MemoryKSM=no", "no"});
        ROWS(252, "PrivateMounts", {"PrivateMounts=yes\nPrivateMounts=", "yes"});
        ROWS(254, "PrivateMounts", {"PrivateMounts=yes\nPrivateMounts=", ""});
}

TEST(words_by_version) {
        ROWS(257, "ProtectSystem", {"ProtectSystem=strict", "strict"}, {"ProtectSystem=1", "yes"},
                {"ProtectSystem=full\nProtectSystem=", "full"}, {"ProtectSystem=Strict", "no"});
        ROWS(252, "PrivateTmp", {"PrivateTmp=disconnected", "no"}, {"PrivateTmp=yes", "yes"});
        ROWS(257, "PrivateTmp", {"PrivateTmp=disconnected", "disconnected"},
                {"PrivateTmp=connected", "yes"});
        ROWS(252, "Type", {"Type=notify-reload", "simple"});
        ROWS(254, "Type", {"Type=notify-reload", "notify-reload"});
        ROWS(257, "KillMode", {"KillMode=mixed\nKillMode=", "control-group"});
}

TEST(numbers_sizes_and_spans) {
        ROWS(257, "UMask", {"UMask=77", "0077"}, {"UMask=+7", "0022"}, {"UMask=8", "0022"},
                {"UMask=07777", "7777"}, {"UMask=010000", "0022"}, {"UMask=", "0022"});
        ROWS(257, "MemoryMax", {"MemoryMax=1G 512M", "1610612736"}, {"MemoryMax=1.5K", "1536"},
                {"MemoryMax=512M 1G", "infinity"}, {"MemoryMax=0", "infinity"},
                {"MemoryMax=1g", "infinity"}, {"MemoryMax=50%", "50%"},
                {"MemoryMax=1\nMemoryMax=infinity", "infinity"});
        ROWS(257, "TimeoutStopSec", {"TimeoutStopSec=1min 30s", "1min 30s"},
                {"TimeoutStopSec=1.5", "1s 500ms"}, {"TimeoutStopSec=0", "infinity"},
                {"TimeoutStopSec=5 x", "1min 30s"}, {"TimeoutStopSec=12.34.56", "1min 30s"},
                {"TimeoutStopSec=-1", "1min 30s"}, {"TimeoutSec=7", "7s"});
        ROWS(257, "LimitNOFILE", {"LimitNOFILE=1:2", "1:2"}, {"LimitNOFILE=2:1", ""},
                {"LimitNOFILE=5:infinity", "5:infinity"}, {"LimitNOFILE=1K", ""},
                {"LimitNOFILE=7\nLimitNOFILE=", "7"}, {"LimitNOFILE=1:", ""});
        ROWS(257, "LimitMEMLOCK", {"LimitMEMLOCK=1K", "1024"});
        ROWS(257, "LimitNICE", {"LimitNICE=+5", "15"}, {"LimitNICE=-20", "40"},
                {"LimitNICE=-21", ""});
        ROWS(257, "CPUQuota", {"CPUQuota=12.34%", "12.34%"}, {"CPUQuota=0%", ""});
        ROWS(247, "CPUQuota", {"CPUQuota=12.34%", ""}, {"CPUQuota=12.5%", "12.50%"});
        ROWS(257, "KillSignal", {"KillSignal=TERM", "SIGTERM"}, {"KillSignal=9", "SIGKILL"},
                {"KillSignal=RTMIN+3", "37"}, {"KillSignal=sigkill", "SIGTERM"},
                {"KillSignal=65", "SIGTERM"});
}

TEST(path_lists_with_prefixes) {
        ROWS(257, "ReadWritePaths", {"ReadWritePaths=/a -/b +/c -+/d", "/a -/b +/c -+/d"},
                {"ReadWritePaths=a /b", "/b"}, {"ReadWritePaths=//a///b/./c/", "/a/b/c"},
                {"ReadWritePaths=/a/../b", ""}, {"ReadWritePaths=\"/a b\"", "\"/a b\""},
                {"ReadWritePaths=/a\\ b", "\"/a b\""}, {"ReadWritePaths=/a\nReadWritePaths=", ""},
                {"ReadWritePaths=/a /b \"/c", "/a /b"}, {"ReadWritePaths=/%p", "/x"},
                {"ReadWritePaths=/a %z /b", "/a /b"}, {"ReadWriteDirectories=/a", "/a"},
                {"ReadWritePaths=/../a", "/a"});
        ROWS(254, "ReadWritePaths", {"ReadWritePaths=/../a", ""});
}

TEST(binds) {
        ROWS(257, "BindPaths", {"BindPaths=/a", "/a"}, {"BindPaths=/a:/b:norbind", "/a:/b:norbind"},
                {"BindPaths=-/a:/b /c", "-/a:/b /c"}, {"BindPaths=/a:/b:bogus /c", "/c"},
                {"BindPaths=/a:", ""}, {"BindPaths=/a:/b\nBindReadOnlyPaths=", ""},
                {"BindPaths=/a:b /c", "/c"}, {"BindPaths=\"/a b\":\"/c d\"", "\"/a b\":\"/c d\""});
        ROWS(257, "TemporaryFileSystem",
                {"TemporaryFileSystem=/a:ro,size=1M /b", "/a:ro,size=1M /b"},
                {"TemporaryFileSystem=a:ro", ""});
}

TEST(directories_by_version) {
        ROWS(257, "StateDirectory", {"StateDirectory=b a/x a", "a a/x b"},
                {"StateDirectory=a:b", "a:b"}, {"StateDirectory=a:b a:c", "a:b a:c"},
                {"StateDirectory=a::ro", "a::ro"}, {"StateDirectory=a:b:rw", ""},
                {"StateDirectory=private/x", ""}, {"StateDirectory=/a", ""},
                {"StateDirectory=a/../b", ""});
        ROWS(252, "StateDirectory", {"StateDirectory=a::ro", "a:ro"},
                {"StateDirectory=a:b", "a:b"});
        ROWS(247, "StateDirectory", {"StateDirectory=b a", "b a"},
                {"StateDirectory=a:b", "\"a:b\""});
        ROWS(257, "ConfigurationDirectory", {"ConfigurationDirectory=a:b", ""});
}

TEST(commands) {
        ROWS(257, "ExecStartPre", {"ExecStartPre=-@:+/bin/true y z", "-@:+/bin/true y z"},
                {"ExecStartPre=!!/bin/true", "!!/bin/true"},
                {"ExecStartPre=/bin/a ; /bin/b", "/bin/a ; /bin/b"},
                {"ExecStartPre=/bin/a \\; x", "/bin/a \\; x"}, {"ExecStartPre=true", "true"},
                {"ExecStartPre=/bin/a\nExecStartPre=", ""}, {"ExecStartPre=-/bin/", ""},
                {"ExecStartPre=/bin/echo %p %%", "/bin/echo x %"},
                {"ExecStartPre=/bin/./a", "/bin/a"}, {"ExecStartPre=/a \"b c\"", "/a \"b c\""});
        ROWS(247, "ExecStartPre", {"ExecStartPre=/bin/./a", "/bin/./a"});
        check_load(257, "ExecStartPre=bin/true", IMM_LOAD_BAD_SETTING);
        check_load(257, "ExecStartPre=+!/bin/true", IMM_LOAD_BAD_SETTING);
        check_load(257, "ExecStartPre=/bin/", IMM_LOAD_BAD_SETTING);
        check_load(257, "ExecStartPre=@/bin/true", IMM_LOAD_BAD_SETTING);
        check_load(257, "ExecStartPre=/bin/echo %z", IMM_LOAD_BAD_SETTING);
        check_load(254, "ExecStartPre=/a/..", IMM_LOAD_LOADED);
        check_load(257, "ExecStartPre=/a/..", IMM_LOAD_BAD_SETTING);
}

TEST(open_files) {
        ROWS(257, "OpenFile", {"OpenFile=/x:x", "/x"}, {"OpenFile=/x/y:y:append", "/x/y::append"},
                {"OpenFile=/x/y::graceful,append", "/x/y::append,graceful"},
                {"OpenFile=/x:n:append,read-only", ""}, {"OpenFile=/x:n:graceful,graceful", ""},
                {"OpenFile=/x//y/:n", "/x//y/:n"}, {"OpenFile=/x:n:", "/x:n"},
                {"OpenFile=/x::", "/x"}, {"OpenFile=/a\\:b:n", ""},
                {"OpenFile=/a\\x20b:n", "\"/a b:n\""}, {"OpenFile=\"/a b\":n", ""},
                {"OpenFile=/x:n:,append", "/x:n:append"}, {"OpenFile=/x:n%%i", "/x:n%%i"},
                {"OpenFile=/a\\\\b:n", "\"/a\\\\x5cb:n\""}, {"OpenFile=/", ""},
                {"OpenFile=/x/../y", "/x/../y"});
}

TEST(users_and_groups) {
        ROWS(257, "User", {"User=%p", "x"}, {"User=a.b", "a.b"}, {"User=65534", "65534"},
                {"User=a\nUser=", ""}, {"User=x y", "x y"});
        check_load(257, "User=00", IMM_LOAD_BAD_SETTING);
        check_load(257, "User=65535", IMM_LOAD_BAD_SETTING);
        check_load(257, "User=-1", IMM_LOAD_BAD_SETTING);
        check_load(257, "User=a:b", IMM_LOAD_BAD_SETTING);
        check_load(257, "Group=a/b", IMM_LOAD_BAD_SETTING);
        check_load(257, "SupplementaryGroups=a 4294967295", IMM_LOAD_BAD_SETTING);
        check_load(257, "DynamicUser=", IMM_LOAD_BAD_SETTING);
        check_load(257, "RootDirectory=-/x", IMM_LOAD_BAD_SETTING);
        check_load(257, "WorkingDirectory=x", IMM_LOAD_BAD_SETTING);
        check_load(257, "WorkingDirectory=-x", IMM_LOAD_LOADED);
        check_load(257, "PIDFile=/proc/x", IMM_LOAD_ERROR);
}

/* As 254 and 257 load them */
TEST(image_policies_are_read_or_keep_the_unit_out) {
        static const char *const good[] = {"", "*", "-", "~", "root=verity+signed",
                "root=", "root=verity:=absent", "=ignore", "root=verity : usr=signed",
                "root=verity+read-only-on+read-only-off+growfs-on",
                "root=unprotected+encrypted+unused+absent+open+ignore",
                "root=read-only-on+read-only-on"};
        static const char *const bad[] = {"nonsense", "root=bogus", "root=verity:root=signed",
                "bogus=verity", "root", "root=verity+bogus", "%n", "root=verity:", ":",
                "root=verity+", "root=verity++signed", "ROOT=verity", "allow"};
        static const char *const settings[] = {
                "RootImagePolicy", "MountImagePolicy", "ExtensionImagePolicy"};
        char line[128];

        for (size_t k = 0; k < IMM_ELEMENTSOF(settings); k++) {
                for (size_t i = 0; i < IMM_ELEMENTSOF(good); i++) {
                        assert_true(
                                snprintf(line, sizeof(line), "%s=%s", settings[k], good[i]) > 0);
                        check_load(257, line, IMM_LOAD_LOADED);
                }
                for (size_t i = 0; i < IMM_ELEMENTSOF(bad); i++) {
                        assert_true(snprintf(line, sizeof(line), "%s=%s", settings[k], bad[i]) > 0);
                        check_load(254, line, IMM_LOAD_ERROR);
                        check_load(253, line, IMM_LOAD_LOADED); /* it does not know them */
                }
        }
        check_load(300, "RootImagePolicy=new=flag", IMM_LOAD_LOADED);
}

TEST(capabilities_merge_and_invert) {
        ROWS(257, "CapabilityBoundingSet", {"CapabilityBoundingSet=CAP_CHOWN", "CAP_CHOWN"},
                {"CapabilityBoundingSet=BOGUS", ""}, {"CapabilityBoundingSet=", ""},
                {"CapabilityBoundingSet=~", "~"},
                {"CapabilityBoundingSet=~CAP_CHOWN", "~CAP_CHOWN"},
                {"CapabilityBoundingSet=0 0x5", "CAP_CHOWN CAP_KILL"},
                {"CapabilityBoundingSet=cap_chown\nCapabilityBoundingSet=CAP_KILL",
                        "CAP_CHOWN CAP_KILL"},
                {"CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nCapabilityBoundingSet=~CAP_KILL",
                        "CAP_CHOWN"},
                {"CapabilityBoundingSet=\nCapabilityBoundingSet=~CAP_KILL", ""},
                {"CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=", ""});
        ROWS(257, "AmbientCapabilities", {"AmbientCapabilities=~CAP_CHOWN", "~CAP_CHOWN"},
                {"AmbientCapabilities=CAP_CHOWN\nAmbientCapabilities=", ""});
}

TEST(system_calls) {
        ROWS(257, "SystemCallFilter",
                {"SystemCallFilter=~@chown", "~chown chown32 fchown fchown32 "
                                             "fchownat lchown lchown32"},
                {"SystemCallFilter=~read:5 kill:kill", "~kill:kill read:EIO"},
                {"SystemCallFilter=~BOGUS", "~"}, {"SystemCallFilter=~read\nSystemCallFilter=", ""},
                {"SystemCallFilter=~read write\nSystemCallFilter=read", "~write"});
        ROWS(257, "SystemCallLog", {"SystemCallLog=read", "read"}, {"SystemCallLog=~read", "~read"},
                {"SystemCallLog=mseal", "mseal"});
        ROWS(252, "SystemCallLog", {"SystemCallLog=mseal", ""});
        ROWS(257, "SystemCallErrorNumber", {"SystemCallErrorNumber=1", "EPERM"},
                {"SystemCallErrorNumber=0", "kill"},
                {"SystemCallErrorNumber=EPERM\nSystemCallErrorNumber=", "kill"});
        ROWS(252, "SystemCallArchitectures",
                {"SystemCallArchitectures=native x86 bogus", "native x86"});
}

TEST(an_allow_list_starts_with_default) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_value *v;
        bool execve = false, read = false;

        v = imm_setting(bench_service(b, "SystemCallFilter=bogus"), IMM_SETTING_SYSTEM_CALL_FILTER);
        assert_true(v->filter && v->allow_list);
        for (size_t i = 0; i < v->syscalls.n; i++) {
                execve |= imm_streq(v->syscalls.v[i].name, "execve");
                read |= imm_streq(v->syscalls.v[i].name, "read");
        }
        assert_true(execve);
        assert_false(read);
        imm_arena_free(b->a);
}

TEST(families_namespaces_file_systems) {
        ROWS(257, "RestrictAddressFamilies",
                {"RestrictAddressFamilies=AF_INET AF_LOCAL", "AF_INET AF_UNIX"},
                {"RestrictAddressFamilies=none", "none"}, {"RestrictAddressFamilies=x", "none"},
                {"RestrictAddressFamilies=~AF_INET", "~AF_INET"},
                {"RestrictAddressFamilies=~AF_INET\nRestrictAddressFamilies=AF_INET", "~"},
                {"RestrictAddressFamilies=none\nRestrictAddressFamilies=AF_UNIX", "AF_UNIX"});
        ROWS(247, "RestrictAddressFamilies", {"RestrictAddressFamilies=none", "none"});
        ROWS(257, "RestrictNamespaces", {"RestrictNamespaces=yes", "yes"},
                {"RestrictNamespaces=user bogus", "no"},
                {"RestrictNamespaces=~user\n"
                 "RestrictNamespaces=user",
                        "no"},
                {"RestrictNamespaces=user net", "net user"},
                {"RestrictNamespaces=yes\nRestrictNamespaces=~user", "yes"},
                {"RestrictNamespaces=time", "yes"});
        ROWS(257, "RestrictFileSystems", {"RestrictFileSystems=@temporary", "ramfs tmpfs"},
                {"RestrictFileSystems=@temporary\nRestrictFileSystems=~ramfs", "tmpfs"});
}

TEST(devices_and_networks) {
        ROWS(257, "DeviceAllow", {"DeviceAllow=/dev/null", "/dev/null rwm"},
                {"DeviceAllow=char-rtc r\nDeviceAllow=/dev//zero w", "char-rtc r ; /dev/zero w"},
                {"DeviceAllow=/etc/x", ""}, {"DeviceAllow=/dev/null x", ""});
        ROWS(257, "IPAddressAllow", {"IPAddressAllow=10.1.2.3/8", "10.0.0.0/8"},
                {"IPAddressAllow=localhost", "127.0.0.0/8 ::1/128"},
                {"IPAddressAllow=10.0.0.1 x 10.0.0.2", "10.0.0.1/32 10.0.0.2/32"},
                {"IPAddressAllow=10.0.0.0/33", ""},
                {"IPAddressAllow=10.0.0.0/8 10.1.0.0/16", "10.0.0.0/8 10.1.0.0/16"});
        ROWS(247, "IPAddressAllow", {"IPAddressAllow=10.1.0.0/16 10.0.0.0/8", "10.0.0.0/8"},
                {"IPAddressAllow=10.0.0.1 x 10.0.0.2", "10.0.0.1/32"});
        ROWS(257, "SocketBindAllow", {"SocketBindAllow=ipv4:tcp:1-5", "ipv4:tcp:1-5"},
                {"SocketBindAllow=udp", "udp:any"}, {"SocketBindAllow=tcp:ipv4", ""},
                {"SocketBindAllow=5-1", ""});
}

TEST(environment_and_credentials) {
        ROWS(257, "Environment", {"Environment=A=b \"C=d e\"", "A=b \"C=d e\""},
                {"Environment=A=b B=1\nEnvironment=A=c", "A=c B=1"}, {"Environment=1A=b", ""},
                {"Environment=A=%p", "A=x"}, {"Environment=A=b\nEnvironment=", ""});
        ROWS(257, "LoadCredential", {"LoadCredential=a:/b", "a:/b"}, {"LoadCredential=a", "a:a"},
                {"LoadCredential=a:/b\nLoadCredentialEncrypted=a:/c", ""},
                {"LoadCredential=a:/b/../c", ""});
        ROWS(247, "LoadCredential", {"LoadCredential=a", ""});
        ROWS(257, "ImportCredential", {"ImportCredential=a*", "a*"}, {"ImportCredential=a*b", ""},
                {"ImportCredential=a*:b.", "a*:b."});
        ROWS(257, "SetCredential", {"SetCredential=a:b\nSetCredential=a:c", "a:c"});
}

TEST(hostile_values_are_survived) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
        char *many = imm_alloc(b->a, 400001);

        for (size_t i = 0; i < 400000; i += 4)
                memcpy(many + i, "~\"@ ", 4);
        for (size_t id = 0; id < IMM_SETTING_N; id++) {
                struct bench *c = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
                const struct imm_setting_info *info = imm_setting_info((enum imm_setting)id);

                (void)bench_service(c, imm_printf(c->a, "%s=%.300s\n%s=%%\n%s=\\", info->name, many,
                                               info->name, info->name));
                imm_arena_free(c->a);
        }
        imm_arena_free(b->a);
}

RUN(cmocka_unit_test(booleans_in_all_spellings), cmocka_unit_test(words_by_version),
        cmocka_unit_test(numbers_sizes_and_spans), cmocka_unit_test(path_lists_with_prefixes),
        cmocka_unit_test(binds), cmocka_unit_test(directories_by_version),
        cmocka_unit_test(commands), cmocka_unit_test(open_files),
        cmocka_unit_test(users_and_groups),
        cmocka_unit_test(image_policies_are_read_or_keep_the_unit_out),
        cmocka_unit_test(capabilities_merge_and_invert), cmocka_unit_test(system_calls),
        cmocka_unit_test(an_allow_list_starts_with_default),
        cmocka_unit_test(families_namespaces_file_systems), cmocka_unit_test(devices_and_networks),
        cmocka_unit_test(environment_and_credentials),
        cmocka_unit_test(hostile_values_are_survived))
