-- The store: every table of the model, with the constraints that make a wrong state impossible for anyone, psql included.
--
-- One idea runs through it: a record's row is the whole truth about the record's own lists (countries, workstreams,
-- topics), checked there; the link tables beside it exist to be searched and to hold the foreign keys, are written by
-- triggers only, and so cannot disagree with the row.
--
-- The tables of people's data carry forced row-level security: without an identity in tracktwo.caller they are empty,
-- for their owner too. Identities are principals' ids; the nil UUID is the system itself.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

-- Version 7 identifiers (RFC 9562, section 5.7) for what is created along with a record.
CREATE FUNCTION store.uuid7() RETURNS uuid LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
DECLARE
	v_bytes bytea := uuid_send(gen_random_uuid());
	v_millis bytea := int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint);
BEGIN
	v_bytes := overlay(v_bytes PLACING substring(v_millis FROM 3) FROM 1 FOR 6);
	v_bytes := set_byte(v_bytes, 6, (get_byte(v_bytes, 6) & 15) | 112);
	RETURN encode(v_bytes, 'hex')::uuid;
END $$;

-- How names are compared when searched: compatibility forms, width and case folded, spaces made one. Cut to what an index
-- holds: 500 characters are at most 2,000 bytes of the 2,704.
CREATE FUNCTION store.fold(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN left(btrim(regexp_replace(lower(normalize(p_text, NFKC)), '\s+', ' ', 'g')), 500);
END $$;

-- Pairs of neighbouring characters: two-syllable Korean names are shorter than a trigram.
CREATE FUNCTION store.bigrams(p_key text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN ARRAY(SELECT DISTINCT substr(p_key, i, 2) FROM generate_series(1, length(p_key) - 1) AS i);
END $$;

CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'T2001', MESSAGE = format('%s is append-only', TG_TABLE_NAME);
END $$;

-- For link tables: only the trigger of the record that they belong to writes them.
CREATE FUNCTION store.refuse_direct() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 2 THEN
		RAISE EXCEPTION USING ERRCODE = 'T2002',
			MESSAGE = format('%s follows its record: change the record instead', TG_TABLE_NAME);
	END IF;
	RETURN NULL;
END $$;

-- Daemons keep who is who, and the codes, in memory: they hear of every change, whoever made it.
CREATE FUNCTION store.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tracktwo', TG_ARGV[0]);
	RETURN NULL;
END $$;

CREATE TABLE store.secret (
	name text PRIMARY KEY,
	value bytea NOT NULL
);
INSERT INTO store.secret VALUES ('content', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- Reference

CREATE TABLE store.country (
	code text PRIMARY KEY CHECK (code ~ '^[A-Z]{2}$'),
	standing text NOT NULL CHECK (standing IN ('counterpart', 'home', 'other')),
	name_en text NOT NULL,
	name_ko text NOT NULL,
	name_native text NOT NULL
);

CREATE TABLE store.topic (
	slug text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 64),
	name_en text,
	name_ko text
);

-- Codes are for ever; what they say has an edition in each version of the roadmap.
CREATE TABLE store.roadmap_version (
	version int PRIMARY KEY CHECK (version > 0),
	adopted_on date,
	note text
);
CREATE TABLE store.phase (
	version int REFERENCES store.roadmap_version,
	number int CHECK (number > 0),
	title text NOT NULL,
	title_ko text NOT NULL,
	years_min int NOT NULL CHECK (years_min >= 0),
	years_max int CHECK (years_max >= years_min),
	PRIMARY KEY (version, number)
);
CREATE TABLE store.workstream (
	code text PRIMARY KEY CHECK (code ~ '^[1-9][0-9]*\.[1-9][0-9]*$')
);
CREATE TABLE store.workstream_edition (
	version int,
	code text REFERENCES store.workstream,
	phase int NOT NULL,
	title text NOT NULL,
	title_ko text NOT NULL,
	PRIMARY KEY (version, code),
	FOREIGN KEY (version, phase) REFERENCES store.phase (version, number)
);
CREATE TABLE store.objective (
	code text PRIMARY KEY CHECK (code ~ '^[1-9][0-9]*\.[1-9][0-9]*\.[1-9][0-9]*$'),
	workstream text NOT NULL REFERENCES store.workstream,
	UNIQUE (workstream, code)
);
CREATE TABLE store.objective_edition (
	version int REFERENCES store.roadmap_version,
	code text REFERENCES store.objective,
	body text NOT NULL,
	body_ko text NOT NULL,
	PRIMARY KEY (version, code)
);
CREATE TABLE store.indicator (
	code text PRIMARY KEY,
	workstream text NOT NULL REFERENCES store.workstream,
	title text NOT NULL,
	title_ko text NOT NULL,
	unit text NOT NULL,
	target numeric,
	direction text NOT NULL CHECK (direction IN ('at-least', 'at-most'))
);

-- Our own people

CREATE TABLE store.principal (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	name text NOT NULL CHECK (name <> ''),
	role text NOT NULL CHECK (role IN ('viewer', 'officer', 'director', 'administrator')),
	desks text[] NOT NULL DEFAULT '{}',
	clearance smallint NOT NULL DEFAULT 1 CHECK (clearance BETWEEN 0 AND 3),
	contact_id uuid,
	language text,
	timezone text NOT NULL DEFAULT 'Asia/Seoul',
	email text,
	unix_user text UNIQUE,
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
	bootstrap boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX principal_bootstrap ON store.principal (bootstrap) WHERE bootstrap;

CREATE TABLE store.token (
	id uuid PRIMARY KEY,
	principal_id uuid NOT NULL REFERENCES store.principal,
	hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	scopes text[],
	expires_at timestamptz,
	revoked_at timestamptz,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX token_principal ON store.token (principal_id);

-- Organizations and contacts

CREATE TABLE store.organization (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	name text NOT NULL CHECK (name <> ''),
	country text REFERENCES store.country,
	kind text,
	parent_id uuid REFERENCES store.organization CHECK (parent_id <> id),
	website text,
	description text,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX organization_parent ON store.organization (parent_id) WHERE parent_id IS NOT NULL;
CREATE TABLE store.organization_name (
	organization_id uuid REFERENCES store.organization,
	position int,
	body text NOT NULL CHECK (body <> ''),
	kind text NOT NULL CHECK (kind IN ('native', 'hanja', 'kana', 'cyrillic', 'romanized', 'alias', 'former')),
	language text,
	system text,
	is_primary boolean NOT NULL DEFAULT false,
	PRIMARY KEY (organization_id, position)
);
CREATE UNIQUE INDEX organization_name_primary ON store.organization_name (organization_id) WHERE is_primary;

CREATE TABLE store.contact (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	name text NOT NULL CHECK (name <> ''),
	sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (store.fold(name)) STORED,
	country text NOT NULL REFERENCES store.country,
	sector text CHECK (sector IN ('government', 'legislature', 'political-party', 'military', 'think-tank', 'academia',
		'civil-society', 'religious', 'business', 'media', 'international-organization', 'public')),
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired', 'deceased', 'unreachable')),
	languages text[] NOT NULL DEFAULT '{}',
	timezone text,
	tags text[] NOT NULL DEFAULT '{}',
	influence smallint CHECK (influence BETWEEN 1 AND 5),
	interest smallint CHECK (interest BETWEEN 1 AND 5),
	sensitivity smallint NOT NULL DEFAULT 1 CHECK (sensitivity BETWEEN 0 AND 3),
	owner_id uuid REFERENCES store.principal,
	notes text,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX contact_order ON store.contact (sort_key, id);
CREATE INDEX contact_country ON store.contact (country, sort_key, id);
CREATE INDEX contact_tags ON store.contact USING gin (tags);
ALTER TABLE store.principal ADD FOREIGN KEY (contact_id) REFERENCES store.contact;

CREATE TABLE store.contact_name (
	contact_id uuid REFERENCES store.contact,
	position int,
	body text NOT NULL CHECK (body <> '' AND body IS NFC NORMALIZED),
	kind text NOT NULL CHECK (kind IN ('native', 'hanja', 'kana', 'cyrillic', 'romanized', 'alias', 'former')),
	language text,
	system text,
	is_primary boolean NOT NULL DEFAULT false,
	PRIMARY KEY (contact_id, position)
);
CREATE UNIQUE INDEX contact_name_primary ON store.contact_name (contact_id) WHERE is_primary;
CREATE INDEX contact_name_body ON store.contact_name (body);

-- Search keys: no policy, so that the index serves; only the owner reads it, and joins the protected table.
CREATE TABLE store.contact_key (
	contact_id uuid NOT NULL REFERENCES store.contact,
	key text COLLATE "C" NOT NULL,
	bigrams text[] NOT NULL GENERATED ALWAYS AS (store.bigrams(key)) STORED
);
CREATE INDEX contact_key_contact ON store.contact_key (contact_id);
CREATE INDEX contact_key_prefix ON store.contact_key (key);
CREATE INDEX contact_key_bigrams ON store.contact_key USING gin (bigrams);

CREATE FUNCTION store.contact_name_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		DELETE FROM store.contact_key WHERE contact_id = OLD.contact_id AND key = store.fold(OLD.body);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO store.contact_key (contact_id, key) VALUES (NEW.contact_id, store.fold(NEW.body));
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OF body OR DELETE ON store.contact_name
	FOR EACH ROW EXECUTE FUNCTION store.contact_name_follow();
CREATE TRIGGER direct BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON store.contact_key
	FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_direct();

CREATE TABLE store.contact_affiliation (
	id uuid PRIMARY KEY,
	contact_id uuid NOT NULL REFERENCES store.contact,
	organization_id uuid NOT NULL REFERENCES store.organization,
	title text,
	since date,
	until date,
	CHECK (until >= since)
);
CREATE INDEX contact_affiliation_contact ON store.contact_affiliation (contact_id);
CREATE INDEX contact_affiliation_organization ON store.contact_affiliation (organization_id, contact_id);

CREATE TABLE store.contact_channel (
	contact_id uuid REFERENCES store.contact,
	position int,
	kind text NOT NULL,
	value text NOT NULL CHECK (value <> ''),
	preferred boolean NOT NULL DEFAULT false,
	PRIMARY KEY (contact_id, position)
);

-- Dialogues and engagements

-- [{"code", "objective"?, "contribution"?}, …], one or more: the shape that both kinds of record keep.
CREATE FUNCTION store.workstreams_valid(p_workstreams jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN jsonb_typeof(p_workstreams) = 'array' AND jsonb_array_length(p_workstreams) > 0
		AND NOT jsonb_path_exists(p_workstreams, '$[*] ? (!(exists(@.code)) || @.code.type() != "string")');
END $$;

CREATE TABLE store.dialogue (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	title text NOT NULL CHECK (title <> ''),
	track text CHECK (track IN ('1', '1.5', '2', '3')),
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'concluded')),
	countries text[] NOT NULL CHECK (cardinality(countries) > 0),
	workstreams jsonb NOT NULL CHECK (store.workstreams_valid(workstreams)),
	languages text[] NOT NULL DEFAULT '{}',
	attribution text CHECK (attribution IN ('on-record', 'chatham-house', 'background', 'off-record')),
	convenor_id uuid REFERENCES store.organization,
	cadence interval,
	description text,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE store.dialogue_country (
	dialogue_id uuid REFERENCES store.dialogue,
	country text REFERENCES store.country,
	PRIMARY KEY (country, dialogue_id)
);
CREATE INDEX dialogue_country_dialogue ON store.dialogue_country (dialogue_id);
CREATE TABLE store.dialogue_workstream (
	dialogue_id uuid REFERENCES store.dialogue,
	workstream text NOT NULL REFERENCES store.workstream,
	objective text,
	position int,
	PRIMARY KEY (dialogue_id, position),
	FOREIGN KEY (workstream, objective) REFERENCES store.objective (workstream, code)
);
CREATE TABLE store.dialogue_member (
	id uuid PRIMARY KEY,
	dialogue_id uuid NOT NULL REFERENCES store.dialogue,
	contact_id uuid REFERENCES store.contact,
	principal_id uuid REFERENCES store.principal,
	role text CHECK (role IN ('chair', 'co-chair', 'participant', 'observer', 'interpreter', 'host', 'convenor', 'sponsor',
		'intermediary')),
	since date,
	until date,
	CHECK (num_nonnulls(contact_id, principal_id) = 1),
	CHECK (until >= since)
);
CREATE INDEX dialogue_member_dialogue ON store.dialogue_member (dialogue_id);
CREATE INDEX dialogue_member_principal ON store.dialogue_member (principal_id) WHERE principal_id IS NOT NULL;
CREATE INDEX dialogue_member_contact ON store.dialogue_member (contact_id);

CREATE FUNCTION store.dialogue_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM store.dialogue_country WHERE dialogue_id = NEW.id;
	DELETE FROM store.dialogue_workstream WHERE dialogue_id = NEW.id;
	INSERT INTO store.dialogue_country (dialogue_id, country) SELECT NEW.id, unnest(NEW.countries);
	INSERT INTO store.dialogue_workstream (dialogue_id, workstream, objective, position)
		SELECT NEW.id, w.value->>'code', w.value->>'objective', w.ordinality
		FROM jsonb_array_elements(NEW.workstreams) WITH ORDINALITY AS w;
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OF countries, workstreams ON store.dialogue
	FOR EACH ROW EXECUTE FUNCTION store.dialogue_follow();

CREATE TABLE store.engagement (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	title text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
	kind text NOT NULL CHECK (kind IN ('meeting', 'call', 'message', 'visit', 'conference', 'workshop', 'track2-session',
		'negotiation', 'multilateral', 'cultural-exchange', 'people-to-people', 'family-reunion', 'humanitarian',
		'education', 'research', 'public-diplomacy', 'media', 'other')),
	track text CHECK (track IN ('1', '1.5', '2', '3')),
	status text NOT NULL CHECK (status IN ('tentative', 'planned', 'postponed', 'held', 'cancelled')),
	starts_at timestamptz CHECK (isfinite(starts_at)),
	ends_at timestamptz CHECK (ends_at >= starts_at AND isfinite(ends_at)),
	timezone text,
	starts_on date CHECK (isfinite(starts_on)),
	ends_on date CHECK (ends_on >= starts_on AND isfinite(ends_on)),
	precision text CHECK (precision IN ('day', 'month', 'year')),
	-- Where it stands in time among all others: days begin in Seoul.
	sort_at timestamptz NOT NULL GENERATED ALWAYS AS
		(coalesce(starts_at, starts_on::timestamp AT TIME ZONE 'Asia/Seoul')) STORED,
	location text,
	format text CHECK (format IN ('in-person', 'remote', 'hybrid')),
	countries text[] NOT NULL CHECK (cardinality(countries) > 0),
	workstreams jsonb NOT NULL CHECK (store.workstreams_valid(workstreams)),
	topics text[] NOT NULL DEFAULT '{}',
	headcount int CHECK (headcount >= 0),
	audience_groups text[],
	dialogue_id uuid REFERENCES store.dialogue,
	parent_id uuid REFERENCES store.engagement CHECK (parent_id <> id),
	languages text[] NOT NULL DEFAULT '{}',
	attribution text CHECK (attribution IN ('on-record', 'chatham-house', 'background', 'off-record')),
	sensitivity smallint NOT NULL CHECK (sensitivity BETWEEN 0 AND 3),
	agenda jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(agenda) = 'array'),
	readout text,
	outcomes text[] NOT NULL DEFAULT '{}',
	sources text[] NOT NULL DEFAULT '{}',
	owner_id uuid REFERENCES store.principal,
	logged_by uuid NOT NULL REFERENCES store.principal,
	logged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	voided_at timestamptz,
	voided_by uuid REFERENCES store.principal,
	void_reason text,
	-- A moment, or days: never both, and no end without its beginning.
	CHECK (num_nonnulls(starts_at, starts_on) = 1),
	CHECK (starts_at IS NOT NULL OR (ends_at IS NULL AND timezone IS NULL)),
	CHECK ((starts_on IS NULL) = (precision IS NULL) AND (starts_on IS NOT NULL OR ends_on IS NULL)),
	CHECK (num_nonnulls(voided_at, voided_by, void_reason) IN (0, 3))
);
CREATE INDEX engagement_order ON store.engagement (sort_at, id);
CREATE INDEX engagement_kind ON store.engagement (kind, sort_at, id);
CREATE INDEX engagement_unheld ON store.engagement (status, sort_at, id) WHERE status <> 'held';
CREATE INDEX engagement_dialogue ON store.engagement (dialogue_id, sort_at, id) WHERE dialogue_id IS NOT NULL;
CREATE INDEX engagement_owner ON store.engagement (owner_id, sort_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX engagement_parent ON store.engagement (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE store.engagement_country (
	engagement_id uuid REFERENCES store.engagement,
	country text REFERENCES store.country,
	sort_at timestamptz NOT NULL,
	PRIMARY KEY (engagement_id, country)
);
CREATE INDEX engagement_country_history ON store.engagement_country (country, sort_at, engagement_id);
CREATE TABLE store.engagement_workstream (
	engagement_id uuid REFERENCES store.engagement,
	workstream text REFERENCES store.workstream,
	sort_at timestamptz NOT NULL,
	PRIMARY KEY (engagement_id, workstream)
);
CREATE INDEX engagement_workstream_history ON store.engagement_workstream (workstream, sort_at, engagement_id);
CREATE TABLE store.engagement_objective (
	engagement_id uuid REFERENCES store.engagement,
	workstream text NOT NULL,
	objective text,
	sort_at timestamptz NOT NULL,
	PRIMARY KEY (engagement_id, objective),
	FOREIGN KEY (workstream, objective) REFERENCES store.objective (workstream, code)
);
CREATE INDEX engagement_objective_history ON store.engagement_objective (objective, sort_at, engagement_id);
CREATE TABLE store.engagement_topic (
	engagement_id uuid REFERENCES store.engagement,
	topic text REFERENCES store.topic,
	sort_at timestamptz NOT NULL,
	PRIMARY KEY (engagement_id, topic)
);
CREATE INDEX engagement_topic_history ON store.engagement_topic (topic, sort_at, engagement_id);

CREATE TABLE store.engagement_participant (
	id uuid PRIMARY KEY,
	engagement_id uuid NOT NULL REFERENCES store.engagement,
	position int NOT NULL,
	contact_id uuid REFERENCES store.contact,
	principal_id uuid REFERENCES store.principal,
	role text NOT NULL CHECK (role IN ('chair', 'co-chair', 'participant', 'observer', 'interpreter', 'host', 'convenor',
		'sponsor', 'intermediary')),
	capacity text CHECK (capacity IN ('official', 'personal', 'former-official', 'expert')),
	attendance text CHECK (attendance IN ('invited', 'accepted', 'declined', 'attended', 'absent')),
	side text REFERENCES store.country,
	sort_at timestamptz NOT NULL,
	CHECK (num_nonnulls(contact_id, principal_id) = 1),
	UNIQUE (engagement_id, contact_id),
	UNIQUE (engagement_id, principal_id)
);
CREATE INDEX engagement_participant_history ON store.engagement_participant (contact_id, sort_at, engagement_id)
	WHERE contact_id IS NOT NULL;
CREATE INDEX engagement_participant_principal ON store.engagement_participant (principal_id, sort_at, engagement_id)
	WHERE principal_id IS NOT NULL;

-- A participant stands where its engagement stands, whoever inserts it.
CREATE FUNCTION store.participant_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SELECT e.sort_at INTO NEW.sort_at FROM store.engagement e WHERE e.id = NEW.engagement_id;
	RETURN NEW;
END $$;
CREATE TRIGGER follow BEFORE INSERT OR UPDATE ON store.engagement_participant
	FOR EACH ROW EXECUTE FUNCTION store.participant_follow();

CREATE FUNCTION store.engagement_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		DELETE FROM store.engagement_country WHERE engagement_id = NEW.id;
		DELETE FROM store.engagement_workstream WHERE engagement_id = NEW.id;
		DELETE FROM store.engagement_objective WHERE engagement_id = NEW.id;
		DELETE FROM store.engagement_topic WHERE engagement_id = NEW.id;
		UPDATE store.engagement_participant SET sort_at = NEW.sort_at
			WHERE engagement_id = NEW.id AND sort_at <> NEW.sort_at;
	END IF;
	INSERT INTO store.engagement_country (engagement_id, country, sort_at)
		SELECT NEW.id, unnest(NEW.countries), NEW.sort_at;
	INSERT INTO store.engagement_workstream (engagement_id, workstream, sort_at)
		SELECT DISTINCT NEW.id, w->>'code', NEW.sort_at FROM jsonb_array_elements(NEW.workstreams) AS w;
	IF jsonb_path_exists(NEW.workstreams, '$[*].objective') THEN
		INSERT INTO store.engagement_objective (engagement_id, workstream, objective, sort_at)
			SELECT DISTINCT NEW.id, w->>'code', w->>'objective', NEW.sort_at
			FROM jsonb_array_elements(NEW.workstreams) AS w WHERE w->>'objective' IS NOT NULL;
	END IF;
	IF cardinality(NEW.topics) > 0 THEN
		INSERT INTO store.engagement_topic (engagement_id, topic, sort_at) SELECT NEW.id, unnest(NEW.topics), NEW.sort_at;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OF starts_at, starts_on, countries, workstreams, topics ON store.engagement
	FOR EACH ROW EXECUTE FUNCTION store.engagement_follow();

DO $$
DECLARE v_table text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['dialogue_country', 'dialogue_workstream', 'engagement_country',
		'engagement_workstream', 'engagement_objective', 'engagement_topic']
	LOOP
		EXECUTE format('CREATE TRIGGER direct BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON store.%I
			FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_direct()', v_table);
	END LOOP;
	-- Nothing logged is ever deleted.
	EXECUTE 'CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON store.engagement
		FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change()';
END $$;

-- Notes, commitments, reminders

CREATE TABLE store.note (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	author_id uuid NOT NULL REFERENCES store.principal,
	contact_id uuid REFERENCES store.contact,
	organization_id uuid REFERENCES store.organization,
	dialogue_id uuid REFERENCES store.dialogue,
	engagement_id uuid REFERENCES store.engagement,
	body text NOT NULL CHECK (body <> ''),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (num_nonnulls(contact_id, organization_id, dialogue_id, engagement_id) = 1)
);
CREATE INDEX note_engagement ON store.note (engagement_id) WHERE engagement_id IS NOT NULL;
CREATE INDEX note_organization ON store.note (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX note_dialogue ON store.note (dialogue_id) WHERE dialogue_id IS NOT NULL;
CREATE INDEX note_contact ON store.note (contact_id) WHERE contact_id IS NOT NULL;
CREATE TABLE store.note_reader (
	note_id uuid REFERENCES store.note,
	principal_id uuid REFERENCES store.principal,
	PRIMARY KEY (note_id, principal_id)
);
CREATE INDEX note_reader_principal ON store.note_reader (principal_id);

CREATE TABLE store.commitment (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	engagement_id uuid REFERENCES store.engagement,
	by_country text REFERENCES store.country,
	by_contact_id uuid REFERENCES store.contact,
	by_principal_id uuid REFERENCES store.principal,
	to_country text REFERENCES store.country,
	to_contact_id uuid REFERENCES store.contact,
	to_principal_id uuid REFERENCES store.principal,
	body text NOT NULL CHECK (body <> ''),
	due_on date CHECK (isfinite(due_on)),
	status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'fulfilled', 'lapsed', 'withdrawn')),
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (num_nonnulls(by_country, by_contact_id, by_principal_id) = 1),
	CHECK (num_nonnulls(to_country, to_contact_id, to_principal_id) <= 1)
);
CREATE INDEX commitment_by_contact ON store.commitment (by_contact_id) WHERE by_contact_id IS NOT NULL;
CREATE INDEX commitment_to_contact ON store.commitment (to_contact_id) WHERE to_contact_id IS NOT NULL;
CREATE INDEX commitment_engagement ON store.commitment (engagement_id) WHERE engagement_id IS NOT NULL;
CREATE INDEX commitment_open ON store.commitment (due_on, id) WHERE status = 'open';

CREATE TABLE store.reminder (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	engagement_id uuid REFERENCES store.engagement,
	contact_id uuid REFERENCES store.contact,
	dialogue_id uuid REFERENCES store.dialogue,
	commitment_id uuid REFERENCES store.commitment,
	note text NOT NULL CHECK (note <> ''),
	due_at timestamptz NOT NULL CHECK (isfinite(due_at)),
	timezone text NOT NULL DEFAULT 'Asia/Seoul',
	rrule text,
	exdates timestamptz[] NOT NULL DEFAULT '{}',
	assignee_id uuid NOT NULL REFERENCES store.principal,
	channels text[] NOT NULL DEFAULT '{push}'
		CHECK (cardinality(channels) > 0 AND channels <@ ARRAY['push', 'email', 'webhook']),
	escalate_after interval CHECK (escalate_after > interval '0'),
	escalate_to uuid REFERENCES store.principal,
	status text NOT NULL DEFAULT 'pending'
		CHECK (status IN ('pending', 'due', 'acknowledged', 'done', 'cancelled', 'failed')),
	completion_note text,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (num_nonnulls(engagement_id, contact_id, dialogue_id, commitment_id) <= 1)
);
CREATE INDEX reminder_pending ON store.reminder (assignee_id, due_at, id) WHERE status = 'pending';
CREATE INDEX reminder_due ON store.reminder (due_at, id) WHERE status = 'pending';
CREATE INDEX reminder_assignee ON store.reminder (assignee_id, due_at, id);
CREATE INDEX reminder_order ON store.reminder (due_at, id);
CREATE INDEX reminder_contact ON store.reminder (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX reminder_dialogue ON store.reminder (dialogue_id) WHERE dialogue_id IS NOT NULL;
CREATE INDEX reminder_commitment ON store.reminder (commitment_id) WHERE commitment_id IS NOT NULL;
CREATE INDEX reminder_engagement ON store.reminder (engagement_id) WHERE engagement_id IS NOT NULL;

-- The ledger of what went out: one row for an occurrence of a reminder on a channel.
CREATE TABLE store.delivery (
	id uuid PRIMARY KEY,
	reminder_id uuid NOT NULL REFERENCES store.reminder,
	assignee_id uuid NOT NULL REFERENCES store.principal,
	channel text NOT NULL CHECK (channel IN ('push', 'email', 'webhook')),
	due_at timestamptz NOT NULL,
	late boolean NOT NULL,
	attempts int NOT NULL DEFAULT 1,
	claimed_by uuid NOT NULL,
	claimed_at timestamptz NOT NULL,
	lease_until timestamptz NOT NULL,
	ended_at timestamptz,
	outcome text CHECK (outcome IN ('acknowledged', 'withdrawn', 'delivered', 'failed')),
	acknowledged_by uuid REFERENCES store.principal,
	CHECK ((ended_at IS NULL) = (outcome IS NULL)),
	CHECK ((outcome = 'acknowledged') = (acknowledged_by IS NOT NULL)),
	UNIQUE (reminder_id, channel, due_at)
);
CREATE INDEX delivery_open ON store.delivery (assignee_id, due_at, id) WHERE ended_at IS NULL;
CREATE INDEX delivery_lease ON store.delivery (assignee_id, lease_until) WHERE ended_at IS NULL;

CREATE TABLE store.indicator_value (
	id uuid PRIMARY KEY,
	indicator text NOT NULL REFERENCES store.indicator,
	value numeric NOT NULL,
	as_of date NOT NULL,
	source text NOT NULL CHECK (source <> ''),
	sample_size int CHECK (sample_size > 0),
	margin numeric CHECK (margin >= 0),
	question text,
	recorded_by uuid NOT NULL REFERENCES store.principal,
	recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX indicator_value_series ON store.indicator_value (indicator, as_of, id);

-- The trail

-- What was written, by whom, and under which request: audit trail and idempotency record are one fact.
CREATE TABLE store.change (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	principal_id uuid NOT NULL REFERENCES store.principal,
	request_id uuid NOT NULL,
	method text NOT NULL,
	record_id uuid NOT NULL,
	record_version int NOT NULL,
	content bytea NOT NULL,
	UNIQUE (principal_id, request_id)
);
CREATE INDEX change_record ON store.change (record_id, id);
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON store.change FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();

-- What a repeat is answered with; erasable without touching the trail.
CREATE TABLE store.answer (
	change_id bigint PRIMARY KEY REFERENCES store.change,
	body jsonb NOT NULL
);

-- Who sees what

DO $$
DECLARE v_table text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['principal', 'token', 'organization', 'organization_name', 'contact', 'contact_name',
		'contact_affiliation', 'contact_channel', 'dialogue', 'dialogue_country', 'dialogue_workstream',
		'dialogue_member', 'engagement', 'engagement_country', 'engagement_workstream', 'engagement_objective',
		'engagement_topic', 'engagement_participant', 'note', 'note_reader', 'commitment', 'reminder', 'delivery',
		'indicator_value', 'change', 'answer']
	LOOP
		EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
		EXECUTE format('CREATE POLICY identified ON store.%I USING (current_setting(''tracktwo.caller'', true) <> '''')',
			v_table);
	END LOOP;
	-- A note is its author's and the named readers'; nobody else learns that it exists.
	EXECUTE 'CREATE POLICY own ON store.note AS RESTRICTIVE USING (
		author_id::text = current_setting(''tracktwo.caller'', true)
		OR EXISTS (SELECT FROM store.note_reader r WHERE r.note_id = note.id
			AND r.principal_id::text = current_setting(''tracktwo.caller'', true)))';
	-- The nil principal is the system; nobody can be it by way of a row.
	EXECUTE 'ALTER TABLE store.principal ADD CHECK (id <> ''00000000-0000-0000-0000-000000000000'')';
END $$;

CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON store.principal
	FOR EACH STATEMENT EXECUTE FUNCTION store.tell('principal');
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON store.roadmap_version
	FOR EACH STATEMENT EXECUTE FUNCTION store.tell('reference');
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON store.country
	FOR EACH STATEMENT EXECUTE FUNCTION store.tell('reference');

-- Root and the daemon's own user, until they are principals of their own.
INSERT INTO store.principal (id, name, role, clearance, language, bootstrap)
	VALUES ('00000000-0000-7000-8000-000000000001', 'Administrator', 'administrator', 3, 'en', true);
