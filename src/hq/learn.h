/* Head office's learning commands. argv[0] is the command's word ("train"); the result is the exit code of
 * docs: 0, or sotto_status_exit_code. Results go to standard output, messages and progress to standard error.
 */
#ifndef SOTTO_HQ_LEARN_H
#define SOTTO_HQ_LEARN_H

int sotto_hq_cmd_train(int argc, char **argv);
int sotto_hq_cmd_model(int argc, char **argv); /* model compile | predict | check | features | report */
int sotto_hq_cmd_describe(int argc, char **argv);

#endif
