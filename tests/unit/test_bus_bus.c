#include "analyzer/bus/bus.h"
#include "tests/unit/tree.h"

/*
 * The two gates before a privileged method: policies of the bus and polkit's rules and actions, as
 * files in; 1, 0 or -1 out. What the bus does with the same files is held in tests/lab/escapes.
 */

#define CONFIG(rules) "<busconfig>" rules "<includedir>system.d</includedir></busconfig>"
#define DENIES \
        "<policy context='default'><deny send_type='method_call'/><allow send_type='signal'/>" \
        "<allow receive_type='method_call'/></policy>"
#define TO(who, rules) "<busconfig><policy " who ">" rules "</policy></busconfig>"

struct files {
        const char *config, *policy, *policy_more, *actions, *rules;
        const char *vendor, *vendor_more, *local; /* *.pkla of an old polkit */
        bool broker, compat;
};

static void lay(const struct files *f) {
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/"
                                "sh\nbob:x:1001:1001::/:/bin/sh\n");
        tree_file("etc/group", "root:x:0:\nalice:x:1000:\nbob:x:1001:\nnet:x:50:bob\nadm:x:4:\n");
        tree_file("usr/share/dbus-1/system.conf", f->config ? f->config : CONFIG(DENIES));
        if (f->broker)
                tree_link("/usr/lib/systemd/system/dbus-broker.service",
                        "etc/systemd/system/dbus.service");
        if (f->policy)
                tree_file("usr/share/dbus-1/system.d/a.conf", f->policy);
        if (f->policy_more)
                tree_file("usr/share/dbus-1/system.d/b.conf", f->policy_more);
        tree_file("usr/share/dbus-1/system-services/a.service",
                "[D-BUS Service]\nName=org.a\nExec=/bin/false\nUser=root\n");
        tree_file("usr/share/dbus-1/system-services/p.service",
                "[D-BUS Service]\nName=org.freedesktop.PolicyKit1\nExec=/bin/false\nUser=root\n");
        if (f->actions)
                tree_file("usr/share/polkit-1/actions/a.policy", f->actions);
        if (f->rules)
                tree_file("usr/share/polkit-1/rules.d/50-a.rules", f->rules);
        if (f->vendor)
                tree_file("var/lib/polkit-1/localauthority/10-vendor.d/a.pkla", f->vendor);
        if (f->vendor_more)
                tree_file("var/lib/polkit-1/localauthority/10-vendor.d/b.pkla", f->vendor_more);
        if (f->local)
                tree_file("etc/polkit-1/localauthority/50-local.d/a.pkla", f->local);
        if (f->compat) {
                tree_file("usr/share/polkit-1/rules.d/49-polkit-pkla-compat.rules", "while (1);");
                tree_file("usr/bin/pkla-check-authorization", "");
        } else if (f->vendor || f->local)
                tree_file("usr/libexec/polkitd", "ELF /polkit-1/localauthority");
}

struct who {
        uid_t uid;
        gid_t group;
        const char *dynamic;
};

/* Whether a call is done, and polkit's own answer for an action */
static int asked(const struct files *f, struct who who, const char *call, const char *action,
        size_t *ret_reasons) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        imm_cleanup(imm_manager_free) struct imm_manager *m = NULL;
        struct imm_manager_options options = {.version = 257};
        struct imm_strv because = {0};
        struct imm_bus_peer *peer;
        struct imm_bus *b;
        int quick, r;

        tree_make(NULL);
        lay(f);
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&m, root, &options, NULL), 0);
        b = imm_bus_of(m);
        peer = imm_bus_peer_of(b, who.uid, who.uid, &who.group, 1, who.dynamic);
        if (call) {
                quick = imm_bus_may_call(b, peer, call, NULL, NULL);
                r = imm_bus_may_call(b, peer, call, a, &because);
        } else {
                quick = imm_polkit_grants(b, peer, action, NULL, NULL);
                r = imm_polkit_grants(b, peer, action, a, &because);
        }
        assert_int_equal(quick, r);
        if (r != 0)
                assert_true(because.n > 0);
        if (ret_reasons)
                *ret_reasons = imm_bus_diags(b)->n;
        tree_remove(NULL);
        return r;
}

