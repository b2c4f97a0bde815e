-- Concerns: what a side worries about, each time that it was raised, and what was answered. How often, since when, and
-- whether it is open follows from the entries, and so is stored nowhere else. Entries are withdrawn, never deleted.

CREATE TABLE store.concern (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	country text REFERENCES store.country,
	contact_id uuid REFERENCES store.contact,
	to_country text REFERENCES store.country,
	to_contact_id uuid REFERENCES store.contact,
	to_principal_id uuid REFERENCES store.principal,
	topic text REFERENCES store.topic,
	body text NOT NULL CHECK (body <> ''),
	withdrawn_at timestamptz,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (num_nonnulls(country, contact_id) = 1),
	CHECK (num_nonnulls(to_country, to_contact_id, to_principal_id) <= 1)
);
CREATE INDEX concern_country ON store.concern (country) WHERE country IS NOT NULL;
CREATE INDEX concern_contact ON store.concern (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX concern_to_contact ON store.concern (to_contact_id) WHERE to_contact_id IS NOT NULL;

CREATE TABLE store.concern_raised (
	id uuid PRIMARY KEY,
	concern_id uuid NOT NULL REFERENCES store.concern,
	engagement_id uuid REFERENCES store.engagement,
	raised_on date NOT NULL CHECK (isfinite(raised_on)),
	body text CHECK (body <> ''),
	recorded_by uuid NOT NULL REFERENCES store.principal,
	recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	withdrawn_at timestamptz
);
CREATE INDEX concern_raised_concern ON store.concern_raised (concern_id, raised_on);
CREATE INDEX concern_raised_engagement ON store.concern_raised (engagement_id) WHERE engagement_id IS NOT NULL;
-- One engagement counts once.
CREATE UNIQUE INDEX concern_raised_once ON store.concern_raised (concern_id, engagement_id) WHERE withdrawn_at IS NULL;

CREATE TABLE store.concern_answer (
	id uuid PRIMARY KEY,
	concern_id uuid NOT NULL REFERENCES store.concern,
	engagement_id uuid REFERENCES store.engagement,
	answered_on date NOT NULL CHECK (isfinite(answered_on)),
	body text NOT NULL CHECK (body <> ''),
	by_id uuid NOT NULL REFERENCES store.principal,
	recorded_by uuid NOT NULL REFERENCES store.principal,
	recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	withdrawn_at timestamptz
);
CREATE INDEX concern_answer_concern ON store.concern_answer (concern_id, answered_on);
CREATE INDEX concern_answer_engagement ON store.concern_answer (engagement_id) WHERE engagement_id IS NOT NULL;

DO $$
DECLARE v_table text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['concern', 'concern_raised', 'concern_answer'] LOOP
		EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
		EXECUTE format('CREATE POLICY identified ON store.%I USING (current_setting(''tracktwo.caller'', true) <> '''')',
			v_table);
	END LOOP;
END $$;

-- The ledger: what is open by due day, so that what is overdue comes first; then what has ended.
DROP INDEX store.commitment_order;
CREATE INDEX commitment_ledger ON store.commitment ((status <> 'open'), (coalesce(due_on, 'infinity'::date)), id);
CREATE INDEX commitment_by_principal ON store.commitment (by_principal_id) WHERE by_principal_id IS NOT NULL;

-- What a principal keeps, for the day it is handed over.
CREATE INDEX contact_owner ON store.contact (owner_id) WHERE owner_id IS NOT NULL;
