-- Calendar feeds: what a phone subscribes to. The secret in a feed's address is stored as its SHA-256 only, as a token's is.
CREATE TABLE store.calendar (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	-- Whose engagements a feed of a person shows, and whose reminders any feed does.
	principal_id uuid NOT NULL REFERENCES store.principal,
	scope text NOT NULL CHECK (scope IN ('person', 'country', 'workstream')),
	country text REFERENCES store.country,
	workstream text REFERENCES store.workstream,
	name text NOT NULL CHECK (name <> ''),
	revoked_at timestamptz,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK ((scope = 'country') = (country IS NOT NULL)),
	CHECK ((scope = 'workstream') = (workstream IS NOT NULL))
);
CREATE INDEX calendar_order ON store.calendar (created_at, id);
ALTER TABLE store.calendar ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY identified ON store.calendar USING (current_setting('tracktwo.caller', true) <> '');
