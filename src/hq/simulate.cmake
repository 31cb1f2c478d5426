# sotto-hq simulate, sotto-hq advise: need the population's customers, the learning and judging commands and the page kit.
set(SOTTO_HQ_SIMULATE_SOURCES simulate.c simulate_input.c simulate_people.c simulate_answer.c simulate_run.c
  simulate_all.c simulate_sum.c simulate_say.c simulate_page.c advise.c advise_read.c advise_judge.c
  advise_say.c)
find_package(Threads REQUIRED)
set(SOTTO_HQ_SIMULATE_LIBS m Threads::Threads)
