/* Head office's recommender: what goes with what, learned from purchases. argv[0] is the command's word; the
 * result is the exit code. */
#ifndef SOTTO_HQ_RECOMMEND_H
#define SOTTO_HQ_RECOMMEND_H

int sotto_hq_cmd_recommend(int argc, char **argv); /* recommend train | predict | evaluate */

#endif
