-- A write can be undone by another one: beside the answer, which is the record as a write left it, stands what the record was
-- before, as clients read it. Both are erasable without touching the trail, and out of reach for whoever has no identity.
ALTER TABLE store.answer
	ADD COLUMN noun text,
	ADD COLUMN before jsonb,
	ADD CHECK ((noun IS NULL) = (before IS NULL));
ALTER TABLE store.change ADD COLUMN undoes bigint REFERENCES store.change;
CREATE INDEX change_undoes ON store.change (undoes) WHERE undoes IS NOT NULL;