/* What dbus-daemon 1.14 refuses in a rule, and what not: of a file with one such rule nothing
 * counts */
TEST(one_rule_that_is_refused_voids_its_file) {
        static const struct {
                const char *who, *rule;
                int taken;
        } rows[] = {
                {"context='default'", "<allow send_broadcast='true' send_destination='a.b'/>", 0},
                {"context='default'", "<allow send_broadcast='true' send_destination='*'/>", 1},
                {"context='default'", "<allow send_broadcast='true' send_destination_prefix='a'/>",
                        1},
                {"context='default'", "<allow send_broadcast='yes'/>", 0},
                {"context='default'", "<allow log='maybe' send_type='signal'/>", 1},
                {"context='default'", "<allow log='true'/>", 0},
                {"context='default'", "<allow eavesdrop='maybe'/>", 0},
                {"context='default'", "<allow min_fds='-1' send_type='signal'/>", 0},
                {"context='default'", "<allow min_fds='0x1' send_type='signal'/>", 1},
                {"context='default'", "<allow max_fds='3'/>", 0},
                {"context='default'", "<allow own='a' own_prefix='b'/>", 0},
                {"context='default'", "<allow own='a' max_fds='1'/>", 0},
                {"context='default'", "<allow own='a' log='true'/>", 1},
                {"context='default'", "<allow eavesdrop='true' user='*'/>", 0},
                {"context='default'", "<allow send_error='x' send_interface='y'/>", 0},
                {"context='default'", "<allow send_error='x' send_path='/y'/>", 1},
                {"context='default'", "<allow send_destination='a.b' send_destination_prefix='c'/>",
                        0},
                {"context='default'", "text", 0},
                {"context='default'", "<allow user='nobody-knows'/>", 1},
                {"user='alice'", "<allow user='bob'/>", 0},
                {"user='alice'", "<allow user='nobody-knows'/>", 1},
                {"user='*'", "<allow user='bob'/>", 1},
                {"at_console='maybe'", "<allow send_type='signal'/>", 0},
                {"user='alice' odd='x'", "<allow send_type='signal'/>", 0},
        };
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct files f = {.policy = imm_printf(a,
                                                "<busconfig><policy context='default'>"
                                                "<allow send_destination='org.a'/></policy>"
                                                "<policy %s>%s</policy></busconfig>",
                                                rows[i].who, rows[i].rule)};

                if (asked(&f, (struct who){0, 0, NULL}, "org.a:.I.M", NULL, NULL) != rows[i].taken)
                        fail_msg("row %zu: not %d", i, rows[i].taken);
        }
}

/* A rule about descriptors is none about a plain call */
TEST(rules_about_descriptors) {
        const struct files f = {
                .policy = TO("context='default'", "<allow send_destination='org.a'/>"
                                                  "<deny send_destination='org.a' min_fds='1'/>")};

        assert_int_equal(asked(&f, (struct who){0, 0, NULL}, "org.a:.I.M", NULL, NULL), 1);
}

