/* Implications, origins, what loses, diagnostics, and the registry itself. */

#include "tests/unit/settings.h"

static void origin(unsigned version, const char *lines, const char *setting, const char *want) {
        struct bench *b = bench_new(version, IMM_SCOPE_SYSTEM, "x.service");

        (void)bench_service(b, lines);
        assert_string_equal(bench_origin(b, setting), want);
        imm_arena_free(b->a);
}

TEST(dynamic_user_enforces_a_sandbox) {
        check(257, "DynamicUser=yes", "PrivateTmp", "disconnected");
        check(254, "DynamicUser=yes\nPrivateTmp=no", "PrivateTmp", "yes");
        check(257, "DynamicUser=yes\nPrivateTmp=yes", "PrivateTmp", "yes");
        check(257, "DynamicUser=yes\nProtectSystem=full", "ProtectSystem", "strict");
        check(257, "DynamicUser=yes", "ProtectHome", "read-only");
        check(257, "DynamicUser=yes\nProtectHome=tmpfs", "ProtectHome", "tmpfs");
        check(257, "DynamicUser=yes\nRemoveIPC=no", "RemoveIPC", "yes");
        check(257, "DynamicUser=yes", "User", "x");
        check(257, "DynamicUser=yes\nUser=foo", "Group", "foo");
        origin(257, "DynamicUser=yes", "RestrictSUIDSGID",
                "implied by DynamicUser= (/etc/systemd/system/x.service:3)");
        check_load(257, "DynamicUser=yes\nWorkingDirectory=~", IMM_LOAD_BAD_SETTING);
        check_load(254, "DynamicUser=yes\nWorkingDirectory=~", IMM_LOAD_LOADED);
}

/* The hash is systemd's own of that prefix. */
TEST(dynamic_user_names_what_is_no_name) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "dyn.dots.service");

        (void)bench_service(b, "DynamicUser=yes");
        assert_string_equal(bench_text(b, "User"), "_du418a90bffc733c88");
        imm_arena_free(b->a);
}

TEST(protection_takes_capabilities_and_devices) {
        check(257, "PrivateDevices=yes", "CapabilityBoundingSet", "~CAP_SYS_RAWIO CAP_MKNOD");
        check(257, "CapabilityBoundingSet=CAP_MKNOD CAP_KILL\nPrivateDevices=yes",
                "CapabilityBoundingSet", "CAP_KILL");
        check(257, "ProtectClock=yes", "CapabilityBoundingSet", "~CAP_SYS_TIME CAP_WAKE_ALARM");
        check(257, "ProtectKernelModules=yes", "CapabilityBoundingSet", "~CAP_SYS_MODULE");
        check(257, "ProtectKernelLogs=yes", "CapabilityBoundingSet", "~CAP_SYSLOG");
        check(257, "PrivateDevices=yes", "DevicePolicy", "closed");
        check(257, "PrivateDevices=yes\nDevicePolicy=strict", "DevicePolicy", "strict");
        check(257, "ProtectClock=yes", "DeviceAllow", "");
        check(247, "ProtectClock=yes", "DeviceAllow", "char-rtc r");
        check(257, "ProtectClock=yes\nDevicePolicy=closed", "DeviceAllow", "char-rtc r");
        check(252, "LoadCredentialEncrypted=a:/b\nDevicePolicy=closed", "DeviceAllow",
                "/dev/tpmrm0 rw");
        check(257, "LoadCredentialEncrypted=a:/b\nDevicePolicy=closed", "DeviceAllow",
                "char-tpm rw");
        origin(257, "PrivateDevices=yes", "CapabilityBoundingSet",
                "implied by PrivateDevices= (/etc/systemd/system/x.service:3)");
}

TEST(types_and_their_company) {
        check(257, "BusName=a.b", "Type", "dbus");
        check(257, "LoadCredential=a:/b", "Type", "exec");
        check(254, "LoadCredential=a:/b", "Type", "simple");
        check(257, "Type=notify\nNotifyAccess=none", "NotifyAccess", "main");
        check(257, "WatchdogSec=5", "NotifyAccess", "main");
        check(257, "Type=notify\nNotifyAccess=all", "NotifyAccess", "all");
        check(257, "Type=oneshot", "TimeoutStartSec", "infinity");
        check(257, "Type=oneshot\nTimeoutStartSec=5", "TimeoutStartSec", "5s");
        check(257, "Delegate=yes", "OOMPolicy", "continue");
        check(257, "User=root", "SetLoginEnvironment", "yes");
        check(254, "User=root", "UMask", "0022");
        check(257, "StandardInput=socket", "StandardOutput", "inherit");
        check(257, "StandardOutput=inherit", "StandardOutput", "journal");
        check(257, "StandardInputText=x", "StandardInput", "data");
        check(257, "RootDirectory=/srv", "MountAPIVFS", "yes");
        check(247, "MountAPIVFS=yes", "MountAPIVFS", "no");
        check(257, "LogNamespace=x\nBindLogSockets=no", "BindLogSockets", "yes");
}

