/*
 * A fleet that comes back after head office was away for a week. Every moment is drawn by the functions that
 * the terminal draws it by (sotto_night_start, sotto_night_pause) in the order in which `sotto sync --within
 * 14400 --until-done` asks for them; only the clock, the line and the collector are simulated, second by
 * second.
 *
 *   stampede [DEVICES] [FILE.svg [FACTOR [DATABASE]]]     100,000; 6; half as much again; prints JSON; exit 1
 *                                                         when a bound is broken
 *
 * Scenes: when head office is back, in hours after the timer's 01:00. Each terminal then has a week's seven
 * reports. The collectors have FACTOR times the CPU that the mean of a quiet night takes, PostgreSQL has
 * DATABASE times its own. They do what serve does: in each round some new handshakes, then requests in their
 * order, whose rows it waits for: who of the two is out of CPU holds up both. 503 and Retry-After for who has
 * waited 5 s; who has no handshake after a minute gets no answer at all and goes by its own pause.
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
    SCENES = 6,
    WEEK = 7,       /* reports that a terminal has after it */
    PATIENCE_S = 5, /* src/sync/server.c */
    ACCEPTS = 16,   /* there, of a round */
    BATCH = 128,    /* include/sotto/sync.h: requests of a round */
    REQUESTS = 5,   /* of a night, besides its reports */
    TIMEOUT_S = 60, /* src/kiosk/night/office.c */
    NONE = -1
};
/* CPU in microseconds (docs/figures.md, "The collector", a night on PostgreSQL). Of the collector: a
 * handshake, what every night asks, and its reports; of PostgreSQL: a night and its reports. */
enum { HANDSHAKE_US = 1000, REQUESTS_US = 1700, REPORT_US = 470, ROWS_US = 3000, REPORT_ROWS_US = 1200 };
static const int64_t QUIET_US = HANDSHAKE_US + REQUESTS_US + REPORT_US;
static const int64_t QUIET_ROWS_US = ROWS_US + REPORT_ROWS_US;
/* Arrivals of the busiest minute over the mean of a quiet night (devices / window). A scene in which head
 * office is back before the window has no waiting fleet, and its own bound. */
static const double MOST_WAITING = 8.0, MOST_QUIET = 1.5;

typedef struct stage {
    const char *name;
    int64_t back_s; /* after the timer; 0 = before it */
    int reports;
    bool thoughtless; /* for comparison only: tries again every minute */
} stage;
static const stage SCENE[SCENES] = {{"back before the window", 0, WEEK, false},
                                    {"back after one hour", 3600, WEEK, false},
                                    {"back after two and a half hours", 9000, WEEK, false},
                                    {"back when the window ends", 14400, WEEK, false},
                                    {"the same, with one report each", 14400, 1, false},
                                    {"the same, if each tried every minute", 14400, WEEK, true}};