TEST(the_last_rule_that_matches_decides) {
        static const struct {
                const char *policy, *call;
                int root, alice, bob; /* bob is in net */
        } rows[] = {
                {NULL, "org.a:.I.M", 0, 0, 0},
                {TO("context='default'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 1, 1,
                        1},
                {TO("context='default'", "<allow send_destination='org.a'/>"), "org.b:.I.M", 0, 0,
                        0},
                {TO("user='root'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 1, 0, 0},
                {TO("group='net'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 0, 0, 1},
                {TO("user='nobody-knows'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 0, 0,
                        0},
                {TO("context='default'", "<allow send_destination='org.a'/>"
                                         "<deny send_destination='org.a' send_interface='org.a.I' "
                                         "send_member='M'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default'",
                         "<deny send_destination='org.a' send_interface='org.a.I' send_member='M'/>"
                         "<allow send_destination='org.a'/>"),
                        "org.a:.I.M", 1, 1, 1},
                {TO("context='default'",
                         "<allow send_destination='org.a'/>"
                         "<deny send_destination='org.a' send_interface='org.a.J'/>"),
                        "org.a:.I.M", 1, 1, 1},
                {TO("context='default'", "<allow send_destination='org.a' send_type='signal'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default'", "<allow send_destination='org.a' send_path='/org/a'/>"),
                        "org.a:.I.M", 1, 1, 1},
                {TO("context='default'", "<allow send_destination='org.a' send_path='/other'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default'", "<allow send_destination_prefix='org.a'/>"),
                        "org.a.b:.I.M", 1, 1, 1},
                {TO("context='default'", "<allow send_destination_prefix='org.a'/>"), "org.ab:.I.M",
                        0, 0, 0},
                {TO("context='default'", "<allow send_destination='*'/>"), "org.x:.I.M", 1, 1, 1},
                {TO("context='default'",
                         "<allow send_destination='org.a'/><deny receive_type='method_call'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='mandatory'", "<deny send_destination='org.a'/>"), "org.a:.I.M", 0, 0,
                        0},
                {TO("at_console='true'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 0, 0,
                        0},
                {TO("at_console='false'", "<allow send_destination='org.a'/>"), "org.a:.I.M", 1, 1,
                        1},
                /* left out as a whole */
                {TO("context='default'", "<allow send_destination='org.a'/>"
                                         "<deny send_destination='org.b' send_member='M'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default' user='root'", "<allow send_destination='org.a'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default'",
                         "<allow send_destination='org.a'/><allow own='x' send_type='signal'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {"<busconfig><policy context='default'><allow send_destination='org.a'/></policy>"
                 "<include>/not/there</include></busconfig>",
                        "org.a:.I.M", 0, 0, 0},
                {"<busconfig><policy context='default'><allow send_destination='org.a'/></policy>"
                 "<include ignore_missing='yes'>/not/there</include></busconfig>",
                        "org.a:.I.M", 1, 1, 1},
                {TO("context='default'",
                         "<allow send_destination='org.a'/><allow send_nothing='x'/>"),
                        "org.a:.I.M", 0, 0, 0},
                {TO("context='default'", "<allow send_destination='org.a'/><odd/>"), "org.a:.I.M",
                        0, 0, 0},
                {"<busconfig><policy context='default'><allow send_destination='org.a'/>",
                        "org.a:.I.M", 0, 0, 0},
                /* not read by us, the bus might */
                {"<!DOCTYPE b [<!ENTITY x 'y'>]><busconfig><policy context='default'>"
                 "<allow send_destination='org.a'/></policy></busconfig>",
                        "org.a:.I.M", -1, -1, -1},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct files f = {.policy = rows[i].policy};
                const struct who who[] = {{0, 0, NULL}, {1000, 1000, NULL}, {1001, 50, NULL}};
                const int want[] = {rows[i].root, rows[i].alice, rows[i].bob};

                for (size_t k = 0; k < 3; k++)
                        if (asked(&f, who[k], rows[i].call, NULL, NULL) != want[k])
                                fail_msg("row %zu, uid %u: not %d", i, who[k].uid, want[k]);
        }
}

TEST(a_user_s_policy_beats_the_default_one_in_whatever_file) {
        const struct files f = {
                .config = "<busconfig>" DENIES "<includedir>system.d</includedir>"
                          "<policy context='default'><deny send_destination='org.a'/></policy>"
                          "</busconfig>",
                .policy = TO("user='alice'", "<allow send_destination='org.a'/>"),
        };

        assert_int_equal(asked(&f, (struct who){.uid = 1000}, "org.a:.I.M", NULL, NULL), 1);
        assert_int_equal(asked(&f, (struct who){.uid = 1001}, "org.a:.I.M", NULL, NULL), 0);
}

/* The bus reads a folder in the kernel's order: between its files no rule is the last one. */
TEST(files_of_a_folder_have_no_order) {
        static const struct {
                const char *config, *policy, *more;
                int alice, bob; /* bob is in net, and in a group of his own */
        } rows[] = {
                {NULL, TO("context='default'", "<allow send_destination='org.a'/>"),
                        TO("context='default'", "<deny send_destination='org.a'/>"), -1, -1},
                {NULL, TO("context='default'", "<deny send_destination='org.a'/>"),
                        TO("context='default'", "<allow send_destination='org.a'/>"), -1, -1},
                {NULL, TO("context='default'", "<allow send_destination='org.a'/>"),
                        TO("context='default'", "<allow send_destination='org.a'/>"), 1, 1},
                {NULL, TO("context='default'", "<allow send_destination='org.a'/>"),
                        TO("context='default'", "<deny send_destination='org.b'/>"), 1, 1},
                {NULL,
                        TO("context='default'", "<deny send_destination='org.a'/><allow "
                                                "send_destination='org.a'/>"),
                        TO("context='default'", "<allow send_destination='org.a'/>"), 1, 1},
                {NULL, TO("context='default'", "<deny send_destination='org.a'/>"),
                        TO("user='alice'", "<allow send_destination='org.a'/>"), 1, 0},
                {NULL, TO("group='net'", "<allow send_destination='org.a'/>"),
                        TO("group='net'", "<deny send_destination='org.a'/>"), 0, -1},
                {NULL,
                        "<busconfig><policy group='net'><allow send_destination='org.a'/></policy>"
                        "<policy group='bob'><deny send_destination='org.a'/></policy></busconfig>",
                        NULL, 0, -1},
                {NULL, TO("context='default'", "<allow receive_type='method_call'/>"),
                        TO("context='default'", "<deny receive_type='method_call'/>"
                                                "<allow send_destination='org.a'/>"),
                        -1, -1},
                /* a folder's place in its own file is known */
                {"<busconfig>" DENIES "<includedir>system.d</includedir>"
                 "<policy context='default'><deny send_destination='org.a'/></policy></busconfig>",
                        TO("context='default'", "<allow send_destination='org.a'/>"),
                        TO("context='default'", "<deny send_destination='org.a'/>"), 0, 0},
                {"<busconfig>" DENIES "<includedir>system.d</includedir>"
                 "<policy context='mandatory'><allow "
                 "send_destination='org.a'/></policy></busconfig>",
                        TO("context='default'", "<allow send_destination='org.a'/>"),
                        TO("context='default'", "<deny send_destination='org.a'/>"), 1, 1},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                const struct files f = {.config = rows[i].config,
                        .policy = rows[i].policy,
                        .policy_more = rows[i].more};
                int alice = asked(&f, (struct who){.uid = 1000}, "org.a:.I.M", NULL, NULL);
                int bob =
                        asked(&f, (struct who){.uid = 1001, .group = 50}, "org.a:.I.M", NULL, NULL);

                if (alice != rows[i].alice || bob != rows[i].bob)
                        fail_msg("row %zu: alice %d, bob %d", i, alice, bob);
        }
}

TEST(broken_files_are_told) {
        const struct files f = {.policy = "<busconfig><policy"};
        size_t told = 0;

        assert_int_equal(asked(&f, (struct who){0}, "org.a:.I.M", NULL, &told), 0);
        assert_int_equal(told, 1);
}

/* @head, @times times @part, @tail; to be freed */
static char *repeated(const char *head, const char *part, unsigned times, const char *tail) {
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        fputs(head, f);
        while (times-- > 0)
                fputs(part, f);
        fputs(tail, f);
        assert_int_equal(fclose(f), 0);
        return text;
}

TEST(deep_nesting_is_refused) {
        imm_auto_free char *text = repeated("", "<policy context='default'>", 40, "");
        const struct files f = {.policy = text};
        size_t told = 0;

        assert_int_equal(asked(&f, (struct who){0}, "org.a:.I.M", NULL, &told), -1);
        assert_int_equal(told, 1);
}

#define ACTION(id, any, more) \
        "<action id='" id "'><defaults><allow_any>" any \
        "</allow_any><allow_inactive>yes</allow_inactive><allow_active>yes</allow_active>" \
        "</defaults>" more "</action>"
#define ACTIONS \
        "<policyconfig>" ACTION("org.a.no", "no", "") ACTION( \
                "org.a.admin", "auth_admin", "") ACTION("org.a.yes", "yes", \
                "") ACTION("org.a.set", "auth_admin_keep", "") ACTION("org.a.all", "yes", \
                "<annotate key='org.freedesktop.policykit.imply'>org.a.part org.a.x</annotate>") \
                ACTION("org.a.part", "no", "") "</policyconfig>"

TEST(actions_say_what_any_caller_gets) {
        static const struct {
                const char *action;
                int alice;
        } rows[] = {
                {"org.a.no", 0}, {"org.a.admin", 0}, {"org.a.yes", 1}, {"org.a.unknown", 0},
                {"org.a.part", 1}, /* implied */
        };
        const struct files f = {.actions = ACTIONS};

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                if (asked(&f, (struct who){.uid = 1000}, NULL, rows[i].action, NULL) !=
                        rows[i].alice)
                        fail_msg("%s: not %d", rows[i].action, rows[i].alice);
                assert_int_equal(asked(&f, (struct who){0}, NULL, rows[i].action, NULL), 1);
        }
}

#define RULE(body) "polkit.addRule(function(action, subject) {" body "});"

TEST(rules_of_polkit_are_run) {
        static const struct {
                const char *rules;
                int alice, bob; /* for org.a.set; bob is in net by /etc/group */
        } rows[] = {
                {RULE("return polkit.Result.YES;"), 1, 1},
                {RULE("return 'yes'"), 1, 1},
                {RULE("return polkit.Result.NO;"), 0, 0},
                {RULE("return polkit.Result.AUTH_SELF;") RULE("return polkit.Result.YES;"), 0, 0},
                {RULE("return polkit.Result.NOT_HANDLED;") RULE("return polkit.Result.YES;"), 1, 1},
                {RULE("") RULE("return polkit.Result.YES;"), 1, 1},
                {RULE("if (action.id == \"org.a.set\" && subject.user == \"alice\")\n"
                      "  return polkit.Result.YES;"),
                        1, 0},
                {RULE("if (action.id === 'org.a.set' && subject.isInGroup('net')) {\n"
                      "  return polkit.Result.YES; }\nreturn polkit.Result.NOT_HANDLED;"),
                        0, 1},
                {RULE("if (subject.active && subject.local) return polkit.Result.YES;"), 0, 0},
                {RULE("if (subject.active == true) return polkit.Result.YES;"), 0, 0},
                {RULE("if (!subject.local) return polkit.Result.YES;"), 1, 1},
                {RULE("if (action.id.indexOf('org.a.') == 0) return polkit.Result.YES;"), 1, 1},
                {RULE("if (action.id.indexOf('org.b.') == 0) return polkit.Result.YES;"), 0, 0},
                {RULE("if (action.id.startsWith('org.a') || 0) return polkit.Result.YES;"), 1, 1},
                {RULE("if (/^org\\.a\\.s/.test(action.id)) return polkit.Result.YES;"), 1, 1},
                {RULE("if (action.id.match(/^org\\.b/)) return polkit.Result.YES;"), 0, 0},
                {RULE("if (['org.a.set', 'x'].indexOf(action.id) >= 0) return 'yes';"), 1, 1},
                {RULE("if (['org.a.set', 'x'].indexOf(action.id) === -1) return 'yes';"), 0, 0},
                {"var ids = ['org.a.set'];\n" RULE("if (ids.includes(action.id)) return 'yes';"), 1,
                        1},
                {RULE("var ok = subject.user == 'bob'; if (ok) { return 'yes'; } else "
                      "return 'no';"),
                        0, 1},
                {RULE("return subject.user == 'bob' ? polkit.Result.YES : polkit.Result.NO;"), 0,
                        1},
                {"/* no */ // polkit.addRule(\n" RULE("polkit.log('x'); return null;"), 0, 0},
                {"polkit.addRule((action, subject) => { return 'yes'; });", 1, 1},
                {"polkit.addAdminRule(function(action, subject) { return ['unix-user:0']; });", 0,
                        0},
                /* what is not known: the details of the call, other code */
                {RULE("if (action.lookup('unit') == 'a.service') return polkit.Result.YES;"), -1,
                        -1},
                {RULE("if (action.lookup('unit') == 'a.service' && subject.user == 'bob') "
                      "return polkit.Result.YES;"),
                        0, -1},
                {RULE("for (var i = 0; i < 3; i++) {} return polkit.Result.YES;"), -1, -1},
                {RULE("for (var i = 0; i < 3; i++) {} return polkit.Result.NO;"), 0, 0},
                {RULE("var x = polkit.spawn(['/bin/ask']); if (x == 'a') return x;"), -1, -1},
                {RULE("while (1) {} return 'yes'") RULE("return polkit.Result.NO;"), -1, -1},
                {RULE("return polkit.Result.NO;") RULE("while (1) {} return 'yes'"), 0, 0},
                {"polkit.addRule(function(action, subject) { return 'yes'", -1, -1},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                const struct files f = {.actions = ACTIONS, .rules = rows[i].rules};
                int alice = asked(&f, (struct who){.uid = 1000}, NULL, "org.a.set", NULL);
                int bob = asked(&f, (struct who){.uid = 1001}, NULL, "org.a.set", NULL);

                if (alice != rows[i].alice || bob != rows[i].bob)
                        fail_msg("%s: %d %d", rows[i].rules, alice, bob);
        }
}

#define SAYS(who, result) "[" who "]\nIdentity=" who "\nAction=org.a.*\n" result "\n"

TEST(old_polkits_read_sections_instead_of_rules) {
        static const struct {
                struct files f;
                int alice, bob; /* bob is in net */
        } rows[] = {
                {{.vendor = SAYS("unix-user:alice", "ResultAny=yes")}, 1, 0},
                {{.vendor = SAYS("unix-user:x;unix-user:al*;", "ResultAny=yes")}, 1, 0},
                {{.vendor = SAYS("unix-group:net", "ResultAny=yes")}, 0, 1},
                {{.vendor = SAYS("unix-user:*", "ResultAny=auth_admin")}, 0, 0},
                {{.vendor = SAYS("unix-user:*", "ResultActive=yes")}, 0, 0},
                {{.vendor = SAYS(
                          "unix-user:*", "ResultAny=yes") "[later]\nIdentity=unix-user:bob\n"
                                                          "Action=org.a.set\nResultAny=no\n"},
                        1, 0},
                /* of one folder the last that fits, though it says nothing about who has no session
                 */
                {{.vendor = SAYS(
                          "unix-user:*", "ResultAny=yes") "[later]\nIdentity=unix-user:bob\n"
                                                          "Action=org.a.set\nResultActive=no\n"},
                        1, 0},
                {{.vendor = SAYS("unix-user:*", "ResultAny=yes"),
                         .local = SAYS("unix-user:bob", "ResultActive=no")},
                        1, 1},
                {{.vendor = SAYS("unix-user:*", "ResultAny=yes"),
                         .local = SAYS("unix-user:bob", "ResultAny=no")},
                        1, 0},
                {{.vendor = SAYS("unix-user:*", "ResultAny=yes"),
                         .local = SAYS("unix-group:*", "ResultAny=no")},
                        1, 1}, /* the user after its groups, whatever the folder */
                {{.vendor = SAYS("unix-user:bob", "ResultAny=no"),
                         .vendor_more = SAYS("unix-user:*", "ResultAny=yes")},
                        1, 1},
                {{.vendor = SAYS("unix-user:*", "ResultAny=maybe")}, 0, 0},
                {{.vendor = "Identity=unix-user:*\n" SAYS("unix-user:*", "ResultAny=yes")}, 0, 0},
                {{.vendor = SAYS("default", "ResultAny=yes")}, 0, 0},
                {{.vendor = "# nothing\n", .rules = RULE("return 'yes';")}, 0, 0},
                {{.vendor = SAYS("unix-user:alice", "ResultAny=yes"), .compat = true}, 1, 0},
                {{.vendor = SAYS("default", "ResultAny=yes"), .compat = true}, 1, 1},
                {{.vendor = SAYS("unix-user:alice", "ResultAny=no"),
                         .compat = true,
                         .rules = RULE("return 'yes';")},
                        0, 1},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                struct files f = rows[i].f;
                int alice, bob;

                f.actions = ACTIONS;
                alice = asked(&f, (struct who){.uid = 1000}, NULL, "org.a.set", NULL);
                bob = asked(&f, (struct who){.uid = 1001}, NULL, "org.a.set", NULL);
                if (alice != rows[i].alice || bob != rows[i].bob)
                        fail_msg("row %zu: %s: %d %d", i, f.vendor, alice, bob);
        }
}

TEST(a_user_made_with_its_service_is_known_by_name) {
        const struct files f = {.actions = ACTIONS,
                .rules = RULE("if (subject.user == 'made') return polkit.Result.YES;")};

        assert_int_equal(asked(&f, (struct who){61184, 61184, "made"}, NULL, "org.a.set", NULL), 1);
        assert_int_equal(asked(&f, (struct who){61184, 61184, "else"}, NULL, "org.a.set", NULL), 0);
}

TEST(long_expressions_end_no_stack) {
        imm_auto_free char *wide = repeated(
                "polkit.addRule(function(action, subject) { return 1", " || 1", 40000, "; });");
        imm_auto_free char *deep =
                repeated("polkit.addRule(function(action, subject) { return ", "(", 40000, "");
        const struct files one = {.actions = ACTIONS, .rules = wide};
        const struct files two = {.actions = ACTIONS, .rules = deep};

        assert_int_equal(asked(&one, (struct who){.uid = 1000}, NULL, "org.a.set", NULL), 0);
        assert_int_equal(asked(&two, (struct who){.uid = 1000}, NULL, "org.a.set", NULL), 0);
}

TEST(both_gates_stand_before_a_call) {
        const struct files f = {
                .policy = TO("context='default'", "<allow send_destination='org.a'/>"),
                .actions = ACTIONS};
        const struct files closed = {.actions = ACTIONS};
        const struct who alice = {.uid = 1000};

        assert_int_equal(asked(&f, alice, "org.a:.I.M:.yes", NULL, NULL), 1);
        assert_int_equal(asked(&f, alice, "org.a:.I.M:.no", NULL, NULL), 0);
        assert_int_equal(asked(&closed, alice, "org.a:.I.M:.yes", NULL, NULL), 0);
        assert_int_equal(asked(&f, (struct who){0}, "org.a:.I.M:.no", NULL, NULL), 1);
}

TEST(whom_the_user_database_does_not_name_is_turned_away) {
        struct files f = {.policy = TO("context='default'", "<allow send_destination='org.a'/>")};
        const struct who made = {61184, 61184, "made"};

        assert_int_equal(asked(&f, made, "org.a:.I.M", NULL, NULL), 0);
        f.broker = true;
        assert_int_equal(asked(&f, made, "org.a:.I.M", NULL, NULL), 1);
}

TEST(calls_are_parsed) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        static const char *const wrong[] = {"", "org.a", "org.a:", "org.a:M", ".a:.I.M",
                "org.a:.I.", "org.a:.I.M:", "a:b.c:d:e"};
        struct imm_bus_call c;

        assert_true(imm_bus_call_parse("org.a:.I.M:.x", a, &c));
        assert_string_equal(c.interface, "org.a.I");
        assert_string_equal(c.member, "M");
        assert_string_equal(c.path, "/org/a");
        assert_string_equal(c.action, "org.a.x");
        assert_true(imm_bus_call_parse("org.a:.M", a, &c));
        assert_string_equal(c.interface, "org.a");
        assert_null(c.action);
        for (size_t i = 0; i < IMM_ELEMENTSOF(wrong); i++)
                assert_false(imm_bus_call_parse(wrong[i], a, &c));
}

RUN(cmocka_unit_test(one_rule_that_is_refused_voids_its_file),
        cmocka_unit_test(rules_about_descriptors),
        cmocka_unit_test(the_last_rule_that_matches_decides),
        cmocka_unit_test(a_user_s_policy_beats_the_default_one_in_whatever_file),
        cmocka_unit_test(files_of_a_folder_have_no_order), cmocka_unit_test(broken_files_are_told),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(actions_say_what_any_caller_gets),
        cmocka_unit_test(rules_of_polkit_are_run),
        cmocka_unit_test(old_polkits_read_sections_instead_of_rules),
        cmocka_unit_test(a_user_made_with_its_service_is_known_by_name),
        cmocka_unit_test(long_expressions_end_no_stack),
        cmocka_unit_test(both_gates_stand_before_a_call),
        cmocka_unit_test(whom_the_user_database_does_not_name_is_turned_away),
        cmocka_unit_test(calls_are_parsed))
