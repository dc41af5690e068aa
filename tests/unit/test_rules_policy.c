#include "rules/gate.h"
#include "rules/rules.h"
#include "rules/snapshot.h"
#include "rules/waiver.h"
#include "tests/unit/tree.h"

/* Policy: assertions and profiles as rules, waivers, and what the gate makes of it all. */

enum { TODAY = 20000 }; /* 2024-10-04 */

struct bed {
        struct imm_root *root;
        struct imm_manager *m;
        struct imm_rulebook *book;
        struct imm_audit *audit;
        struct imm_snapshot *now;
        struct imm_waivers *waivers;
};

/* Everything in the tree by the scorecard "mine" */
static void judge(struct bed *t) {
        static const char *const dirs[] = {"/etc/rules", NULL};
        struct imm_manager_options options = {.version = 257};
        struct imm_rules_options rules = {.version = 257, .directories = dirs};
        struct imm_audit_options how = {.jobs = 2};
        static const struct imm_scorecard *cards[1];

        *t = (struct bed){.waivers = imm_waivers_new()};
        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\n");
        assert_int_equal(imm_root_open(&t->root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&t->m, t->root, &options, NULL), 0);
        assert_int_equal(imm_manager_load_all(t->m, 1, NULL), 0);
        rules.root = t->root;
        t->book = imm_rules_load(&rules);
        if (imm_rules_broken(t->book))
                fail_msg("%s:%u: %s", t->book->diags.v[0].file, t->book->diags.v[0].line,
                        t->book->diags.v[0].message);
        cards[0] = imm_scorecard_by_name(t->book, "mine");
        assert_non_null(cards[0]);
        how.cards = cards;
        how.n_cards = 1;
        t->now = imm_snapshot_judge(t->m, t->book, t->m->list, t->m->n_list, &how,
                &(struct imm_snapshot_options){.parts = IMM_SNAPSHOT_GATE}, &t->audit);
        for (size_t i = 0; i < t->m->n_list; i++)
                imm_waivers_add_unit(t->waivers, t->m->list[i]);
        imm_waivers_add_folder(t->waivers, t->root, "/etc/waivers");
}

static void done(struct bed *t) {
        imm_waivers_free(t->waivers);
        imm_snapshot_free(t->now);
        imm_audit_free(t->audit);
        imm_rulebook_free(t->book);
        imm_manager_free(t->m);
        imm_root_free(t->root);
}

static size_t findings(const struct bed *t, const char *unit, const char *rule) {
        const struct imm_state *s = imm_snapshot_find(t->now, unit);
        size_t n = 0;

        assert_non_null(s);
        imm_array_foreach (f, &s->findings)
                n += imm_streq(f->rule, rule);
        return n;
}

#define UNIT(name) "etc/systemd/system/" name
#define SERVICE "[Service]\nExecStart=/bin/true\n"
#define RULE(more) "[Rule]\nTitle=x\nSeverity=high\n" more

/* ---- assertions ---- */

TEST(never_and_its_exceptions) {
        struct bed t;

        tree_file("etc/rules/mine/etc.rule",
                RULE("[Match]\nExcept=agent*.service\n[Never]\nCanWritePart=/etc\n"));
        tree_file(UNIT("agent-x.service"), SERVICE);
        tree_file(UNIT("other.service"), SERVICE);
        tree_file(UNIT("strict.service"), SERVICE "ProtectSystem=strict\n");
        tree_file(UNIT("undone.service"), SERVICE "ProtectSystem=strict\nReadWritePaths=/etc\n");
        judge(&t);
        assert_int_equal(findings(&t, "agent-x.service", "etc"), 0);
        assert_int_equal(findings(&t, "other.service", "etc"), 1);
        assert_int_equal(findings(&t, "strict.service", "etc"), 0);
        assert_int_equal(findings(&t, "undone.service", "etc"), 1);
        done(&t);
}