TEST(slices_and_keyrings_by_default) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "a-b@i.service");

        (void)bench_service(b, "");
        assert_string_equal(bench_text(b, "Slice"), "system-a\\x2db.slice");
        assert_string_equal(bench_origin(b, "Slice"), "default");
        assert_string_equal(bench_text(b, "KeyringMode"), "private");
        imm_arena_free(b->a);

        b = bench_new(257, IMM_SCOPE_USER, "x.service");
        (void)bench_service(b, "");
        assert_string_equal(bench_text(b, "Slice"), "app.slice");
        assert_string_equal(bench_text(b, "KeyringMode"), "inherit");
        imm_arena_free(b->a);
}

TEST(refused_combinations) {
        check_load(257, "Type=dbus", IMM_LOAD_BAD_SETTING);
        check_load(257, "Type=oneshot\nRestart=always", IMM_LOAD_BAD_SETTING);
        check_load(257, "Type=oneshot\nRestart=on-failure", IMM_LOAD_LOADED);
        check_load(257, "ExecStart=/bin/b", IMM_LOAD_BAD_SETTING);
        check_load(257, "Type=oneshot\nExecStart=/bin/b", IMM_LOAD_LOADED);
        check_load(257, "ExecStart=", IMM_LOAD_BAD_SETTING);
        check_load(257, "ExecStart=\nRemainAfterExit=yes\nExecStop=/bin/a", IMM_LOAD_LOADED);
        check_load(257, "PAMName=x\nKillMode=process", IMM_LOAD_BAD_SETTING);
        check_load(257, "Type=forking\nPrivatePIDs=yes", IMM_LOAD_BAD_SETTING);
        check_load(257, "WorkingDirectory=/proc\nProtectSystem=yes", IMM_LOAD_BAD_SETTING);
        check_load(254, "WorkingDirectory=/proc\nProtectSystem=yes", IMM_LOAD_LOADED);
        check_load(254, "Type=oneshot\nRestartForceExitStatus=1", IMM_LOAD_BAD_SETTING);
        check_load(257, "Type=oneshot\nRestartForceExitStatus=1", IMM_LOAD_LOADED);
}

static void other(unsigned version, const char *name, const char *text, enum imm_load want) {
        struct bench *b = bench_new(version, IMM_SCOPE_SYSTEM, name);

        bench_file(b, "/f", text);
        if (imm_settings_of(&b->m, &b->u)->load != want)
                fail_msg("%u: %s: %s is not %d", version, name, text, want);
        imm_arena_free(b->a);
}

TEST(units_of_other_types) {
        static const enum imm_load good = IMM_LOAD_LOADED, bad = IMM_LOAD_BAD_SETTING;

        other(257, "x.socket", "[Socket]\nListenStream=[::1]:80\n", good);
        other(257, "x.socket", "[Socket]\nListenStream=1.2.3.4\n", bad);
        other(257, "x.socket", "[Socket]\nListenStream=99999\n", bad);
        other(257, "x.socket", "[Socket]\nListenFIFO=f\n", bad);
        other(257, "x.socket", "[Socket]\nListenStream=80\nListenStream=\n", bad);
        other(257, "x.socket", "[Socket]\nListenDatagram=80\nAccept=yes\n", bad);
        other(254, "x.socket", "[Socket]\nListenStream=80\nMaxConnections=0\n", good);
        other(257, "x.socket", "[Socket]\nListenStream=80\nMaxConnections=0\n", bad);
        other(257, "x.socket", "[Socket]\nListenStream=/a\nSymlinks=/b\n", good);
        other(257, "x.socket", "[Socket]\nListenStream=80\nSymlinks=/b\n", bad);
        other(257, "a-b.mount", "[Mount]\nWhat=/dev/x\nWhere=/a/b\n", good);
        other(257, "a-b.mount", "[Mount]\nWhat=/dev/x\nWhere=/a-b\n", bad);
        other(257, "a.mount", "[Mount]\nWhere=/a\n", bad);
        other(257, "a.swap", "[Swap]\nWhat=/b\n", bad);
        other(257, "a.swap", "[Swap]\n", good);
        other(257, "x.timer", "[Timer]\nOnCalendar=daily\n", good);
        other(257, "x.timer", "[Timer]\nOnCalendar=bogus\n", bad);
        other(257, "x.timer", "[Timer]\nOnClockChange=yes\nOnBootSec=\n", good);
        other(257, "x.path", "[Path]\nPathExists=x\n", bad);
        other(257, "x.slice", "[Slice]\nMemoryMax=1G\nDelegate=yes\n", good);
}

