#include "rules/rules-private.h"
#include "tests/unit/tree.h"

/* Rule files: the search path, what is said about mistakes, and figures that come of it. */

static const char *const dirs[] = {"/etc/rules", "/usr/rules", NULL};

static struct imm_rulebook *load(unsigned version, const char *policy) {
        imm_cleanup(imm_root_free) struct imm_root *root = NULL;
        struct imm_rules_options options = {
                .version = version, .directories = dirs, .policy = policy};
        struct imm_rulebook *b;

        assert_int_equal(imm_root_open(&root, tree, NULL), 0);
        options.root = root;
        b = imm_rules_load(&options);
        assert_non_null(b);
        return b;
}

#define MINIMAL(title) "[Rule]\nTitle=" title "\n[Check]\nSettingIs=PrivateTmp no\n"

static const struct imm_rule *rule(
        const struct imm_rulebook *b, const char *card, const char *name) {
        const struct imm_scorecard *c = imm_scorecard_by_name(b, card);

        for (size_t i = 0; c && i < c->n_rules; i++)
                if (imm_streq(c->rules[i]->name, name))
                        return c->rules[i];
        return NULL;
}

TEST(what_is_shipped_has_no_mistakes) {
        for (unsigned v = IMM_VERSION_OLDEST; v <= IMM_VERSION_LATEST + 3; v++) {
                imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = load(v, NULL);
                const struct imm_scorecard *c = imm_scorecard_by_name(b, "systemd");

                if (imm_rules_broken(b))
                        fail_msg("%s:%u: %s", b->diags.v[0].file, b->diags.v[0].line,
                                b->diags.v[0].message);
                assert_int_equal(c->n_rules, v < 250 ? 80 : 81);
                assert_true(c->settings_only);
                for (size_t i = 0; i < c->n_rules; i++) {
                        assert_non_null(c->rules[i]->good);
                        assert_true(c->rules[i]->documentation.n > 0);
                        assert_true(c->rules[i]->n_settings > 0);
                }
        }
}

TEST(each_rule_has_a_page) {
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = load(257, NULL);
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        assert_true(b->n_cards >= 5);
        for (size_t k = 0; k < b->n_cards; k++)
                for (size_t i = 0; i < b->cards[k]->n_rules; i++) {
                        const struct imm_rule *r = b->cards[k]->rules[i];
                        struct imm_strv asks = {0};

                        imm_rule_asks(r, a, &asks);
                        if (!r->title || !r->good || !r->description || !r->not_when || !asks.n ||
                                (r->n_remedies == 0 && !r->advice))
                                fail_msg("%s/%s: its page lacks something", b->cards[k]->name,
                                        r->id);
                }
}

TEST(the_nearest_directory_wins_and_drop_ins_add_up) {
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = NULL;

        tree_file("usr/rules/mine/a.rule", MINIMAL("vendor"));
        tree_file("usr/rules/mine/b.rule", MINIMAL("vendor"));
        tree_file("usr/rules/mine/c.rule", MINIMAL("vendor"));
        tree_file("etc/rules/mine/b.rule", MINIMAL("admin"));
        tree_link("/dev/null", "etc/rules/mine/c.rule");
        tree_file("usr/rules/mine/a.rule.d/20.conf", "[Rule]\nWeight=20\n[Remedy]\nSet=UMask=0\n");
        tree_file("etc/rules/mine/a.rule.d/10.conf", "[Rule]\nWeight=10\nSeverity=low\n");
        tree_file("usr/rules/mine/a.rule.d/30.conf", "[Rule]\nWeight=30\n");
        tree_link("/dev/null", "etc/rules/mine/a.rule.d/30.conf");
        b = load(257, NULL);
        assert_false(imm_rules_broken(b));
        assert_int_equal(imm_scorecard_by_name(b, "mine")->n_rules, 2);
        assert_string_equal(rule(b, "mine", "b")->title, "admin");
        assert_int_equal(rule(b, "mine", "a")->weight, 20);
        assert_int_equal(rule(b, "mine", "a")->severity, IMM_SEVERITY_LOW);
        assert_int_equal(rule(b, "mine", "a")->n_remedies, 1);
        assert_int_equal(rule(b, "mine", "a")->files.n, 3);
}

TEST(a_shipped_rule_can_be_changed_and_masked) {
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = NULL;

        tree_file("etc/rules/systemd/PrivateTmp.rule.d/x.conf", "[Rule]\nWeight=7\n");
        tree_link("/dev/null", "etc/rules/systemd/UMask.rule");
        b = load(257, NULL);
        assert_false(imm_rules_broken(b));
        assert_int_equal(rule(b, "systemd", "PrivateTmp")->weight, 7);
        assert_null(rule(b, "systemd", "UMask"));
}

