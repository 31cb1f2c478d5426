/* sotto-hq population: a bank's customers, their history of offers and a day's arrivals, generated or taken
 * from a table with a label. docs/population.md describes them. */
#ifndef SOTTO_HQ_POPULATION_H
#define SOTTO_HQ_POPULATION_H

int sotto_hq_cmd_population(int argc, char **argv);

#endif
