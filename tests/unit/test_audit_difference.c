#include "audit/addresses.h"
#include "audit/difference.h"
#include "tests/unit/test.h"

/* A snapshot of one unit, as JSON: what is told of who judged, and of the unit */
static struct imm_snapshot *loaded_as(const char *head, const char *load, const char *members) {
        imm_auto_free char *text = NULL;
        struct imm_snapshot *s = NULL;
        imm_err_auto err = IMM_ERR_INIT;

        assert_true(asprintf(&text,
                            "{\"schema\":\"immure.report/1\"%s,\"units\":[{\"unit\":\"x.service\","
                            "\"load\":\"%s\"%s}]}",
                            head, load, members) > 0);
        if (imm_snapshot_from_json(&s, text, strlen(text), "test", &err) < 0)
                fail_msg("%s", imm_err_text(&err));
        return s;
}

static struct imm_snapshot *judged_by(const char *head, const char *members) {
        return loaded_as(head, "loaded", members);
}

static struct imm_snapshot *one(const char *members) {
        return judged_by("", members);
}

static void verdict(const char *before, const char *after, enum imm_verdict want) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = one(before), *b = one(after);
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
        const struct imm_unit_difference *u = imm_difference_unit(d, "x.service");

        assert_string_equal(
                imm_verdict_name(u ? u->verdict : IMM_VERDICT_SAME), imm_verdict_name(want));
}

#define MOUNT(flags) ",\"mounts\":[{\"path\":\"/\",\"source\":\"/\",\"fstype\":\"bind\"," flags "}]"
#define ACCESS(write) ",\"access\":[{\"path\":\"/etc\",\"read\":true,\"write\":" write "}]"
#define CHECKS(a, b) \
        ",\"checks\":[{\"id\":\"A\",\"set\":true,\"exposure\":\"" a "\"}," \
        "{\"id\":\"B\",\"set\":true,\"exposure\":\"" b "\"}]"
#define FINDING(severity) \
        ",\"findings\":[{\"rule\":\"R\",\"scorecard\":\"reach\",\"severity\":\"" severity "\"}]"

TEST(one_sided_changes_have_a_side) {
        verdict("", "", IMM_VERDICT_SAME);
        verdict(",\"exposure\":\"9.6\"", ",\"exposure\":\"9.4\"", IMM_VERDICT_BETTER);
        verdict(",\"exposure\":\"9.4\"", ",\"exposure\":\"9.6\"", IMM_VERDICT_WORSE);
        verdict(MOUNT("\"read_only\":true"), MOUNT("\"read_only\":false"), IMM_VERDICT_WORSE);
        verdict(MOUNT("\"noexec\":false"), MOUNT("\"noexec\":true"), IMM_VERDICT_BETTER);
        verdict(ACCESS("false"), ACCESS("true"), IMM_VERDICT_WORSE);
        verdict(ACCESS("true"), ACCESS("false"), IMM_VERDICT_BETTER);
        verdict(ACCESS("null"), ACCESS("true"), IMM_VERDICT_CHANGED);
        verdict("", FINDING("high"), IMM_VERDICT_WORSE);
        verdict(FINDING("high"), "", IMM_VERDICT_BETTER);
        verdict(FINDING("low"), FINDING("high"), IMM_VERDICT_WORSE);
        verdict(FINDING("high"), FINDING("low"), IMM_VERDICT_BETTER);
        verdict("", FINDING("info"), IMM_VERDICT_CHANGED);
        verdict(",\"outcome\":\"ok\"", ",\"outcome\":\"namespace-failure\"", IMM_VERDICT_WORSE);
}

static void verdict_of_loads(const char *load, const char *before, const char *then,
        const char *after, enum imm_verdict want) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = loaded_as("", load, before);
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *b = loaded_as("", then, after);
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);

        assert_string_equal(imm_verdict_name(imm_difference_unit(d, "x.service")->verdict),
                imm_verdict_name(want));
}

