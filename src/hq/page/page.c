/* Pages: the document around words, tables and plots. */
#include "page/page.h"

#include "sotto/vault.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HASH_TEXT_BYTES = 45 }; /* base64 of 32 bytes, and its NUL */
static const size_t PAGE_BYTES_MAX = (size_t)256 << 20;

static void put_span(page *p, sotto_span html)
{
    if (p->status == SOTTO_OK && html.len > 0)
        p->status = sotto_vec_put(&p->html, html.ptr, html.len);
}

void page_raw(page *p, const char *html)
{
    put_span(p, sotto_span_str(html));
}

static const char *entity(uint8_t c)
{
    return c == ' '   ? "\xc2\xa0"
           : c == '<' ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '&' ? "&amp;"
           : c == '"' ? "&quot;"
                      : "&#39;";
}

/* A character that cannot stand as it is: five mean something in HTML's text and in quoted attributes
 * (HTML, 13.1.4), NUL is no text, and a line must not break between a number and its per cent. */
static bool is_special(sotto_span text, size_t at)
{
    uint8_t c = text.ptr[at];
    return strchr("<>&\"'", c) != NULL || (c == ' ' && at + 1 < text.len && text.ptr[at + 1] == '%');
}

static void put_escaped(page *p, sotto_span text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && !is_special(text, end))
            end++;
        put_span(p, sotto_span_of(text.ptr + at, end - at));
        if (end < text.len)
            page_raw(p, text.ptr[end] == '\0' ? "\xef\xbf\xbd" : entity(text.ptr[end]));
        at = end + 1;
    }
}

/* A byte that is not UTF-8 becomes U+FFFD, as in JSON: a reader must never have cause to guess an encoding.
 */
void page_text(page *p, const char *text)
{
    sotto_span rest = sotto_span_str(text);
    size_t bad = 0;
    while (!sotto_utf8_valid(rest, &bad)) {
        put_escaped(p, sotto_span_of(rest.ptr, bad));
        page_raw(p, "\xef\xbf\xbd");
        rest = sotto_span_of(rest.ptr + bad + 1, rest.len - bad - 1);
    }
    put_escaped(p, rest);
}

/* Inside <script> HTML sees neither quotes nor entities, but it does see "</script" and "<!--"
 * (HTML, 4.12.1.3). */
void page_json_in_script(page *p, const char *id, sotto_span json)
{
    page_raw(p, "<script type=\"application/json\" id=\"");
    page_text(p, id);
    page_raw(p, "\">");
    for (size_t at = 0; at < json.len;) {
        size_t end = at;
        while (end < json.len && json.ptr[end] != '<' && json.ptr[end] != '>' && json.ptr[end] != '&')
            end++;
        put_span(p, sotto_span_of(json.ptr + at, end - at));
        if (end < json.len)
            page_raw(p, json.ptr[end] == '<' ? "\\u003c" : json.ptr[end] == '>' ? "\\u003e" : "\\u0026");
        at = end + 1;
    }
    page_raw(p, "</script>\n");
}

void page_number(char out[static 32], double v, enum page_unit unit)
{
    if (!isfinite(v))
        (void)snprintf(out, 32, "–");
    else if (unit == PAGE_PERCENT)
        (void)snprintf(out, 32, "%.1f %%", 100 * v);
    else
        (void)snprintf(out, 32, "%.5g", v);
}

