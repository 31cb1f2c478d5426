# sotto-hq model report: needs the learning and the judging commands' figures and the page kit.
set(SOTTO_HQ_REPORT_SOURCES report.c report_curve.c report_exact.c report_json.c report_page.c report_plot.c
  report_rows.c report_slice.c report_table.c report_weight.c
  report_other.c report_amounts.c report_classes.c report_clusters.c)
set(SOTTO_HQ_REPORT_LIBS m)
