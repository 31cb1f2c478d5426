# Head office's learning commands: train, model, describe. Training needs XGBoost's C library (Debian: libxgboost-dev);
# without it the same commands say so.
set(SOTTO_HQ_LEARN_SOURCES learn_say.c learn_input.c learn_table.c learn_field.c learn_metric.c
  learn_split.c learn_train.c learn_train_say.c learn_fit.c learn_cv.c learn_tune.c learn_drift.c learn_goal.c learn_goal_train.c learn_psi.c learn_calibrate.c learn_calibrate_fit.c learn_model.c learn_compile.c learn_combine.c learn_source.c learn_proof.c learn_provenance.c learn_walker.c learn_walker_text.c learn_walker_card.c learn_walker_means.c learn_walker_onnx.c learn_walker_graph.c learn_walker_ensemble.c learn_predict.c
  learn_check.c learn_features.c learn_describe.c learn_infer.c learn_write.c)
set(SOTTO_HQ_LEARN_LIBS m)
find_path(SOTTO_XGBOOST_INCLUDE xgboost/c_api.h)
find_library(SOTTO_XGBOOST_LIBRARY xgboost)
if(SOTTO_XGBOOST_INCLUDE AND SOTTO_XGBOOST_LIBRARY)
  add_library(sotto_xgboost INTERFACE)
  target_include_directories(sotto_xgboost SYSTEM INTERFACE ${SOTTO_XGBOOST_INCLUDE})
  target_link_libraries(sotto_xgboost INTERFACE ${SOTTO_XGBOOST_LIBRARY})
  list(APPEND SOTTO_HQ_LEARN_SOURCES learn_booster.c)
  list(APPEND SOTTO_HQ_LEARN_LIBS sotto_xgboost)
else()
  message(STATUS "XGBoost's C library is not here: sotto-hq will not train (Debian: libxgboost-dev)")
  list(APPEND SOTTO_HQ_LEARN_SOURCES learn_booster_none.c)
endif()
