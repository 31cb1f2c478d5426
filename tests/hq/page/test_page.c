/* The page kit: what stands in a page, whatever text and numbers it is given. */
#include "page/page.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char EVIL[] = "<b>\"x'&</script><!--\xff\xc3";
static const char EVIL_HTML[] = "&lt;b&gt;&quot;x&#39;&amp;&lt;/script&gt;&lt;!--\xef\xbf\xbd\xef\xbf\xbd";

/* The page as a string; the caller frees it. */
static char *text_of(page *p)
{
    char *text = malloc(p->html.len + 1);
    assert_non_null(text);
    memcpy(text, p->html.ptr, p->html.len);
    text[p->html.len] = '\0';
    return text;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + strlen(part), part))
        n++;
    return n;
}

static void fill(page *p, const char *name)
{
    const double x[3] = {0, 0.5, 1}, y[3] = {1e-9, NAN, INFINITY}, low[3] = {0, 0, 0}, high[3] = {1, 1, 1};
    const char *const categories[2] = {name, "plain"}, *const heads[2] = {name, name};
    const page_fact fact = {.name = name, .figure = name, .more = name};
    const page_series curves[2] = {
        {.name = name, .shape = PAGE_TRACK, .count = 3, .x = x, .y = y, .low = low, .high = high},
        {.name = "other", .shape = PAGE_LINE, .count = 2, .x = y, .y = x}};
    const page_series bars = {.name = name, .shape = PAGE_BARS, .count = 2, .y = x};
    page_plot plot = {.title = name,
                      .words = name,
                      .x = {.name = name},
                      .y = {.name = name},
                      .series = curves,
                      .series_count = 2};
    page_begin(p, name, name);
    page_section(p, name);
    page_say(p, "%s", name);
    page_note(p, "%s", name);
    page_facts(p, &fact, 1);
    page_table_begin(p, name, PAGE_WORDS, heads, 2);
    page_table_row(p, heads, 2);
    page_table_end(p);
    page_draw(p, &plot);
    plot.categories = categories;
    plot.category_count = 2;
    plot.sideways = true;
    plot.series = &bars;
    plot.series_count = 1;
    page_draw(p, &plot);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    page plain, evil;
    fill(&plain, "plain");
    fill(&evil, EVIL);
    assert_int_equal(page_end(&plain, NULL), SOTTO_OK);
    assert_int_equal(page_end(&evil, NULL), SOTTO_OK);
    char *a = text_of(&plain), *b = text_of(&evil);
    assert_null(strstr(b, EVIL));
    assert_int_equal(count(a, "<script"), count(b, "<script"));
    assert_int_equal(count(a, "</script"), count(b, "</script"));
    assert_int_equal(count(a, "<b>"), count(b, "<b>"));
    assert_true(count(b, EVIL_HTML) >= 12);
    assert_true(sotto_utf8_valid(sotto_vec_span(&evil.html), &(size_t){0}));
    free(a);
    free(b);
    page_free(&plain);
    page_free(&evil);
}

static void numbers_that_are_none_are_gaps(void **state)
{
    (void)state;
    char text[32];
    page p;
    fill(&p, "name");
    assert_int_equal(page_end(&p, NULL), SOTTO_OK);
    char *html = text_of(&p);
    if (page_has_plots()) {
        assert_non_null(strstr(html, "[0.5,null,0,1]"));
        assert_non_null(strstr(html, "[1,null,0,1]"));
    }
    assert_non_null(strstr(html, "<td>–</td>"));
    page_number(text, 0.38, PAGE_PERCENT);
    assert_string_equal(text, "38.0 %");
    page_number(text, -INFINITY, PAGE_NUMBER);
    assert_string_equal(text, "–");
    free(html);
    page_free(&p);
}

/* The policy comes before anything that it governs, and names what is there by its hash. */
static void policy_stands_first(void **state)
{
    (void)state;
    page p;
    fill(&p, "name");
    assert_int_equal(page_end(&p, NULL), SOTTO_OK);
    char *html = text_of(&p);
    const char *policy = strstr(html, "Content-Security-Policy");
    assert_non_null(policy);
    assert_true(policy < strstr(html, "<style"));
    assert_true(!page_has_plots() || policy < strstr(html, "<script"));
    assert_int_equal(count(html, "<script>"), page_has_plots() ? 2 : 0);
    assert_null(strstr(html, "http://cdn"));
    assert_int_equal(count(html, "<section>"), count(html, "</section>"));
    assert_int_equal(count(html, "<figure>"), count(html, "</figure>"));
    free(html);
    page_free(&p);
}

/* The scripts stand between tags: were the closing one inside of them, the rest would be shown as text. */
static void scripts_hold_no_end_tag(void **state)
{
    (void)state;
    const sotto_span files[] = {page_asset_kit(), page_asset_plots(), page_asset_style()};
    for (size_t i = 0; i < SOTTO_COUNT(files); i++) {
        if (files[i].len == 0)
            continue;
        assert_null(memmem(files[i].ptr, files[i].len, "</script", 8));
        assert_null(memmem(files[i].ptr, files[i].len, "</style", 7));
        assert_null(memmem(files[i].ptr, files[i].len, "<!--", 4));
    }
    assert_true(files[0].len > 0 && files[2].len > 0);
}

/* A page that could not be written to its end is an error at the end, wherever it stopped. */
static void a_full_page_is_an_error(void **state)
{
    (void)state;
    size_t whole = 0;
    for (size_t limit = 0; limit < 60000; limit += limit < 2000 ? 97 : 9001) {
        page p;
        sotto_diag diag = {.status = SOTTO_OK};
        page_begin(&p, "name", NULL);
        p.html.limit = p.html.len + limit;
        if (p.html.cap > p.html.limit)
            p.html.cap = p.html.limit;
        page_say(&p, "words");
        page_draw(&p,
                  &(page_plot){
                      .title = "t", .words = "w", .series = &(page_series){.name = "s"}, .series_count = 1});
        sotto_status status = page_end(&p, &diag);
        whole += status == SOTTO_OK;
        assert_true(status == SOTTO_OK || diag.text[0] != '\0');
        page_free(&p);
    }
    assert_int_equal(whole > 0, !page_has_plots());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_stays_text), cmocka_unit_test(numbers_that_are_none_are_gaps),
        cmocka_unit_test(policy_stands_first),     cmocka_unit_test(scripts_hold_no_end_tag),
        cmocka_unit_test(a_full_page_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
