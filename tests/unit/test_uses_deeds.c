/* What commands of a unit and lines of scripts do to files that they name. */

#include "analyzer/uses/uses.h"
#include "tests/unit/closure.h"

static bool does(const char *text, const char *body, enum imm_facility f, const char *object) {
        struct world *w;
        struct imm_uses found = {0};
        bool yes = false;

        service(text);
        script("usr/bin/x", body ? body : "program");
        w = world_new();
        imm_uses_compute(w->m, imm_settings_of(w->m, unit(w, "x.service")), w->arena, &found);
        for (size_t i = 0; i < found.n; i++)
                yes |= found.v[i].facility == f && !found.v[i].remark &&
                       (!object || imm_streq(found.v[i].object, object));
        world_free(w);
        return yes;
}

#define UNIT "[Service]\nExecStart=/usr/bin/x\n"
#define PYTHON(line) does(UNIT, "#!/usr/bin/python3\n" line "\n", IMM_FACILITY_WRITE, "/opt/d/f")
#define SHELL(line) does(UNIT, "#!/bin/sh\n" line "\n", IMM_FACILITY_WRITE, "/opt/d/f")
#define COMMAND(line) does("[Service]\nExecStart=" line "\n", NULL, IMM_FACILITY_WRITE, "/opt/d/f")

TEST(files_that_scripts_open) {
        assert_true(PYTHON("f = open(\"/opt/d/f\", 'w')"));
        assert_true(PYTHON("    with open('/opt/d/f', mode=\"ab\") as f:"));
        assert_true(PYTHON("open('/opt/d/f', 'r+')"));
        assert_true(PYTHON("os.makedirs('/opt/d/f', exist_ok=True)"));
        assert_true(PYTHON("$h = fopen('/opt/d/f', 'w');"));
        assert_true(PYTHON("fs.writeFileSync('/opt/d/f', text)"));
        assert_false(PYTHON("f = open('/opt/d/f')"));
        assert_false(PYTHON("f = open('/opt/d/f', 'rb')"));
        assert_false(PYTHON("f = open('/opt/d/f', encoding='ascii')"));
        assert_false(PYTHON("f = open('/opt/d/f' + name, 'w')"));
        assert_false(PYTHON("# f = open('/opt/d/f', 'w')"));
        assert_false(PYTHON("f = reopen('/opt/d/f', 'w')"));
        assert_false(PYTHON("f = open('opt/d/f', 'w')"));
        assert_true(does(UNIT, "#!/usr/bin/python3\nopen('/proc/stat')\n", IMM_FACILITY_PROC_FILE,
                "/proc/stat"));
        assert_false(does(UNIT, "#!/usr/bin/python3\nopen('/proc/self/stat')\n",
                IMM_FACILITY_PROC_FILE, NULL));
        assert_true(does(UNIT, "#!/usr/bin/python3\nopen('/proc/sys/vm/swappiness', 'w')\n",
                IMM_FACILITY_TUNABLES, "/proc/sys/vm/swappiness"));
        assert_true(does(
                UNIT, "#!/usr/bin/python3\nopen('/home/a/b')\n", IMM_FACILITY_READ, "/home/a/b"));
}

TEST(files_that_shells_write) {
        assert_true(SHELL("echo a >/opt/d/f"));
        assert_true(SHELL("echo a >> \"/opt/d/f\""));
        assert_true(SHELL("\tdate > /opt/d/f; true"));
        assert_true(SHELL("touch -r /etc/foo.conf /opt/d/f"));
        assert_false(SHELL("# echo a > /opt/d/f"));
        assert_false(SHELL("cat < /opt/d/f"));
        assert_false(SHELL("echo a > /opt/d/f$x"));
        assert_false(SHELL("echo '<b>/opt/d/f</b>'"));
        assert_false(does(
                UNIT, "#!/usr/bin/python3\nprint(a >/opt/d/f)\n", IMM_FACILITY_WRITE, "/opt/d/f"));
        assert_false(
                does(UNIT, "#!/bin/sh\ntrue >/dev/null 2>/dev/stderr\n", IMM_FACILITY_WRITE, NULL));
}