TEST(a_mask_that_is_taken_away_is_no_relief) {
        verdict_of_loads("masked", "", "loaded", FINDING("high"), IMM_VERDICT_WORSE);
        verdict_of_loads("loaded", FINDING("high"), "masked", "", IMM_VERDICT_BETTER);
        verdict_of_loads("masked", "", "loaded", "", IMM_VERDICT_CHANGED);
        verdict_of_loads("loaded", "", "masked", "", IMM_VERDICT_CHANGED);
        verdict_of_loads(
                "bad-setting", FINDING("critical"), "loaded", FINDING("high"), IMM_VERDICT_BETTER);
        verdict_of_loads("loaded", "", "bad-setting", FINDING("critical"), IMM_VERDICT_WORSE);
        verdict(",\"outcome\":\"unknown\"", ",\"outcome\":\"ok\"", IMM_VERDICT_CHANGED);
        verdict(",\"outcome\":\"ok\"", ",\"outcome\":\"unknown\"", IMM_VERDICT_CHANGED);
}

#define CHECK(set, exposure) \
        ",\"checks\":[{\"id\":\"A\",\"set\":" set ",\"exposure\":" exposure "}]"
#define AT(setting, line) \
        ",\"findings\":[{\"rule\":\"R\",\"scorecard\":\"reach\",\"severity\":\"high\"," \
        "\"setting\":\"" setting "\",\"line\":" line "}]"

TEST(a_check_that_is_met_costs_nothing) {
        verdict(CHECK("false", "\"0.2\""), CHECK("true", "null"), IMM_VERDICT_BETTER);
        verdict(CHECK("true", "null"), CHECK("false", "\"0.2\""), IMM_VERDICT_WORSE);
        verdict(CHECK("false", "\"0.2\""), CHECK("null", "null"), IMM_VERDICT_CHANGED);
}

TEST(a_finding_that_is_to_be_changed_elsewhere_is_the_same) {
        verdict(AT("User", "3"), AT("User", "9"), IMM_VERDICT_SAME);
        verdict(AT("User", "3"), AT("PrivateUsers", "9"), IMM_VERDICT_SAME);
}

TEST(an_upgrade_alone_is_no_change) {
        verdict(",\"package\":\"a 1\"", ",\"package\":\"a 2\"", IMM_VERDICT_SAME);
        verdict(",\"package\":\"a 1\"", ",\"package\":\"a 2\",\"reach\":\"1.0\"",
                IMM_VERDICT_CHANGED);
}

/* What another judge says otherwise is neither better nor worse; what is seen is. */
TEST(another_judge_is_no_news_of_the_unit) {
        static const struct {
                const char *head[2], *unit[2];
                enum imm_verdict want;
                const char *note;
        } rows[] = {
#define BY(version, digest) \
        ",\"immure\":\"" version "\",\"rules\":[\"reach/O 1\",\"reach/R " digest "\"]"
                {{BY("1", "1"), BY("1", "1")}, {"", FINDING("high")}, IMM_VERDICT_WORSE, NULL},
                {{BY("1", "1"), BY("2", "1")}, {"", FINDING("high")}, IMM_VERDICT_CHANGED,
                        "judged by immure 2, before by 1"},
                {{BY("1", "1"), BY("1", "2")}, {"", FINDING("high")}, IMM_VERDICT_CHANGED,
                        "1 rule is not as before (reach/R)"},
                {{BY("1", "1"), BY("1", "2")}, {FINDING("high"), ""}, IMM_VERDICT_CHANGED,
                        "reach/R"},
                {{BY("1", "1"), ",\"rules\":[\"reach/O 1\"]"}, {FINDING("high"), ""},
                        IMM_VERDICT_CHANGED, "reach/R"},
                {{BY("1", "1"), BY("1", "2")}, {"", ",\"reach\":\"9.0\""}, IMM_VERDICT_CHANGED,
                        "reach/R"},
                /* other rules than those have nothing to do with it */
                {{",\"rules\":[\"reach/R 1\",\"reach/O 1\"]",
                         ",\"rules\":[\"reach/R 1\",\"reach/O 2\"]"},
                        {"", FINDING("high")}, IMM_VERDICT_WORSE, "reach/O"},
                {{BY("1", "1"), BY("1", "2")}, {",\"exposure\":\"1.0\"", ",\"exposure\":\"2.0\""},
                        IMM_VERDICT_WORSE, "reach/R"},
                {{BY("1", "1"), BY("2", "2")}, {ACCESS("false"), ACCESS("true")}, IMM_VERDICT_WORSE,
                        "judged by immure 2"},
                {{BY("1", "1"), BY("2", "2")},
                        {MOUNT("\"read_only\":true"), MOUNT("\"read_only\":false")},
                        IMM_VERDICT_WORSE, "judged by immure 2"},
                {{BY("1", "1"), BY("2", "1")}, {CHECKS("0.1", "0.1"), CHECKS("0.1", "0.2")},
                        IMM_VERDICT_CHANGED, "judged by immure 2"},
                /* a side that does not say */
                {{"", BY("1", "1")}, {"", FINDING("high")}, IMM_VERDICT_WORSE, NULL},
#undef BY
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *a = judged_by(rows[i].head[0],
                                                                           rows[i].unit[0]),
                                                                   *b = judged_by(rows[i].head[1],
                                                                           rows[i].unit[1]);
                imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
                const char *note = imm_judges_note(&d->judges, d->arena);

                assert_int_equal(d->units.n, 1);
                assert_string_equal(
                        imm_verdict_name(d->units.v[0]->verdict), imm_verdict_name(rows[i].want));
                assert_true(rows[i].note ? note && strstr(note, rows[i].note) : !note);
        }
}

