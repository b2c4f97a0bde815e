-- Calendars: engagements and reminders as phones and servers of others read them. So an entry says what, when, where, with
-- which countries and in which state; never a readout, a participant or a note on a record; and what is above `internal`,
-- or above the clearance of whoever holds the feed, is no entry at all, nor is a reminder about it. Reminders are those of
-- the feed's principal only.
--
-- The secret of a feed's address is made here, shown once, and stored as its SHA-256; see token.sql.

CREATE FUNCTION calendar_json(p store.calendar) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'version', p.version, 'name', p.name, 'scope', p.scope, 'country', p.country,
		'workstream', p.workstream, 'principal_id', p.principal_id, 'revoked_at', instant(p.revoked_at),
		'created_by', p.created_by, 'created_at', instant(p.created_at), 'updated_at', instant(p.updated_at));
END $$;

-- The days that a record of days takes, both included: a month or a year is spanned from its first day to its last.
CREATE FUNCTION calendar_last_day(p_starts_on date, p_ends_on date, p_precision text) RETURNS date LANGUAGE plpgsql
IMMUTABLE AS $$
BEGIN
	RETURN (date_trunc(p_precision, coalesce(p_ends_on, p_starts_on)::timestamp) + ('1 ' || p_precision)::interval
		- interval '1 day')::date;
END $$;

CREATE FUNCTION calendar_event(p store.engagement) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('kind', 'event', 'id', p.id, 'version', p.version, 'title', p.title, 'status', p.status,
		'starts_at', instant(p.starts_at), 'ends_at', instant(p.ends_at), 'starts_on', p.starts_on,
		'ends_on', calendar_last_day(p.starts_on, p.ends_on, p.precision), 'due_at', NULL, 'location', p.location,
		'countries', to_jsonb(p.countries),
		'workstreams', (SELECT jsonb_agg(DISTINCT w->>'code') FROM jsonb_array_elements(p.workstreams) AS w),
		'created_at', instant(p.logged_at), 'updated_at', instant(p.updated_at));
END $$;

CREATE FUNCTION calendar_todo(p store.reminder) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('kind', 'todo', 'id', p.id, 'version', p.version, 'title', p.note,
		'status', CASE WHEN p.status = 'pending' AND p.due_at <= clock_timestamp() THEN 'due' ELSE p.status END,
		'starts_at', NULL, 'ends_at', NULL, 'starts_on', NULL, 'ends_on', NULL, 'due_at', instant(p.due_at),
		'location', NULL, 'countries', '[]'::jsonb, 'workstreams', '[]'::jsonb, 'created_at', instant(p.created_at),
		'updated_at', instant(p.updated_at));
END $$;

