-- Follow-ups that come again, go out by several channels, follow from what was logged, and never end in silence.

SET LOCAL tracktwo.caller = '00000000-0000-0000-0000-000000000000';

-- The instant of an hour of a day in a zone.
CREATE FUNCTION store.local_instant(p_day date, p_at time, p_timezone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	RETURN (p_day + p_at) AT TIME ZONE p_timezone;
END $$;

-- Our own people: how reminders reach them when nothing else is said, and the hour of their morning digest.
ALTER TABLE store.principal
	ADD COLUMN channels text[] NOT NULL DEFAULT '{push}'
		CHECK (cardinality(channels) > 0 AND channels <@ ARRAY['push', 'email', 'webhook']),
	ADD COLUMN digest_at time DEFAULT '07:30',
	ADD COLUMN digest_due timestamptz,
	ADD COLUMN successor_id uuid REFERENCES store.principal CHECK (successor_id <> id);
CREATE INDEX principal_digest ON store.principal (digest_due) WHERE digest_due IS NOT NULL;

-- When the next digest is due: tomorrow where today's hour has passed, NULL for who gets none.
CREATE FUNCTION store.digest_next(p store.principal) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_today date := (v_now AT TIME ZONE p.timezone)::date;
BEGIN
	RETURN CASE WHEN p.email IS NOT NULL AND p.digest_at IS NOT NULL AND p.status = 'active' THEN
		CASE WHEN store.local_instant(v_today, p.digest_at, p.timezone) > v_now
			THEN store.local_instant(v_today, p.digest_at, p.timezone)
			ELSE store.local_instant(v_today + 1, p.digest_at, p.timezone) END END;
END $$;
CREATE FUNCTION store.principal_digest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.digest_due := store.digest_next(NEW);
	RETURN NEW;
END $$;
CREATE TRIGGER digest BEFORE INSERT ON store.principal FOR EACH ROW EXECUTE FUNCTION store.principal_digest();
-- One that is overdue is not put off by a change of something else.
CREATE TRIGGER digest_anew BEFORE UPDATE ON store.principal FOR EACH ROW
	WHEN ((OLD.email, OLD.digest_at, OLD.timezone, OLD.status) IS DISTINCT FROM
		(NEW.email, NEW.digest_at, NEW.timezone, NEW.status)) EXECUTE FUNCTION store.principal_digest();

-- Who stands for a person today: whoever took over, and from whom, until somebody is still with us. NULL for nobody.
CREATE FUNCTION store.standing(p_principal uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_person store.principal;
BEGIN
	SELECT * INTO v_person FROM store.principal WHERE id = p_principal;
	FOR i IN 1..50 LOOP
		EXIT WHEN v_person.status IS NOT DISTINCT FROM 'active' OR v_person.successor_id IS NULL;
		SELECT * INTO v_person FROM store.principal WHERE id = v_person.successor_id;
	END LOOP;
	RETURN CASE WHEN v_person.status = 'active' THEN v_person.id END;
END $$;

-- Whom a record's own reminder reminds: the first, else the second, else an administrator.
CREATE FUNCTION store.reminded(p_first uuid, p_second uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(store.standing(p_first), store.standing(p_second), (SELECT id FROM store.principal
		WHERE role = 'administrator' AND status = 'active' ORDER BY bootstrap, id LIMIT 1));
END $$;

-- Where reminders are posted to. The secrets sign what is sent; the one before stays valid for a while after a rotation.
CREATE TABLE store.webhook (
	id uuid PRIMARY KEY,
	version int NOT NULL DEFAULT 1,
	principal_id uuid NOT NULL REFERENCES store.principal,
	url text NOT NULL CHECK (url ~ '^https?://'),
	secret bytea NOT NULL CHECK (octet_length(secret) BETWEEN 24 AND 64),
	secret_before bytea CHECK (octet_length(secret_before) BETWEEN 24 AND 64),
	secret_before_until timestamptz,
	status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
	disabled_because text,
	created_by uuid NOT NULL REFERENCES store.principal,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK ((secret_before IS NULL) = (secret_before_until IS NULL)),
	CHECK ((status = 'disabled') = (disabled_because IS NOT NULL))
);
CREATE INDEX webhook_principal ON store.webhook (principal_id, id);

-- Days off. What is computed can be taken back by an administrator, and must not come again.
CREATE TABLE store.holiday (
	country text REFERENCES store.country,
	day date CHECK (isfinite(day)),
	name_en text NOT NULL CHECK (name_en <> ''),
	name_ko text NOT NULL CHECK (name_ko <> ''),
	removed boolean NOT NULL DEFAULT false,
	PRIMARY KEY (country, day)
);

-- A reminder: due_at is when it comes, or came, the last time; fire_at is when it comes next, of its own accord.
-- One with a rule begins at first_at; occurrence_at is what the rule says where due_at is what was made of it, by snoozing
-- or by a shift to a working day. The rule's later occurrences stand in stock; the daemon, which can read rules, fills it.
ALTER TABLE store.reminder
	ADD COLUMN kind text NOT NULL DEFAULT 'set' CHECK (kind IN ('set', 'commitment', 'cadence', 'readout')),
	ADD COLUMN first_at timestamptz CHECK (isfinite(first_at)),
	ADD COLUMN occurrence_at timestamptz,
	ADD COLUMN workdays text CHECK (workdays IN ('next', 'previous')),
	ADD COLUMN stock text CHECK (stock IN ('wanted', 'more', 'all')),
	ADD COLUMN fire_at timestamptz,
	ADD COLUMN escalate_at timestamptz;
UPDATE store.reminder SET occurrence_at = due_at, first_at = due_at, fire_at = CASE WHEN status = 'pending' THEN due_at END;
ALTER TABLE store.reminder
	ALTER COLUMN first_at SET NOT NULL,
	ALTER COLUMN occurrence_at SET NOT NULL,
	ADD CHECK ((rrule IS NULL) = (stock IS NULL)),
	ADD CHECK ((escalate_after IS NULL) = (escalate_to IS NULL)),
	ADD CHECK (status NOT IN ('done', 'cancelled') OR (fire_at IS NULL AND escalate_at IS NULL));
DROP INDEX store.reminder_pending, store.reminder_due;
CREATE INDEX reminder_fire ON store.reminder (fire_at, id) WHERE fire_at IS NOT NULL;
CREATE INDEX reminder_escalate ON store.reminder (escalate_at) WHERE escalate_at IS NOT NULL;
-- Lists of what is open pass by what has ended long ago.
CREATE INDEX reminder_open ON store.reminder (due_at, id) WHERE status NOT IN ('done', 'cancelled');
CREATE INDEX reminder_open_assignee ON store.reminder (assignee_id, due_at, id) WHERE status NOT IN ('done', 'cancelled');
CREATE INDEX reminder_kind ON store.reminder (kind, due_at, id) WHERE kind <> 'set';
CREATE INDEX reminder_escalate_to ON store.reminder (escalate_to) WHERE escalate_to IS NOT NULL;
CREATE INDEX reminder_stock ON store.reminder (id) WHERE stock = 'wanted';
-- What follows from a record follows once.
CREATE UNIQUE INDEX reminder_of_commitment ON store.reminder (commitment_id) WHERE kind = 'commitment';
CREATE UNIQUE INDEX reminder_of_contact ON store.reminder (contact_id) WHERE kind = 'cadence' AND contact_id IS NOT NULL;
CREATE UNIQUE INDEX reminder_of_dialogue ON store.reminder (dialogue_id) WHERE kind = 'cadence' AND dialogue_id IS NOT NULL;
CREATE UNIQUE INDEX reminder_of_readout ON store.reminder (engagement_id) WHERE kind = 'readout';

-- However it is written, what is pending is to fire, and a rule is to be worked out.
CREATE FUNCTION store.reminder_armed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		NEW.first_at := coalesce(NEW.first_at, NEW.due_at);
		NEW.occurrence_at := coalesce(NEW.occurrence_at, NEW.due_at);
		NEW.fire_at := CASE WHEN NEW.status = 'pending' THEN coalesce(NEW.fire_at, NEW.due_at) ELSE NEW.fire_at END;
		NEW.stock := CASE WHEN NEW.rrule IS NOT NULL THEN coalesce(NEW.stock, 'wanted') END;
	ELSIF NEW.fire_at IS NOT DISTINCT FROM OLD.fire_at AND NEW.status = 'pending' THEN
		NEW.fire_at := NEW.due_at;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER armed BEFORE INSERT ON store.reminder FOR EACH ROW EXECUTE FUNCTION store.reminder_armed();
CREATE TRIGGER armed_anew BEFORE UPDATE OF due_at ON store.reminder
	FOR EACH ROW WHEN (NEW.due_at <> OLD.due_at) EXECUTE FUNCTION store.reminder_armed();

CREATE TABLE store.reminder_occurrence (
	reminder_id uuid REFERENCES store.reminder,
	at timestamptz,
	PRIMARY KEY (reminder_id, at)
);

-- The ledger: a delivery is one message to one person on one channel; every attempt at it is a row of its own.
-- lease_until: no daemon takes it before, be it that another has it, or that it waits for its next attempt.
ALTER TABLE store.delivery
	ADD COLUMN reason text NOT NULL DEFAULT 'due' CHECK (reason IN ('due', 'escalation', 'failure', 'digest', 'test')),
	ADD COLUMN webhook_id uuid REFERENCES store.webhook,
	ADD COLUMN failures int NOT NULL DEFAULT 0,
	ALTER COLUMN reminder_id DROP NOT NULL,
	ALTER COLUMN claimed_by DROP NOT NULL,
	ALTER COLUMN claimed_at DROP NOT NULL,
	ALTER COLUMN attempts SET DEFAULT 0,
	ADD CHECK ((reminder_id IS NULL) = (reason IN ('digest', 'test'))),
	ADD CHECK (webhook_id IS NULL OR channel = 'webhook');
DROP INDEX store.delivery_out, store.delivery_open, store.delivery_lease;
CREATE UNIQUE INDEX delivery_out ON store.delivery (reminder_id, channel, due_at, assignee_id, webhook_id)
	NULLS NOT DISTINCT WHERE ended_at IS NULL;
CREATE INDEX delivery_open ON store.delivery (assignee_id, due_at, reminder_id) WHERE ended_at IS NULL AND channel = 'push';
CREATE INDEX delivery_lease ON store.delivery (assignee_id, lease_until) WHERE ended_at IS NULL AND channel = 'push';
CREATE INDEX delivery_waiting ON store.delivery (channel, lease_until) WHERE ended_at IS NULL AND channel <> 'push';
CREATE INDEX delivery_assignee ON store.delivery (assignee_id) WHERE ended_at IS NULL;
CREATE INDEX delivery_webhook ON store.delivery (webhook_id, id) WHERE webhook_id IS NOT NULL;

CREATE TABLE store.delivery_attempt (
	delivery_id uuid REFERENCES store.delivery,
	number int CHECK (number > 0),
	claimed_by uuid NOT NULL,
	claimed_at timestamptz NOT NULL,
	ended_at timestamptz,
	outcome text CHECK (outcome IN ('pushed', 'sent', 'retry', 'refused', 'gone', 'lost')),
	answer text,
	PRIMARY KEY (delivery_id, number),
	CHECK ((ended_at IS NULL) = (outcome IS NULL))
);

-- How often one means to be in touch: the interval to aim at, and the one not to exceed.
ALTER TABLE store.contact
	ADD COLUMN cadence_ideal interval CHECK (cadence_ideal > interval '0'),
	ADD COLUMN cadence_maximum interval CHECK (cadence_maximum >= cadence_ideal);
CREATE INDEX contact_cadence ON store.contact (id) WHERE cadence_ideal IS NOT NULL;
ALTER TABLE store.dialogue RENAME COLUMN cadence TO cadence_ideal;
ALTER TABLE store.dialogue
	ADD COLUMN cadence_maximum interval CHECK (cadence_maximum >= cadence_ideal),
	ADD CHECK (cadence_ideal > interval '0');

-- Reminders that follow from records: armed, moved and ended by triggers, so that no way of writing forgets them.

-- What is still out for a reminder is withdrawn.
CREATE FUNCTION store.withdraw_deliveries(p_reminder uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'withdrawn'
		WHERE reminder_id = p_reminder AND ended_at IS NULL;
END $$;

-- The reminder of that kind about p.engagement_id, contact_id, dialogue_id or commitment_id, for p.assignee_id at
-- p.due_at, which is NULL when none is wanted: then what there is ends as `p_end`. What somebody has done with it, snoozed,
-- completed or cancelled, stays so until its time changes, or its record has been closed and opened again, which -infinity
-- remembers; one that is out is armed anew for another assignee.
CREATE FUNCTION store.follow_up(p store.reminder, p_end text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_old store.reminder;
BEGIN
	SELECT * INTO v_old FROM store.reminder r WHERE r.kind = p.kind AND (r.engagement_id = p.engagement_id
		OR r.contact_id = p.contact_id OR r.dialogue_id = p.dialogue_id OR r.commitment_id = p.commitment_id) FOR UPDATE;
	IF v_old.id IS NULL AND p.due_at IS NULL
		OR v_old.occurrence_at = p.due_at AND v_old.assignee_id = p.assignee_id AND v_old.note = p.note THEN
		RETURN;
	ELSIF v_old.occurrence_at = p.due_at AND (v_old.status IN ('pending', 'done', 'cancelled')
		OR v_old.assignee_id = p.assignee_id) THEN
		UPDATE store.reminder SET assignee_id = p.assignee_id, note = p.note, version = version + 1,
			updated_at = clock_timestamp() WHERE id = v_old.id;
		RETURN;
	ELSIF v_old.status IN ('done', 'cancelled') AND p.due_at IS NULL THEN
		UPDATE store.reminder SET occurrence_at = '-infinity' WHERE id = v_old.id;
		RETURN;
	ELSIF v_old.id IS NULL THEN
		INSERT INTO store.reminder (id, kind, engagement_id, contact_id, dialogue_id, commitment_id, note, due_at, timezone,
				assignee_id, channels, created_by)
			SELECT store.uuid7(), p.kind, p.engagement_id, p.contact_id, p.dialogue_id, p.commitment_id, p.note, p.due_at,
				o.timezone, o.id, o.channels, o.id
			FROM store.principal o WHERE o.id = p.assignee_id;
	ELSIF p.due_at IS NULL THEN
		UPDATE store.reminder SET status = p_end, fire_at = NULL, escalate_at = NULL, occurrence_at = '-infinity',
			version = version + 1, updated_at = clock_timestamp() WHERE id = v_old.id;
		PERFORM store.withdraw_deliveries(v_old.id);
	ELSE
		UPDATE store.reminder SET due_at = p.due_at, first_at = p.due_at, occurrence_at = p.due_at, fire_at = p.due_at,
			escalate_at = NULL, status = 'pending', assignee_id = p.assignee_id, note = p.note, version = version + 1,
			updated_at = clock_timestamp() WHERE id = v_old.id;
		PERFORM store.withdraw_deliveries(v_old.id);
	END IF;
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

-- Nine in the morning of the day, where the assignee works.
CREATE FUNCTION store.morning(p_day date, p_principal uuid) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT store.local_instant(p_day, '09:00', timezone) FROM store.principal WHERE id = p_principal);
END $$;

-- One of two texts, as the person reads.
CREATE FUNCTION store.said_to(p_principal uuid, p_en text, p_ko text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT CASE WHEN language LIKE 'ko%' THEN p_ko ELSE p_en END FROM store.principal WHERE id = p_principal);
END $$;

-- A promise with a day: whoever of ours gave it is reminded, else who recorded it.
CREATE FUNCTION store.commitment_follow_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	v store.reminder;
BEGIN
	IF TG_OP = 'INSERT' AND NEW.due_on IS NULL THEN
		RETURN NULL;
	END IF;
	v.kind := 'commitment';
	v.commitment_id := NEW.id;
	v.assignee_id := store.reminded(NEW.by_principal_id, NEW.created_by);
	v.note := left(CASE WHEN NEW.by_principal_id IS NOT NULL OR coalesce(NEW.by_country, (SELECT country FROM store.contact
			WHERE id = NEW.by_contact_id)) IN (SELECT code FROM store.country WHERE standing = 'home')
		THEN store.said_to(v.assignee_id, 'Promised for today: ', '오늘까지 약속한 일: ')
		ELSE store.said_to(v.assignee_id, 'They promised for today: ', '상대가 오늘까지 약속한 일: ') END || NEW.body, 4000);
	v.due_at := CASE WHEN NEW.status = 'open' THEN store.morning(NEW.due_on, v.assignee_id) END;
	PERFORM store.follow_up(v, CASE NEW.status WHEN 'fulfilled' THEN 'done' ELSE 'cancelled' END);
	RETURN NULL;
END $$;
CREATE TRIGGER follow_up AFTER INSERT OR UPDATE OF due_on, status, body, by_principal_id ON store.commitment
	FOR EACH ROW EXECUTE FUNCTION store.commitment_follow_up();

-- An event that should have taken place, and nobody said how it went, a day after it ended.
CREATE FUNCTION store.readout_follow_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	v store.reminder;
	v_wanted boolean := NEW.status IN ('tentative', 'planned') AND NEW.readout IS NULL AND NEW.voided_at IS NULL;
BEGIN
	IF TG_OP = 'INSERT' AND NOT v_wanted THEN
		RETURN NULL;
	END IF;
	v.kind := 'readout';
	v.engagement_id := NEW.id;
	v.assignee_id := store.reminded(NEW.owner_id, NEW.logged_by);
	v.note := left(store.said_to(v.assignee_id, 'How did it go? ', '결과를 기록할 때: ') || NEW.title, 4000);
	v.due_at := CASE WHEN v_wanted THEN coalesce(NEW.ends_at, NEW.starts_at, store.local_instant(
		coalesce(NEW.ends_on, (NEW.starts_on + CASE NEW.precision WHEN 'year' THEN interval '1 year' WHEN 'month'
			THEN interval '1 month' ELSE interval '1 day' END - interval '1 day')::date) + 1, '00:00', 'Asia/Seoul'))
		+ interval '24 hours' END;
	-- The last year that anything can be written with.
	v.due_at := CASE WHEN v.due_at < '9999-12-31' THEN v.due_at END;
	PERFORM store.follow_up(v, CASE WHEN NEW.voided_at IS NULL AND NEW.status = 'held' THEN 'done' ELSE 'cancelled' END);
	RETURN NULL;
END $$;
CREATE TRIGGER follow_up AFTER INSERT OR UPDATE OF status, readout, voided_at, starts_at, ends_at, starts_on, ends_on,
		precision, owner_id, title ON store.engagement
	FOR EACH ROW EXECUTE FUNCTION store.readout_follow_up();

-- When each of these contacts was last met, NULL for never.
CREATE FUNCTION store.contact_last_held(p_contact uuid) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT p.sort_at FROM store.engagement_participant p JOIN store.engagement e ON e.id = p.engagement_id
		WHERE p.contact_id = p_contact AND e.status = 'held' AND e.voided_at IS NULL
			AND coalesce(p.attendance, '') NOT IN ('declined', 'absent')
		ORDER BY p.sort_at DESC LIMIT 1);
END $$;
CREATE FUNCTION store.dialogue_last_held(p_dialogue uuid) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT e.sort_at FROM store.engagement e
		WHERE e.dialogue_id = p_dialogue AND e.status = 'held' AND e.voided_at IS NULL ORDER BY e.sort_at DESC LIMIT 1);
END $$;

CREATE FUNCTION store.contact_cadence(p_contact store.contact) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v store.reminder;
BEGIN
	-- Two that met the same contact at the same time: the second looks when the first can be seen.
	PERFORM pg_advisory_xact_lock(hashtextextended('cadence/' || p_contact.id, 0));
	v.kind := 'cadence';
	v.contact_id := p_contact.id;
	v.assignee_id := store.reminded(p_contact.owner_id, p_contact.created_by);
	v.note := left(store.said_to(v.assignee_id, 'Keep in touch: ', '연락을 이어갈 때: ') || p_contact.name, 4000);
	v.due_at := CASE WHEN p_contact.status = 'active' THEN store.morning(((coalesce(store.contact_last_held(p_contact.id),
		p_contact.created_at) + p_contact.cadence_ideal) AT TIME ZONE 'Asia/Seoul')::date, v.assignee_id) END;
	PERFORM store.follow_up(v, 'cancelled');
END $$;
CREATE FUNCTION store.dialogue_cadence(p_dialogue store.dialogue) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v store.reminder;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('cadence/' || p_dialogue.id, 0));
	v.kind := 'cadence';
	v.dialogue_id := p_dialogue.id;
	v.assignee_id := store.reminded(p_dialogue.created_by, NULL);
	v.note := left(store.said_to(v.assignee_id, 'Keep it going: ', '대화를 이어갈 때: ') || p_dialogue.title, 4000);
	v.due_at := CASE WHEN p_dialogue.status = 'active' THEN store.morning(((coalesce(
		store.dialogue_last_held(p_dialogue.id), p_dialogue.created_at) + p_dialogue.cadence_ideal)
		AT TIME ZONE 'Asia/Seoul')::date, v.assignee_id) END;
	PERFORM store.follow_up(v, 'cancelled');
END $$;

CREATE FUNCTION store.cadence_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' AND NEW.cadence_ideal IS NULL THEN
		RETURN NULL;
	ELSIF TG_TABLE_NAME = 'contact' THEN
		PERFORM store.contact_cadence(NEW);
	ELSE
		PERFORM store.dialogue_cadence(NEW);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER follow_up AFTER INSERT OR UPDATE OF cadence_ideal, status, owner_id, name ON store.contact
	FOR EACH ROW EXECUTE FUNCTION store.cadence_changed();
CREATE TRIGGER follow_up AFTER INSERT OR UPDATE OF cadence_ideal, status, title ON store.dialogue
	FOR EACH ROW EXECUTE FUNCTION store.cadence_changed();

-- Whoever took part in these engagements has been met, or has not after all. In one order for everybody, dialogues first, so
-- that two calls that share some cannot wait for each other.
CREATE FUNCTION store.cadence_met(p_contacts uuid[], p_dialogues uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM store.dialogue_cadence(d) FROM (SELECT * FROM store.dialogue
		WHERE id = ANY (p_dialogues) AND cadence_ideal IS NOT NULL ORDER BY id) AS d;
	PERFORM store.contact_cadence(c) FROM (SELECT * FROM store.contact
		WHERE id = ANY (p_contacts) AND cadence_ideal IS NOT NULL ORDER BY id) AS c;
END $$;

CREATE FUNCTION store.engagement_met() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		PERFORM store.cadence_met('{}', ARRAY[NEW.dialogue_id]) WHERE NEW.dialogue_id IS NOT NULL;
	ELSE
		PERFORM store.cadence_met(ARRAY(SELECT p.contact_id FROM store.engagement_participant p
			WHERE p.engagement_id = NEW.id AND p.contact_id IS NOT NULL), ARRAY[OLD.dialogue_id, NEW.dialogue_id]);
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER met AFTER INSERT OR UPDATE OF status, voided_at, starts_at, starts_on, dialogue_id ON store.engagement
	FOR EACH ROW EXECUTE FUNCTION store.engagement_met();

CREATE FUNCTION store.participants_met() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM store.cadence_met(ARRAY(SELECT contact_id FROM changed WHERE contact_id IS NOT NULL), '{}');
	RETURN NULL;
END $$;
CREATE TRIGGER met AFTER INSERT ON store.engagement_participant
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION store.participants_met();
CREATE TRIGGER met_after_all AFTER UPDATE ON store.engagement_participant
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION store.participants_met();
CREATE TRIGGER not_met AFTER DELETE ON store.engagement_participant
	REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION store.participants_met();

DO $$
DECLARE v_table text;
BEGIN
	FOREACH v_table IN ARRAY ARRAY['webhook', 'reminder_occurrence', 'delivery_attempt'] LOOP
		EXECUTE format('ALTER TABLE store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
		EXECUTE format('CREATE POLICY identified ON store.%I USING (current_setting(''tracktwo.caller'', true) <> '''')',
			v_table);
	END LOOP;
END $$;

-- What stands open already is followed up as well.
UPDATE store.commitment SET due_on = due_on WHERE status = 'open' AND due_on IS NOT NULL;
UPDATE store.engagement SET status = status WHERE status IN ('tentative', 'planned') AND voided_at IS NULL;
