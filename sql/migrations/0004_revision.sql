-- The roadmap may be revised: which codes of the roadmap in force an older code stands for, today. A code that still exists
-- stands for itself. Reports read this; links are never rewritten.
CREATE TABLE store.workstream_now (
	code text REFERENCES store.workstream,
	now text REFERENCES store.workstream,
	PRIMARY KEY (code, now)
);
INSERT INTO store.workstream_now (code, now) SELECT code, code FROM store.workstream;

-- What each revision said of where a workstream went.
CREATE TABLE store.crosswalk (
	version int REFERENCES store.roadmap_version,
	from_code text REFERENCES store.workstream,
	to_code text REFERENCES store.workstream,
	PRIMARY KEY (version, from_code, to_code)
);

-- Commitments by due day, those without one last.
CREATE INDEX commitment_order ON store.commitment ((coalesce(due_on, 'infinity'::date)), id);
CREATE INDEX commitment_by_country ON store.commitment (by_country) WHERE by_country IS NOT NULL;
CREATE INDEX commitment_to_country ON store.commitment (to_country) WHERE to_country IS NOT NULL;
CREATE INDEX note_author ON store.note (author_id, created_at, id);
CREATE INDEX organization_order ON store.organization (name, id);
CREATE INDEX dialogue_order ON store.dialogue (title, id);
CREATE INDEX engagement_contact_levels ON store.engagement_participant (contact_id) INCLUDE (engagement_id)
	WHERE contact_id IS NOT NULL;