TEST(always_says_what_is_not_so) {
        const struct imm_state *s;
        struct bed t;

        tree_file("etc/rules/mine/a.rule",
                RULE("[Always]\nSettingIs=NoNewPrivileges yes\nCanRead=!/home\n"));
        tree_dir("home");
        tree_file(UNIT("good.service"), SERVICE "NoNewPrivileges=yes\nInaccessiblePaths=/home\n"
                                                "CapabilityBoundingSet=\nUser=65533\n");
        tree_file(UNIT("half.service"), SERVICE "NoNewPrivileges=yes\n");
        tree_file(UNIT("bare.service"), SERVICE);
        judge(&t);
        assert_int_equal(findings(&t, "good.service", "a"), 0);
        assert_int_equal(findings(&t, "bare.service", "a"), 1);
        s = imm_snapshot_find(t.now, "half.service");
        assert_int_equal(s->findings.n, 1);
        assert_true(imm_strv_has(&s->findings.v[0].evidence, "it is not so: CanRead=!/home"));
        assert_false(imm_strv_has(&s->findings.v[0].evidence, "NoNewPrivileges=yes"));
        done(&t);
}

TEST(always_with_alternatives) {
        struct bed t;

        tree_file("etc/rules/mine/a.rule",
                RULE("[Always]\nSettingIs=|PrivateTmp yes\nSettingIs=|DynamicUser yes\n"));
        tree_file(UNIT("one.service"), SERVICE "PrivateTmp=yes\n");
        tree_file(UNIT("other.service"), SERVICE "DynamicUser=yes\n");
        tree_file(UNIT("none.service"), SERVICE);
        judge(&t);
        assert_int_equal(findings(&t, "one.service", "a"), 0);
        assert_int_equal(findings(&t, "other.service", "a"), 0);
        assert_int_equal(findings(&t, "none.service", "a"), 1);
        done(&t);
}

TEST(a_profile_is_a_distance) {
        const struct imm_state *s;
        struct bed t;

        tree_file("etc/rules/mine/p.rule", RULE("[Check]\nUnlikeProfile=ours\n"));
        tree_file("etc/profiles/ours.conf",
                "# ours\n[Service]\nPrivateTmp=yes\nProtectHome=read-only\nUMask=0027\n");
        tree_file(UNIT("far.service"), SERVICE "UMask=0022\n");
        tree_file(UNIT("near.service"), SERVICE "ProtectHome=yes\nUMask=0077\n");
        tree_file(UNIT("there.service"), SERVICE "ProtectHome=tmpfs\nUMask=0027\nPrivateTmp=1\n");
        judge(&t);
        assert_int_equal(findings(&t, "far.service", "p"), 3);
        assert_int_equal(findings(&t, "near.service", "p"), 1);
        assert_int_equal(findings(&t, "there.service", "p"), 0);
        s = imm_snapshot_find(t.now, "near.service");
        assert_string_equal(s->findings.v[0].setting, "PrivateTmp");
        assert_string_equal(s->findings.v[0].remedy, "PrivateTmp=yes");
        s = imm_snapshot_find(t.now, "far.service");
        imm_array_foreach (f, &s->findings)
                assert_int_equal(f->line, imm_streq(f->setting, "UMask") ? 3 : 2);
        done(&t);
}

TEST(a_rule_for_packages) {
        struct bed t;

        tree_file("etc/rules/mine/a.rule",
                RULE("[Match]\nPackage=web*\n[Check]\nSettingIs=PrivateTmp no\n"));
        tree_file("var/lib/dpkg/info/webd.list", "/.\n/usr/lib/systemd/system/webd.service\n");
        tree_file(
                "var/lib/dpkg/status", "Package: webd\nVersion: 1\nStatus: install ok installed\n");
        tree_file("usr/lib/systemd/system/webd.service", SERVICE);
        tree_file("usr/lib/systemd/system/other.service", SERVICE);
        judge(&t);
        assert_int_equal(findings(&t, "webd.service", "a"), 1);
        assert_int_equal(findings(&t, "other.service", "a"), 0);
        done(&t);
}

