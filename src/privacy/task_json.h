/* Members of the tasks file. Each names the member and its line in diag when it fails. */
#ifndef SOTTO_PRIVACY_TASK_JSON_H
#define SOTTO_PRIVACY_TASK_JSON_H

#include "sotto/privacy.h"

enum { TASK_EPSILON_DECIMALS = 6, TASK_DELTA_DECIMALS = 12 };
#define TASK_LIFETIME_MAX_UEPS (1000000 * INT64_C(1000000))
#define TASK_DELTA_MAX_E12     INT64_C(1000000000) /* 0.001: a delta above is no protection */

bool sotto_task_name_byte(uint8_t c); /* A-Z a-z 0-9 . _ - */
bool sotto_task_tag_byte(uint8_t c);  /* the same in lower case */
/* A member that must be there. */
SOTTO_MUST_USE sotto_status sotto_task_member(sotto_json_node object, const char *name, sotto_json_node *out,
                                              sotto_diag *diag);
/* 1..64 bytes, each accepted by `allowed`. */
SOTTO_MUST_USE sotto_status sotto_task_label(sotto_json_node object, const char *member,
                                             bool (*allowed)(uint8_t), char *out, size_t cap,
                                             sotto_diag *diag);
/* A member that has only one value; any other is for another program. */
SOTTO_MUST_USE sotto_status sotto_task_word(sotto_json_node object, const char *member, const char *word,
                                            sotto_diag *diag);
/* A number in 10^-decimals .. max (in that unit). */
SOTTO_MUST_USE sotto_status sotto_task_decimal(sotto_json_node object, const char *member, unsigned decimals,
                                               int64_t max, uint64_t *out, sotto_diag *diag);
/* 1 .. max */
SOTTO_MUST_USE sotto_status sotto_task_u32(sotto_json_node object, const char *member, int64_t max,
                                           uint32_t *out, sotto_diag *diag);
/* 1 .. max texts of 1..64 bytes, no two alike. */
SOTTO_MUST_USE sotto_status sotto_task_list(sotto_json_node object, const char *member, size_t max,
                                            const char *const **out, size_t *count, sotto_arena *arena,
                                            sotto_diag *diag);
/* One of `words`; *out its index. */
SOTTO_MUST_USE sotto_status sotto_task_choice(sotto_json_node object, const char *member,
                                              const char *const *words, size_t count, size_t *out,
                                              sotto_diag *diag);

/* One task of a file of version 2, or 1; file: what holds for all. Names and lists into arena. */
SOTTO_MUST_USE sotto_status sotto_task_read(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                                            sotto_arena *arena, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_task_read_1(sotto_task *out, sotto_json_node node, const sotto_tasks *file,
                                              sotto_arena *arena, sotto_diag *diag);

#endif
