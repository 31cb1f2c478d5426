-- Schema 2: how each terminal does, as it told last. One row a terminal, changed now and then: room beside it. Run under the search_path
-- "sotto", in one transaction with the other missing steps; collectors of the program before, which are still running, go on meanwhile.
CREATE TABLE health (
    device TEXT COLLATE "C" PRIMARY KEY REFERENCES device (id), told_s BIGINT NOT NULL, release BIGINT NOT NULL,
    good BIGINT NOT NULL, failed BIGINT NOT NULL, why TEXT NOT NULL, program TEXT NOT NULL,
    disk_free_mib BIGINT NOT NULL, waiting BIGINT NOT NULL, clock_ahead_min BIGINT NOT NULL) WITH (fillfactor = 70);