TEST(mistakes_in_assertions_are_told) {
        static const char *const dirs[] = {"/etc/rules", NULL};
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = NULL;
        struct imm_rules_options rules = {.version = 257, .directories = dirs};

        tree_file("etc/rules/mine/a.rule", RULE("[Check]\nUnlikeProfile=none\n"));
        tree_file("etc/rules/mine/b.rule", RULE("[Check]\nUnlikeProfile=odd\n"));
        tree_file("etc/profiles/odd.conf", "[Service]\nPrivateTmp=yes\nProtectSystem=banana\n");
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        rules.root = root;
        b = imm_rules_load(&rules);
        assert_int_equal(b->diags.n, 2);
        assert_string_equal(b->diags.v[0].file, "/etc/rules/mine/a.rule");
        assert_int_equal(b->diags.v[0].line, 5);
        assert_string_equal(b->diags.v[1].file, "/etc/profiles/odd.conf");
        assert_int_equal(b->diags.v[1].line, 3);
}

/* ---- waivers ---- */

#define PRIVATE_TMP RULE("Setting=PrivateTmp\n[Check]\nSettingIs=PrivateTmp no\n")
#define WAIVER "[Waiver]\nUnit=a*.service\nRule=tmp\nReason=because\n"

static struct imm_gate *gate(struct bed *t, int today, const struct imm_snapshot *before) {
        const struct imm_gate_options options = {IMM_SEVERITY_HIGH, -1, -1};

        imm_waivers_apply(t->waivers, t->now, today);
        return imm_gate_of(t->now, before, t->waivers, today, &options);
}

/* How many findings fail, notes and ended waivers there are on day @today */
static void expect(int today, size_t fails, size_t accepted, size_t notes, size_t ended) {
        imm_cleanup(imm_gate_free) struct imm_gate *g = NULL;
        struct bed t;

        judge(&t);
        assert_int_equal(t.waivers->diags.n, 0);
        g = gate(&t, today, NULL);
        assert_int_equal(g->counts[IMM_GATE_FAILS], fails);
        assert_int_equal(g->counts[IMM_GATE_ACCEPTED], accepted);
        assert_int_equal(g->notes.n, notes);
        assert_int_equal(g->ended.n, ended);
        assert_int_equal(g->fails, fails + ended > 0);
        done(&t);
}

TEST(a_waiver_accepts_until_its_last_day) {
        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        tree_file(UNIT("a1.service"), SERVICE);
        tree_file(UNIT("b.service"), SERVICE);
        expect(TODAY, 2, 0, 0, 0);
        tree_file("etc/waivers/x.waiver", WAIVER "Until=2024-11-30\n");
        expect(TODAY, 1, 1, 0, 0);
        expect(TODAY + 57, 1, 1, 1, 0); /* its last day */
        expect(TODAY + 58, 2, 0, 0, 1);
        expect(TODAY + 27, 1, 1, 0, 0); /* thirty days before */
        expect(TODAY + 28, 1, 1, 1, 0);
}

TEST(unused_waivers_are_said_and_old_ones_fail) {
        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        tree_file(UNIT("a1.service"), SERVICE "PrivateTmp=yes\n");
        tree_file("etc/waivers/x.waiver", WAIVER "Until=2030-01-01\n");
        expect(TODAY, 0, 0, 1, 0);
        tree_file("etc/waivers/x.waiver", WAIVER "Until=2020-01-01\n");
        expect(TODAY, 0, 0, 0, 1);
        /* of no unit that was judged: no reason to stop those that are */
        tree_file("etc/waivers/x.waiver",
                "[Waiver]\nUnit=z.service\nRule=tmp\nReason=r\nUntil=2020-01-01\n");
        expect(TODAY, 0, 0, 1, 0);
}