/* The only diagnostic of a scorecard with this one rule */
static void says(const char *text, unsigned line, const char *words) {
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *b = NULL;

        tree_file("etc/rules/mine/odd.rule", text);
        b = load(257, NULL);
        assert_int_equal(b->diags.n, 1);
        assert_int_equal(b->diags.v[0].level, IMM_DIAG_ERROR);
        assert_string_equal(b->diags.v[0].file, "/etc/rules/mine/odd.rule");
        assert_int_equal(b->diags.v[0].line, line);
        if (!strstr(b->diags.v[0].message, words))
                fail_msg("'%s' does not say '%s'", b->diags.v[0].message, words);
        assert_null(rule(b, "mine", "odd"));
}

TEST(mistakes_have_file_and_line) {
        says("[Rule]\nTitle=x\nWait=1\n[Check]\nRunsAs=root\n", 3, "'Wait'");
        says("[Rule]\nTitle=x\nWeight=much\n[Check]\nRunsAs=root\n", 3, "much");
        says("[Rule]\nTitle=x\nSeverity=bad\n[Check]\nRunsAs=root\n", 3, "bad");
        says("[Rule]\nTitle=x\n[Check]\nRunsAs=king\n", 4, "king");
        says("[Rule]\nTitle=x\n[Check]\nFoo=bar\n", 4, "'Foo'");
        says("[Rule]\nTitle=x\n[Chek]\nRunsAs=root\n", 4, "[Chek]");
        says("[Rule]\nTitle=x\nSetting=Foo\n[Check]\nRunsAs=root\n", 3, "'Foo'");
        says("[Rule]\nTitle=x\n[Check]\nRunsAs=root\n[Remedy]\nSet=Foo=1\n", 6, "'Foo'");
        says("[Rule]\nTitle=x\n[Check]\nRunsAs=root\n[Match]\nType=thing\n", 6, "thing");
        says("[Rule]\nTitle=x\n[Check]\nBadness=3\nRunsAs=root\n", 4, "Range=1");
        says("[Rule]\nTitle=x\n", 2, "nothing is looked for");
        says("[Check]\nRunsAs=root\n", 1, "no Title=");
        says("[Rule]\nTitle=x\n[Check]\nSettingIs=PrivateTmp \"no\n", 4, "quote");
}

TEST(versions_bound_rules_and_steps) {
        imm_cleanup(imm_rulebook_free) struct imm_rulebook *old = NULL, *new = NULL;

        tree_file("etc/rules/mine/a.rule",
                "[Rule]\nTitle=x\nUntil=252\n[Check]\nRunsAs=root\n[Check x]\nSince=252\nRunsAs="
                "root\n");
        tree_file("etc/rules/mine/b.rule", "[Rule]\nTitle=x\nSince=252\n[Check]\nRunsAs=root\n");
        old = load(247, NULL);
        assert_non_null(rule(old, "mine", "a"));
        assert_int_equal(rule(old, "mine", "a")->n_steps, 1);
        assert_null(rule(old, "mine", "b"));
        new = load(257, NULL);
        assert_null(rule(new, "mine", "a"));
        assert_non_null(rule(new, "mine", "b"));
}

/* ---- judging ---- */

struct bed {
        struct imm_root *root;
        struct imm_manager *m;
        struct imm_rulebook *book;
        struct imm_audit *audit;
};

static void judge(struct bed *t, unsigned version, const char *card, const char *policy) {
        struct imm_manager_options options = {.version = version};
        struct imm_audit_options how = {.jobs = 2};
        const struct imm_scorecard *cards[1];

        tree_file("etc/passwd", "root:x:0:0::/:/bin/sh\ndaemon:x:1:1::/:/bin/false\n");
        assert_int_equal(imm_root_open(&t->root, tree, NULL), 0);
        assert_int_equal(imm_manager_open(&t->m, t->root, &options, NULL), 0);
        assert_int_equal(imm_manager_load_all(t->m, 1, NULL), 0);
        t->book = load(version, policy);
        cards[0] = imm_scorecard_by_name(t->book, card);
        assert_non_null(cards[0]);
        how.cards = cards;
        how.n_cards = 1;
        t->audit = imm_audit_run(t->m, t->book, t->m->list, t->m->n_list, &how);
}