/* In a drop-in it only ends the reading of that file. */
TEST(a_fatal_line_in_a_dropin_is_not_fatal) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");

        bench_file(b, "/f", "[Service]\nExecStart=/bin/true\n");
        bench_file(b, "/d", "[Service]\nNoNewPrivileges=yes\nUser=a:b\nPrivateTmp=yes\n");
        bench_file(b, "/e", "[Service]\nProtectHome=yes\n");
        assert_int_equal(imm_settings_of(&b->m, &b->u)->load, IMM_LOAD_LOADED);
        assert_string_equal(bench_text(b, "NoNewPrivileges"), "yes");
        assert_string_equal(bench_text(b, "PrivateTmp"), "no");
        assert_string_equal(bench_text(b, "ProtectHome"), "yes");
        imm_arena_free(b->a);
}

static void diag(const char *text, const char *code, unsigned line, const char *part) {
        struct bench *b = bench_new(252, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_settings *s;

        bench_file(b, "/f", text);
        s = imm_settings_of(&b->m, &b->u);
        assert_int_equal(s->diags.n, 1);
        assert_string_equal(s->diags.v[0].code, code);
        assert_int_equal(s->diags.v[0].line, line);
        assert_non_null(strstr(s->diags.v[0].message, part));
        imm_arena_free(b->a);
}

TEST(odd_lines_are_told) {
#define X "[Service]\nExecStart=/bin/true\n"
        diag(X "PrivatTmp=yes\n", "misspelt-setting", 3, "PrivateTmp=");
        diag(X "protectsystem=yes\n", "misspelt-setting", 3, "ProtectSystem=");
        diag(X "Frobnicate=yes\n", "unknown-setting", 3, "Frobnicate=");
        diag(X "PrivatePIDs=yes\n", "newer-setting", 3, "257");
        diag(X "Wants=x.service\n", "wrong-section", 3, "[Unit]");
        diag("[Unit]\nPrivateTmp=yes\n" X, "wrong-section", 2, "[Service]");
        diag(X "PrivateTmp=maybe\n", "ignored-value", 3, "maybe");
        diag(X "[Sockets]\nA=b\nC=d\n", "unknown-section", 4, "[Sockets]");
        diag(X "RestrictAddressFamilies=AF_UNIX x\n", "ignored-word", 3, "'x'");
#undef X
}

TEST(what_loses_names_the_winner) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_settings *s;

        bench_file(b, "/f",
                "[Service]\nExecStart=/bin/true\nProtectSystem=yes\n"
                "ReadOnlyPaths=/a\nReadOnlyPaths=/b\nX-Y=z\nPrivateTmp=no\n");
        bench_file(b, "/d",
                "[Service]\nProtectSystem=full\nReadOnlyPaths=\nReadOnlyPaths=/c\n"
                "UMask=x\nDynamicUser=yes\n");
        s = imm_settings_of(&b->m, &b->u);
        assert_int_equal(s->superseded.n, 6);
        assert_int_equal(s->superseded.v[0].how, IMM_LOST_OVERRIDDEN);
        assert_int_equal(s->superseded.v[0].assignment->line, 3);
        assert_string_equal(imm_origin_text(&s->superseded.v[0].by, b->a), "/d:2");
        assert_int_equal(s->superseded.v[1].how, IMM_LOST_RESET);
        assert_int_equal(s->superseded.v[1].assignment->line, 4);
        assert_int_equal(s->superseded.v[2].assignment->line, 5);
        assert_int_equal(s->superseded.v[3].how, IMM_LOST_IGNORED);
        assert_int_equal(s->superseded.v[3].setting, IMM_SETTING_UMASK);
        /* by implication: PrivateTmp=no and the drop-in's ProtectSystem=full */
        assert_string_equal(
                imm_origin_text(&s->superseded.v[4].by, b->a), "implied by DynamicUser= (/d:6)");
        imm_arena_free(b->a);
}

