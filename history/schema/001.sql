-- immure's history, version 1. See docs/history.md; people read the views at the end.

-- Every text once: names, values, paths and evidence repeat from unit to unit and night to night.
CREATE TABLE text (
        id INTEGER PRIMARY KEY,
        value TEXT NOT NULL UNIQUE
);

CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of runs; a clock may jump back
        time INTEGER NOT NULL,                -- seconds since the epoch, as the host's clock said
        host TEXT NOT NULL,
        root TEXT NOT NULL,
        systemd INTEGER NOT NULL,
        immure TEXT NOT NULL,
        partial INTEGER NOT NULL, -- 1: something could not be read
        units INTEGER NOT NULL,
        exposure INTEGER, -- mean over the scored units, in hundredths
        reach INTEGER,    -- likewise
        critical INTEGER NOT NULL,
        high INTEGER NOT NULL,
        medium INTEGER NOT NULL,
        low INTEGER NOT NULL,
        info INTEGER NOT NULL
);
CREATE INDEX run_by_place ON run (host, root, id);

-- A part is one kind of thing known about a unit (its settings, its mounts ...), stored once for all
-- units and runs in which it is the same, under the SHA-256 of its content.
CREATE TABLE part (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE
);

CREATE TABLE part_setting (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        name INTEGER, value INTEGER,
        origin INTEGER, by INTEGER, file INTEGER, line INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

CREATE TABLE part_check (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        id INTEGER, is_set INTEGER, exposure INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

CREATE TABLE part_mount (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        path INTEGER, source INTEGER, fstype INTEGER,
        read_only INTEGER, nosuid INTEGER, nodev INTEGER, noexec INTEGER,
        setting INTEGER, origin INTEGER, by INTEGER, file INTEGER, line INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

CREATE TABLE part_access (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        path INTEGER, can_exist INTEGER, can_read INTEGER, can_write INTEGER,
        can_execute INTEGER, can_connect INTEGER, level INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

CREATE TABLE part_need (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        path INTEGER, reason INTEGER, confidence INTEGER, package INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

CREATE TABLE part_finding (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        rule INTEGER, scorecard INTEGER, setting INTEGER, severity INTEGER, confidence INTEGER,
        evidence INTEGER, remedy INTEGER, file INTEGER, owner INTEGER, line INTEGER,
        subject INTEGER, suppressed INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

-- Lists of plain texts; kind: "dropin", "excess", "missing", "error"
CREATE TABLE part_text (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        kind INTEGER, value INTEGER,
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

-- A unit as it was, once for all runs in which it was so.
CREATE TABLE state (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        unit INTEGER NOT NULL REFERENCES text,
        path INTEGER, load INTEGER, load_message INTEGER, package INTEGER,
        exposure INTEGER, reach INTEGER, -- tenths
        rating INTEGER, outcome INTEGER, closure_kind INTEGER, visible INTEGER,
        settings INTEGER NOT NULL REFERENCES part,
        checks INTEGER NOT NULL REFERENCES part,
        mounts INTEGER NOT NULL REFERENCES part,
        access INTEGER NOT NULL REFERENCES part,
        needs INTEGER NOT NULL REFERENCES part,
        findings INTEGER NOT NULL REFERENCES part,
        texts INTEGER NOT NULL REFERENCES part
);
CREATE INDEX state_by_unit ON state (unit);

CREATE TABLE run_state (
        run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        state INTEGER NOT NULL REFERENCES state,
        PRIMARY KEY (run, state)
) WITHOUT ROWID;
CREATE INDEX run_state_by_state ON run_state (state, run);

CREATE TABLE run_note (
        run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        row INTEGER NOT NULL,
        value INTEGER NOT NULL REFERENCES text, -- what was not analysed, and why
        PRIMARY KEY (run, row)
) WITHOUT ROWID;

-- ---- for people

CREATE VIEW runs AS
SELECT id, datetime(time, 'unixepoch') AS time, host, root, systemd, immure, partial, units,
        exposure / 100.0 AS exposure, reach / 100.0 AS reach, critical, high, medium, low, info
FROM run;

CREATE VIEW hosts AS
SELECT host, root, count(*) AS runs, min(id) AS first, max(id) AS last,
        datetime(max(time), 'unixepoch') AS last_time
FROM run GROUP BY host, root;

CREATE VIEW units AS
SELECT rs.run, s.id AS state, u.value AS unit, p.value AS path, l.value AS load, k.value AS package,
        s.exposure / 10.0 AS exposure, s.reach / 10.0 AS reach, o.value AS outcome
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        LEFT JOIN text p ON p.id = s.path LEFT JOIN text l ON l.id = s.load
        LEFT JOIN text k ON k.id = s.package LEFT JOIN text o ON o.id = s.outcome;

CREATE VIEW states AS
SELECT s.id, u.value AS unit, s.exposure / 10.0 AS exposure, s.reach / 10.0 AS reach,
        (SELECT min(run) FROM run_state WHERE state = s.id) AS first_run,
        (SELECT max(run) FROM run_state WHERE state = s.id) AS last_run,
        (SELECT count(*) FROM run_state WHERE state = s.id) AS runs
FROM state s JOIN text u ON u.id = s.unit;

CREATE VIEW settings AS
SELECT rs.run, s.id AS state, u.value AS unit, n.value AS name, v.value AS value, o.value AS origin,
        b.value AS implied_by, f.value AS file, p.line
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_setting p ON p.part = s.settings LEFT JOIN text n ON n.id = p.name
        LEFT JOIN text v ON v.id = p.value LEFT JOIN text o ON o.id = p.origin
        LEFT JOIN text b ON b.id = p.by LEFT JOIN text f ON f.id = p.file;

CREATE VIEW checks AS
SELECT rs.run, s.id AS state, u.value AS unit, n.value AS id, p.is_set, p.exposure / 10.0 AS exposure
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_check p ON p.part = s.checks LEFT JOIN text n ON n.id = p.id;

CREATE VIEW mounts AS
SELECT rs.run, s.id AS state, u.value AS unit, m.value AS path, x.value AS source, t.value AS fstype,
        p.read_only, p.nosuid, p.nodev, p.noexec, e.value AS setting, f.value AS file, p.line
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_mount p ON p.part = s.mounts LEFT JOIN text m ON m.id = p.path
        LEFT JOIN text x ON x.id = p.source LEFT JOIN text t ON t.id = p.fstype
        LEFT JOIN text e ON e.id = p.setting LEFT JOIN text f ON f.id = p.file;

CREATE VIEW access AS
SELECT rs.run, s.id AS state, u.value AS unit, m.value AS path, p.can_read, p.can_write,
        p.can_execute, p.can_connect, l.value AS level
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_access p ON p.part = s.access LEFT JOIN text m ON m.id = p.path
        LEFT JOIN text l ON l.id = p.level;

CREATE VIEW closure AS
SELECT rs.run, s.id AS state, u.value AS unit, m.value AS path, r.value AS reason,
        c.value AS confidence, k.value AS package
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_need p ON p.part = s.needs LEFT JOIN text m ON m.id = p.path
        LEFT JOIN text r ON r.id = p.reason LEFT JOIN text c ON c.id = p.confidence
        LEFT JOIN text k ON k.id = p.package;

CREATE VIEW findings AS
SELECT rs.run, s.id AS state, u.value AS unit, r.value AS rule, d.value AS scorecard,
        e.value AS setting,
        CASE p.severity WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium'
                WHEN 1 THEN 'low' ELSE 'info' END AS severity,
        c.value AS confidence, x.value AS evidence, y.value AS remedy, f.value AS file, p.line,
        w.value AS suppressed
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_finding p ON p.part = s.findings LEFT JOIN text r ON r.id = p.rule
        LEFT JOIN text d ON d.id = p.scorecard LEFT JOIN text e ON e.id = p.setting
        LEFT JOIN text c ON c.id = p.confidence LEFT JOIN text x ON x.id = p.evidence
        LEFT JOIN text y ON y.id = p.remedy LEFT JOIN text f ON f.id = p.file
        LEFT JOIN text w ON w.id = p.suppressed;
