#include "common/profile.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/profile.XXXXXX");
    snprintf(path, sizeof path, "%s/a/b/profile", mkdtemp(directory) ? directory : "");
    return !*path;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const made[] = {"file", "a/b/profile", "a/b", "a", ""};
    char name[PATH_MAX];
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(name, sizeof name, "%s/%s", directory, made[i]);
        remove(name);
    }
    return access(directory, F_OK) ? 0 : -1;
}

static struct profile fresh(void)
{
    struct profile p = {.institution = strdup("inm"), .plan = 2023, .plan_follows = true, .pending = true};
    assert_true(profile_keys_make(&p));
    memcpy(p.server_key, p.public_key, PROFILE_KEY);
    assert_true(profile_endpoint_add(&p, "tcp://a:1"));
    assert_true(profile_endpoint_add(&p, "tcp://b:2"));
    return p;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct profile p = fresh(), q;
    struct profile_error error;
    assert_true(profile_write(path, &p, &error));
    assert_true(profile_read(path, &q, &error));
    assert_int_equal(q.n_endpoints, 2);
    assert_string_equal(q.endpoints[1], "tcp://b:2");
    assert_string_equal(q.secret_key, p.secret_key);
    assert_string_equal(q.institution, "inm");
    assert_int_equal(q.plan, 2023);
    assert_true(q.plan_follows);
    assert_true(q.pending && !q.invitation);
    profile_free(&p);
    profile_free(&q);
}

static void it_is_the_owners_alone_and_leaves_nothing_beside(void **state)
{
    (void)state;
    struct profile p = fresh();
    struct profile_error error;
    struct stat st;
    mode_t before = umask(0);
    assert_true(profile_write(path, &p, &error) && profile_write(path, &p, &error));
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s/a/b", directory);
    assert_int_equal(stat(parent, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    DIR *files = opendir(parent);
    int n = 0;
    while (readdir(files))
        n++;
    closedir(files);
    assert_int_equal(n, 3); /* ., .., profile */
    profile_free(&p);
}

#define KEY  "\"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\""
#define KEYS "\"server_key\":" KEY ",\"public_key\":" KEY ",\"secret_key\":" KEY

static const struct {
    const char *what, *text;
    mode_t mode;
    enum profile_fault fault;
    const char *detail;
} files[] = {
    {"whole", "{\"endpoints\":[\"tcp://a:1\"]," KEYS "}", 0600, PROFILE_OK, ""},
    {"fields of tomorrow", "{\"endpoints\":[\"tcp://a:1\"]," KEYS ",\"new\":1}", 0400, PROFILE_OK, ""},
    {"the group reads it", "{}", 0640, PROFILE_EXPOSED, ""},
    {"all read it", "{}", 0604, PROFILE_EXPOSED, ""},
    {"not JSON", "{\n\n]", 0600, PROFILE_MALFORMED, "3"},
    {"a name twice", "{\"plan\":1,\"plan\":2}", 0600, PROFILE_MALFORMED, "1"},
    {"no endpoints", "{" KEYS "}", 0600, PROFILE_FIELD, "endpoints"},
    {"empty endpoints", "{\"endpoints\":[]," KEYS "}", 0600, PROFILE_FIELD, "endpoints"},
    {"no keys", "{\"endpoints\":[\"tcp://a:1\"]}", 0600, PROFILE_FIELD, "server_key"},
    {"a short key", "{\"endpoints\":[\"tcp://a:1\"],\"server_key\":\"abc\"}", 0600, PROFILE_FIELD, "server_key"},
    {"a key that is not Z85",
     "{\"endpoints\":[\"tcp://a:1\"],\"server_key\":\"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"}", 0600, PROFILE_FIELD,
     "server_key"},
    {"a plan that is no year", "{\"endpoints\":[\"tcp://a:1\"]," KEYS ",\"plan\":12}", 0600, PROFILE_FIELD, "plan"},
    {"an institution that is no text", "{\"endpoints\":[\"tcp://a:1\"]," KEYS ",\"institution\":1}", 0600,
     PROFILE_FIELD, "institution"},
};

static void every_fault_is_named(void **state)
{
    (void)state;
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/file", directory);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct profile p;
        struct profile_error error = {PROFILE_OK, ""};
        unlink(file);
        int fd = open(file, O_CREAT | O_EXCL | O_WRONLY, 0600);
        assert_int_equal(write(fd, files[i].text, strlen(files[i].text)), strlen(files[i].text));
        assert_int_equal(fchmod(fd, files[i].mode) | close(fd), 0);
        bool ok = profile_read(file, &p, &error);
        if (error.fault != files[i].fault || ok != (files[i].fault == PROFILE_OK) ||
            strcmp(error.detail, files[i].detail) != 0)
            fail_msg("%s: %d, fault %d, “%s”", files[i].what, ok, error.fault, error.detail);
        char *text = profile_explain(&error, file);
        assert_non_null(strstr(text, "/file"));
        free(text);
        profile_free(&p);
    }
    struct profile p;
    struct profile_error error;
    unlink(file);
    assert_false(profile_read(file, &p, &error));
    assert_int_equal(error.fault, PROFILE_MISSING);
}

static void no_more_endpoints_than_there_is_room_for(void **state)
{
    (void)state;
    struct profile p = {0};
    for (int i = 0; i < PROFILE_ENDPOINTS; i++)
        assert_true(profile_endpoint_add(&p, "tcp://a:1"));
    assert_false(profile_endpoint_add(&p, "tcp://a:1"));
    profile_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_the_owners_alone_and_leaves_nothing_beside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_fault_is_named, set_up, tear_down),
        cmocka_unit_test(no_more_endpoints_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
