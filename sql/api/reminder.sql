-- Reminders: set, changed and ended. PostgreSQL's clock decides what is due; delivery.sql sees to it that it arrives.
--
-- One with a rule is never done by itself: each occurrence comes in its turn, and completing one arms the next.

-- Records are written as text, which costs half of what a document does that is built of its parts: when thousands come due
-- at once, this is most of the work.
CREATE FUNCTION delivery_text(p store.delivery) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN format('{"id":"%s","channel":"%s","reason":"%s","to":"%s","due_at":"%s","late":%s,"attempts":%s,"claimed_at":%s,'
			'"ended_at":%s,"outcome":%s,"answer":%s}', p.id, p.channel, p.reason, p.assignee_id, instant(p.due_at),
		p.late::text, p.attempts, coalesce('"' || instant(p.claimed_at) || '"', 'null'),
		CASE WHEN p.ended_at IS NULL THEN 'null' ELSE '"' || instant(p.ended_at) || '"' END, coalesce('"' || p.outcome || '"', 'null'),
		CASE WHEN p.channel = 'push' THEN 'null' ELSE coalesce((SELECT to_json(a.answer)::text FROM store.delivery_attempt a
			WHERE a.delivery_id = p.id AND a.answer IS NOT NULL ORDER BY a.number DESC LIMIT 1), 'null') END);
END $$;

CREATE FUNCTION delivery_json(p store.delivery) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN delivery_text(p)::jsonb;
END $$;

-- Reminders as they are shown, one for each of these ids in their order, NULL where there is none: hundreds come due
-- together. Of the deliveries the last twenty; the ledger keeps all.
CREATE FUNCTION reminder_texts(p_ids uuid[]) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
BEGIN
	RETURN ARRAY(SELECT (SELECT format('{"id":"%s","version":%s,"kind":"%s","about":%s,"note":%s,"due_at":"%s","timezone":%s,'
			'"rrule":%s,"exdates":%s,"workdays":%s,"status":"%s","assignee":"%s","channels":%s,"escalate_after":%s,'
			'"escalate_to":%s,"late":%s,"completion_note":%s,"created_by":"%s","created_at":"%s","updated_at":"%s",'
			'"deliveries":[%s]}', r.id, r.version, r.kind,
			CASE WHEN r.engagement_id IS NOT NULL THEN '{"engagement_id":"' || r.engagement_id || '"}'
				WHEN r.contact_id IS NOT NULL THEN '{"contact_id":"' || r.contact_id || '"}'
				WHEN r.dialogue_id IS NOT NULL THEN '{"dialogue_id":"' || r.dialogue_id || '"}'
				WHEN r.commitment_id IS NOT NULL THEN '{"commitment_id":"' || r.commitment_id || '"}' ELSE 'null' END,
			to_json(r.note), instant(r.due_at), to_json(r.timezone), coalesce(to_json(r.rrule)::text, 'null'),
			CASE WHEN r.exdates = '{}' THEN '[]' ELSE (SELECT json_agg(instant(x))::text FROM unnest(r.exdates) AS x) END,
			coalesce('"' || r.workdays || '"', 'null'),
			CASE WHEN r.status = 'pending' AND r.due_at <= v_now THEN 'due' ELSE r.status END, r.assignee_id,
			to_json(r.channels), coalesce('"' || r.escalate_after || '"', 'null'), coalesce('"' || r.escalate_to || '"', 'null'),
			(r.status IN ('pending', 'due', 'failed') AND r.due_at < v_now - interval '1 minute')::text,
			coalesce(to_json(r.completion_note)::text, 'null'), r.created_by, instant(r.created_at), instant(r.updated_at),
			(SELECT string_agg(delivery_text(last), ',' ORDER BY last.due_at, last.id) FROM (
				SELECT (x).* FROM store.delivery x WHERE x.reminder_id = r.id ORDER BY x.due_at DESC, x.id DESC LIMIT 20) AS last))
			FROM store.reminder r WHERE r.id = ids.id)
		FROM unnest(p_ids) WITH ORDINALITY AS ids(id, place) ORDER BY place);
END $$;

CREATE FUNCTION reminder_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (reminder_texts(ARRAY[p_id]))[1]::jsonb;
END $$;

