/*
 * The commands of sotto-hq; main.c has their table. argv[0] is the command's word. The result is the exit
 * code: 0, or sotto_status_exit_code. Results go to standard output, messages and progress to standard error.
 */
#ifndef SOTTO_HQ_COMMANDS_H
#define SOTTO_HQ_COMMANDS_H

typedef struct hq_command {
    const char *name;
    const char *summary;
    const char *help; /* NULL: the command answers --help itself */
    int (*run)(int argc, char **argv);
} hq_command;
int hq_cmd_init(int argc, char **argv);
int hq_cmd_enrol_code(int argc, char **argv);
int hq_cmd_publish(int argc, char **argv);
int hq_cmd_keys(int argc, char **argv);
int hq_cmd_sign(int argc, char **argv);
int hq_cmd_serve(int argc, char **argv);
int hq_cmd_totals(int argc, char **argv);
int hq_cmd_funnel(int argc, char **argv);
int hq_cmd_lift(int argc, char **argv);
int hq_cmd_drift(int argc, char **argv);
int hq_cmd_plan_task(int argc, char **argv);
int hq_cmd_budgets(int argc, char **argv);
int hq_cmd_audit(int argc, char **argv);
int hq_cmd_devices(int argc, char **argv);
int hq_cmd_revoke(int argc, char **argv);
int hq_cmd_certificate(int argc, char **argv);
int hq_cmd_backup(int argc, char **argv);
int hq_cmd_restored(int argc, char **argv);
int hq_cmd_population(int argc, char **argv);
int hq_cmd_describe(int argc, char **argv);
int hq_cmd_train(int argc, char **argv);
int hq_cmd_model(int argc, char **argv);
int hq_cmd_evaluate(int argc, char **argv);
int hq_cmd_recommend(int argc, char **argv);
int hq_cmd_value(int argc, char **argv);
int hq_cmd_simulate(int argc, char **argv);
int hq_cmd_advise(int argc, char **argv);
int hq_cmd_aggregate(int argc, char **argv);
int hq_cmd_pack(int argc, char **argv);
int hq_cmd_swarm(int argc, char **argv);

#endif