typedef struct outcome {
    uint32_t came[MINUTES], served[MINUTES];
    uint64_t done, sent_away, unanswered, next_night;
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

/* Who waits, in order. Nobody stands in one twice. */
typedef struct queue {
    int32_t *device;
    int64_t *since;
    size_t at, count, cap;
} queue;

static void join(queue *q, int32_t device, int64_t s)
{
    size_t place = (q->at + q->count++) % q->cap;
    q->device[place] = device;
    q->since[place] = s;
}

/* The first, when it has waited longer than limit_s or limit_s is NONE. */
static bool leave(queue *q, int64_t s, int64_t limit_s, int32_t *device)
{
    if (q->count == 0 || (limit_s != NONE && s - q->since[q->at] <= limit_s))
        return false;
    *device = q->device[q->at];
    q->at = (q->at + 1) % q->cap;
    q->count--;
    return true;
}

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

/* ---- the collector ---- */

typedef struct office {
    queue door, room; /* before the handshake, after it */
    int64_t a_second_us, left_us;
    int64_t rows_a_second_us, rows_left_us; /* PostgreSQL */
} office;

static bool has_left(const office *o)
{
    return o->left_us > 0 && o->rows_left_us > 0;
}

static void turn_away_late(fleet *f, const stage *scene, office *o, outcome *out, int64_t s)
{
    int32_t device;
    while (leave(&o->door, s, TIMEOUT_S, &device)) {
        out->unanswered++;
        comes_again(f, scene, out, device, s, 0);
    }
    while (leave(&o->room, s, PATIENCE_S, &device))
        comes_again(f, scene, out, device, s, retry_after(out));
}

/* A round of the server: so many new connections, then so many requests. */
static void work_round(const stage *scene, office *o, outcome *out, int64_t s)
{
    int32_t device;
    for (int i = 0; i < ACCEPTS && has_left(o) && leave(&o->door, s, NONE, &device); i++) {
        o->left_us -= HANDSHAKE_US;
        join(&o->room, device, s);
    }
    for (int i = 0; i < BATCH && has_left(o) && leave(&o->room, s, NONE, &device);
         i += REQUESTS + scene->reports) {
        o->left_us -= REQUESTS_US + scene->reports * REPORT_US;
        o->rows_left_us -= ROWS_US + scene->reports * REPORT_ROWS_US;
        out->served[s / 60]++;
        out->done++;
        out->all_served_s = s - scene->back_s;
    }
}

/* What is left of a second is not saved for the next, what was overdrawn is owed. */
static void work(fleet *f, const stage *scene, office *o, outcome *out, int64_t s)
{
    o->left_us = o->a_second_us + (o->left_us < 0 ? o->left_us : 0);
    o->rows_left_us = o->rows_a_second_us + (o->rows_left_us < 0 ? o->rows_left_us : 0);
    turn_away_late(f, scene, o, out, s);
    while (has_left(o) && o->door.count + o->room.count > 0)
        work_round(scene, o, out, s);
}

static void live(fleet *f, const stage *scene, office *o, outcome *out)
{
    memset(out, 0, sizeof *out);
    o->door.count = o->room.count = 0;
    o->left_us = o->rows_left_us = 0;
    begin(f);
    for (int64_t s = 0; s < END_S; s++) {
        for (int32_t i = f->first[s], next; i != NONE; i = next) {
            next = f->next[i];
            out->came[s / 60]++;
            if (s < scene->back_s)
                comes_again(f, scene, out, i, s, 0);
            else
                join(&o->door, i, s);
        }
        if (s >= scene->back_s)
            work(f, scene, o, out, s);
    }
    for (int64_t m = scene->back_s / 60; m < MINUTES; m++)
        out->most = out->came[m] > out->most ? out->came[m] : out->most;
}

static bool open_office(office *o, int32_t devices, double factor, double database)
{
    queue *both[] = {&o->door, &o->room};
    o->a_second_us = (int64_t)(factor * (double)QUIET_US * devices / WINDOW_S);
    o->rows_a_second_us = (int64_t)(database * (double)QUIET_ROWS_US * devices / WINDOW_S);
    for (size_t i = 0; i < SOTTO_COUNT(both); i++) {
        both[i]->cap = (size_t)devices;
        both[i]->device = calloc((size_t)devices, sizeof *both[i]->device);
        both[i]->since = calloc((size_t)devices, sizeof *both[i]->since);
        if (both[i]->device == NULL || both[i]->since == NULL)
            return false;
    }
    return true;
}

static void close_office(office *o)
{
    free(o->door.device);
    free(o->door.since);
    free(o->room.device);
    free(o->room.since);
}

/* ---- the plot ---- */

enum { LEFT = 60, TOP = 30, WIDE = 860, HIGH = 300 };
static const char *const COLOUR[SCENES] = {"#1b7837", "#2166ac", "#762a83", "#b35806", "#e08214", "#bbbbbb"};

/* The first full hour in which nobody calls any more, in any scene. */
static int last_hour(const outcome *o)
{
    int last = 0;
    for (size_t i = 0; i < SCENES; i++)
        for (int m = 0; m < MINUTES; m++)
            last = o[i].came[m] > 0 && m > last ? m : last;
    return last / 60 + 1;
}

static void draw_axes(FILE *out, double largest, int hours)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"18\">Terminals that call in a minute, as a multiple of a quiet night's mean, "
            "after head office was away for a week</text>\n",
            LEFT + WIDE + 20, TOP + HIGH + 170, LEFT);
    for (int i = 0; i <= (int)largest; i += largest > 10 ? 5 : 1)
        fprintf(out,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#dddddd\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n",
                LEFT, LEFT + WIDE, TOP + HIGH - i / largest * HIGH, TOP + HIGH - i / largest * HIGH, LEFT - 8,
                TOP + HIGH - i / largest * HIGH + 4, i);
    for (int hour = 0; hour <= hours; hour++)
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%02d:00</text>\n",
                LEFT + WIDE * hour / hours, TOP + HIGH + 18, hour + 1);
}

