#include "audit/redact.h"
#include "tests/unit/test.h"

struct example {
        const char *text, *want; /* NULL: as it is */
};

static void check(const char *(*redact)(struct imm_arena *, const char *), const struct example *e,
        size_t n) {
        imm_cleanup(imm_arena_free) struct imm_arena *a = imm_arena_new();

        for (size_t i = 0; i < n; i++) {
                const char *got = redact(a, e[i].text);

                assert_string_equal(got, e[i].want ? e[i].want : e[i].text);
                assert_string_equal(redact(a, got), got);
        }
}

TEST(what_a_command_line_gives_away) {
        static const struct example commands[] = {
                {"/usr/bin/x --password=geheim --port=80",
                        "/usr/bin/x --password=(redacted) --port=80"},
                {"x --token abc -v", "x --token (redacted) -v"},
                {"x --api-key \"a b\" c", "x --api-key \"(redacted)\" c"},
                {"x -Ddb.password=abc", "x -Ddb.password=(redacted)"},
                {"x --clientSecret=abc", "x --clientSecret=(redacted)"},
                {"x -o username=bob,password=abc,rw", "x -o username=bob,password=(redacted),rw"},
                {"x --password=a:b/c@d", "x --password=(redacted)"},
                {"x postgres://bob:pw@db/x?sslmode=on",
                        "x postgres://bob:(redacted)@db/x?sslmode=on"},
                {"x https://u:p%40q@h:8080/", "x https://u:(redacted)@h:8080/"},
                {"x https://u:p/q@h/", "x https://u:(redacted)@h/"},
                {"x https://h/y?user=a&token=abc&n=1", "x https://h/y?user=a&token=(redacted)&n=1"},
                {"x https://0123456789abcdef0123@h/", "x https://(redacted)@h/"},
                {"curl -H \"Authorization: Bearer abc\" u",
                        "curl -H \"Authorization: (redacted)\" u"},
                {"curl -H 'X-Api-Key: abc' u", "curl -H 'X-Api-Key: (redacted)' u"},
                {"curl -u bob:abc http://h/", "curl -u bob:(redacted) http://h/"},
                {"curl --user bob:abc", "curl --user bob:(redacted)"},
                {"curl -d '{\"user\":\"a\",\"password\":\"abc\"}' u",
                        "curl -d '{\"user\":\"a\",\"password\":\"(redacted)\"}' u"},
                {"/usr/bin/env A=2 b=2 /bin/x c=3",
                        "/usr/bin/env A=(redacted) b=(redacted) /bin/x c=3"},
                {"/bin/env -i a=z x", "/bin/env -i a=(redacted) x"},
                {"/bin/sh -c \"FOO=abc exec x\"", "/bin/sh -c \"FOO=(redacted) exec x\""},
                {"/bin/sh -c \"PGPASSWORD='a b' psql\"",
                        "/bin/sh -c \"PGPASSWORD='(redacted)' psql\""},
                {"docker run -e KEY=abc -p 80:80 i", "docker run -e KEY=(redacted) -p 80:80 i"},
                {"systemd-run --setenv=FOO=abc x", "systemd-run --setenv=FOO=(redacted) x"},
                {"sh -c \"mysql -pabc; x -pabc\"", "sh -c \"mysql -p(redacted); x -pabc\""},
                {"sshpass -p abc ssh -p 22 h", "sshpass -p (redacted) ssh -p 22 h"},
                {"openssl enc -pass pass:abc", "openssl enc -pass (redacted)"},
                {"x ghp_0123456789abcdefghijABCDEFGHIJ", "x (redacted)"},
                {"x ; y --secret=1234 ; z", "x ; y --secret=(redacted) ; z"},
        };
        check(imm_redact_command, commands, IMM_ELEMENTSOF(commands));
}

TEST(what_is_no_secret) {
        static const struct example commands[] = {
                {"/usr/sbin/nginx -g \"daemon on; master_process on;\"", NULL},
                {"x --password-file=/etc/x --token-path /run/y", NULL},
                {"x --password=$PASSWORD --token ${TOKEN}", NULL},
                {"x --password=%d/pw --token=/run/credentials/x/token", NULL},
                {"x --use-password=yes --no-password --token", NULL},
                {"x --auth-token --verbose", NULL},
                {"x --private-key=/etc/ssl/key.pem --tls-key ./key", NULL},
                {"x --keytab=a --passive=b --tokenizer=c --compass=d --bypass=e", NULL},
                {"x -p 80 -u bob user@host host:port http://host:80/@x", NULL},
                {"/sbin/agetty -o \"-p -- \\\\u\" --noclear - $TERM", NULL},
                {"/usr/bin/dd if=/dev/zero of=/x bs=1M", NULL},
                {"/bin/x", NULL},
                {"", NULL},
        };
        check(imm_redact_command, commands, IMM_ELEMENTSOF(commands));
}

TEST(sentences_and_options_of_mounts) {
        static const struct example texts[] = {
                {"username=bob,password=abc", "username=bob,password=(redacted)"},
                {"cannot open 'ftp://u:abc@h/x'", "cannot open 'ftp://u:(redacted)@h/x'"},
                {"the password: readable; --token is known; PATH=/usr/bin", NULL},
                {"PrivateTmp=yes", NULL},
                {"/etc/secret:/run/secret", NULL},
        };
        check(imm_redact_text, texts, IMM_ELEMENTSOF(texts));
}

TEST(variables_keep_their_names) {
        static const struct example lists[] = {
                {"A=1 \"B=x y\" C", "A=(redacted) B=(redacted) C"},
                {"A=\\\"x B=", "A=(redacted) B=(redacted)"},
                {"\"A=unclosed b", "A=(redacted)"},
                {"", NULL},
        };
        check(imm_redact_assignments, lists, IMM_ELEMENTSOF(lists));
}

RUN(cmocka_unit_test(what_a_command_line_gives_away), cmocka_unit_test(what_is_no_secret),
        cmocka_unit_test(sentences_and_options_of_mounts),
        cmocka_unit_test(variables_keep_their_names))