TEST(nothing_is_netted_out) {
        verdict(CHECKS("0.1", "0.9"), CHECKS("0.2", "0.1"), IMM_VERDICT_WORSE);
        verdict(CHECKS("0.2", "0.2"), CHECKS("0.2", "0.1"), IMM_VERDICT_BETTER);
        verdict(MOUNT("\"read_only\":true,\"noexec\":false"),
                MOUNT("\"read_only\":false,\"noexec\":true"), IMM_VERDICT_WORSE);
        verdict(ACCESS("true") FINDING("low"), ACCESS("false") FINDING("high"), IMM_VERDICT_WORSE);
}

TEST(a_value_alone_is_neither) {
        verdict(",\"settings\":{\"User\":{\"value\":\"a\",\"origin\":{\"kind\":\"file\"}}}",
                ",\"settings\":{\"User\":{\"value\":\"b\",\"origin\":{\"kind\":\"file\"}}}",
                IMM_VERDICT_CHANGED);
}

#define CLOSURE(path) ",\"closure\":{\"kind\":\"nix\",\"paths\":[{\"path\":\"" path "\"}]}"
#define STORE(hash, name) "/nix/store/" hash "00000000000000000000000000000-" name

TEST(an_upgrade_is_one_change) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a =
                one(CLOSURE(STORE("aaa", "openssl-3.0.13")));
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *b =
                one(CLOSURE(STORE("bbb", "openssl-3.0.14")));
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
        const struct imm_unit_difference *u = imm_difference_unit(d, "x.service");

        assert_non_null(u);
        assert_int_equal(u->verdict, IMM_VERDICT_CHANGED);
        assert_int_equal(u->closure.n, 1);
        assert_string_equal(u->closure.v[0].before, STORE("aaa", "openssl-3.0.13"));
        assert_string_equal(u->closure.v[0].after, STORE("bbb", "openssl-3.0.14"));
}

#define FILE_OF(path, package) "{\"path\":\"" path "\",\"package\":\"" package "\"}"
#define FILES(files) ",\"closure\":{\"kind\":\"files\",\"paths\":[" files "]}"

/* Whatever it renames, adds and drops; what has no package, or another one, is told by itself. */
TEST(a_package_that_is_upgraded_is_one_change) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a =
                one(FILES(FILE_OF("/usr/lib/liba.so.1.2", "liba") "," FILE_OF(
                        "/usr/lib/libb.so.1", "libb") "," FILE_OF("/usr/lib/p/5.36/x.so",
                        "perl") "," FILE_OF("/usr/lib/p/5.36/y.so",
                        "perl") "," FILE_OF("/usr/lib/p/gone.so",
                        "perl") "," FILE_OF("/usr/lib/q.so", "q")));
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *b =
                one(FILES(FILE_OF("/usr/lib/liba.so.1.3", "liba") "," FILE_OF(
                        "/usr/lib/libb.so.2", "libb2") "," FILE_OF("/usr/lib/p/5.38/x.so",
                        "perl") "," FILE_OF("/usr/lib/p/5.38/y.so",
                        "perl") "," FILE_OF("/usr/lib/r.so", "r")));
        imm_cleanup(imm_difference_free) struct imm_difference *d = imm_difference_of(a, b);
        const struct imm_unit_difference *u = imm_difference_unit(d, "x.service");
        static const char *const want[][3] = {
                {"liba", "/usr/lib/liba.so.1.2", "/usr/lib/liba.so.1.3"},
                {"/usr/lib/libb.so.1", "/usr/lib/libb.so.1", "/usr/lib/libb.so.2"},
                {"perl", "/usr/lib/p/5.36/x.so (3 files)", "/usr/lib/p/5.38/x.so (2 files)"},
                {"/usr/lib/q.so", "/usr/lib/q.so", NULL},
                {"/usr/lib/r.so", NULL, "/usr/lib/r.so"},
        };

        assert_non_null(u);
        assert_int_equal(u->verdict, IMM_VERDICT_CHANGED);
        assert_int_equal(u->closure.n, IMM_ELEMENTSOF(want));
        for (size_t i = 0; i < IMM_ELEMENTSOF(want); i++) {
                const struct imm_change *c = &u->closure.v[i];

                assert_string_equal(c->name, want[i][0]);
                assert_string_equal(c->before ? c->before : "", want[i][1] ? want[i][1] : "");
                assert_string_equal(c->after ? c->after : "", want[i][2] ? want[i][2] : "");
        }
}