-- May what hangs on these two be shown? NULL hangs on nothing; what cannot be seen is as good as secret.
CREATE FUNCTION calendar_clear(p_level int, p_engagement uuid, p_contact uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (p_engagement IS NULL OR EXISTS (SELECT FROM store.engagement
			WHERE id = p_engagement AND voided_at IS NULL AND sensitivity <= p_level))
		AND (p_contact IS NULL OR EXISTS (SELECT FROM store.contact WHERE id = p_contact AND sensitivity <= p_level));
END $$;

-- Is what hangs on these about the country, or about one of the workstreams (codes)? NULL asks for none.
CREATE FUNCTION calendar_concerns(p_country text, p_codes text[], p_engagement uuid, p_dialogue uuid, p_countries text[])
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (p_country IS NULL OR p_country = ANY (p_countries)
			OR EXISTS (SELECT FROM store.engagement_country WHERE engagement_id = p_engagement AND country = p_country)
			OR EXISTS (SELECT FROM store.dialogue_country WHERE dialogue_id = p_dialogue AND country = p_country))
		AND (p_codes IS NULL
			OR EXISTS (SELECT FROM store.engagement_workstream
				WHERE engagement_id = p_engagement AND workstream = ANY (p_codes))
			OR EXISTS (SELECT FROM store.dialogue_workstream WHERE dialogue_id = p_dialogue AND workstream = ANY (p_codes)));
END $$;

-- Those that are still to come about, however old, and the rest of the last 90 days: cancelled ones, so that whoever has
-- them drops them. The latest p_limit, with how many there are.
CREATE FUNCTION calendar_events(p_principal uuid, p_country text, p_codes text[], p_level int, p_since timestamptz,
	p_limit int) RETURNS TABLE (item jsonb, at timestamptz, id uuid, total bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	-- Apart, lest the planner walks all of the past in order to find the latest.
	RETURN QUERY WITH near AS MATERIALIZED (SELECT e.id, e.sort_at FROM store.engagement e
			WHERE (e.status IN ('tentative', 'planned', 'postponed') OR e.sort_at >= p_since)
				AND e.voided_at IS NULL AND e.sensitivity <= p_level
				AND (p_country IS NULL OR p_country = ANY (e.countries))
				AND (p_codes IS NULL OR EXISTS (SELECT FROM store.engagement_workstream l
					WHERE l.engagement_id = e.id AND l.workstream = ANY (p_codes)))
				AND (p_country IS NOT NULL OR p_codes IS NOT NULL OR coalesce(e.owner_id, e.logged_by) = p_principal
					OR EXISTS (SELECT FROM store.engagement_participant i
						WHERE i.engagement_id = e.id AND i.principal_id = p_principal)))
		SELECT calendar_event(f), f.sort_at, f.id, (SELECT count(*) FROM near) FROM (
			SELECT n.id FROM near n ORDER BY n.sort_at DESC, n.id LIMIT p_limit) AS s
			JOIN store.engagement f ON f.id = s.id;
END $$;

CREATE FUNCTION calendar_todos(p_principal uuid, p_country text, p_codes text[], p_level int, p_since timestamptz,
	p_limit int) RETURNS TABLE (item jsonb, at timestamptz, id uuid, total bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT calendar_todo(s.r), (s.r).due_at, (s.r).id, s.total FROM (
		SELECT r, count(*) OVER () AS total FROM store.reminder r LEFT JOIN store.commitment m ON m.id = r.commitment_id
			LEFT JOIN store.contact c ON c.id = r.contact_id
		-- An event that waits for its readout is there itself.
		WHERE r.assignee_id = p_principal AND r.kind <> 'readout' AND (r.status NOT IN ('done', 'cancelled') OR r.due_at >= p_since)
			AND (r.commitment_id IS NULL OR m.id IS NOT NULL)
			AND calendar_clear(p_level, r.engagement_id, r.contact_id)
			AND calendar_clear(p_level, m.engagement_id, m.by_contact_id) AND calendar_clear(p_level, NULL, m.to_contact_id)
			AND calendar_concerns(p_country, p_codes, coalesce(r.engagement_id, m.engagement_id), r.dialogue_id,
				ARRAY[c.country, m.by_country, m.to_country])
		ORDER BY r.due_at DESC, r.id LIMIT p_limit) AS s;
END $$;

-- What a feed shows. `p_reader` is who holds it: rows are seen as that principal sees them. A feed holds so many entries of
-- each kind; left_out says how many there are beside them.
CREATE FUNCTION calendar_show(p_reader store.principal, p_principal store.principal, p_name text, p_country text,
	p_workstream text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	k_most CONSTANT int := 500;
	k_internal CONSTANT int := 1;
	v_level int := least(k_internal, p_reader.clearance, p_principal.clearance);
	v_since timestamptz := clock_timestamp() - interval '90 days';
	-- A workstream with all older codes that stand for it today.
	v_codes text[] := CASE WHEN p_workstream IS NOT NULL THEN
		ARRAY(SELECT code FROM store.workstream_now WHERE now = p_workstream UNION SELECT p_workstream) END;
	v_events jsonb; v_todos jsonb;
	v_left_out bigint := 0; v_total bigint;
BEGIN
	PERFORM set_caller(p_reader.id);
	SELECT coalesce(jsonb_agg(item ORDER BY at, id), '[]'), coalesce(max(total), 0) - count(*) INTO v_events, v_left_out
		FROM calendar_events(p_principal.id, p_country, v_codes, v_level, v_since, k_most);
	SELECT coalesce(jsonb_agg(item ORDER BY at, id), '[]'), coalesce(max(total), 0) - count(*) INTO v_todos, v_total
		FROM calendar_todos(p_principal.id, p_country, v_codes, v_level, v_since, k_most);
	RETURN page(v_events || v_todos) || jsonb_build_object('name', p_name, 'left_out', v_left_out + v_total);
END $$;

CREATE FUNCTION calendar_name(p_country text, p_workstream text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN concat_ws(' ', 'tracktwo', p_country, p_workstream);
END $$;

-- Whose feed a caller may have: NULL, or the refusal.
CREATE FUNCTION calendar_faults(p_caller uuid, p_principal uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_principal = p_caller THEN NULL
		WHEN NOT calendar_keeper(p_caller) THEN refused(403, 'forbidden',
			'another one''s calendar is for a director to ask for; leave principal_id out', '{"field": "principal_id"}')
		WHEN NOT EXISTS (SELECT FROM store.principal WHERE id = p_principal AND status = 'active')
			THEN not_found('principal', 'principal_id')
	END;
END $$;

-- May the caller deal with the calendars of others?
CREATE FUNCTION calendar_keeper(p_caller uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN EXISTS (SELECT FROM store.principal
		WHERE id = p_caller AND role IN ('director', 'administrator') AND status = 'active');
END $$;

CREATE FUNCTION calendar_create(p_caller uuid, p_request jsonb, p_id uuid, p_name text, p_country text, p_workstream text,
	p_principal_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_principal uuid := coalesce(p_principal_id, p_caller);
	v_calendar store.calendar;
	-- Random as a token is.
	v_secret text := 'tc_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
		|| uuid_send(gen_random_uuid())), 'hex');
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.calendar WHERE id = p_id) THEN
		RETURN id_reused('id');
	END IF;
	v_answer := calendar_faults(p_caller, v_principal);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.calendar (id, hash, principal_id, scope, country, workstream, name, created_by)
		VALUES (coalesce(p_id, store.uuid7()), sha256(convert_to(v_secret, 'UTF8')), v_principal,
			CASE WHEN p_country IS NOT NULL THEN 'country' WHEN p_workstream IS NOT NULL THEN 'workstream' ELSE 'person' END,
			p_country, p_workstream, coalesce(p_name, calendar_name(p_country, p_workstream)), p_caller)
		RETURNING * INTO v_calendar;
	-- What is kept for a repeat has no secret in it.
	RETURN write_end(p_caller, p_request, v_calendar.id, 1, calendar_json(v_calendar) || '{"token": null, "path": null}')
		|| jsonb_build_object('token', v_secret, 'path', '/calendar/' || v_secret || '.ics');
END $$;

CREATE FUNCTION calendar_revoke(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_calendar store.calendar;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_calendar FROM store.calendar WHERE id = p_id FOR UPDATE;
	IF NOT FOUND
		OR NOT (p_caller IN (v_calendar.principal_id, v_calendar.created_by) OR calendar_keeper(p_caller)) THEN
		RETURN not_found('calendar', 'id');
	END IF;
	IF v_calendar.revoked_at IS NULL THEN
		UPDATE store.calendar SET revoked_at = clock_timestamp(), updated_at = clock_timestamp(), version = version + 1
			WHERE id = p_id RETURNING * INTO v_calendar;
	END IF;
	RETURN write_end(p_caller, p_request, p_id, v_calendar.version, calendar_json(v_calendar));
END $$;

CREATE FUNCTION calendar_list(p_caller uuid, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_after_at timestamptz := CASE WHEN v_after IS NOT NULL THEN cursor_time(v_after) END;
	v_keeper boolean;
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after_at IS NULL THEN
		RETURN cursor_refused();
	END IF;
	v_keeper := calendar_keeper(p_caller);
	SELECT array_agg(item), array_agg((created_at AT TIME ZONE 'UTC')::text), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT calendar_json(c) AS item, c.created_at, c.id FROM store.calendar c
			WHERE (v_keeper OR p_caller IN (c.principal_id, c.created_by))
				AND (v_after_at IS NULL OR (c.created_at, c.id) > (v_after_at, (v_after->>1)::uuid))
			ORDER BY c.created_at, c.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

CREATE FUNCTION calendar_export(p_caller uuid, p_country text, p_workstream text, p_principal_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_reader store.principal; v_principal store.principal;
	v_refusal jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	v_refusal := calendar_faults(p_caller, coalesce(p_principal_id, p_caller));
	IF v_refusal IS NOT NULL THEN
		RETURN v_refusal;
	END IF;
	SELECT * INTO v_reader FROM store.principal WHERE id = p_caller;
	SELECT * INTO v_principal FROM store.principal WHERE id = coalesce(p_principal_id, p_caller);
	RETURN calendar_show(v_reader, v_principal, calendar_name(p_country, p_workstream), p_country, p_workstream);
END $$;

-- What the feed of this secret, given as its SHA-256 in hexadecimal, shows: as calendar.export does, and updated_at. NULL
-- when it is unknown or revoked, when its principal or its maker is no longer active, and when its maker is no longer one
-- who may have it.
CREATE FUNCTION calendar_feed(p_caller uuid, p_hash text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_calendar store.calendar;
	v_reader store.principal; v_principal store.principal;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_calendar FROM store.calendar WHERE hash = decode(p_hash, 'hex') AND revoked_at IS NULL;
	SELECT * INTO v_reader FROM store.principal WHERE id = v_calendar.created_by AND status = 'active';
	IF NOT FOUND OR calendar_faults(v_reader.id, v_calendar.principal_id) IS NOT NULL THEN
		RETURN NULL;
	END IF;
	SELECT * INTO v_principal FROM store.principal WHERE id = v_calendar.principal_id;
	RETURN calendar_show(v_reader, v_principal, v_calendar.name, v_calendar.country, v_calendar.workstream)
		|| jsonb_build_object('updated_at', instant(v_calendar.updated_at));
END $$;