TEST(conditions_and_their_kin_share_a_reset) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");

        bench_file(b, "/f",
                "[Unit]\nConditionPathExists=/a\nAssertUser=root\n"
                "ConditionUser=\n[Service]\nExecStart=/bin/true\n");
        (void)imm_settings_of(&b->m, &b->u);
        assert_string_equal(bench_text(b, "ConditionPathExists"), "");
        assert_string_equal(bench_text(b, "AssertUser"), "root");
        imm_arena_free(b->a);
}

TEST(another_version_leaves_the_unit_alone) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
        const struct imm_settings *s = bench_service(b, "PrivatePIDs=yes"), *old;

        old = imm_settings_compute(&b->m, &b->u, 247, b->a);
        assert_true(imm_setting_bool(s, IMM_SETTING_PRIVATE_PIDS));
        assert_false(imm_setting_bool(old, IMM_SETTING_PRIVATE_PIDS));
        assert_ptr_equal(b->u.settings, s);
        imm_arena_free(b->a);
}

TEST(ten_thousand_lines_take_no_time) {
        struct bench *b = bench_new(257, IMM_SCOPE_SYSTEM, "x.service");
        imm_auto_free char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        const struct imm_settings *s;

        fputs("[Service]\nExecStart=/bin/true\n", f);
        for (int i = 0; i < 50000; i++)
                fprintf(f, "Environment=A%d=b\nReadOnlyPaths=/p%d\nFrobnicate%d=x\n", i, i, i);
        assert_int_equal(fclose(f), 0);
        bench_file(b, "/f", text);
        s = imm_settings_of(&b->m, &b->u);
        assert_int_equal(imm_setting(s, IMM_SETTING_ENVIRONMENT)->strings.n, 50000);
        imm_arena_free(b->a);
}

static const char *group_of(enum imm_setting id) {
        return imm_setting_info(id)->section;
}

TEST(the_registry_is_sorted_and_whole) {
        for (size_t i = 0; i < IMM_SETTING_N; i++) {
                const struct imm_setting_info *x = imm_setting_info((enum imm_setting)i);

                assert_int_not_equal(imm_setting_by_name(x->name), IMM_SETTING_N);
                assert_true((x->type == IMM_VALUE_ENUM) == (x->words != NULL));
                assert_true(x->until == 0 || x->until >= x->since);
                if (i > 0 && imm_streq(group_of((enum imm_setting)(i - 1)), x->section))
                        assert_true(strcmp(imm_setting_info((enum imm_setting)(i - 1))->name,
                                            x->name) < 0);
        }
        assert_null(imm_setting_info(IMM_SETTING_N));
        assert_int_equal(imm_setting_by_name("ReadOnlyDirectories"), IMM_SETTING_READ_ONLY_PATHS);
        assert_int_equal(imm_setting_by_name("TimeoutSec"), IMM_SETTING_TIMEOUT_SEC);
        assert_int_equal(imm_setting_by_name("NoSuchThing"), IMM_SETTING_N);
        assert_true(imm_setting_known(IMM_SETTING_PRIVATE_PIDS, 257));
        assert_false(imm_setting_known(IMM_SETTING_PRIVATE_PIDS, 256));
}

RUN(cmocka_unit_test(dynamic_user_enforces_a_sandbox),
        cmocka_unit_test(dynamic_user_names_what_is_no_name),
        cmocka_unit_test(protection_takes_capabilities_and_devices),
        cmocka_unit_test(types_and_their_company), cmocka_unit_test(slices_and_keyrings_by_default),
        cmocka_unit_test(refused_combinations), cmocka_unit_test(units_of_other_types),
        cmocka_unit_test(a_fatal_line_in_a_dropin_is_not_fatal),
        cmocka_unit_test(odd_lines_are_told), cmocka_unit_test(what_loses_names_the_winner),
        cmocka_unit_test(conditions_and_their_kin_share_a_reset),
        cmocka_unit_test(another_version_leaves_the_unit_alone),
        cmocka_unit_test(ten_thousand_lines_take_no_time),
        cmocka_unit_test(the_registry_is_sorted_and_whole))