TEST(a_report_reads_back_as_it_was_written) {
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *a =
                one(",\"exposure\":\"9.6\",\"dropins\":[\"/etc/x\"]" CHECKS("0.1", "0.9")
                                MOUNT("\"read_only\":true") ACCESS("null") FINDING("high"));
        imm_cleanup(imm_snapshot_free) struct imm_snapshot *b = NULL;
        imm_auto_free char *text = NULL, *again = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        struct imm_json j = imm_json_on(f, IMM_JSON_PRETTY);

        imm_snapshot_json(a, &j);
        fclose(f);
        assert_int_equal(imm_snapshot_from_json(&b, text, n, "test", NULL), 0);
        f = open_memstream(&again, &n);
        j = imm_json_on(f, IMM_JSON_PRETTY);
        imm_snapshot_json(b, &j);
        fclose(f);
        assert_string_equal(text, again);
        assert_non_null(strstr(text, "\"exposure\": \"9.6\""));
}

TEST(what_is_no_report_is_refused) {
        struct imm_snapshot *s = NULL;
        imm_err_auto err = IMM_ERR_INIT;

        assert_true(imm_snapshot_from_json(&s, "{}", 2, "f.json", &err) < 0);
        assert_non_null(strstr(imm_err_text(&err), "f.json"));
        imm_err_done(&err);
        assert_true(imm_snapshot_from_json(&s, "{\n x", 4, "f.json", &err) < 0);
        assert_non_null(strstr(imm_err_text(&err), "line 2"));
        assert_null(s);
}

TEST(long_lists_are_told_by_what_came_and_went) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        const char *list =
                "accept accept4 access alarm bind brk capget chdir chmod chown clone clone3 "
                "close connect creat dup dup2";
        struct imm_change c = {.what = "setting",
                .name = "SystemCallFilter",
                .before = list,
                .after = imm_printf(a, "%s mount", list + strlen("accept "))};
        const char *before, *after;

        imm_change_sides(a, &c, &before, &after);
        assert_string_equal(before, "17 words");
        assert_string_equal(after, "17 words: +mount -accept");
        c.before = NULL;
        imm_change_sides(a, &c, &before, &after);
        assert_null(before);
        assert_non_null(strstr(after, "… (17 words)"));
        c.before = c.after = "short";
        imm_change_sides(a, &c, &before, &after);
        assert_ptr_equal(before, c.before);
}

#define LIST(deny, allow) \
        ",\"settings\":{\"IPAddressDeny\":{\"value\":\"" deny "\"}," \
        "\"IPAddressAllow\":{\"value\":\"" allow "\"}}"
#define ANY "::/0 0.0.0.0/0"