TEST(inline_waivers_are_for_the_units_that_read_them) {
        struct bed t;

        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        tree_file(UNIT("a.service"),
                SERVICE "# immure: allow mine/tmp until=2030-01-01 reason=a socket in /tmp\n");
        tree_file(UNIT("b.service"), SERVICE);
        tree_file(UNIT("b.service.d/x.conf"),
                "[Service]\n; immure: allow tmp,other* until=2030-01-01 reason=why not\n");
        tree_file(UNIT("c.service"), SERVICE);
        expect(TODAY, 1, 2, 0, 0);
        judge(&t);
        imm_waivers_apply(t.waivers, t.now, TODAY);
        assert_string_equal(imm_snapshot_find(t.now, "a.service")->findings.v[0].suppressed,
                "a socket in /tmp");
        assert_true(imm_snapshot_find(t.now, "b.service")->findings.v[0].suppressed_in_source);
        done(&t);
}

/* The only mistake in a waiver file */
static void mistake(const char *text, unsigned line, const char *words) {
        imm_cleanup(imm_waivers_free) struct imm_waivers *w = imm_waivers_new();
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;

        tree_file("etc/waivers/x.waiver", text);
        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        imm_waivers_add_folder(w, root, "/etc/waivers");
        if (w->diags.n != 1 || w->diags.v[0].line != line || !strstr(w->diags.v[0].message, words))
                fail_msg("%s: %zu mistakes, %u: %s", words, w->diags.n,
                        w->diags.n ? w->diags.v[0].line : 0,
                        w->diags.n ? w->diags.v[0].message : "none");
        assert_string_equal(w->diags.v[0].file, "/etc/waivers/x.waiver");
        assert_int_equal(w->diags.v[0].level, IMM_DIAG_ERROR);
        assert_int_equal(w->list.n, 0);
}

TEST(a_waiver_must_say_all) {
        mistake("[Waiver]\nUnit=a\nRule=tmp\nUntil=2030-01-01\n", 1, "no reason");
        mistake("[Waiver]\nUnit=a\nRule=tmp\nReason=\nUntil=2030-01-01\n", 1, "no reason");
        mistake("\n[Waiver]\nUnit=a\nRule=tmp\nReason=r\n", 2, "no last day");
        mistake("[Waiver]\nUnit=a\nRule=tmp\nReason=r\nUntil=2030-02-30\n", 5, "no date");
        mistake("[Waiver]\nUnit=a\nRule=tmp\nReason=r\nUntil=tomorrow\n", 5, "no date");
        mistake("[Waiver]\nRule=tmp\nReason=r\nUntil=2030-01-01\n", 1, "no unit");
        mistake("[Waiver]\nUnit=a\nReason=r\nUntil=2030-01-01\n", 1, "no rule");
        mistake("# nothing\n", 1, "no waiver");
}

TEST(an_inline_waiver_must_say_all) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"allow tmp reason=r", "no last day"},
                {"allow tmp until=2030-01-01", "no reason"},
                {"allow tmp until=2030-13-01 reason=r", "no date"},
                {"allow until=2030-01-01 reason=r", "no rule"},
                {"allow tmp untill=2030-01-01 reason=r", "unknown word"},
                {"deny tmp until=2030-01-01 reason=r", "expected"},
        };

        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
                struct bed t;

                tree_file(UNIT("a.service"), imm_printf(a, SERVICE "# immure: %s\n", rows[i].text));
                judge(&t);
                assert_true(t.waivers->diags.n >= 1);
                assert_int_equal(t.waivers->diags.v[0].line, 3);
                assert_string_equal(t.waivers->diags.v[0].file, "/etc/systemd/system/a.service");
                if (!strstr(t.waivers->diags.v[0].message, rows[i].words))
                        fail_msg("%s: %s", rows[i].text, t.waivers->diags.v[0].message);
                assert_int_equal(t.waivers->list.n, 0);
                done(&t);
        }
}

/* ---- the gate ---- */

