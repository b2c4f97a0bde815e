-- Concerns: what a side has raised, how often, and what it was answered. A concern is open when it was never answered, or
-- was raised again since: then the answer has not ended it.

-- How these concerns stood at a moment. What was withdrawn by then does not count, nor what was said at an engagement that
-- was void by then; a concern that nothing of counts has no row.
CREATE FUNCTION concern_states(p_ids uuid[], p_at timestamptz) RETURNS TABLE (id uuid, times int, first_on date, last_on date,
	answers int, status text) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT c.id, count(*) FILTER (WHERE said.raised)::int, min(said.day) FILTER (WHERE said.raised),
			max(said.day) FILTER (WHERE said.raised), count(*) FILTER (WHERE NOT said.raised)::int,
			CASE WHEN c.withdrawn_at <= p_at THEN 'withdrawn'
				WHEN (array_agg(said.raised ORDER BY said.day DESC, said.recorded_at DESC))[1] THEN 'open'
				ELSE 'answered' END
		FROM unnest(p_ids) AS given(id) JOIN store.concern c ON c.id = given.id
		JOIN LATERAL (
			SELECT true AS raised, r.raised_on AS day, r.recorded_at, r.engagement_id, r.withdrawn_at
				FROM store.concern_raised r WHERE r.concern_id = given.id
			UNION ALL
			SELECT false, a.answered_on, a.recorded_at, a.engagement_id, a.withdrawn_at
				FROM store.concern_answer a WHERE a.concern_id = given.id) AS said ON said.recorded_at <= p_at
			AND coalesce(said.withdrawn_at > p_at, true) AND coalesce((SELECT e.voided_at FROM store.engagement e
				WHERE e.id = said.engagement_id) > p_at, true)
		GROUP BY c.id HAVING bool_or(said.raised);
END $$;

-- A concern without its entries, as lists show it.
CREATE FUNCTION concern_card(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', c.id, 'version', c.version, 'country', coalesce(c.country, k.country),
			'contact_id', c.contact_id, 'name', k.name, 'to', party_json(c.to_country, c.to_contact_id, c.to_principal_id),
			'topic', c.topic, 'text', c.body, 'status', CASE WHEN c.withdrawn_at IS NULL THEN coalesce(s.status, 'open')
				ELSE 'withdrawn' END, 'times_raised', coalesce(s.times, 0), 'first_raised_on', s.first_on,
			'last_raised_on', s.last_on, 'times_answered', coalesce(s.answers, 0), 'created_by', c.created_by,
			'created_at', instant(c.created_at), 'updated_at', instant(c.updated_at))
		FROM store.concern c LEFT JOIN store.contact k ON k.id = c.contact_id
		LEFT JOIN concern_states(ARRAY[p_id], 'infinity') AS s ON true WHERE c.id = p_id);
END $$;

CREATE FUNCTION concern_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN concern_card(p_id) || jsonb_build_object('raised',
		(SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'raised_on', r.raised_on, 'engagement_id', r.engagement_id,
				'text', r.body, 'recorded_by', r.recorded_by, 'withdrawn_at', instant(r.withdrawn_at))
				ORDER BY r.raised_on, r.id), '[]')
			FROM store.concern_raised r WHERE r.concern_id = p_id),
		'answers',
		(SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'answered_on', a.answered_on,
				'engagement_id', a.engagement_id, 'text', a.body, 'by', a.by_id, 'recorded_by', a.recorded_by,
				'withdrawn_at', instant(a.withdrawn_at)) ORDER BY a.answered_on, a.id), '[]')
			FROM store.concern_answer a WHERE a.concern_id = p_id));
END $$;

-- When something was said: the day given, else the engagement's, else today, in Seoul.
CREATE FUNCTION day_said(p_day date, p_engagement uuid) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(p_day, (SELECT seoul_day(sort_at) FROM store.engagement WHERE id = p_engagement),
		seoul_day(clock_timestamp()));
END $$;