static void done(struct bed *t) {
        imm_audit_free(t->audit);
        imm_rulebook_free(t->book);
        imm_manager_free(t->m);
        imm_root_free(t->root);
}

static const struct imm_audited *unit(const struct bed *t, const char *name) {
        for (size_t i = 0; i < t->audit->n_units; i++)
                if (imm_streq(t->audit->units[i].unit->name, name))
                        return &t->audit->units[i];
        fail_msg("no %s", name);
        return NULL;
}

static unsigned figure(const struct bed *t, const char *name) {
        const struct imm_judgement *j = imm_judgement_of(t->audit, unit(t, name), "systemd");

        assert_non_null(j);
        return j->figure;
}

#define SERVICE "[Service]\nExecStart=/bin/true\n"

TEST(figures_are_those_of_each_version) {
        static const struct {
                unsigned version, bare, private_tmp, early;
        } want[] = {{247, 96, 92, 95}, {252, 96, 94, 95}, {254, 94, 92, 94}, {257, 94, 92, 94}};

        tree_file("etc/systemd/system/bare.service", SERVICE);
        tree_file("etc/systemd/system/tmp.service", SERVICE "PrivateTmp=yes\n");
        tree_file("etc/systemd/system/early.service", "[Unit]\nDefaultDependencies=no\n" SERVICE);
        for (size_t i = 0; i < IMM_ELEMENTSOF(want); i++) {
                struct bed t = {0};

                judge(&t, want[i].version, "systemd", NULL);
                assert_int_equal(figure(&t, "bare.service"), want[i].bare);
                assert_int_equal(figure(&t, "tmp.service"), want[i].private_tmp);
                assert_int_equal(figure(&t, "early.service"), want[i].early);
                assert_string_equal(imm_judgement_rating(t.audit->cards[0],
                                            &unit(&t, "bare.service")->judgements[0]),
                        "UNSAFE");
                done(&t);
        }
}

TEST(what_systemd_would_not_score_has_no_figure) {
        struct bed t = {0};

        tree_file("etc/systemd/system/bad.service", SERVICE "User=65535\n");
        tree_link("/dev/null", "etc/systemd/system/gone.service");
        tree_file("etc/systemd/system/a.target", "[Unit]\nDescription=x\n");
        tree_file("etc/systemd/system/a.socket", "[Socket]\nListenStream=/run/x\n");
        judge(&t, 257, "systemd", NULL);
        assert_int_equal(unit(&t, "bad.service")->load, IMM_LOAD_BAD_SETTING);
        assert_int_equal(unit(&t, "gone.service")->load, IMM_LOAD_MASKED);
        assert_false(unit(&t, "bad.service")->judgements[0].scored);
        assert_false(unit(&t, "gone.service")->judgements[0].scored);
        assert_false(unit(&t, "a.target")->judgements[0].scored);
        assert_true(unit(&t, "a.socket")->judgements[0].scored);
        assert_true(unit(&t, "bad.service")->diags.n > 0);
        done(&t);
}

TEST(a_template_is_judged_through_each_versions_instance) {
        static const struct {
                unsigned version;
                const char *name;
        } want[] = {{247, "t@test-instance.service"}, {252, "t@i.service"}, {254, "t@i.service"},
                {257, "t@test_instance.service"}};

        tree_file("etc/systemd/system/t@.service", SERVICE);
        for (size_t i = 0; i < IMM_ELEMENTSOF(want); i++) {
                struct bed t = {0};

                judge(&t, want[i].version, "systemd", NULL);
                assert_string_equal(unit(&t, "t@.service")->judged->name, want[i].name);
                done(&t);
        }
}