void page_begin(page *p, const char *title, const char *lead)
{
    *p = (page){.status = SOTTO_OK};
    sotto_vec_init(&p->html, PAGE_BYTES_MAX);
    page_raw(p, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    p->policy_at = p->html.len;
    page_raw(p, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
                "content=\"no-referrer\">\n"
                "<meta name=\"generator\" content=\"sotto-hq " SOTTO_VERSION "\">\n<title>");
    page_text(p, title);
    page_raw(p, "</title>\n<style>");
    put_span(p, page_asset_style());
    page_raw(p, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>");
    page_text(p, title);
    page_raw(p, "</h1>\n");
    if (lead != NULL) {
        page_raw(p, "<p class=\"lead\">");
        page_text(p, lead);
        page_raw(p, "</p>\n");
    }
    page_raw(p, "</header>\n");
}

static void end_section(page *p)
{
    if (p->in_section)
        page_raw(p, "</section>\n");
    p->in_section = false;
}

void page_section(page *p, const char *heading)
{
    end_section(p);
    page_raw(p, "<section>\n<h2>");
    page_text(p, heading);
    page_raw(p, "</h2>\n");
    p->in_section = true;
}

SOTTO_PRINTF(3, 0)
static void paragraph(page *p, const char *tag, const char *format, va_list args)
{
    char text[2048];
    (void)vsnprintf(text, sizeof text, format, args);
    page_raw(p, tag);
    page_text(p, text);
    page_raw(p, "</p>\n");
}

void page_say(page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    paragraph(p, "<p>", format, args);
    va_end(args);
}

void page_note(page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    paragraph(p, "<p class=\"note\">", format, args);
    va_end(args);
}

void page_facts(page *p, const page_fact *facts, size_t count)
{
    page_raw(p, "<dl class=\"facts\">\n");
    for (size_t i = 0; i < count; i++) {
        page_raw(p, "<div><dt>");
        page_text(p, facts[i].name);
        page_raw(p, "</dt><dd>");
        page_text(p, facts[i].figure);
        if (facts[i].more != NULL) {
            page_raw(p, "<small>");
            page_text(p, facts[i].more);
            page_raw(p, "</small>");
        }
        page_raw(p, "</dd></div>\n");
    }
    page_raw(p, "</dl>\n");
}

/* A table wider than a phone scrolls in its own box, which the keyboard can reach. */
void page_table_begin(page *p, const char *caption, enum page_cells cells, const char *const *heads,
                      size_t columns)
{
    p->tables++;
    page_raw(p, "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"");
    page_text(p, caption);
    page_raw(p, cells == PAGE_FIGURES ? "\"><table class=\"figures\">\n<caption>"
                                      : "\"><table class=\"words\">\n<caption>");
    page_text(p, caption);
    page_raw(p, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < columns; i++) {
        page_raw(p, "<th scope=\"col\">");
        page_text(p, heads[i]);
        page_raw(p, "</th>");
    }
    page_raw(p, "</tr></thead>\n<tbody>\n");
}

void page_table_row(page *p, const char *const *cells, size_t columns)
{
    page_raw(p, "<tr>");
    for (size_t i = 0; i < columns; i++) {
        page_raw(p, i == 0 ? "<th scope=\"row\">" : "<td>");
        page_text(p, cells[i]);
        page_raw(p, i == 0 ? "</th>" : "</td>");
    }
    page_raw(p, "</tr>\n");
}

void page_table_end(page *p)
{
    page_raw(p, "</tbody>\n</table></div>\n");
}

void page_fold_begin(page *p, const char *summary)
{
    page_raw(p, page_has_plots() ? "<details><summary>" : "<details open><summary>");
    page_text(p, summary);
    page_raw(p, "</summary>\n");
}

void page_fold_end(page *p)
{
    page_raw(p, "</details>\n");
}

void page_pair_begin(page *p)
{
    page_raw(p, "<div class=\"pair\">\n");
}

void page_pair_end(page *p)
{
    page_raw(p, "</div>\n");
}

static sotto_status hash_of(sotto_span script, char out[static HASH_TEXT_BYTES])
{
    uint8_t digest[SOTTO_SHA256_BYTES];
    sotto_status status = sotto_sha256(script, digest);
    return status == SOTTO_OK
               ? sotto_base64_encode(sotto_span_of(digest, sizeof digest), out, HASH_TEXT_BYTES)
               : status;
}

static void add_script(page *p, sotto_span script)
{
    page_raw(p, "<script>");
    put_span(p, script);
    page_raw(p, "</script>\n");
}

/* The policy stands before everything that it governs, so it is put in when the rest is there. Style
 * attributes are what a plot places its parts with; without a network and without images there is nothing
 * that a style could tell. */
static sotto_status put_policy(page *p)
{
    char kit[HASH_TEXT_BYTES], plots[HASH_TEXT_BYTES], policy[512];
    sotto_status status = hash_of(page_asset_kit(), kit);
    if (status == SOTTO_OK)
        status = hash_of(page_asset_plots(), plots);
    if (status != SOTTO_OK)
        return status;
    (void)snprintf(
        policy, sizeof policy,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
        "'sha256-%s' 'sha256-%s'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n",
        kit, plots);
    size_t len = strlen(policy), tail = p->html.len - p->policy_at;
    status = sotto_vec_put(&p->html, policy, len);
    if (status == SOTTO_OK) {
        memmove(p->html.ptr + p->policy_at + len, p->html.ptr + p->policy_at, tail);
        memcpy(p->html.ptr + p->policy_at, policy, len);
    }
    return status;
}

sotto_status page_end(page *p, sotto_diag *diag)
{
    end_section(p);
    page_raw(p, "<footer>Made by sotto-hq " SOTTO_VERSION
                ". This file is whole: it reads nothing from a network.</footer>\n"
                "</main>\n");
    if (p->plots > 0 && page_has_plots()) {
        add_script(p, page_asset_plots());
        add_script(p, page_asset_kit());
    }
    page_raw(p, "</body>\n</html>\n");
    if (p->status == SOTTO_OK)
        p->status = put_policy(p);
    return p->status == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, p->status, "the page cannot be made");
}

void page_free(page *p)
{
    sotto_vec_free(&p->html);
}
