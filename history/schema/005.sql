-- Version 5: a run says by which rules it was judged, "SCORECARD/RULE DIGEST" a line.

ALTER TABLE run ADD COLUMN rules INTEGER REFERENCES text; -- NULL: not known