/* Calls of the minutes from begin to before end. */
static void draw_line(FILE *out, const outcome *o, int begin, int end, const char *look, double mean,
                      double largest, int hours)
{
    fprintf(out, "<polyline fill=\"none\" %s points=\"", look);
    for (int m = begin; m < end; m++) {
        double y = o->came[m] / mean;
        fprintf(out, "%.1f,%.1f ", LEFT + (m + 0.5) * WIDE / (60 * hours),
                TOP + HIGH - (y > largest ? largest : y) / largest * HIGH);
    }
    fputs("\"/>\n", out);
}

/* Calls that found nobody are dotted: the figure in words is of those since head office is back. */
static void draw_scene(FILE *out, size_t number, const outcome *o, double mean, double largest, int hours)
{
    char look[64];
    int back = (int)(SCENE[number].back_s / 60);
    snprintf(look, sizeof look, "stroke=\"%s\" stroke-dasharray=\"1 3\"", COLOUR[number]);
    if (back > 0)
        draw_line(out, o, 0, back, look, mean, largest, hours);
    snprintf(look, sizeof look, "stroke=\"%s\" stroke-width=\"1.5\"", COLOUR[number]);
    draw_line(out, o, back, 60 * hours, look, mean, largest, hours);
    fprintf(out,
            "<line x1=\"%d\" x2=\"%d\" y1=\"%zu\" y2=\"%zu\" stroke=\"%s\" stroke-width=\"3\"/>"
            "<text x=\"%d\" y=\"%zu\">%s: then %.2f at most, %.1f h until all are served</text>\n",
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
    int hours = last_hour(o);
    draw_axes(out, largest, hours);
    for (size_t i = SCENES; i-- > 0;)
        draw_scene(out, i, &o[i], mean, largest, hours);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\" fill=\"#666666\">dotted: calls that found nobody, before head office is "
            "back; off the paper above %.0f</text>\n</svg>\n",
            LEFT, TOP + HIGH + 44 + SCENES * 20, largest);
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
           "\"sent_away\": %llu, \"unanswered\": %llu, "
           "\"hours_until_served\": %.2f, \"good\": %s}%s\n",
           s->name, most, (unsigned long long)o->done, (unsigned long long)o->next_night,
           (unsigned long long)o->sent_away, (unsigned long long)o->unanswered,
           (double)o->all_served_s / 3600, good ? "true" : "false", number + 1 < SCENES ? "," : "");
    return good;
}

static bool open_fleet(fleet *f, int32_t devices)
{
    f->devices = devices;
    f->next = calloc((size_t)devices, sizeof *f->next);
    f->attempt = calloc((size_t)devices, sizeof *f->attempt);
    f->begun = calloc((size_t)devices, sizeof *f->begun);
    return f->next != NULL && f->attempt != NULL && f->begun != NULL;
}

static void close_fleet(fleet *f)
{
    free(f->next);
    free(f->attempt);
    free(f->begun);
}

static bool live_all(fleet *f, office *head, outcome *o)
{
    bool good = true;
    double mean = f->devices / (double)(WINDOW_S / 60);
    printf("{\"devices\": %d, \"mean_a_minute\": %.0f, \"cpu_ms_a_second\": %.1f, "
           "\"database_ms_a_second\": %.1f, \"scenes\": [\n",
           (int)f->devices, mean, (double)head->a_second_us / 1000, (double)head->rows_a_second_us / 1000);
    for (size_t i = 0; i < SCENES; i++) {
        live(f, &SCENE[i], head, &o[i]);
        good = tell(i, &o[i], mean, f->devices) && good;
    }
    printf("]}\n");
    return good;
}

int main(int argc, char **argv)
{
    static fleet f;
    static office head;
    static outcome o[SCENES];
    int32_t devices = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : 100000;
    double factor = argc > 3 ? strtod(argv[3], NULL) : 6;
    double database = argc > 4 ? strtod(argv[4], NULL) : factor * 1.5;
    if (devices < 1000 || devices > 10000000 || !open_fleet(&f, devices) || factor < 0.1 || factor > 1000 ||
        database < 0.1 || database > 1500 || !open_office(&head, devices, factor, database) ||
        sotto_vault_start(NULL) != SOTTO_OK)
        return 2;
    bool good = live_all(&f, &head, o);
    if (argc > 2 && !draw(argv[2], o, devices / (double)(WINDOW_S / 60)))
        good = false;
    close_office(&head);
    close_fleet(&f);
    return good ? 0 : 1;
}