-- Of these channels, those by which the person can be reached; push, when that is none.
CREATE FUNCTION channels_usable(p_person store.principal, p_channels text[]) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(nullif(ARRAY(SELECT c FROM unnest(p_channels) AS c WHERE CASE c WHEN 'email' THEN p_person.email IS NOT NULL
		WHEN 'webhook' THEN EXISTS (SELECT FROM store.webhook WHERE principal_id = p_person.id AND status = 'active')
		ELSE true END), '{}'), '{push}');
END $$;

-- {note, due_at, timezone?, rrule?, exdates?, workdays?, assignee?, channels?, escalate_after?, escalate_to?}, checked before.
CREATE FUNCTION reminder_insert(p_id uuid, p_caller uuid, p_about jsonb, p_given jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_first timestamptz := (p_given->>'due_at')::timestamptz;
	v_zone text;
	v_assignee store.principal;
BEGIN
	SELECT * INTO v_assignee FROM store.principal WHERE id = coalesce((p_given->>'assignee')::uuid, p_caller);
	v_zone := coalesce(p_given->>'timezone', CASE WHEN p_given ? 'rrule' THEN 'Asia/Seoul' ELSE v_assignee.timezone END);
	INSERT INTO store.reminder (id, engagement_id, contact_id, dialogue_id, commitment_id, note, due_at, first_at,
			occurrence_at, timezone, rrule, exdates, workdays, assignee_id, channels, escalate_after, escalate_to, created_by)
		VALUES (p_id, (p_about->>'engagement_id')::uuid, (p_about->>'contact_id')::uuid, (p_about->>'dialogue_id')::uuid,
			(p_about->>'commitment_id')::uuid, p_given->>'note', workday(v_first, v_zone, p_given->>'workdays'),
			v_first, v_first, v_zone,
			p_given->>'rrule', texts(p_given->'exdates')::timestamptz[],
			p_given->>'workdays', v_assignee.id,
			CASE WHEN p_given ? 'channels' THEN texts(p_given->'channels') ELSE channels_usable(v_assignee, v_assignee.channels) END,
			(p_given->>'escalate_after')::interval,
			CASE WHEN p_given ? 'escalate_after' THEN coalesce((p_given->>'escalate_to')::uuid, p_caller) END, p_caller);
	PERFORM pg_notify('tracktwo', 'reminder');
END $$;

CREATE FUNCTION is_viewer(p_principal uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN EXISTS (SELECT FROM store.principal WHERE id = p_principal AND role = 'viewer');
END $$;

-- Whom a caller may remind, on what channels, and who is told when they do not answer: NULL, or the refusal.
CREATE FUNCTION reminder_faults(p_caller uuid, p_given jsonb, p_path text DEFAULT '') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_assignee store.principal;
	v_escalate uuid := coalesce((p_given->>'escalate_to')::uuid, p_caller);
BEGIN
	-- Locked, lest they are retired by one who does not see yet what waits for them.
	SELECT * INTO v_assignee FROM store.principal WHERE id = coalesce((p_given->>'assignee')::uuid, p_caller) FOR KEY SHARE;
	RETURN CASE
		WHEN NOT FOUND THEN not_found('principal', p_path || 'assignee')
		WHEN v_assignee.status <> 'active' THEN rule('assignee_retired',
			'this person is retired and would not be reminded; name another assignee', p_path || 'assignee')
		WHEN (v_assignee.id <> p_caller OR p_given ? 'escalate_after' AND v_escalate <> p_caller) AND is_viewer(p_caller) THEN
			refused(403, 'forbidden', 'a viewer reminds nobody else; leave assignee and escalate_to out', jsonb_build_object(
				'field', p_path || CASE WHEN v_assignee.id <> p_caller THEN 'assignee' ELSE 'escalate_to' END))
		WHEN p_given->'channels' ? 'email' AND v_assignee.email IS NULL THEN rule('no_address',
			'the assignee has no e-mail address; principal.update gives one', p_path || 'channels')
		WHEN p_given->'channels' ? 'webhook' AND NOT EXISTS (SELECT FROM store.webhook
			WHERE principal_id = v_assignee.id AND status = 'active') THEN rule('no_webhook',
			'the assignee has no active webhook; webhook.create makes one', p_path || 'channels')
		WHEN NOT p_given ? 'escalate_after' THEN NULL
		WHEN v_escalate = v_assignee.id THEN rule('escalates_to_assignee',
			'nobody else would be told; name in escalate_to who is, other than the assignee', p_path || 'escalate_to')
		WHEN NOT EXISTS (SELECT FROM store.principal WHERE id = v_escalate AND status = 'active') THEN
			not_found('principal', p_path || 'escalate_to')
	END;
END $$;

CREATE FUNCTION follow_up_faults(p_caller uuid, p_follow_up jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN p_follow_up IS NOT NULL THEN reminder_faults(p_caller, p_follow_up, 'follow_up.') END;
END $$;

CREATE FUNCTION reminder_create(p_caller uuid, p_request jsonb, p_id uuid, p_about jsonb, p_note text,
	p_due_at timestamptz, p_timezone text, p_rrule text, p_exdates timestamptz[], p_workdays text, p_assignee uuid,
	p_channels text[], p_escalate_after interval, p_escalate_to uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_given jsonb := jsonb_strip_nulls(jsonb_build_object('note', p_note, 'due_at', p_due_at, 'timezone', p_timezone,
		'rrule', p_rrule, 'exdates', p_exdates, 'workdays', p_workdays, 'assignee', p_assignee, 'channels', p_channels,
		'escalate_after', p_escalate_after, 'escalate_to', p_escalate_to));
BEGIN
	v_answer := coalesce(v_answer, CASE WHEN EXISTS (SELECT FROM store.reminder WHERE id = p_id) THEN id_reused('id') END,
		reminder_faults(p_caller, v_given), about_faults(p_about));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM reminder_insert(v_id, p_caller, p_about, v_given);
	RETURN write_end(p_caller, p_request, v_id, 1, reminder_json(v_id));
END $$;

CREATE FUNCTION reminder_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(reminder_json(p_id), not_found('reminder', 'id'));
END $$;

CREATE FUNCTION reminder_list(p_caller uuid, p_assignee uuid, p_status text, p_kind text, p_country text,
	p_due_before timestamptz, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_after_at timestamptz := CASE WHEN v_after IS NOT NULL THEN cursor_time(v_after) END;
	v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after_at IS NULL THEN
		RETURN cursor_refused();
	END IF;
	EXECUTE 'SELECT array_agg((due_at AT TIME ZONE ''UTC'')::text), array_agg(id) FROM (
			SELECT r.id, r.due_at FROM store.reminder r WHERE true'
		|| CASE WHEN p_assignee IS NOT NULL THEN ' AND r.assignee_id = $1' ELSE '' END
		|| CASE p_status WHEN 'pending' THEN ' AND r.status = ''pending'' AND r.due_at > clock_timestamp()'
			WHEN 'due' THEN ' AND (r.status = ''due'' OR r.status = ''pending'' AND r.due_at <= clock_timestamp())'
			ELSE CASE WHEN p_status IS NOT NULL THEN ' AND r.status = $2' ELSE '' END END
		-- As the indexes of what is open say it.
		|| CASE WHEN p_status NOT IN ('done', 'cancelled') THEN ' AND r.status NOT IN (''done'', ''cancelled'')' ELSE '' END
		|| CASE WHEN p_country IS NOT NULL THEN ' AND (
			EXISTS (SELECT FROM store.engagement_country l WHERE l.engagement_id = r.engagement_id AND l.country = $3)
			OR EXISTS (SELECT FROM store.dialogue_country l WHERE l.dialogue_id = r.dialogue_id AND l.country = $3)
			OR EXISTS (SELECT FROM store.contact c WHERE c.id = r.contact_id AND c.country = $3)
			OR EXISTS (SELECT FROM store.commitment m WHERE m.id = r.commitment_id AND $3 IN (m.by_country, m.to_country)))'
			ELSE '' END
		|| CASE WHEN p_kind IS NOT NULL THEN ' AND r.kind = $8' ELSE '' END
		|| CASE WHEN p_kind <> 'set' THEN ' AND r.kind <> ''set''' ELSE '' END
		|| CASE WHEN p_due_before IS NOT NULL THEN ' AND r.due_at < $4' ELSE '' END
		|| CASE WHEN v_after IS NOT NULL THEN ' AND (r.due_at, r.id) > ($5, $6)' ELSE '' END
		|| ' ORDER BY r.due_at, r.id LIMIT $7) AS rows'
		INTO v_keys, v_ids
		USING p_assignee, p_status, p_country, p_due_before, v_after_at, (v_after->>1)::uuid, v_limit + 1, p_kind;
	RETURN page(reminder_texts(v_ids)::jsonb[], v_keys, v_ids, v_limit);
END $$;

-- A reminder is its assignee's, its creator's and whose it became by escalation; a director's word goes too.
CREATE FUNCTION may_end(p_caller uuid, p_reminder store.reminder) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(p_caller IN (p_reminder.assignee_id, p_reminder.created_by, p_reminder.escalate_to), false)
		OR EXISTS (SELECT FROM store.principal WHERE id = p_caller AND role IN ('director', 'administrator'));
END $$;

CREATE FUNCTION not_yours() RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(403, 'forbidden', 'this reminder is somebody else''s; its assignee, its creator or a director may do that');
END $$;

-- The reminder, locked for a change that the caller may make while it has not ended; or the refusal.
CREATE FUNCTION reminder_lock(p_caller uuid, p_id uuid, p_version int DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_reminder store.reminder;
BEGIN
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id FOR UPDATE;
	PERFORM before_keep('reminder', p_id) WHERE v_reminder.id IS NOT NULL;
	RETURN CASE
		WHEN v_reminder.id IS NULL THEN not_found('reminder', 'id')
		WHEN NOT may_end(p_caller, v_reminder) THEN not_yours()
		WHEN v_reminder.version <> p_version THEN stale(v_reminder.version)
		WHEN v_reminder.status IN ('done', 'cancelled') THEN
			rule('reminder_ended', format('this reminder is %s already', v_reminder.status), 'id')
	END;
END $$;

-- What every change of a reminder ends with.
CREATE FUNCTION reminder_written(p_caller uuid, p_request jsonb, p_id uuid, p_along jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_version int;
BEGIN
	UPDATE store.reminder SET version = version + 1, updated_at = clock_timestamp() WHERE id = p_id RETURNING version INTO v_version;
	PERFORM pg_notify('tracktwo', 'reminder');
	RETURN write_end(p_caller, p_request, p_id, v_version, reminder_json(p_id) || p_along);
END $$;

CREATE FUNCTION reminder_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), reminder_lock(p_caller, p_id, p_version));
	v_old store.reminder; v_new store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_old FROM store.reminder WHERE id = p_id;
	v_new := jsonb_populate_record(v_old, p_patch - 'about' - 'exdates'
		|| CASE WHEN p_patch ? 'assignee' THEN jsonb_build_object('assignee_id', p_patch->'assignee') ELSE '{}' END
		|| CASE WHEN p_patch ? 'about' THEN '{"engagement_id": null, "contact_id": null, "dialogue_id": null,
			"commitment_id": null}' || coalesce(nullif(p_patch->'about', 'null'), '{}') ELSE '{}' END);
	v_new.exdates := CASE WHEN v_new.rrule IS NULL THEN '{}' WHEN p_patch ? 'exdates'
		THEN texts(p_patch->'exdates')::timestamptz[] ELSE v_old.exdates END;
	v_new.escalate_to := CASE WHEN v_new.escalate_after IS NOT NULL THEN coalesce(v_new.escalate_to, v_old.created_by) END;
	v_answer := coalesce(
		CASE WHEN v_old.kind <> 'set' AND p_patch ?| ARRAY['about', 'rrule', 'due_at', 'assignee'] THEN rule('follows_record',
			'this reminder follows its record: change that, or snooze, complete or cancel the reminder', 'id') END,
		CASE WHEN v_new.rrule IS NULL AND jsonb_array_length(p_patch->'exdates') > 0 THEN invalid('exdates', 'goes with rrule only')
			WHEN v_new.rrule IS NULL AND p_patch->>'workdays' IS NOT NULL THEN invalid('workdays', 'goes with rrule only')
			WHEN v_new.escalate_after IS NULL AND p_patch ? 'escalate_to'
				THEN invalid('escalate_to', 'goes with escalate_after only') END,
		-- What stands as it stood is nobody's fault now.
		CASE WHEN p_patch ?| ARRAY['assignee', 'channels', 'escalate_after', 'escalate_to'] THEN reminder_faults(p_caller,
			jsonb_strip_nulls(jsonb_build_object('assignee', v_new.assignee_id, 'channels', CASE WHEN p_patch ? 'channels'
				THEN v_new.channels END, 'escalate_after', v_new.escalate_after, 'escalate_to', v_new.escalate_to))) END,
		about_faults(coalesce(nullif(p_patch->'about', 'null'), '{}')));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- What follows a record begins when that says, wherever it has been put off to.
	IF p_patch ? 'due_at' OR v_old.rrule IS NULL AND v_old.kind = 'set' THEN
		v_new.first_at := v_new.due_at;
		v_new.occurrence_at := v_new.due_at;
	END IF;
	-- Another rule, its zone, its exceptions: what was worked out by the old one is void. What is out stays out; one that waits
	-- keeps its time, unless just that has been excluded; and without a rule nobody will find it another.
	IF p_patch ?| ARRAY['rrule', 'exdates', 'timezone', 'due_at', 'workdays'] THEN
		DELETE FROM store.reminder_occurrence WHERE reminder_id = p_id;
		v_new.stock := CASE WHEN v_new.rrule IS NOT NULL THEN 'wanted' END;
		v_new.workdays := CASE WHEN v_new.rrule IS NOT NULL THEN v_new.workdays END;
		v_new.fire_at := CASE WHEN v_old.status = 'pending' AND v_new.occurrence_at <> ALL (v_new.exdates)
			THEN coalesce(v_old.fire_at, CASE WHEN v_new.rrule IS NULL THEN v_new.due_at END) END;
	END IF;
	IF p_patch ?| ARRAY['escalate_after', 'escalate_to'] THEN
		v_new.escalate_at := CASE WHEN v_old.status IN ('due', 'failed') THEN clock_timestamp() + v_new.escalate_after END;
	END IF;
	IF p_patch ? 'assignee' THEN
		v_new.channels := channels_usable((SELECT p FROM store.principal p WHERE p.id = v_new.assignee_id), v_new.channels);
	END IF;
	UPDATE store.reminder SET (engagement_id, contact_id, dialogue_id, commitment_id, note, timezone, rrule, exdates, workdays,
			assignee_id, channels, escalate_after, escalate_to, stock, first_at, occurrence_at, fire_at,
			escalate_at) =
		(v_new.engagement_id, v_new.contact_id, v_new.dialogue_id, v_new.commitment_id, v_new.note, v_new.timezone,
			v_new.rrule, v_new.exdates, v_new.workdays, v_new.assignee_id, v_new.channels, v_new.escalate_after,
			v_new.escalate_to, v_new.stock, v_new.first_at, v_new.occurrence_at, v_new.fire_at,
			v_new.escalate_at) WHERE id = p_id;
	IF p_patch ?| ARRAY['due_at', 'assignee', 'channels'] THEN
		PERFORM reminder_arm(p_id, CASE WHEN p_patch ? 'due_at' THEN workday(v_new.due_at, v_new.timezone, v_new.workdays)
			ELSE v_new.due_at END);
	END IF;
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;

CREATE FUNCTION reminder_snooze(p_caller uuid, p_request jsonb, p_id uuid, p_until timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), reminder_lock(p_caller, p_id),
		CASE WHEN p_until <= clock_timestamp()
			THEN rule('snooze_past', 'a reminder is put off to a time that lies ahead', 'until') END);
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM reminder_arm(p_id, p_until);
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;

CREATE FUNCTION reminder_end(p_id uuid, p_status text, p_note text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE store.reminder SET status = p_status, completion_note = p_note, fire_at = NULL, escalate_at = NULL WHERE id = p_id;
	PERFORM store.withdraw_deliveries(p_id);
END $$;

-- What hangs on a commitment offers to close it, and does when asked to.
-- An occurrence of a rule that is not due yet wants the version that was read: two who complete the same one must not
-- complete the next along.
CREATE FUNCTION reminder_complete(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_note text,
	p_fulfil_commitment boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), reminder_lock(p_caller, p_id, p_version));
	v_reminder store.reminder;
	v_commitment store.commitment;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id;
	SELECT * INTO v_commitment FROM store.commitment WHERE id = v_reminder.commitment_id AND status = 'open' FOR UPDATE;
	IF p_fulfil_commitment AND is_viewer(p_caller) THEN
		RETURN refused(403, 'forbidden', 'a viewer fulfils no commitment; leave fulfil_commitment out',
			'{"field": "fulfil_commitment"}');
	ELSIF v_reminder.rrule IS NOT NULL AND v_reminder.status = 'pending' AND v_reminder.due_at > clock_timestamp()
		AND p_version IS NULL THEN
		RETURN rule('not_due_yet', 'this occurrence is not due yet; to complete it ahead, give the version that you read', 'version');
	ELSIF p_fulfil_commitment AND v_reminder.commitment_id IS NULL THEN
		RETURN rule('no_commitment', 'this reminder hangs on no commitment', 'fulfil_commitment');
	ELSIF v_reminder.rrule IS NOT NULL THEN
		UPDATE store.reminder SET completion_note = p_note WHERE id = p_id;
		PERFORM reminder_next(p_id);
	ELSE
		PERFORM reminder_end(p_id, 'done', p_note);
	END IF;
	IF p_fulfil_commitment THEN
		UPDATE store.commitment SET status = 'fulfilled', version = version + 1, updated_at = clock_timestamp()
			WHERE id = v_commitment.id;
	END IF;
	RETURN reminder_written(p_caller, p_request, p_id, jsonb_build_object('commitment', CASE WHEN v_commitment.id IS NOT NULL
		THEN jsonb_build_object('id', v_commitment.id, 'version', v_commitment.version + coalesce(p_fulfil_commitment, false)::int,
			'status', CASE WHEN p_fulfil_commitment THEN 'fulfilled' ELSE 'open' END, 'text', v_commitment.body) END));
END $$;

CREATE FUNCTION reminder_cancel(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), reminder_lock(p_caller, p_id));
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM reminder_end(p_id, 'cancelled', NULL);
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;

-- One acknowledgement ends all that is out for this occurrence, whatever the channel.
CREATE FUNCTION reminder_acknowledge(p_caller uuid, p_request jsonb, p_delivery_id uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_delivery store.delivery;
	v_reminder store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- The reminder first, as everything that changes it does, so that two of them cannot wait for each other.
	SELECT r.* INTO v_reminder FROM store.reminder r JOIN store.delivery d ON d.reminder_id = r.id
		WHERE d.id = p_delivery_id FOR UPDATE OF r;
	SELECT * INTO v_delivery FROM store.delivery WHERE id = p_delivery_id;
	IF v_reminder.id IS NULL THEN
		RETURN not_found('delivery', 'delivery_id');
	ELSIF NOT may_end(p_caller, v_reminder) AND v_delivery.assignee_id <> p_caller THEN
		RETURN not_yours();
	END IF;
	IF v_delivery.due_at = v_reminder.due_at AND v_reminder.status IN ('due', 'failed') THEN
		UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'acknowledged', acknowledged_by = p_caller
			WHERE reminder_id = v_reminder.id AND ended_at IS NULL;
		UPDATE store.reminder SET status = 'acknowledged', escalate_at = NULL WHERE id = v_reminder.id;
	ELSE
		UPDATE store.delivery SET ended_at = clock_timestamp(), outcome = 'acknowledged', acknowledged_by = p_caller
			WHERE id = p_delivery_id AND ended_at IS NULL;
	END IF;
	RETURN reminder_written(p_caller, p_request, v_reminder.id);
END $$;

-- Sends what has come due once more, under the ids that it had: what failed, and what was sent and perhaps lost.
CREATE FUNCTION reminder_redeliver(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), reminder_lock(p_caller, p_id));
	v_reminder store.reminder;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_reminder FROM store.reminder WHERE id = p_id;
	UPDATE store.delivery SET ended_at = NULL, outcome = NULL, acknowledged_by = NULL, failures = 0,
			claimed_by = NULL, lease_until = clock_timestamp()
		WHERE outcome IN ('delivered', 'failed') AND id IN (SELECT DISTINCT ON (channel, webhook_id) id FROM store.delivery
			WHERE reminder_id = p_id AND due_at = v_reminder.due_at AND reason = 'due' AND assignee_id = v_reminder.assignee_id
			ORDER BY channel, webhook_id, id DESC);
	IF NOT FOUND THEN
		RETURN rule('nothing_to_redeliver', 'nothing of this reminder was sent or has failed; what is still out is sent again '
			'by itself', 'id');
	END IF;
	UPDATE store.reminder SET status = 'due', escalate_at = clock_timestamp() + escalate_after WHERE id = p_id;
	RETURN reminder_written(p_caller, p_request, p_id);
END $$;
