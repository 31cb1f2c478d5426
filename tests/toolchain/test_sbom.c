/* The bill of materials of this build (toolchain/sbom) against the manifest it is made from: CycloneDX 1.5's
 * required fields, one component a library with its hash and licence, and no dependency on something that is
 * not listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <yyjson.h>

#define MANIFEST_COLUMNS 13

struct sbom_test {
    yyjson_doc *doc;
    yyjson_val *components;
};

static int open_sbom(void **state)
{
    static struct sbom_test test;

    test.doc = yyjson_read_file(SOTTO_SBOM_FILE, 0, NULL, NULL);
    test.components = yyjson_obj_get(yyjson_doc_get_root(test.doc), "components");
    *state = &test;
    return test.components != NULL ? 0 : -1;
}

static int close_sbom(void **state)
{
    const struct sbom_test *test = *state;

    yyjson_doc_free(test->doc);
    return 0;
}

static const char *text_of(yyjson_val *object, const char *key)
{
    return yyjson_get_str(yyjson_obj_get(object, key));
}

static yyjson_val *component_named(yyjson_val *components, const char *name)
{
    size_t index, count;
    yyjson_val *component;

    yyjson_arr_foreach(components, index, count, component)
    {
        if (strcmp(text_of(component, "name"), name) == 0) {
            return component;
        }
    }
    return NULL;
}

static void it_is_cyclonedx_1_5(void **state)
{
    const struct sbom_test *test = *state;
    yyjson_val *root = yyjson_doc_get_root(test->doc);
    const char *serial = text_of(root, "serialNumber");

    assert_string_equal(text_of(root, "bomFormat"), "CycloneDX");
    assert_string_equal(text_of(root, "specVersion"), "1.5");
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "version")), 1);
    assert_int_equal(strlen(serial), strlen("urn:uuid:00000000-0000-8000-8000-000000000000"));
    assert_int_equal(strncmp(serial, "urn:uuid:", 9), 0);
    assert_int_equal(serial[23], '8');
}

/* Checks one component against one line of the manifest; the columns are toolchain/lock.tsv's. */
static void check_component(yyjson_val *components, char *columns[MANIFEST_COLUMNS])
{
    yyjson_val *component = component_named(components, columns[0]);
    yyjson_val *hash, *licence;
    char purl_start[200];

    assert_non_null(component);
    assert_string_equal(text_of(component, "type"), "library");
    assert_string_equal(text_of(component, "version"), columns[1]);
    (void)snprintf(purl_start, sizeof(purl_start), "pkg:deb/debian/%s@", columns[3]);
    assert_memory_equal(text_of(component, "purl"), purl_start, strlen(purl_start));
    hash = yyjson_arr_get_first(yyjson_obj_get(component, "hashes"));
    assert_string_equal(text_of(hash, "alg"), "SHA-256");
    assert_string_equal(text_of(hash, "content"), columns[7]);
    assert_int_equal(strlen(columns[7]), 64);
    licence = yyjson_arr_get_first(yyjson_obj_get(component, "licenses"));
    assert_string_equal(text_of(licence, "expression"), columns[8]);
}

static void every_library_is_listed_as_built(void **state)
{
    const struct sbom_test *test = *state;
    FILE *manifest = fopen(SOTTO_DEPS_MANIFEST, "r");
    char line[1024];
    unsigned lines = 0;

    assert_non_null(manifest);
    while (fgets(line, sizeof(line), manifest) != NULL) {
        char *columns[MANIFEST_COLUMNS], *rest = line;

        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < MANIFEST_COLUMNS; i++) {
            columns[i] = strsep(&rest, "\t");
            assert_non_null(columns[i]);
        }
        check_component(test->components, columns);
        lines++;
    }
    assert_int_equal(fclose(manifest), 0);
    assert_true(lines >= 7);
    assert_true(yyjson_arr_size(test->components) >= lines);
}

static bool is_listed(yyjson_val *components, const char *ref)
{
    size_t index, count;
    yyjson_val *component;

    yyjson_arr_foreach(components, index, count, component)
    {
        if (strcmp(text_of(component, "bom-ref"), ref) == 0) {
            return true;
        }
    }
    return false;
}

static void dependencies_are_listed_and_tests_are_not_shipped(void **state)
{
    const struct sbom_test *test = *state;
    yyjson_val *programs = yyjson_obj_get(yyjson_doc_get_root(test->doc), "dependencies"), *program, *ref;
    const char *cmocka = text_of(component_named(test->components, "cmocka"), "bom-ref");
    size_t i, n, j, m;

    assert_true(yyjson_arr_size(programs) >= 1);
    yyjson_arr_foreach(programs, i, n, program)
    {
        assert_true(yyjson_arr_size(yyjson_obj_get(program, "dependsOn")) >= 6);
        yyjson_arr_foreach(yyjson_obj_get(program, "dependsOn"), j, m, ref)
        {
            assert_true(is_listed(test->components, yyjson_get_str(ref)));
            assert_string_not_equal(yyjson_get_str(ref), cmocka);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_cyclonedx_1_5),
        cmocka_unit_test(every_library_is_listed_as_built),
        cmocka_unit_test(dependencies_are_listed_and_tests_are_not_shipped),
    };

    return cmocka_run_group_tests_name("toolchain.sbom", tests, open_sbom, close_sbom);
}
