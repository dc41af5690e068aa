/* The kernel's list of mounts, and what paths reach through it. */

#include "analyzer/sandbox/vfs/mountinfo.h"
#include "tests/unit/test.h"

static struct imm_mountinfos read_text(struct imm_arena *a, const char *text) {
        struct imm_mountinfos l = {0};
        FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

        assert_non_null(f);
        imm_mountinfo_read(f, a, &l);
        assert_int_equal(fclose(f), 0);
        return l;
}

TEST(fields) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_mountinfos l =
                read_text(a, "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime,nosuid master:1 - ext3 "
                             "/dev/root ro,errors=x\n"
                             "no line of that kind\n"
                             "40 36 0:1 / /mnt\\0402/x ro,nodev,noexec - tmpfs tmpfs rw\n");

        assert_int_equal(l.n, 2);
        assert_int_equal(l.v[0].id, 36);
        assert_int_equal(l.v[0].parent, 35);
        assert_string_equal(l.v[0].device, "98:0");
        assert_string_equal(l.v[0].root, "/mnt1");
        assert_string_equal(l.v[0].path, "/mnt 2");
        assert_string_equal(l.v[0].fstype, "ext3");
        assert_int_equal(l.v[0].flags, IMM_MOUNT_NOSUID);
        assert_true(l.v[0].read_only_fs);
        assert_int_equal(l.v[1].flags, IMM_MOUNT_RDONLY | IMM_MOUNT_NODEV | IMM_MOUNT_NOEXEC);
        assert_false(l.v[1].read_only_fs);
}

TEST(covered) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_mountinfos l = read_text(a,
                "1 0 8:1 / / rw - ext4 d rw\n"
                "2 1 0:2 / /home rw - tmpfs d rw\n"
                "3 1 0:3 / /srv rw - tmpfs d rw\n"
                "4 3 0:4 / /srv/deep rw - tmpfs d rw\n"
                /* over /home twice: the topmost counts; over /srv: what was below is covered */
                "5 2 0:5 / /home ro - ramfs d rw\n"
                "6 3 0:6 / /srv rw - xfs d rw\n");
        struct imm_map reached = {0};

        imm_mountinfo_reached(&l, a, &reached);
        assert_int_equal(reached.n, 3);
        assert_int_equal(((const struct imm_mountinfo *)imm_map_get(&reached, "/"))->id, 1);
        assert_int_equal(((const struct imm_mountinfo *)imm_map_get(&reached, "/home"))->id, 5);
        assert_int_equal(((const struct imm_mountinfo *)imm_map_get(&reached, "/srv"))->id, 6);
}

/* A process in a mere chroot into a folder sees no mount at its root. */
TEST(chrooted) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();
        struct imm_mountinfos l = read_text(a, "7 1 0:7 / /proc rw - proc d rw\n"
                                               "8 7 0:8 / /proc/sys ro - proc d rw\n");
        struct imm_map reached = {0};

        imm_mountinfo_reached(&l, a, &reached);
        assert_int_equal(reached.n, 2);
}

RUN(cmocka_unit_test(fields), cmocka_unit_test(covered), cmocka_unit_test(chrooted))
