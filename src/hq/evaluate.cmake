# Head office's judging commands: evaluate, value; and recommend, which shares their tables. They use the learning commands' options, sayings and XGBoost. Fits need
# NLopt (Debian: libnlopt-dev; MIT, one algorithm of its set LGPL: linked as a shared library, at head office only); without
# it `value` says so.
set(SOTTO_HQ_EVALUATE_SOURCES evaluate.c evaluate_bgnbd.c evaluate_buys.c evaluate_curvature.c evaluate_metric.c
  evaluate_ope.c evaluate_policy.c evaluate_predictions.c evaluate_qini.c evaluate_rank.c evaluate_say.c evaluate_stat.c
  evaluate_table.c evaluate_totals.c chances.c evaluate_target.c evaluate_uplift.c evaluate_value.c recommend.c recommend_choose.c recommend_embed.c
  recommend_evaluate.c recommend_learn.c recommend_log.c recommend_predict.c recommend_solve.c recommend_train.c
  recommend_write.c)
set(SOTTO_HQ_EVALUATE_LIBS m)
find_path(SOTTO_NLOPT_INCLUDE nlopt.h)
find_library(SOTTO_NLOPT_LIBRARY nlopt)
if(SOTTO_NLOPT_INCLUDE AND SOTTO_NLOPT_LIBRARY)
  add_library(sotto_nlopt INTERFACE)
  target_include_directories(sotto_nlopt SYSTEM INTERFACE ${SOTTO_NLOPT_INCLUDE})
  target_link_libraries(sotto_nlopt INTERFACE ${SOTTO_NLOPT_LIBRARY})
  list(APPEND SOTTO_HQ_EVALUATE_SOURCES evaluate_fit.c)
  list(APPEND SOTTO_HQ_EVALUATE_LIBS sotto_nlopt)
else()
  message(STATUS "NLopt is not here: sotto-hq will not fit customers' value (Debian: libnlopt-dev)")
  list(APPEND SOTTO_HQ_EVALUATE_SOURCES evaluate_fit_none.c)
endif()