TEST(commands_of_shells) {
        assert_true(SHELL("mkdir -p /opt/d/f"));
        assert_true(SHELL("if [ -z \"$a\" ]; then mkdir /opt/d/f; fi"));
        assert_true(SHELL("true && cp -a /etc/foo.conf '/opt/d/f'"));
        assert_true(SHELL("date | tee /opt/d/f | sort"));
        assert_true(SHELL("sed -i s/a/b/ /opt/d/f"));
        assert_false(SHELL("sed s/a/b/ /opt/d/f"));
        assert_false(SHELL("cp /opt/d/f $1"));
        assert_false(SHELL("mkdir -p /opt/d/f$1"));
        assert_false(SHELL("echo mkdir /opt/d/f"));
        assert_false(SHELL("echo \"a; mkdir /opt/d/f\""));
        assert_false(SHELL("true # mkdir /opt/d/f"));
        assert_true(SHELL("tar -czf /opt/d/f /etc"));
        assert_true(SHELL("tar cf /opt/d/f /etc"));
        assert_false(SHELL("tar -xzf /opt/d/f"));
        assert_false(SHELL("tar -czf - /opt/d/f"));
        assert_true(SHELL("dd if=/dev/zero of=/opt/d/f bs=1M"));
        assert_false(SHELL("dd if=/opt/d/f of=/dev/null"));
        assert_true(SHELL("curl -s -o /opt/d/f https://example.org/"));
        assert_true(SHELL("rsync -a /etc/ /opt/d/f"));
        assert_false(SHELL("rsync -a /opt/d/f host:/srv"));
        assert_true(SHELL("chown -R foo:foo /opt/d/f"));
        assert_true(SHELL("find /opt/d/f/*/tmp -mtime +7 -delete"));
        assert_false(SHELL("find /opt/d/f -mtime +7"));
        assert_true(does("[Service]\nExecStart=/usr/bin/find /home/*/tmp -mtime +7 -delete\n", NULL,
                IMM_FACILITY_WRITE, "/home"));
        assert_true(does(UNIT, "#!/bin/sh\nmkdir /sys/fs/cgroup/a\n", IMM_FACILITY_CGROUPS,
                "/sys/fs/cgroup/a"));
        tree_dir("opt/d/f"); /* which is there already */
        assert_false(SHELL("mkdir -p /opt/d/f"));
}

#define SETS(line) does(UNIT, "#!/bin/sh\n" line "\n", IMM_FACILITY_SET_ID_FILES, NULL)

TEST(set_id_bits) {
        assert_true(SETS("chmod 2775 /srv/group"));
        assert_true(SETS("chmod -R 04755 $dir"));
        assert_true(SETS("chmod -R g+rws $dir"));
        assert_true(SETS("install -o root -m 2755 -d /srv/group"));
        assert_true(SETS("mkdir --mode=02755 /srv/group"));
        assert_false(SETS("chmod 1777 /srv/group"));
        assert_false(SETS("chmod 0755 /srv/group"));
        assert_false(SETS("chmod g-s /srv/group"));
        assert_false(SETS("chmod +x 2775"));
        assert_false(SETS("install -m 755 -d 2755"));
        assert_true(does(UNIT, "#!/usr/bin/python3\nos.chmod(path, 0o2775)\n",
                IMM_FACILITY_SET_ID_FILES, NULL));
        assert_false(does(UNIT, "#!/usr/bin/python3\nos.chmod(path, 0o775)\n",
                IMM_FACILITY_SET_ID_FILES, NULL));
}

TEST(what_commands_are_told) {
        assert_true(does(UNIT, "#!/bin/sh\nhostname $name\n", IMM_FACILITY_HOSTNAME, NULL));
        assert_false(does(UNIT, "#!/bin/sh\nhostname -f\n", IMM_FACILITY_HOSTNAME, NULL));
        assert_false(does(UNIT, "#!/bin/sh\nhostname\n", IMM_FACILITY_HOSTNAME, NULL));
        assert_false(does(UNIT, "#!/bin/sh\nh=$(hostname)\n", IMM_FACILITY_HOSTNAME, NULL));
        assert_true(does(UNIT, "#!/bin/sh\ndate -s @0\n", IMM_FACILITY_CLOCK, NULL));
        assert_false(does(UNIT, "#!/bin/sh\ndate +%s\n", IMM_FACILITY_CLOCK, NULL));
}

#define PORT(line) does("[Service]\nExecStart=" line "\n", NULL, IMM_FACILITY_PORT, "80")

TEST(arguments) {
        assert_true(PORT("/usr/bin/x -m http.server 80"));
        assert_false(PORT("/usr/bin/x -m more 80"));
        assert_true(does("[Service]\nEnvironment=SSH_AUTH_SOCK=/tmp/agent.sock\n"
                         "ExecStart=/usr/bin/x\n",
                NULL, IMM_FACILITY_SHARED_TMP, "/tmp/agent.sock"));
        assert_false(does("[Service]\nEnvironment=TMPDIR=/tmp/x\nExecStart=/usr/bin/x\n", NULL,
                IMM_FACILITY_SHARED_TMP, NULL));
}

#define OPENS(line) \
        (tree_file("etc/haproxy.conf", line), does("[Service]\nExecStart=/usr/sbin/haproxy\n", \
                                                      NULL, IMM_FACILITY_FILES, "40000"))

TEST(files_by_configuration) {
        script("usr/sbin/haproxy", "program");
        assert_true(OPENS("maxconn 20000\n"));
        assert_false(OPENS("maxconn 2000\n"));
        assert_false(OPENS("# maxconn 20000\n"));
}

/* Of the last command of a line, whatever runs the program before it */
TEST(what_a_line_becomes) {
        static const char unit[] = "[Service]\nExecStart=/bin/sh -c \"A=`/usr/bin/find-out`; "
                                   "[ $? -eq 0 ] || exit 1; exec /usr/sbin/daemon $A\"\n";

        script("usr/sbin/daemon", "program");
        script("usr/bin/find-out", "#!/bin/sh\n/usr/sbin/daemon --version\n");
        tree_file("etc/daemon.conf", "socket /tmp/a.sock\n");
        assert_true(does(unit, NULL, IMM_FACILITY_SHARED_TMP, "/tmp/a.sock"));
}

