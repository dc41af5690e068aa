-- Version 4: the numbers of a part's rows as one value too, for comparing any two runs quickly. The
-- rows stay what people ask.

ALTER TABLE part ADD COLUMN packed BLOB; -- see history/pack.c; NULL: none
