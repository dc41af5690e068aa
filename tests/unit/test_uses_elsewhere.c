/* Configuration that only a row of a table finds, and what several of its lines say together. */

#include "analyzer/uses/uses.h"
#include "tests/unit/closure.h"

#include <sys/socket.h>

/* A use of @f, of @object, by the program @path; the configuration is there already */
static bool does(const char *path, enum imm_facility f, const char *object) {
        char text[128];
        struct imm_uses found = {0};
        struct world *w;
        bool yes = false;

        (void)snprintf(text, sizeof(text), "[Service]\nExecStart=/%s\n", path);
        service(text);
        script(path, "program");
        w = world_new();
        imm_uses_compute(w->m, imm_settings_of(w->m, unit(w, "x.service")), w->arena, &found);
        for (size_t i = 0; i < found.n; i++)
                yes |= found.v[i].facility == f && !found.v[i].remark &&
                       (!object || imm_streq(found.v[i].object, object));
        world_free(w);
        return yes;
}

static bool shares(const char *text) {
        tree_file("etc/samba/smb.conf", text);
        return does("usr/bin/smbd", IMM_FACILITY_WRITE, "/srv/media");
}

TEST(folders_that_are_shared) {
        assert_true(shares("[media]\n path = /srv/media\n read only = no\n"));
        assert_true(shares("[media]\n\tRead Only=No\n\tpath=/srv/media\n[b]\npath = /srv/b\n"));
        assert_true(shares("[media]\n path = /srv/media\n writeable = yes"));
        assert_true(shares("read only = no\n[media]\n path = /srv/media\n"));
        assert_true(
                shares("[media]\n path = /srv/media\n writable = true\n[b]\nread only = yes\n"));
        assert_false(shares("[media]\n path = /srv/media\n"));
        assert_false(shares("[media]\n path = /srv/media\n read only = yes\n"));
        assert_false(shares("read only = no\n[media]\n path = /srv/media\n read only = yes\n"));
        assert_false(shares("[media]\n path = /srv/media\n[b]\n read only = no\n"));
        assert_false(shares("[media]\n path = /srv/media/%u\n read only = no\n"));
        assert_false(shares("path = /srv/media\nread only = no\n"));
        assert_false(shares("[media]\n; path = /srv/media\n read only = no\n"));
}

TEST(lines_of_a_file_for_many) {
        tree_file("etc/krb5.conf", "[logging]\n kdc = FILE:/var/log/kdc.log\n"
                                   " admin_server = FILE:/var/log/kadmin.log\n");
        assert_true(does("usr/bin/krb5kdc", IMM_FACILITY_WRITE, "/var/log/kdc.log"));
        assert_false(does("usr/bin/krb5kdc", IMM_FACILITY_WRITE, "/var/log/kadmin.log"));
        assert_true(does("usr/bin/kadmind", IMM_FACILITY_WRITE, "/var/log/kadmin.log"));
        assert_false(does("usr/bin/other", IMM_FACILITY_WRITE, "/var/log/kdc.log"));
}

static bool rule(const char *text, enum imm_facility f, const char *object) {
        tree_file("etc/udev/rules.d/99-a.rules", text);
        return does("usr/lib/systemd/systemd-udevd", f, object);
}

TEST(commands_of_rules) {
        script("opt/hook", "#!/bin/sh\ncurl -s https://example.org/\n");
        script("home/a/hook", "#!/bin/sh\ntrue\n");
        assert_true(rule("ACTION==\"add\", RUN+=\"/bin/mount /dev/%k /mnt\"\n",
                IMM_FACILITY_MOUNT_HOST, NULL));
        assert_true(rule("KERNEL==\"sd?\", RUN{program}+=\"/opt/hook\", MODE=\"0600\"",
                IMM_FACILITY_NETWORK, NULL));
        assert_true(rule("RUN+=\"/bin/true\", RUN+=\"/home/a/hook %k\"\n", IMM_FACILITY_READ,
                "/home/a/hook"));
        assert_false(rule("# RUN+=\"/bin/mount /dev/%k /mnt\"\n", IMM_FACILITY_MOUNT_HOST, NULL));
        assert_false(rule("RUN{builtin}+=\"mount\"\n", IMM_FACILITY_MOUNT_HOST, NULL));
        assert_false(rule("RUN+=\"/bin/mount\n", IMM_FACILITY_MOUNT_HOST, NULL));
        assert_false(rule("ENV{RUNNING}=\"/bin/mount\"\n", IMM_FACILITY_MOUNT_HOST, NULL));
}

TEST(links_among_configuration) {
        tree_file("home/a/site.conf", "");
        tree_file("usr/share/site.conf", "");
        tree_link("/home/a/site.conf", "etc/daemon/sites/a.conf");
        tree_link("/usr/share/site.conf", "etc/daemon/sites/b.conf");
        assert_true(does("usr/bin/daemon", IMM_FACILITY_READ, "/home/a/site.conf"));
        assert_false(does("usr/bin/daemon", IMM_FACILITY_READ, "/usr/share/site.conf"));
        tree_link("/home/a/plug-in", "etc/munin/plugins/p");
        assert_true(does("usr/bin/munin-node", IMM_FACILITY_READ, "/home/a/plug-in"));
}

static bool writes_default(const char *text) {
        tree_file("etc/mariadbd.conf", text);
        return does("usr/sbin/mariadbd", IMM_FACILITY_WRITE, "/var/lib/mysql");
}

TEST(places_that_are_moved) {
        assert_true(writes_default(""));
        assert_true(writes_default("datadir = /var/lib/mysql/\n"));
        assert_true(writes_default("# datadir = /srv/mysql\n"));
        assert_false(writes_default("datadir = /srv/mysql\n"));
}

/* A script whose tools cannot listen reads a daemon's configuration for something else. */
static bool listens(const char *text) {
        struct imm_uses found = {0};
        struct world *w;
        bool yes = false;

        script("usr/bin/thing", text);
        service("[Service]\nExecStart=/usr/bin/thing\n");
        w = world_new();
        imm_uses_compute(w->m, imm_settings_of(w->m, unit(w, "x.service")), w->arena, &found);
        for (size_t i = 0; i < found.n; i++)
                yes |= found.v[i].facility == IMM_FACILITY_PORT;
        world_free(w);
        return yes;
}

TEST(scripts_that_cannot_listen) {
        assert_int_equal(bind(-1, NULL, 0), -1); /* this test program is the one that can */
        copy_of("/usr/bin/find", "usr/bin/find");
        copy_of("/proc/self/exe", "usr/bin/self");
        assert_int_equal(chmod(tree_path("usr/bin/find"), 0755), 0);
        assert_int_equal(chmod(tree_path("usr/bin/self"), 0755), 0);
        tree_file("etc/thing/thing.conf", "server.port = 80\n");
        assert_false(listens("#!/bin/sh\nfind /var/cache/x\n"));
        assert_true(listens("#!/bin/sh\nexec $DAEMON\n"));
        assert_true(listens("#!/bin/sh\nfind /var/cache/x\nself\n"));
        assert_true(listens("#!/usr/bin/python3\nprint(1)\n"));
        assert_true(listens("who knows what this is"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(folders_that_are_shared),
                CASE(scripts_that_cannot_listen),
                CASE(lines_of_a_file_for_many),
                CASE(commands_of_rules),
                CASE(links_among_configuration),
                CASE(places_that_are_moved),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
