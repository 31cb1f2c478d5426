/*
 * A fleet that comes back after head office was away for a week. Every moment is drawn by the functions that
 * the terminal draws it by (sotto_night_start, sotto_night_pause) in the order in which `sotto sync --within
 * 14400 --until-done` asks for them; only the clock and the line are simulated, second by second.
 *
 *   stampede [DEVICES] [FILE.svg]     100,000; prints JSON; exit 1 when a bound is broken
 *
 * Scenes: when head office is back, in hours after the timer's 01:00. Its collectors serve what twice the
 * mean asks for and send the others away with 503 and Retry-After, as serve does when it sheds.
 */
#include "sotto/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_S = 14400,  /* --within */
    GIVE_UP_S = 14400, /* of --until-done, from the terminal's own moment */
    END_S = 10 * 3600, /* of one night's simulation */
    MINUTES = END_S / 60,
    NIGHT = 20780,
    SCENES = 5,
    NONE = -1
};
/* Arrivals of the busiest minute over the mean of a quiet night (devices / window). A scene in which head
 * office is back before the window has no waiting fleet, and its own bound. */
static const double MOST_WAITING = 8.0, MOST_QUIET = 1.5;

typedef struct stage {
    const char *name;
    int64_t back_s;   /* after the timer; 0 = before it */
    bool thoughtless; /* for comparison only: tries again every minute */
} stage;
static const stage SCENE[SCENES] = {{"back before the window", 0, false},
                                    {"back after one hour", 3600, false},
                                    {"back after two and a half hours", 9000, false},
                                    {"back when the window ends", 14400, false},
                                    {"the same, if each tried every minute", 14400, true}};

typedef struct outcome {
    uint32_t came[MINUTES], served[MINUTES];
    uint64_t done, sent_away, next_night;
    uint32_t most;        /* arrivals of the busiest minute since head office is back */
    int64_t all_served_s; /* since then; of those served this night */
} outcome;

typedef struct fleet {
    int32_t devices;
    int32_t first[END_S]; /* who comes in a second */
    int32_t *next;
    uint32_t *attempt;
    int64_t *begun;
} fleet;

static void name_of(int32_t device, char out[static 32])
{
    (void)snprintf(out, 32, "branch-%04d-atm-%02d", (int)device / 40, (int)device % 40);
}

static void must(sotto_status status)
{
    if (status != SOTTO_OK)
        abort();
}

static void comes(fleet *f, int32_t device, int64_t s)
{
    if (s >= END_S)
        return;
    f->next[device] = f->first[s];
    f->first[s] = device;
}

static void begin(fleet *f)
{
    char name[32];
    memset(f->first, 0xff, sizeof f->first);
    memset(f->attempt, 0, (size_t)f->devices * sizeof *f->attempt);
    for (int32_t i = 0; i < f->devices; i++) {
        name_of(i, name);
        must(sotto_night_start(name, NIGHT, WINDOW_S, &f->begun[i]));
        comes(f, i, f->begun[i]);
    }
}

/* What serve says to those that it sheds, in turn (src/sync/server_reply.c). */
static int64_t retry_after(outcome *out)
{
    static const int64_t later[] = {30, 45, 60, 75, 90};
    return later[out->sent_away++ % SOTTO_COUNT(later)];
}

static void comes_again(fleet *f, const stage *scene, outcome *out, int32_t device, int64_t s,
                        int64_t asked_s)
{
    char name[32];
    int64_t pause_s = 60;
    name_of(device, name);
    if (!scene->thoughtless)
        must(sotto_night_pause(name, NIGHT, f->attempt[device], asked_s, &pause_s));
    f->attempt[device]++;
    if (s - f->begun[device] + pause_s > GIVE_UP_S)
        out->next_night++;
    else
        comes(f, device, s + pause_s);
}

static void live(fleet *f, const stage *scene, uint32_t capacity, outcome *out)
{
    memset(out, 0, sizeof *out);
    begin(f);
    for (int64_t s = 0; s < END_S; s++) {
        uint32_t served = 0;
        for (int32_t i = f->first[s], next; i != NONE; i = next) {
            next = f->next[i];
            out->came[s / 60]++;
            if (s < scene->back_s) {
                comes_again(f, scene, out, i, s, 0);
            } else if (served < capacity) {
                served++;
                out->done++;
                out->all_served_s = s - scene->back_s;
            } else {
                comes_again(f, scene, out, i, s, retry_after(out));
            }
        }
        out->served[s / 60] += served;
    }
    for (int64_t m = scene->back_s / 60; m < MINUTES; m++)
        out->most = out->came[m] > out->most ? out->came[m] : out->most;
}

/* ---- the plot ---- */

