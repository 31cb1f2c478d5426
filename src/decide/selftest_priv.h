/* What the maker and the reader of a release's self-test agree on. */
#ifndef SOTTO_DECIDE_SELFTEST_PRIV_H
#define SOTTO_DECIDE_SELFTEST_PRIV_H

#define SELFTEST_MAGIC     "SOTTOCHK"
#define SELFTEST_MAGIC_LEN 8
#define SELFTEST_VERSION   1

#endif