TEST(only_what_is_worse_than_before_fails) {
        imm_cleanup(imm_gate_free) struct imm_gate *same = NULL, *worse = NULL, *better = NULL,
                                                   *bare = NULL;
        struct bed before, after;

        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        tree_file("etc/rules/mine/home.rule", RULE("[Check]\nSettingIs=ProtectHome no\n"));
        tree_file(UNIT("a.service"), SERVICE "ProtectHome=yes\n");
        judge(&before);
        tree_file(UNIT("a.service"), "# moved\n\n" SERVICE "ProtectHome=yes\n");
        judge(&after);
        bare = gate(&after, TODAY, NULL);
        assert_int_equal(bare->counts[IMM_GATE_FAILS], 1);
        same = gate(&after, TODAY, before.now);
        assert_int_equal(same->counts[IMM_GATE_FAILS], 0);
        assert_int_equal(same->counts[IMM_GATE_KNOWN], 1);
        assert_false(same->fails);
        assert_int_equal(same->verdict, IMM_VERDICT_SAME);
        imm_gate_free(same);
        done(&after);
        same = NULL;
        tree_file(UNIT("a.service"), SERVICE);
        judge(&after);
        worse = gate(&after, TODAY, before.now);
        assert_int_equal(worse->counts[IMM_GATE_FAILS], 1);
        assert_string_equal(worse->items.v[0].state == IMM_GATE_FAILS
                                    ? worse->items.v[0].finding->rule
                                    : worse->items.v[1].finding->rule,
                "home");
        assert_int_equal(worse->verdict, IMM_VERDICT_WORSE);
        better = gate(&before, TODAY, after.now);
        assert_false(better->fails);
        assert_int_equal(better->verdict, IMM_VERDICT_BETTER);
        bare = imm_gate_free(bare);
        worse = imm_gate_free(worse);
        better = imm_gate_free(better);
        done(&before);
        done(&after);
}

TEST(a_finding_without_its_waiver_is_new) {
        imm_cleanup(imm_gate_free) struct imm_gate *g = NULL;
        struct bed before, after;

        tree_file("etc/rules/mine/tmp.rule", PRIVATE_TMP);
        tree_file(UNIT("a.service"), SERVICE "# immure: allow tmp until=2030-01-01 reason=r\n");
        judge(&before);
        imm_waivers_apply(before.waivers, before.now, TODAY);
        tree_file(UNIT("a.service"), SERVICE);
        judge(&after);
        g = gate(&after, TODAY, before.now);
        assert_true(g->fails);
        assert_int_equal(g->verdict, IMM_VERDICT_WORSE);
        imm_gate_free(g);
        g = gate(&before, TODAY, after.now); /* somebody accepts it: nothing became better */
        assert_false(g->fails);
        assert_int_equal(g->verdict, IMM_VERDICT_SAME);
        g = imm_gate_free(g);
        done(&before);
        done(&after);
}

TEST(figures_may_stay_but_not_rise) {
        const struct imm_gate_options limit = {IMM_SEVERITY_CRITICAL, 50, -1};
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *before = imm_snapshot_new(),
                                                           *now = imm_snapshot_new();
        static const struct {
                int before, now;
                bool fails;
        } rows[] = {{-1, 50, false}, {-1, 51, true}, {60, 60, false}, {60, 61, true},
                {40, 45, true}, {60, 40, false}, {60, -1, false}};

        imm_snapshot_add(before, "a.service")->load = "loaded";
        imm_snapshot_add(now, "a.service")->load = "loaded";
        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_gate_free) struct imm_gate *g = NULL;

                before->states.v[0]->exposure = rows[i].before;
                now->states.v[0]->exposure = rows[i].now;
                g = imm_gate_of(now, before, NULL, TODAY, &limit);
                assert_int_equal(g->fails, rows[i].fails);
        }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)

RUN(CASE(never_and_its_exceptions), CASE(always_says_what_is_not_so),
        CASE(always_with_alternatives), CASE(a_profile_is_a_distance), CASE(a_rule_for_packages),
        CASE(mistakes_in_assertions_are_told), CASE(a_waiver_accepts_until_its_last_day),
        CASE(unused_waivers_are_said_and_old_ones_fail),
        CASE(inline_waivers_are_for_the_units_that_read_them), CASE(a_waiver_must_say_all),
        CASE(an_inline_waiver_must_say_all), CASE(only_what_is_worse_than_before_fails),
        CASE(a_finding_without_its_waiver_is_new), CASE(figures_may_stay_but_not_rise))