enum { LEFT = 60, TOP = 30, WIDE = 860, HIGH = 300 };
static const char *const COLOUR[SCENES] = {"#1b7837", "#2166ac", "#762a83", "#b35806", "#bbbbbb"};

static void draw_axes(FILE *out, double mean, double largest)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"18\">Terminals that call in a minute, as a multiple of a quiet night's mean, "
            "after head office was away for a week</text>\n",
            LEFT + WIDE + 20, TOP + HIGH + 150, LEFT);
    for (int i = 0; i <= (int)largest; i += largest > 10 ? 5 : 1)
        fprintf(out,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#dddddd\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n",
                LEFT, LEFT + WIDE, TOP + HIGH - i / largest * HIGH, TOP + HIGH - i / largest * HIGH, LEFT - 8,
                TOP + HIGH - i / largest * HIGH + 4, i);
    for (int hour = 0; hour <= END_S / 3600; hour++)
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%02d:00</text>\n",
                LEFT + WIDE * hour * 3600 / END_S, TOP + HIGH + 18, hour + 1);
    (void)mean;
}

static void draw_scene(FILE *out, size_t number, const outcome *o, double mean, double largest)
{
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", COLOUR[number]);
    for (int m = 0; m < MINUTES; m++) {
        double y = o->came[m] / mean;
        fprintf(out, "%.1f,%.1f ", LEFT + (m + 0.5) * WIDE / MINUTES,
                TOP + HIGH - (y > largest ? largest : y) / largest * HIGH);
    }
    fprintf(out,
            "\"/>\n<line x1=\"%d\" x2=\"%d\" y1=\"%zu\" y2=\"%zu\" stroke=\"%s\" stroke-width=\"3\"/>"
            "<text x=\"%d\" y=\"%zu\">%s: %.2f at most, %.1f h until all are served</text>\n",
            LEFT, LEFT + 30, TOP + HIGH + 40 + number * 20, TOP + HIGH + 40 + number * 20, COLOUR[number],
            LEFT + 40, TOP + HIGH + 44 + number * 20, SCENE[number].name, o->most / mean,
            (double)o->all_served_s / 3600);
}

static bool draw(const char *path, const outcome *o, double mean)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    double largest = 8; /* the thoughtless go off the paper */
    draw_axes(out, mean, largest);
    for (size_t i = SCENES; i-- > 0;)
        draw_scene(out, i, &o[i], mean, largest);
    fputs("</svg>\n", out);
    return fclose(out) == 0;
}

/* ---- what came of it ---- */

static bool tell(size_t number, const outcome *o, double mean, int32_t devices)
{
    const stage *s = &SCENE[number];
    double most = o->most / mean;
    bool good = s->thoughtless || (most <= (s->back_s > 0 ? MOST_WAITING : MOST_QUIET) &&
                                   o->done + o->next_night == (uint64_t)devices);
    printf("  {\"scene\": \"%s\", \"peak_to_mean\": %.2f, \"served\": %llu, \"next_night\": %llu, "
           "\"sent_away\": %llu, "
           "\"hours_until_served\": %.2f, \"good\": %s}%s\n",
           s->name, most, (unsigned long long)o->done, (unsigned long long)o->next_night,
           (unsigned long long)o->sent_away, (double)o->all_served_s / 3600, good ? "true" : "false",
           number + 1 < SCENES ? "," : "");
    return good;
}

int main(int argc, char **argv)
{
    bool good = true;
    fleet *f = calloc(1, sizeof *f);
    outcome *o = calloc(SCENES, sizeof *o);
    int32_t devices = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : 100000;
    if (f == NULL || o == NULL || devices < 1000 || devices > 10000000)
        return 2;
    f->devices = devices;
    f->next = calloc((size_t)devices, sizeof *f->next);
    f->attempt = calloc((size_t)devices, sizeof *f->attempt);
    f->begun = calloc((size_t)devices, sizeof *f->begun);
    if (f->next == NULL || f->attempt == NULL || f->begun == NULL || sotto_vault_start(NULL) != SOTTO_OK)
        return 2;
    double mean = devices / (double)(WINDOW_S / 60);
    uint32_t capacity = (uint32_t)(2 * devices / WINDOW_S) + 1; /* a second: twice the mean */
    printf("{\"devices\": %d, \"mean_a_minute\": %.0f, \"served_a_second\": %u, \"scenes\": [\n",
           (int)devices, mean, (unsigned)capacity);
    for (size_t i = 0; i < SCENES; i++) {
        live(f, &SCENE[i], capacity, &o[i]);
        good = tell(i, &o[i], mean, devices) && good;
    }
    printf("]}\n");
    if (argc > 2 && !draw(argv[2], o, mean))
        good = false;
    free(f->next);
    free(f->attempt);
    free(f->begun);
    free(f);
    free(o);
    return good ? 0 : 1;
}