-- What an entry refers to must exist, and its day must have come: NULL, or the refusal.
CREATE FUNCTION said_faults(p_day date, p_engagement uuid, p_field text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(about_faults(jsonb_strip_nulls(jsonb_build_object('engagement_id', p_engagement)), ''),
		CASE WHEN day_said(p_day, p_engagement) > seoul_day(clock_timestamp()) THEN rule('not_yet',
			'this day lies ahead; record it when it has come, or name an earlier day', p_field) END);
END $$;

CREATE FUNCTION concern_said(p_caller uuid, p_concern uuid, p_engagement uuid, p_day date, p_text text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.concern_raised (id, concern_id, engagement_id, raised_on, body, recorded_by)
		VALUES (store.uuid7(), p_concern, p_engagement, day_said(p_day, p_engagement), p_text, p_caller);
END $$;

CREATE FUNCTION concern_raise(p_caller uuid, p_request jsonb, p_id uuid, p_country text, p_contact_id uuid, p_to jsonb,
	p_topic text, p_text text, p_engagement_id uuid, p_raised_on date) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_to jsonb := party_find(p_to);
BEGIN
	v_answer := coalesce(v_answer, CASE WHEN EXISTS (SELECT FROM store.concern WHERE id = p_id) THEN id_reused('id') END,
		about_faults(jsonb_strip_nulls(jsonb_build_object('contact_id', p_contact_id)), ''),
		CASE WHEN p_to IS NOT NULL AND v_to IS NULL THEN not_found('person', 'to') END,
		said_faults(p_raised_on, p_engagement_id, 'raised_on'));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.topic (slug) SELECT p_topic WHERE p_topic IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO store.concern (id, country, contact_id, to_country, to_contact_id, to_principal_id, topic, body, created_by)
		VALUES (v_id, p_country, p_contact_id, v_to->>'country', (v_to->>'contact_id')::uuid,
			(v_to->>'principal_id')::uuid, p_topic, p_text, p_caller);
	PERFORM concern_said(p_caller, v_id, p_engagement_id, p_raised_on, NULL);
	RETURN write_end(p_caller, p_request, v_id, 1, concern_json(v_id));
END $$;

-- The same again, at another time.
CREATE FUNCTION concern_repeat(p_caller uuid, p_request jsonb, p_id uuid, p_text text, p_engagement_id uuid,
	p_raised_on date) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), said_faults(p_raised_on, p_engagement_id, 'raised_on'));
	v_version int;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.concern SET version = version + 1, updated_at = clock_timestamp()
		WHERE id = p_id AND NOT EXISTS (SELECT FROM store.concern_raised r WHERE r.concern_id = p_id
			AND r.engagement_id = p_engagement_id AND r.withdrawn_at IS NULL)
		RETURNING version INTO v_version;
	IF NOT FOUND THEN
		RETURN CASE WHEN EXISTS (SELECT FROM store.concern WHERE id = p_id)
			THEN rule('raised_there', 'this concern is on record for that engagement already', 'engagement_id')
			ELSE not_found('concern', 'id') END;
	END IF;
	PERFORM concern_said(p_caller, p_id, p_engagement_id, p_raised_on, p_text);
	RETURN write_end(p_caller, p_request, p_id, v_version, concern_json(p_id));
END $$;

CREATE FUNCTION concern_answer(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_text text,
	p_engagement_id uuid, p_answered_on date, p_by uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('concern', p_id, p_version),
		said_faults(p_answered_on, p_engagement_id, 'answered_on'));
	v_day date := day_said(p_answered_on, p_engagement_id);
BEGIN
	v_answer := coalesce(v_answer,
		CASE WHEN p_by IS NOT NULL AND NOT EXISTS (SELECT FROM store.principal WHERE id = p_by)
			THEN not_found('principal', 'by') END,
		(SELECT rule('answered_before_raised', format('this concern was first raised on %s; an answer comes after that',
			s.first_on), 'answered_on') FROM concern_states(ARRAY[p_id], 'infinity') AS s WHERE v_day < s.first_on));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.concern_answer (id, concern_id, engagement_id, answered_on, body, by_id, recorded_by)
		VALUES (store.uuid7(), p_id, p_engagement_id, v_day, p_text, coalesce(p_by, p_caller), p_caller);
	UPDATE store.concern SET version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, concern_json(p_id));
END $$;