TEST(addresses_have_a_side_where_others_are_denied) {
        static const struct {
                const char *before, *after;
                enum imm_verdict want;
        } rows[] = {
                {"10.0.0.0/8", "10.1.0.0/16", IMM_VERDICT_BETTER},
                {"10.1.0.0/16", "10.0.0.0/8", IMM_VERDICT_WORSE},
                {"10.128.0.0/9 ::1/128", "::1/128 10.128.0.0/9", IMM_VERDICT_SAME},
                {"10.128.0.0/9", "10.0.0.0/9", IMM_VERDICT_WORSE},
                {"10.0.0.0/8 192.0.2.1/32", "10.0.0.0/8", IMM_VERDICT_BETTER},
                {NULL, "2001:db8::/32", IMM_VERDICT_WORSE},
                {"2001:db8::/33", NULL, IMM_VERDICT_BETTER},
                {"2001:db8:8000::/33", "2001:db8::/32", IMM_VERDICT_WORSE},
                {"10.0.0.0/8", "::/0", IMM_VERDICT_WORSE},
                {"10.0.0.0/8", "everything", IMM_VERDICT_CHANGED},
                {"10.0.0.0/33", "10.0.0.0/8", IMM_VERDICT_CHANGED},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++)
                assert_int_equal(
                        imm_addresses_compare(rows[i].before, rows[i].after), rows[i].want);
        verdict(LIST(ANY, "10.0.0.0/8"), LIST(ANY, "10.1.0.0/16"), IMM_VERDICT_BETTER);
        verdict(LIST(ANY, "10.1.0.0/16"), LIST(ANY, "10.0.0.0/8"), IMM_VERDICT_WORSE);
        verdict(LIST("192.0.2.0/24", "10.1.0.0/16"), LIST("192.0.2.0/24", "10.0.0.0/8"),
                IMM_VERDICT_CHANGED);
}

#define ORIGIN(origin) \
        ",\"settings\":{\"User\":{\"value\":\"a\",\"origin\":{\"kind\":\"implied\",\"by\":" \
        "\"X\"" origin "}}}"

/* As `show --json` has it; and as reports had it once */
TEST(what_implies_has_a_place_of_its_own) {
        static const struct {
                const char *given, *want;
        } rows[] = {
                {ORIGIN(",\"file\":\"/etc/x.service\",\"line\":4"),
                        "\"by\":\"X\",\"origin\":{\"kind\":\"file\",\"file\":\"/etc/"
                        "x.service\",\"line\":4}"},
                {ORIGIN(",\"origin\":{\"kind\":\"implied\",\"by\":\"Y\",\"origin\":{\"kind\":"
                        "\"manager\",\"file\":"
                        "\"/etc/systemd/system.conf.d/1.conf\",\"line\":2}}"),
                        "\"by\":\"X\",\"origin\":{\"kind\":\"manager\",\"file\":\"/etc/systemd/"
                        "system.conf.d/"
                        "1.conf\",\"line\":2}"},
                {ORIGIN(",\"file\":\"/etc/systemd/system.conf\",\"line\":7"),
                        "\"origin\":{\"kind\":\"manager\""},
                {ORIGIN(",\"file\":\"/etc/xsystem.conf.d/a\",\"line\":7"),
                        "\"origin\":{\"kind\":\"file\""},
                {ORIGIN(""), "\"by\":\"X\"}"},
        };

        for (size_t i = 0; i < IMM_ELEMENTSOF(rows); i++) {
                imm_cleanup(imm_snapshot_free) struct imm_snapshot *s = one(rows[i].given);
                imm_auto_free char *text = NULL;
                size_t n;
                FILE *f = open_memstream(&text, &n);
                struct imm_json j = imm_json_on(f, IMM_JSON_SHORT);

                imm_snapshot_json(s, &j);
                fclose(f);
                if (!strstr(text, rows[i].want))
                        fail_msg("%s in %s", rows[i].want, text);
        }
}

RUN(cmocka_unit_test(a_package_that_is_upgraded_is_one_change),
        cmocka_unit_test(what_implies_has_a_place_of_its_own),
        cmocka_unit_test(addresses_have_a_side_where_others_are_denied),
        cmocka_unit_test(one_sided_changes_have_a_side),
        cmocka_unit_test(a_mask_that_is_taken_away_is_no_relief),
        cmocka_unit_test(a_check_that_is_met_costs_nothing),
        cmocka_unit_test(a_finding_that_is_to_be_changed_elsewhere_is_the_same),
        cmocka_unit_test(another_judge_is_no_news_of_the_unit),
        cmocka_unit_test(an_upgrade_alone_is_no_change), cmocka_unit_test(nothing_is_netted_out),
        cmocka_unit_test(a_value_alone_is_neither), cmocka_unit_test(an_upgrade_is_one_change),
        cmocka_unit_test(a_report_reads_back_as_it_was_written),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(long_lists_are_told_by_what_came_and_went))
