# Generated customers, for demonstrations and tests: nothing of it is linked into a terminal.
set(SOTTO_HQ_POPULATION_SOURCES population.c population_random.c population_person.c population_taste.c population_bank.c
  population_day.c population_table.c population_dictionary.c population_file.c)