-- Entries that are to be withdrawn must stand, and one raising must stay: NULL, or the refusal.
CREATE FUNCTION concern_remove_faults(p_id uuid, p_patch jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(
		(SELECT not_found('entry', format('raised_remove[%s]', place - 1))
			FROM jsonb_array_elements_text(p_patch->'raised_remove') WITH ORDINALITY AS gone(id, place)
			WHERE NOT EXISTS (SELECT FROM store.concern_raised r
				WHERE r.id = gone.id::uuid AND r.concern_id = p_id AND r.withdrawn_at IS NULL) LIMIT 1),
		(SELECT not_found('entry', format('answers_remove[%s]', place - 1))
			FROM jsonb_array_elements_text(p_patch->'answers_remove') WITH ORDINALITY AS gone(id, place)
			WHERE NOT EXISTS (SELECT FROM store.concern_answer a
				WHERE a.id = gone.id::uuid AND a.concern_id = p_id AND a.withdrawn_at IS NULL) LIMIT 1),
		CASE WHEN p_patch ? 'raised_remove' AND NOT EXISTS (SELECT FROM store.concern_raised r WHERE r.concern_id = p_id
				AND r.withdrawn_at IS NULL AND NOT p_patch->'raised_remove' ? r.id::text)
			THEN rule('at_least_once', 'a concern was raised once at least; withdraw it whole instead', 'raised_remove') END);
END $$;

CREATE FUNCTION concern_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('concern', p_id, p_version),
		concern_remove_faults(p_id, p_patch));
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	UPDATE store.concern_raised SET withdrawn_at = clock_timestamp()
		WHERE concern_id = p_id AND p_patch->'raised_remove' ? id::text;
	UPDATE store.concern_answer SET withdrawn_at = clock_timestamp()
		WHERE concern_id = p_id AND p_patch->'answers_remove' ? id::text;
	INSERT INTO store.topic (slug) SELECT p_patch->>'topic' WHERE p_patch->>'topic' IS NOT NULL ON CONFLICT DO NOTHING;
	UPDATE store.concern SET body = coalesce(p_patch->>'text', body),
		topic = CASE WHEN p_patch ? 'topic' THEN p_patch->>'topic' ELSE topic END,
		withdrawn_at = CASE (p_patch->>'withdrawn')::boolean WHEN true THEN coalesce(withdrawn_at, clock_timestamp())
			WHEN false THEN NULL ELSE withdrawn_at END,
		version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, concern_json(p_id));
END $$;

CREATE FUNCTION concern_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(concern_json(p_id), not_found('concern', 'id'));
END $$;

-- The sort key of a cursor: the moment at which its list began, and where the last item stood then; nothing when it is none.
CREATE FUNCTION concern_key(p_text text, OUT at timestamptz, OUT times int, OUT first_on date) LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF p_text ~ '^[^ ]+ [^ ]+ \d{1,9} \d{4}-\d\d-\d\d$' THEN
		at := cursor_time(to_jsonb(ARRAY[split_part(p_text, ' ', 1) || ' ' || split_part(p_text, ' ', 2)]));
		times := split_part(p_text, ' ', 3)::int;
		first_on := day_key(split_part(p_text, ' ', 4));
	END IF;
END $$;

-- Most often raised first, of those as often raised the longest known. All pages show the order of the moment at which the
-- first one was asked for, so that what is raised again meanwhile is neither missed nor seen twice.
CREATE FUNCTION concern_list(p_caller uuid, p_country text, p_contact_id uuid, p_topic text, p_status text,
	p_never_answered boolean, p_engagement_id uuid, p_since date, p_until date, p_cursor text, p_limit integer)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_key record;
	v_now text := (clock_timestamp() AT TIME ZONE 'UTC')::text;
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_key FROM concern_key(v_after->>0);
	IF p_cursor IS NOT NULL AND (v_key.at IS NULL OR v_key.first_on IS NULL) THEN
		RETURN cursor_refused();
	ELSIF v_key.at IS NOT NULL THEN
		v_now := (v_key.at AT TIME ZONE 'UTC')::text;
	END IF;
	SELECT array_agg(concern_card(rows.id)), array_agg(format('%s %s %s', v_now, times, first_on)), array_agg(rows.id)
		INTO v_items, v_keys, v_ids
		FROM (SELECT s.* FROM concern_states(ARRAY(SELECT c.id FROM store.concern c
				LEFT JOIN store.contact k ON k.id = c.contact_id
				WHERE (p_country IS NULL OR p_country IN (c.country, k.country))
					AND (p_contact_id IS NULL OR c.contact_id = p_contact_id) AND (p_topic IS NULL OR c.topic = p_topic)
					AND (num_nonnulls(p_since, p_until, p_engagement_id) = 0
						OR EXISTS (SELECT FROM store.concern_raised r WHERE r.concern_id = c.id AND r.withdrawn_at IS NULL
							AND r.raised_on >= coalesce(p_since, '-infinity') AND r.raised_on < coalesce(p_until, 'infinity')
							AND (p_engagement_id IS NULL OR r.engagement_id = p_engagement_id)))),
				coalesce(v_key.at, 'infinity')) AS s
			WHERE (p_status IS NULL OR s.status = p_status)
				AND (p_never_answered IS NULL OR (s.answers = 0) = p_never_answered)
				AND (v_after IS NULL OR (-s.times, s.first_on, s.id) > (-v_key.times, v_key.first_on, (v_after->>1)::uuid))
			ORDER BY s.times DESC, s.first_on, s.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