/* What a script does that a line of configuration has run */
TEST(hooks) {
        static const char unit[] = "[Service]\nExecStart=/usr/sbin/daemon\n";

        script("usr/sbin/daemon", "program");
        script("opt/hook", "#!/bin/sh\ngrep -q U_ /proc/mdstat && touch /srv/state\n");
        tree_file("etc/daemon.conf", "command /opt/hook\n");
        assert_true(does(unit, NULL, IMM_FACILITY_PROC_FILE, "/proc/mdstat"));
        assert_true(does(unit, NULL, IMM_FACILITY_WRITE, "/srv/state"));
        tree_file("etc/daemon.conf", "# command /opt/hook\n");
        assert_false(does(unit, NULL, IMM_FACILITY_WRITE, "/srv/state"));
}

#define SOCKET(word) \
        does("[Service]\nExecStart=/usr/bin/x -s " word "\n", NULL, IMM_FACILITY_UNIX_SOCKET, \
                "/run/x/x.sock")

TEST(sockets) {
        assert_true(SOCKET("/run/x/x.sock"));
        assert_true(SOCKET("unix:/run/x/x.sock") || SOCKET("unix:///run/x/x.sock"));
        assert_false(SOCKET("/run/y/y.sock"));
        assert_false(SOCKET("/run/x/x.pid"));
}

TEST(keys_with_dashes) {
        static const char unit[] = "[Service]\nExecStart=/usr/sbin/mariadbd\n";

        script("usr/sbin/mariadbd", "program");
        tree_file("etc/mariadbd.conf", "[mariadb]\nplugin-load-add = auth_pam.so\n");
        assert_true(does(unit, NULL, IMM_FACILITY_GAIN, NULL));
        tree_file("etc/mariadbd.conf", "[mariadb]\nplugin-load-add = other.so\n");
        assert_false(does(unit, NULL, IMM_FACILITY_GAIN, NULL));
}

TEST(rotated_homes) {
        static const char unit[] = "[Service]\nExecStart=/usr/sbin/logrotate /etc/logrotate.conf\n";

        script("usr/sbin/logrotate", "program");
        tree_file("etc/logrotate.conf", "/home/*/logs/*.log {\n  daily\n}\n");
        assert_true(does(unit, NULL, IMM_FACILITY_WRITE, "/home"));
        tree_file("etc/logrotate.conf", "/home/a/logs/*.log {\n  daily\n}\n");
        assert_true(does(unit, NULL, IMM_FACILITY_WRITE, "/home/a/logs"));
        assert_false(does(unit, NULL, IMM_FACILITY_WRITE, "/home"));
}

TEST(files_that_commands_write) {
        script("usr/bin/touch", "program");
        script("usr/bin/cp", "program");
        script("usr/bin/mkdir", "program");
        assert_true(COMMAND("/usr/bin/touch /opt/d/f"));
        assert_true(COMMAND("/usr/bin/cp -a /etc/foo.conf /opt/d/f"));
        assert_true(COMMAND("/usr/bin/mkdir -p /opt/d/f"));
        assert_true(COMMAND("/bin/sh -c 'echo 1 > /opt/d/f'"));
        assert_true(does("[Service]\nExecStartPre=/usr/bin/touch /opt/d/f\n" UNIT, NULL,
                IMM_FACILITY_WRITE, "/opt/d/f"));
        assert_false(COMMAND("-/usr/bin/touch /opt/d/f")); /* a remark, no more */
        assert_false(COMMAND("/usr/bin/cp /opt/d/f /etc/foo.conf"));
        assert_false(COMMAND("/usr/bin/ls /opt/d/f"));
        assert_false(COMMAND("/usr/bin/touch -h"));
        tree_dir("opt/d/f"); /* which is there already */
        assert_false(COMMAND("/usr/bin/mkdir -p /opt/d/f"));
}

/* Linear in the text */
TEST(hostile_texts) {
        static const char *const parts[] = {"open('/opt/d/f", "open(", " >/opt/x", "touch ", ">>>"};
        size_t size = 1000000;
        char *text = imm_xcalloc(1, size + 64);

        for (size_t i = 0; i < IMM_ELEMENTSOF(parts); i++) {
                size_t n = strlen(parts[i]);

                memcpy(text, "#!/bin/sh\n", 11);
                for (size_t at = 10; at + n < size; at += n)
                        memcpy(text + at, parts[i], n + 1);
                assert_false(does(UNIT, text, IMM_FACILITY_WRITE, "/opt/d/f"));
        }
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(files_that_scripts_open),
                CASE(files_that_shells_write),
                CASE(commands_of_shells),
                CASE(set_id_bits),
                CASE(what_commands_are_told),
                CASE(arguments),
                CASE(files_by_configuration),
                CASE(what_a_line_becomes),
                CASE(hooks),
                CASE(sockets),
                CASE(keys_with_dashes),
                CASE(rotated_homes),
                CASE(files_that_commands_write),
                CASE(hostile_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
