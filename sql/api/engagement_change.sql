-- What happens to an engagement after it was logged: it is corrected, held, or voided; never deleted.

-- The row as the patch would have it. Moments: giving an instant replaces the days, and the other way about.
CREATE FUNCTION engagement_patched(p_old store.engagement, p_patch jsonb) RETURNS store.engagement LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_new store.engagement;
BEGIN
	v_new := jsonb_populate_record(p_old, p_patch - 'sensitivity'
		|| CASE WHEN p_patch ? 'owner' THEN jsonb_build_object('owner_id', p_patch->'owner') ELSE '{}' END
		|| CASE WHEN p_patch ? 'sensitivity'
			THEN jsonb_build_object('sensitivity', level_number(p_patch->>'sensitivity')) ELSE '{}' END
		|| CASE WHEN p_patch ? 'audience' THEN jsonb_build_object('headcount', p_patch #> '{audience,headcount}',
			'audience_groups', p_patch #> '{audience,groups}') ELSE '{}' END);
	IF p_patch->>'starts_at' IS NOT NULL AND p_old.starts_on IS NOT NULL THEN
		v_new.starts_on := NULL;
		v_new.ends_on := NULL;
		v_new.precision := NULL;
	ELSIF p_patch->>'starts_on' IS NOT NULL AND p_old.starts_at IS NOT NULL THEN
		v_new.starts_at := NULL;
		v_new.ends_at := NULL;
		v_new.timezone := NULL;
		v_new.precision := coalesce(p_patch->>'precision', 'day');
	END IF;
	v_new.starts_on := date_trunc(coalesce(v_new.precision, 'day'), v_new.starts_on::timestamp)::date;
	v_new.countries := words_changed(v_new.countries, p_patch->'countries_add', p_patch->'countries_remove');
	v_new.workstreams := workstreams_changed(v_new.workstreams, p_patch->'workstreams_add',
		p_patch->'workstreams_change', p_patch->'workstreams_remove');
	RETURN v_new;
END $$;

-- What is wrong with the row that a patch would make: NULL, or the refusal.
CREATE FUNCTION engagement_patch_faults(p_new store.engagement) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE
		WHEN cardinality(p_new.countries) = 0
			THEN rule('at_least_one_country', 'an engagement keeps one country at least', 'countries_remove')
		WHEN jsonb_array_length(p_new.workstreams) = 0
			THEN rule('at_least_one_workstream', 'an engagement keeps one workstream at least', 'workstreams_remove')
		WHEN p_new.ends_at < p_new.starts_at THEN rule('ends_before_start', 'it must not end before it begins', 'ends_at')
		WHEN p_new.ends_on < p_new.starts_on THEN rule('ends_before_start', 'it must not end before it begins', 'ends_on')
		WHEN p_new.starts_at IS NULL AND num_nonnulls(p_new.ends_at, p_new.timezone) > 0
			THEN rule('moment_or_days', 'ends_at and timezone go with starts_at', 'ends_at')
		WHEN p_new.starts_on IS NULL AND num_nonnulls(p_new.ends_on, p_new.precision) > 0
			THEN rule('moment_or_days', 'ends_on and precision go with starts_on', 'ends_on')
	END;
END $$;

-- Ids in a list of removals or changes that are none of the engagement's participants: NULL, or the refusal.
CREATE FUNCTION participants_faults(p_engagement uuid, p_patch jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_field text;
BEGIN
	SELECT field INTO v_field FROM (
		SELECT format('participants_remove[%s]', r.ordinality - 1) AS field, r.value #>> '{}' AS id
			FROM jsonb_array_elements(p_patch->'participants_remove') WITH ORDINALITY AS r
		UNION ALL
		SELECT format('participants_change[%s].id', c.ordinality - 1), c.value->>'id'
			FROM jsonb_array_elements(p_patch->'participants_change') WITH ORDINALITY AS c) AS named
		WHERE NOT EXISTS (SELECT FROM store.engagement_participant p
			WHERE p.id = named.id::uuid AND p.engagement_id = p_engagement) LIMIT 1;
	RETURN CASE WHEN FOUND THEN not_found('participant', v_field) END;
END $$;

-- Changes and removals, checked before.
CREATE FUNCTION participants_change(p_engagement uuid, p_patch jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_given jsonb;
	v_participant store.engagement_participant;
BEGIN
	FOR v_given IN SELECT * FROM jsonb_array_elements(p_patch->'participants_change') LOOP
		SELECT * INTO v_participant FROM store.engagement_participant WHERE id = (v_given->>'id')::uuid;
		v_participant := jsonb_populate_record(v_participant, v_given);
		UPDATE store.engagement_participant SET role = v_participant.role, capacity = v_participant.capacity,
			attendance = v_participant.attendance, side = v_participant.side WHERE id = v_participant.id;
	END LOOP;
	DELETE FROM store.engagement_participant WHERE engagement_id = p_engagement
		AND id::text IN (SELECT jsonb_array_elements_text(p_patch->'participants_remove'));
END $$;

-- One who takes part already cannot be added: NULL, or the refusal.
CREATE FUNCTION participants_twice(p_engagement uuid, p_patch jsonb, p_people jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_place bigint;
BEGIN
	SELECT a.ordinality - 1 INTO v_place FROM jsonb_array_elements(p_people) WITH ORDINALITY AS a
		JOIN store.engagement_participant p ON p.engagement_id = p_engagement
			AND (p.contact_id = (a.value->>'contact_id')::uuid OR p.principal_id = (a.value->>'principal_id')::uuid)
		WHERE NOT coalesce(p_patch->'participants_remove' ? p.id::text, false) LIMIT 1;
	RETURN CASE WHEN FOUND THEN rule('participant_twice', 'this person takes part already; change that entry by its id',
		format('participants_add[%s]', v_place)) END;
END $$;

-- The engagement of that version, locked for a change; or the refusal.
CREATE FUNCTION engagement_lock(p_id uuid, p_version int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_version int; v_voided timestamptz;
BEGIN
	SELECT version, voided_at INTO v_version, v_voided FROM store.engagement WHERE id = p_id FOR UPDATE;
	IF v_version = p_version THEN
		PERFORM before_keep('engagement', p_id);
	END IF;
	RETURN CASE
		WHEN v_version IS NULL THEN not_found('engagement', 'id')
		WHEN v_version <> p_version THEN stale(v_version)
		WHEN v_voided IS NOT NULL THEN rule('void', 'this engagement is void; log another one', 'id')
	END;
END $$;

CREATE FUNCTION engagement_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), engagement_lock(p_id, p_version));
	v_new store.engagement;
	v_people jsonb; v_floor smallint;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_new FROM store.engagement WHERE id = p_id;
	v_new := engagement_patched(v_new, p_patch);
	v_people := engagement_people(p_patch->'participants_add', p_patch->>'sensitivity', 'participants_add');
	IF v_people ? 'refused' THEN
		RETURN v_people;
	END IF;
	v_answer := coalesce(engagement_patch_faults(v_new), participants_faults(p_id, p_patch),
		participants_twice(p_id, p_patch, v_people),
		engagement_faults((p_patch->>'dialogue_id')::uuid, (p_patch->>'parent_id')::uuid, (p_patch->>'owner')::uuid),
		CASE WHEN EXISTS (WITH RECURSIVE above AS (
				SELECT id, parent_id FROM store.engagement WHERE id = (p_patch->>'parent_id')::uuid
				UNION SELECT e.id, e.parent_id FROM store.engagement e JOIN above ON e.id = above.parent_id)
			SELECT FROM above WHERE id = p_id)
			THEN rule('parent_below', 'an engagement cannot be part of what is part of it', 'parent_id') END,
		retired_workstream(coalesce(p_patch->'workstreams', '[]') || coalesce(p_patch->'workstreams_add', '[]')
			|| coalesce(p_patch->'workstreams_change', '[]')));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT max(level) INTO v_floor FROM (
		SELECT (a->>'level')::smallint AS level FROM jsonb_array_elements(v_people) AS a
		UNION ALL
		SELECT c.sensitivity FROM store.engagement_participant p JOIN store.contact c ON c.id = p.contact_id
			WHERE p.engagement_id = p_id AND NOT coalesce(p_patch->'participants_remove' ? p.id::text, false)) AS levels;
	IF p_patch ? 'sensitivity' AND v_new.sensitivity < v_floor THEN
		RETURN rule('sensitivity_of_contacts', format('a participant is %s, so the engagement must be at least that',
			level_name(v_floor)), 'sensitivity');
	END IF;
	PERFORM participants_change(p_id, p_patch);
	PERFORM participants_insert(p_caller, p_id, v_people, p_patch->>'sensitivity');
	INSERT INTO store.topic (slug) SELECT unnest(v_new.topics) EXCEPT SELECT slug FROM store.topic ORDER BY 1
		ON CONFLICT DO NOTHING;
	UPDATE store.engagement SET (title, kind, track, status, starts_at, ends_at, timezone, starts_on, ends_on, precision,
			location, format, countries, workstreams, topics, headcount, audience_groups, dialogue_id, parent_id,
			languages, attribution, sensitivity, agenda, readout, outcomes, sources, owner_id, version, updated_at) =
		(v_new.title, v_new.kind, v_new.track, v_new.status, v_new.starts_at, v_new.ends_at, v_new.timezone,
			v_new.starts_on, v_new.ends_on, v_new.precision, v_new.location, v_new.format, v_new.countries,
			v_new.workstreams, v_new.topics, v_new.headcount, v_new.audience_groups, v_new.dialogue_id, v_new.parent_id,
			v_new.languages, v_new.attribution, greatest(v_new.sensitivity, v_floor), v_new.agenda, v_new.readout,
			v_new.outcomes, v_new.sources, v_new.owner_id, version + 1, clock_timestamp())
		WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, engagement_json(p_id));
END $$;

-- A planned one has taken place: who was expected was there, but for those named as absent (by the id of the participant,
-- contact or principal).
CREATE FUNCTION engagement_hold(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_readout text,
	p_absent uuid[], p_commitments jsonb, p_follow_up jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), engagement_lock(p_id, p_version),
		follow_up_faults(p_caller, p_follow_up));
	v_engagement store.engagement;
	v_commitments jsonb; v_place bigint;
	v_reminder uuid;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_engagement FROM store.engagement WHERE id = p_id;
	IF v_engagement.status NOT IN ('tentative', 'planned', 'postponed') THEN
		RETURN rule('not_planned', format('this engagement is %s already', v_engagement.status), 'id');
	ELSIF v_engagement.sort_at > clock_timestamp() THEN
		RETURN rule('not_yet', 'this engagement lies ahead; change when it begins first', 'id');
	END IF;
	SELECT ordinality - 1 INTO v_place FROM unnest(p_absent) WITH ORDINALITY AS gone(id, ordinality)
		WHERE NOT EXISTS (SELECT FROM store.engagement_participant p WHERE p.engagement_id = p_id
			AND gone.id IN (p.id, p.contact_id, p.principal_id)) LIMIT 1;
	IF FOUND THEN
		RETURN not_found('participant', format('absent[%s]', v_place));
	END IF;
	v_commitments := commitment_parties(p_commitments);
	IF v_commitments ? 'refused' THEN
		RETURN v_commitments;
	END IF;
	UPDATE store.engagement_participant p SET attendance = CASE
			WHEN p.id = ANY (p_absent) OR p.contact_id = ANY (p_absent) OR p.principal_id = ANY (p_absent) THEN 'absent'
			WHEN p.attendance = 'declined' THEN 'declined' ELSE 'attended' END
		WHERE p.engagement_id = p_id;
	PERFORM commitments_insert(p_caller, p_id, v_commitments);
	IF p_follow_up IS NOT NULL THEN
		v_reminder := store.uuid7();
		PERFORM reminder_insert(v_reminder, p_caller, jsonb_build_object('engagement_id', p_id), p_follow_up);
	END IF;
	UPDATE store.engagement SET status = 'held', readout = coalesce(p_readout, readout), version = version + 1,
		updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, engagement_json(p_id) || jsonb_build_object('created',
		jsonb_build_object('contacts', '[]'::jsonb, 'commitments',
			(SELECT coalesce(jsonb_agg(c->'id'), '[]') FROM jsonb_array_elements(v_commitments) AS c),
			'note_id', NULL, 'reminder_id', v_reminder)));
END $$;

-- Reminders of what is void, and of what was promised there, ring no more; what is out for them is withdrawn.
CREATE FUNCTION engagement_reminders_cancel(p_id uuid) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
	v_ids uuid[] := ARRAY(SELECT r.id FROM store.reminder r WHERE r.status NOT IN ('done', 'cancelled')
		AND (r.engagement_id = p_id OR r.commitment_id IN (SELECT m.id FROM store.commitment m WHERE m.engagement_id = p_id))
		ORDER BY r.id FOR UPDATE);
BEGIN
	PERFORM reminder_end(id, 'cancelled', NULL) FROM unnest(v_ids) AS id;
	UPDATE store.reminder SET version = version + 1, updated_at = clock_timestamp() WHERE id = ANY (v_ids);
	RETURN v_ids;
END $$;

CREATE FUNCTION engagement_void(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_reason text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), engagement_lock(p_id, p_version));
	v_reminders uuid[];
	v_open bigint;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_reminders := engagement_reminders_cancel(p_id);
	UPDATE store.engagement SET voided_at = clock_timestamp(), voided_by = p_caller, void_reason = p_reason,
		version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	SELECT count(*) INTO v_open FROM store.commitment WHERE engagement_id = p_id AND status = 'open';
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, engagement_json(p_id) || jsonb_build_object(
		'cancelled_reminders', to_jsonb(v_reminders), 'warnings', to_jsonb(array_remove(ARRAY[
			CASE WHEN v_reminders <> '{}' THEN jsonb_build_object('rule', 'reminders_cancelled', 'message',
				format('%s reminders of it will not ring; set others where they are still meant', cardinality(v_reminders))) END,
			CASE WHEN v_open > 0 THEN jsonb_build_object('rule', 'commitments_left', 'message',
				format('%s open commitments made there are on no list any more; record anew what still holds', v_open)) END],
			NULL))));
END $$;
