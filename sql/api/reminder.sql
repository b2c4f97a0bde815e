-- Reminders and the ledger of their deliveries. PostgreSQL's clock decides what is due.
--
-- A pending reminder whose time has come is claimed by a daemon that has subscribers for its assignee: it becomes `due`,
-- and a delivery stands for this occurrence until somebody acknowledges it. A delivery is pushed again when its lease
-- ends, by whichever daemon claims it then, always under the same id.

CREATE FUNCTION delivery_json(p store.delivery) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'channel', p.channel, 'due_at', instant(p.due_at), 'late', p.late,
		'attempts', p.attempts, 'claimed_at', instant(p.claimed_at), 'ended_at', instant(p.ended_at), 'outcome', p.outcome);
END $$;

CREATE FUNCTION reminder_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', r.id, 'version', r.version, 'about',
			CASE WHEN num_nonnulls(r.engagement_id, r.contact_id, r.dialogue_id, r.commitment_id) > 0 THEN jsonb_strip_nulls(
				jsonb_build_object('engagement_id', r.engagement_id, 'contact_id', r.contact_id,
					'dialogue_id', r.dialogue_id, 'commitment_id', r.commitment_id)) END,
			'note', r.note, 'due_at', instant(r.due_at), 'timezone', r.timezone, 'rrule', r.rrule,
			'status', CASE WHEN r.status = 'pending' AND r.due_at <= clock_timestamp() THEN 'due' ELSE r.status END,
			'assignee', r.assignee_id, 'channels', to_jsonb(r.channels),
			'late', r.status IN ('pending', 'due') AND r.due_at < clock_timestamp() - interval '1 minute',
			'completion_note', r.completion_note, 'created_by', r.created_by, 'created_at', instant(r.created_at),
			'updated_at', instant(r.updated_at), 'deliveries',
			(SELECT coalesce(jsonb_agg(delivery_json(d) ORDER BY d.due_at, d.id), '[]') FROM store.delivery d
				WHERE d.reminder_id = r.id))
		FROM store.reminder r WHERE r.id = p_id);
END $$;

