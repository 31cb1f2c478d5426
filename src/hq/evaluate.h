/* Head office's judging commands: figures from files, and customers' value. argv[0] is the command's word;
 * the result is the exit code of docs: 0, or sotto_status_exit_code. */
#ifndef SOTTO_HQ_EVALUATE_H
#define SOTTO_HQ_EVALUATE_H

int sotto_hq_cmd_evaluate(int argc, char **argv); /* evaluate predictions | uplift | policy */
int sotto_hq_cmd_value(int argc, char **argv);

#endif