TEST(a_policy_changes_weights_and_leaves_out) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct bed t = {0};
        const struct imm_judgement *j;

        tree_file("policy.json",
                "{\"PrivateNetwork\": {\"weight\": 0}, \"UMask\": {\"weight\": 500000, \"range\": "
                "20}, \"Nonsense\": 3, \"PrivateTmp\": {\"weight\": \"x\"}, \"PrivateUsers\": "
                "{\"weight\": "
                "2e2}, \"ProtectHome\": {\"weight\": 2.5}, \"ProtectClock\": {\"weight\": 7, "
                "\"weight\": 8}, "
                "\"ProtectClock\": {\"weight\": 9}, \"ProtectClock\": 3}");
        tree_file("etc/systemd/system/a.service", SERVICE);
        judge(&t, 257, "systemd", imm_strdup(a, tree_path("policy.json")));
        assert_false(imm_rules_broken(t.book));
        j = &unit(&t, "a.service")->judgements[0];
        for (size_t i = 0; i < t.audit->cards[0]->n_rules; i++) {
                const struct imm_rule *r = t.audit->cards[0]->rules[i];

                if (imm_streq(r->id, "PrivateNetwork"))
                        assert_int_equal(j->checks[i].state, IMM_CHECK_NOT_APPLICABLE);
                if (imm_streq(r->id, "UMask"))
                        assert_int_equal(r->range, 20);
                if (imm_streq(r->id, "PrivateTmp"))
                        assert_int_equal(r->weight, 1000);
                if (imm_streq(r->id, "PrivateUsers")) /* a whole number */
                        assert_int_equal(r->weight, 200);
                if (imm_streq(r->id, "ProtectHome"))
                        assert_int_equal(r->weight, 1000);
                if (imm_streq(r->id, "ProtectClock")) /* said twice: the first */
                        assert_int_equal(r->weight, 7);
        }
        done(&t);
        t = (struct bed){0};
        tree_file("policy.json", "{");
        judge(&t, 257, "systemd", imm_strdup(a, tree_path("policy.json")));
        assert_true(imm_rules_broken(t.book));
        done(&t);
}

TEST(one_rule_stands_for_another_where_it_matches) {
        struct bed t = {0};
        const struct imm_audited *u;

        tree_file("etc/rules/mine/a.rule", MINIMAL("all"));
        tree_file("etc/rules/mine/b.rule",
                "[Rule]\nTitle=mine\nReplaces=a\nSeverity=critical\n[Match]\nUnit=x*.service "
                "y.service\nType=service\n[Check]\nSettingIs=PrivateTmp no\n");
        tree_file("etc/systemd/system/x1.service", SERVICE);
        tree_file("etc/systemd/system/z.service", SERVICE);
        judge(&t, 257, "mine", NULL);
        u = unit(&t, "x1.service");
        assert_int_equal(u->judgements[0].checks[0].state, IMM_CHECK_UNMATCHED);
        assert_int_equal(u->judgements[0].checks[1].state, IMM_CHECK_BAD);
        u = unit(&t, "z.service");
        assert_int_equal(u->judgements[0].checks[0].state, IMM_CHECK_BAD);
        assert_int_equal(u->judgements[0].checks[1].state, IMM_CHECK_UNMATCHED);
        done(&t);
}

TEST(findings_name_the_line_to_change) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct bed t = {0};
        struct imm_finding *f;
        unsigned counts[IMM_SEVERITY_N];
        size_t n;

        tree_file("etc/rules/mine/a.rule",
                "[Rule]\nTitle=x\nSeverity=high\nSetting=PrivateTmp\n[Check]\nSettingIs=PrivateTmp "
                "no\n[Remedy]\nSet=PrivateTmp=yes\nSet=PrivateMounts=yes\n");
        tree_file("etc/systemd/system/none.service", "# c\n[Unit]\n" SERVICE);
        tree_file("etc/systemd/system/line.service", SERVICE "PrivateTmp=no\n");
        judge(&t, 257, "mine", NULL);
        imm_findings_of(t.audit, unit(&t, "none.service"), a, &f, &n);
        assert_int_equal(n, 1);
        assert_string_equal(f[0].file, "/etc/systemd/system/none.service");
        assert_int_equal(f[0].line, 4);
        assert_string_equal(f[0].setting, "PrivateTmp");
        assert_string_equal(f[0].remedy, "PrivateTmp=yes\nPrivateMounts=yes");
        assert_int_equal(f[0].evidence.n, 1);
        imm_findings_of(t.audit, unit(&t, "line.service"), a, &f, &n);
        assert_int_equal(f[0].line, 3);
        imm_findings_count(t.audit, unit(&t, "line.service"), counts);
        assert_int_equal(counts[IMM_SEVERITY_HIGH], 1);
        assert_int_equal(counts[IMM_SEVERITY_INFO], 0);
        done(&t);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)

RUN(CASE(what_is_shipped_has_no_mistakes), CASE(each_rule_has_a_page),
        CASE(the_nearest_directory_wins_and_drop_ins_add_up),
        CASE(a_shipped_rule_can_be_changed_and_masked), CASE(mistakes_have_file_and_line),
        CASE(versions_bound_rules_and_steps), CASE(figures_are_those_of_each_version),
        CASE(what_systemd_would_not_score_has_no_figure),
        CASE(a_template_is_judged_through_each_versions_instance),
        CASE(a_policy_changes_weights_and_leaves_out),
        CASE(one_rule_stands_for_another_where_it_matches), CASE(findings_name_the_line_to_change))
