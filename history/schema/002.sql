-- Version 2: a finding is stored once, however many units and nights have it; how many files a unit
-- sees is the run's, as it changes from night to night while the unit does not;
-- a run is of a system's manager or of a user's.

CREATE TABLE finding (
        id INTEGER PRIMARY KEY,
        hash INTEGER, -- of all below, to find it by; NULL: made from version 1
        rule INTEGER, scorecard INTEGER, setting INTEGER, severity INTEGER, confidence INTEGER,
        evidence TEXT, remedy INTEGER, subject INTEGER, suppressed INTEGER
);
CREATE INDEX finding_by_hash ON finding (hash);

INSERT INTO finding (rule, scorecard, setting, severity, confidence, evidence, remedy, subject,
        suppressed)
SELECT DISTINCT rule, scorecard, setting, severity, confidence, evidence, remedy, subject,
        suppressed FROM part_finding;
CREATE INDEX finding_by_evidence ON finding (evidence, rule);

CREATE TABLE part_finding_2 (
        part INTEGER NOT NULL, row INTEGER NOT NULL,
        finding INTEGER NOT NULL,                  -- what it says
        file INTEGER, owner INTEGER, line INTEGER, -- where to change it in this unit, and who can
        PRIMARY KEY (part, row)
) WITHOUT ROWID;

INSERT INTO part_finding_2
SELECT p.part, p.row, f.id, p.file, p.owner, p.line
FROM part_finding p JOIN finding f ON f.evidence IS CAST(p.evidence AS TEXT) AND f.rule IS p.rule
        AND f.remedy IS p.remedy AND f.scorecard IS p.scorecard AND f.setting IS p.setting
        AND f.severity IS p.severity AND f.confidence IS p.confidence
        AND f.subject IS p.subject AND f.suppressed IS p.suppressed;

DROP INDEX finding_by_evidence;
UPDATE finding SET evidence = (SELECT value FROM text WHERE id = CAST(finding.evidence AS INTEGER));
DROP VIEW findings;
DROP TABLE part_finding;
ALTER TABLE part_finding_2 RENAME TO part_finding;

-- Whose manager was audited: "system", "user alice"
ALTER TABLE run ADD COLUMN scope TEXT NOT NULL DEFAULT 'system';

ALTER TABLE run_state ADD COLUMN visible INTEGER; -- files (of a Nix store: paths) that it sees
UPDATE run_state SET visible = (SELECT visible FROM state WHERE id = run_state.state);
ALTER TABLE state DROP COLUMN visible;

-- run_state has a row for every unit and night: no second index, and one walk over it for all states
DROP INDEX run_state_by_state;
DROP VIEW states;
CREATE VIEW states AS
SELECT s.id, u.value AS unit, s.exposure / 10.0 AS exposure, s.reach / 10.0 AS reach,
        r.first_run, r.last_run, r.runs
FROM (SELECT state, min(run) AS first_run, max(run) AS last_run, count(*) AS runs
        FROM run_state GROUP BY state) r
        JOIN state s ON s.id = r.state JOIN text u ON u.id = s.unit;

DROP VIEW runs;
CREATE VIEW runs AS
SELECT id, datetime(time, 'unixepoch') AS time, host, root, scope, systemd, immure, partial, units,
        exposure / 100.0 AS exposure, reach / 100.0 AS reach, critical, high, medium, low, info
FROM run;

DROP VIEW hosts;
CREATE VIEW hosts AS
SELECT host, root, scope, count(*) AS runs, min(id) AS first, max(id) AS last,
        datetime(max(time), 'unixepoch') AS last_time
FROM run GROUP BY host, root, scope;

DROP VIEW units;
CREATE VIEW units AS
SELECT rs.run, s.id AS state, u.value AS unit, p.value AS path, l.value AS load, k.value AS package,
        s.exposure / 10.0 AS exposure, s.reach / 10.0 AS reach, o.value AS outcome, rs.visible
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        LEFT JOIN text p ON p.id = s.path LEFT JOIN text l ON l.id = s.load
        LEFT JOIN text k ON k.id = s.package LEFT JOIN text o ON o.id = s.outcome;

CREATE VIEW findings AS
SELECT rs.run, s.id AS state, u.value AS unit, r.value AS rule, d.value AS scorecard,
        e.value AS setting,
        CASE i.severity WHEN 4 THEN 'critical' WHEN 3 THEN 'high' WHEN 2 THEN 'medium'
                WHEN 1 THEN 'low' ELSE 'info' END AS severity,
        c.value AS confidence, i.evidence, y.value AS remedy, f.value AS file, p.line,
        n.value AS owner, w.value AS suppressed
FROM run_state rs JOIN state s ON s.id = rs.state JOIN text u ON u.id = s.unit
        JOIN part_finding p ON p.part = s.findings JOIN finding i ON i.id = p.finding
        LEFT JOIN text r ON r.id = i.rule LEFT JOIN text d ON d.id = i.scorecard
        LEFT JOIN text e ON e.id = i.setting LEFT JOIN text c ON c.id = i.confidence
        LEFT JOIN text y ON y.id = i.remedy
        LEFT JOIN text f ON f.id = p.file LEFT JOIN text n ON n.id = p.owner
        LEFT JOIN text w ON w.id = i.suppressed;
