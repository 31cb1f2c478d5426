/* Policies before and after they are published: sotto-hq simulate, sotto-hq advise. */
#ifndef SOTTO_HQ_SIMULATE_H
#define SOTTO_HQ_SIMULATE_H

int sotto_hq_cmd_simulate(int argc, char **argv);
int sotto_hq_cmd_advise(int argc, char **argv);

#endif