CREATE FUNCTION reminder_insert(p_id uuid, p_caller uuid, p_about jsonb, p_note text, p_due_at timestamptz, p_timezone text,
	p_assignee uuid, p_channels text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.reminder (id, engagement_id, contact_id, dialogue_id, commitment_id, note, due_at, timezone,
			assignee_id, channels, created_by)
		VALUES (p_id, (p_about->>'engagement_id')::uuid, (p_about->>'contact_id')::uuid, (p_about->>'dialogue_id')::uuid,
			(p_about->>'commitment_id')::uuid, p_note, p_due_at, coalesce(p_timezone, (SELECT timezone FROM store.principal
				WHERE id = coalesce(p_assignee, p_caller))),
			coalesce(p_assignee, p_caller), coalesce(p_channels, '{push}'), p_caller);
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

-- Whom a caller may remind: NULL, or the refusal.
CREATE FUNCTION assignee_faults(p_caller uuid, p_assignee uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_assignee IS NULL OR p_assignee = p_caller THEN NULL
		WHEN NOT EXISTS (SELECT FROM store.principal WHERE id = p_assignee) THEN not_found('principal', 'assignee')
		WHEN EXISTS (SELECT FROM store.principal WHERE id = p_caller AND role = 'viewer') THEN
			refused(403, 'forbidden', 'a viewer sets reminders for nobody else; leave assignee out',
				jsonb_build_object('field', 'assignee'))
	END;
END $$;

CREATE FUNCTION reminder_create(p_caller uuid, p_request jsonb, p_id uuid, p_about jsonb, p_note text,
	p_due_at timestamptz, p_timezone text, p_assignee uuid, p_channels text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.reminder WHERE id = p_id) THEN
		RETURN id_reused('id');
	END IF;
	v_answer := coalesce(assignee_faults(p_caller, p_assignee), about_faults(p_about));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM reminder_insert(v_id, p_caller, p_about, p_note, p_due_at, p_timezone, p_assignee, p_channels);
	RETURN write_end(p_caller, p_request, v_id, 1, reminder_json(v_id));
END $$;

CREATE FUNCTION reminder_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(reminder_json(p_id), not_found('reminder', 'id'));
END $$;

CREATE FUNCTION reminder_list(p_caller uuid, p_assignee uuid, p_status text, p_country text, p_due_before timestamptz,
	p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_after_at timestamptz := CASE WHEN v_after IS NOT NULL THEN cursor_time(v_after) END;
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after_at IS NULL THEN
		RETURN cursor_refused();
	END IF;
	EXECUTE 'SELECT array_agg(reminder_json(id)), array_agg((due_at AT TIME ZONE ''UTC'')::text), array_agg(id) FROM (
			SELECT r.id, r.due_at FROM store.reminder r WHERE true'
		|| CASE WHEN p_assignee IS NOT NULL THEN ' AND r.assignee_id = $1' ELSE '' END
		|| CASE p_status WHEN 'pending' THEN ' AND r.status = ''pending'' AND r.due_at > clock_timestamp()'
			WHEN 'due' THEN ' AND (r.status = ''due'' OR r.status = ''pending'' AND r.due_at <= clock_timestamp())'
			ELSE CASE WHEN p_status IS NOT NULL THEN ' AND r.status = $2' ELSE '' END END
		|| CASE WHEN p_country IS NOT NULL THEN ' AND (
			EXISTS (SELECT FROM store.engagement_country l WHERE l.engagement_id = r.engagement_id AND l.country = $3)
			OR EXISTS (SELECT FROM store.dialogue_country l WHERE l.dialogue_id = r.dialogue_id AND l.country = $3)
			OR EXISTS (SELECT FROM store.contact c WHERE c.id = r.contact_id AND c.country = $3)
			OR EXISTS (SELECT FROM store.commitment m WHERE m.id = r.commitment_id AND $3 IN (m.by_country, m.to_country)))'
			ELSE '' END
		|| CASE WHEN p_due_before IS NOT NULL THEN ' AND r.due_at < $4' ELSE '' END
		|| CASE WHEN v_after IS NOT NULL THEN ' AND (r.due_at, r.id) > ($5, $6)' ELSE '' END
		|| ' ORDER BY r.due_at, r.id LIMIT $7) AS rows'
		INTO v_items, v_keys, v_ids
		USING p_assignee, p_status, p_country, p_due_before, v_after_at, (v_after->>1)::uuid, v_limit + 1;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

-- A reminder is its assignee's and its creator's; a director's word goes too.
CREATE FUNCTION may_end(p_caller uuid, p_reminder store.reminder) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN p_caller IN (p_reminder.assignee_id, p_reminder.created_by)
		OR EXISTS (SELECT FROM store.principal WHERE id = p_caller AND role IN ('director', 'administrator'));
END $$;

CREATE FUNCTION not_yours() RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(403, 'forbidden', 'this reminder is somebody else''s; its assignee, its creator or a director may do that');
END $$;

-- A reminder that is to come due at another time is pending again; what is out for the old time is withdrawn.
CREATE FUNCTION reminder_rearm(p_id uuid, p_due_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE store.reminder SET due_at = p_due_at, status = 'pending', version = version + 1, updated_at = clock_timestamp()
		WHERE id = p_id;
	UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'withdrawn'
		WHERE reminder_id = p_id AND ended_at IS NULL;
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

CREATE FUNCTION reminder_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_reminder store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id FOR UPDATE;
	v_answer := CASE
		WHEN NOT FOUND THEN not_found('reminder', 'id')
		WHEN NOT may_end(p_caller, v_reminder) THEN not_yours()
		WHEN v_reminder.version <> p_version THEN stale(v_reminder.version)
		WHEN v_reminder.status IN ('done', 'cancelled') THEN
			rule('reminder_ended', format('this reminder is %s already', v_reminder.status), 'id')
		ELSE coalesce(assignee_faults(p_caller, (p_patch->>'assignee')::uuid),
			about_faults(coalesce(nullif(p_patch->'about', 'null'), '{}'))) END;
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.reminder SET note = coalesce(p_patch->>'note', note), timezone = coalesce(p_patch->>'timezone', timezone),
		assignee_id = coalesce((p_patch->>'assignee')::uuid, assignee_id),
		channels = CASE WHEN p_patch ? 'channels' THEN texts(p_patch->'channels') ELSE channels END WHERE id = p_id;
	IF p_patch ? 'about' THEN
		UPDATE store.reminder SET engagement_id = (p_patch #>> '{about,engagement_id}')::uuid,
			contact_id = (p_patch #>> '{about,contact_id}')::uuid, dialogue_id = (p_patch #>> '{about,dialogue_id}')::uuid,
			commitment_id = (p_patch #>> '{about,commitment_id}')::uuid WHERE id = p_id;
	END IF;
	IF p_patch ?| ARRAY['due_at', 'assignee'] THEN
		PERFORM reminder_rearm(p_id, coalesce((p_patch->>'due_at')::timestamptz, v_reminder.due_at));
	ELSE
		UPDATE store.reminder SET version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	END IF;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, reminder_json(p_id));
END $$;

CREATE FUNCTION reminder_snooze(p_caller uuid, p_request jsonb, p_id uuid, p_until timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_reminder store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id FOR UPDATE;
	v_answer := CASE
		WHEN NOT FOUND THEN not_found('reminder', 'id')
		WHEN NOT may_end(p_caller, v_reminder) THEN not_yours()
		WHEN v_reminder.status IN ('done', 'cancelled') THEN
			rule('reminder_ended', format('this reminder is %s already', v_reminder.status), 'id')
		WHEN p_until <= clock_timestamp() THEN rule('snooze_past', 'a reminder is put off to a time that lies ahead', 'until')
		END;
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM reminder_rearm(p_id, p_until);
	RETURN write_end(p_caller, p_request, p_id, v_reminder.version + 1, reminder_json(p_id));
END $$;

-- The end of a reminder, done or cancelled: what is still out for it is withdrawn.
CREATE FUNCTION reminder_finish(p_caller uuid, p_request jsonb, p_id uuid, p_status text, p_note text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_reminder store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id FOR UPDATE;
	IF NOT FOUND THEN
		RETURN not_found('reminder', 'id');
	ELSIF NOT may_end(p_caller, v_reminder) THEN
		RETURN not_yours();
	ELSIF v_reminder.status IN ('done', 'cancelled') THEN
		RETURN rule('reminder_ended', format('this reminder is %s already', v_reminder.status), 'id');
	END IF;
	UPDATE store.reminder SET status = p_status, completion_note = p_note, version = version + 1,
		updated_at = clock_timestamp() WHERE id = p_id;
	UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'withdrawn'
		WHERE reminder_id = p_id AND ended_at IS NULL;
	RETURN write_end(p_caller, p_request, p_id, v_reminder.version + 1, reminder_json(p_id));
END $$;

CREATE FUNCTION reminder_complete(p_caller uuid, p_request jsonb, p_id uuid, p_note text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	RETURN reminder_finish(p_caller, p_request, p_id, 'done', p_note);
END $$;

CREATE FUNCTION reminder_cancel(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN reminder_finish(p_caller, p_request, p_id, 'cancelled', NULL);
END $$;

CREATE FUNCTION reminder_acknowledge(p_caller uuid, p_request jsonb, p_delivery_id uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_delivery store.delivery;
	v_reminder store.reminder;
	v_version int;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- The reminder first, as everything that changes it does, so that two of them cannot wait for each other.
	SELECT r.* INTO v_reminder FROM store.reminder r JOIN store.delivery d ON d.reminder_id = r.id
		WHERE d.id = p_delivery_id FOR UPDATE OF r;
	SELECT * INTO v_delivery FROM store.delivery WHERE id = p_delivery_id FOR UPDATE;
	IF NOT FOUND THEN
		RETURN not_found('delivery', 'delivery_id');
	ELSIF NOT may_end(p_caller, v_reminder) THEN
		RETURN not_yours();
	END IF;
	IF v_delivery.ended_at IS NULL THEN
		UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'acknowledged', acknowledged_by = p_caller
			WHERE id = p_delivery_id;
		UPDATE store.reminder SET status = 'acknowledged', version = version + 1, updated_at = clock_timestamp()
			WHERE id = v_delivery.reminder_id AND status = 'due';
	END IF;
	SELECT version INTO v_version FROM store.reminder WHERE id = v_delivery.reminder_id;
	RETURN write_end(p_caller, p_request, v_delivery.reminder_id, v_version, reminder_json(v_delivery.reminder_id));
END $$;

-- What a subscriber is sent: {delivery_id, assignee, reminder}, in order of due time.
CREATE FUNCTION deliveries_json(p_ids uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('delivery_id', d.id, 'assignee', d.assignee_id,
			'reminder', reminder_json(d.reminder_id)) ORDER BY d.due_at, d.id), '[]')
		FROM store.delivery d WHERE d.id = ANY (p_ids));
END $$;

-- Makes deliveries of these reminders that are pending and due, as far as nobody else is doing so; returns their ids.
CREATE FUNCTION deliveries_make(p_reminders uuid[], p_daemon uuid, p_lease_s int) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_due uuid[]; v_made uuid[];
BEGIN
	v_due := ARRAY(SELECT r.id FROM store.reminder r WHERE r.id = ANY (p_reminders) AND r.status = 'pending'
		AND r.due_at <= v_now ORDER BY r.id FOR UPDATE SKIP LOCKED);
	WITH made AS (INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, due_at, late, claimed_by, claimed_at,
				lease_until)
			SELECT store.uuid7(), r.id, r.assignee_id, 'push', r.due_at, r.due_at < v_now - interval '1 minute', p_daemon,
				v_now, v_now + make_interval(secs => p_lease_s)
			FROM store.reminder r WHERE r.id = ANY (v_due)
			ON CONFLICT (reminder_id, channel, due_at) WHERE ended_at IS NULL DO NOTHING RETURNING id)
		SELECT array_agg(id) INTO v_made FROM made;
	UPDATE store.reminder SET status = 'due', version = version + 1, updated_at = v_now WHERE id = ANY (v_due);
	RETURN coalesce(v_made, '{}');
END $$;

-- Other daemons have subscribers too; a payload holds fewer than 8,000 bytes.
CREATE FUNCTION deliveries_tell(p_daemon uuid, p_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('tracktwo', 'delivery ' || p_daemon || ' ' || string_agg(id::text, ',')) FROM (
		SELECT id, (row_number() OVER () - 1) / 100 AS part FROM unnest(p_ids) AS id) AS parts GROUP BY part;
END $$;

-- Claims, for subscribers of these assignees, up to p_limit pushes: first those whose lease ended without an
-- acknowledgement (or was given by a clock that has been set back since), then reminders that have come due.
-- → {deliveries, due_in_ms}: when to ask again, NULL for no time.
CREATE FUNCTION reminder_claim(p_caller uuid, p_daemon uuid, p_assignees uuid[], p_lease_s integer, p_limit integer)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_again uuid[]; v_ids uuid[]; v_next timestamptz;
BEGIN
	PERFORM set_caller(p_caller);
	WITH lapsed AS (SELECT d.id FROM store.delivery d WHERE d.ended_at IS NULL AND d.channel = 'push'
			AND d.assignee_id = ANY (p_assignees) AND (d.lease_until <= v_now OR d.claimed_at > v_now)
			ORDER BY d.lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED),
		claimed AS (UPDATE store.delivery d SET attempts = attempts + 1, claimed_by = p_daemon, claimed_at = v_now,
			lease_until = v_now + make_interval(secs => p_lease_s) FROM lapsed WHERE d.id = lapsed.id RETURNING d.id)
		SELECT coalesce(array_agg(id), '{}') INTO v_again FROM claimed;
	v_ids := v_again || deliveries_make(ARRAY(SELECT r.id FROM store.reminder r
			WHERE r.status = 'pending' AND r.due_at <= v_now AND r.assignee_id = ANY (p_assignees)
				AND 'push' = ANY (r.channels)
			ORDER BY r.due_at, r.id LIMIT p_limit - cardinality(v_again)), p_daemon, p_lease_s);
	PERFORM deliveries_tell(p_daemon, v_ids);
	SELECT min(at) INTO v_next FROM unnest(p_assignees) AS a(id), LATERAL (
		(SELECT r.due_at AS at FROM store.reminder r WHERE r.assignee_id = a.id AND r.status = 'pending'
			AND 'push' = ANY (r.channels) ORDER BY r.due_at LIMIT 1)
		UNION ALL
		(SELECT d.lease_until FROM store.delivery d WHERE d.assignee_id = a.id AND d.ended_at IS NULL
			AND d.channel = 'push' ORDER BY d.lease_until LIMIT 1)) AS next;
	RETURN jsonb_build_object('deliveries', deliveries_json(v_ids), 'due_in_ms',
		ceil(extract(epoch FROM v_next - clock_timestamp()) * 1000));
END $$;

-- For one who has just subscribed: what is due and unacknowledged for the assignee, in order of due time, a page at a time.
-- What nobody has claimed yet is claimed along. → {deliveries, after}: where the next page begins, NULL on the last.
CREATE FUNCTION reminder_catch_up(p_caller uuid, p_daemon uuid, p_assignee uuid, p_after text, p_lease_s integer,
	p_limit integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_after jsonb := cursor_read(p_after);
	v_keys text[]; v_reminders uuid[]; v_made uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF NOT EXISTS (SELECT FROM store.principal WHERE id = p_assignee) THEN
		RETURN not_found('principal', 'assignee');
	END IF;
	SELECT array_agg((due_at AT TIME ZONE 'UTC')::text), array_agg(id) INTO v_keys, v_reminders
		FROM (SELECT r.due_at, r.id FROM store.reminder r
			WHERE r.assignee_id = p_assignee AND r.due_at <= v_now AND r.status IN ('pending', 'due')
				AND 'push' = ANY (r.channels)
				AND (v_after IS NULL OR (r.due_at, r.id) >
					((v_after->>0)::timestamp AT TIME ZONE 'UTC', (v_after->>1)::uuid))
			ORDER BY r.due_at, r.id LIMIT p_limit) AS page;
	v_made := deliveries_make(v_reminders, p_daemon, p_lease_s);
	PERFORM deliveries_tell(p_daemon, v_made);
	RETURN jsonb_build_object('deliveries', deliveries_json(ARRAY(SELECT d.id FROM store.delivery d
			WHERE d.reminder_id = ANY (v_reminders) AND d.ended_at IS NULL AND d.channel = 'push')),
		'made', to_jsonb(v_made), 'after',
		CASE WHEN cardinality(v_reminders) = p_limit THEN cursor_make(v_keys[p_limit], v_reminders[p_limit]) END);
END $$;

-- Of these deliveries, which another daemon made, those that are out and unacknowledged for these assignees.
CREATE FUNCTION reminder_deliveries(p_caller uuid, p_assignees uuid[], p_deliveries uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN jsonb_build_object('deliveries', deliveries_json(ARRAY(SELECT d.id FROM store.delivery d
		WHERE d.id = ANY (p_deliveries) AND d.ended_at IS NULL AND d.assignee_id = ANY (p_assignees))));
END $$;
