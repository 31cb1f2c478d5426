-- Schema 1 of the registry in PostgreSQL (docs/formats/registry.md). Run by sotto-hq in one transaction, with search_path
-- "sotto". A step that was once released never changes; what comes later is 2.sql.
--
-- Text compares by its bytes, whatever the database's own language, so that every server orders and hashes it alike.
CREATE TABLE office (name TEXT NOT NULL, created_s BIGINT NOT NULL);
CREATE UNIQUE INDEX office_once ON office ((TRUE));
CREATE TABLE device (
    id TEXT COLLATE "C" PRIMARY KEY, state BIGINT NOT NULL CHECK (state BETWEEN 0 AND 2),
    invited_s BIGINT NOT NULL, enrolled_s BIGINT NOT NULL DEFAULT 0, revoked_s BIGINT NOT NULL DEFAULT 0,
    report_key BYTEA, chain BIGINT NOT NULL DEFAULT 0);
CREATE TABLE code (
    device TEXT COLLATE "C" PRIMARY KEY REFERENCES device (id), hash BYTEA NOT NULL UNIQUE,
    made_s BIGINT NOT NULL, expires_s BIGINT NOT NULL, used_s BIGINT NOT NULL DEFAULT 0);
CREATE TABLE certificate (
    sha256 BYTEA PRIMARY KEY, device TEXT COLLATE "C" NOT NULL REFERENCES device (id),
    issued_s BIGINT NOT NULL, not_after_s BIGINT NOT NULL, replaced_s BIGINT NOT NULL DEFAULT 0);
CREATE INDEX certificate_device ON certificate (device);
-- A key that signed reports of a device keeps its chain, whatever keys come in between.
CREATE TABLE report_key (
    device TEXT COLLATE "C" NOT NULL REFERENCES device (id), public_key BYTEA NOT NULL, chain BIGINT NOT NULL,
    PRIMARY KEY (device, public_key), UNIQUE (device, chain));
CREATE TABLE release (version BIGINT PRIMARY KEY, published_s BIGINT NOT NULL, tasks BYTEA NOT NULL);
CREATE TABLE alarm (
    device TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, count BIGINT NOT NULL,
    first_s BIGINT NOT NULL, last_s BIGINT NOT NULL, PRIMARY KEY (device, kind));
CREATE TABLE absent (
    device TEXT COLLATE "C" NOT NULL REFERENCES device (id), chain BIGINT NOT NULL, seq BIGINT NOT NULL,
    sha256 BYTEA NOT NULL, reason TEXT NOT NULL, told_s BIGINT NOT NULL, PRIMARY KEY (device, chain, seq));
-- One row a terminal, changed every night: room beside it, so that no index changes with it.
CREATE TABLE session (
    device TEXT COLLATE "C" PRIMARY KEY REFERENCES device (id), token TEXT NOT NULL, before TEXT NOT NULL,
    shown_s BIGINT NOT NULL, quarantined_s BIGINT NOT NULL DEFAULT 0) WITH (fillfactor = 70);

-- Reports are spread over partitions by their device. A partition may be a foreign table on another server, and no unique
-- index or foreign key of the parent reaches over there: each partition has its own. That makes counting once a property
-- of the whole, because two reports that could collide have the same device and so the same partition.
CREATE SEQUENCE report_arrival;
CREATE TABLE report (
    rowid BIGINT NOT NULL DEFAULT nextval('report_arrival'),
    device TEXT COLLATE "C" NOT NULL, chain BIGINT NOT NULL, seq BIGINT NOT NULL,
    sha256 BYTEA NOT NULL, previous BYTEA NOT NULL, received_s BIGINT NOT NULL,
    release BIGINT NOT NULL, task BIGINT NOT NULL, period_day BIGINT NOT NULL, period_days BIGINT NOT NULL,
    epsilon_ueps BIGINT NOT NULL, bound BIGINT NOT NULL,
    alarms BIGINT NOT NULL, counts BIGINT NOT NULL CHECK (counts IN (0, 1)),
    cells BYTEA NOT NULL, sealed BYTEA NOT NULL) PARTITION BY HASH (device);
DO $$
BEGIN
    FOR i IN 0 .. 15 LOOP
        EXECUTE format('CREATE TABLE report_%s PARTITION OF report FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
        EXECUTE format('ALTER TABLE report_%s ADD UNIQUE (device, chain, seq)', i);
        EXECUTE format('CREATE UNIQUE INDEX report_%s_once ON report_%s (device, chain, task, period_day) WHERE counts = 1', i, i);
        EXECUTE format('CREATE INDEX report_%s_period ON report_%s (task, period_day)', i, i);
        EXECUTE format('CREATE INDEX report_%s_arrival ON report_%s (rowid)', i, i);
        -- Noise does not compress: no time is spent on trying.
        EXECUTE format('ALTER TABLE report_%s ALTER sealed SET STORAGE EXTERNAL, ALTER cells SET STORAGE EXTERNAL', i);
    END LOOP;
END $$;
