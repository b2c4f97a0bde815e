-- A person's day: the rows that concern them, once, for the answer of report.today and for the digest by mail, so that the
-- two cannot say different things. `p_most` is the highest sensitivity shown: mail passes through servers of others.

CREATE FUNCTION today_reminders(p_person store.principal, p_from timestamptz, p_until timestamptz, p_most int)
RETURNS SETOF store.reminder LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT r.* FROM store.reminder r
		WHERE r.assignee_id = p_person.id AND r.status IN ('pending', 'due', 'failed')
			AND r.due_at >= p_from AND r.due_at < p_until AND coalesce((reminder_about(r)).level, 1) <= p_most
		ORDER BY r.due_at, r.id LIMIT 1000;
END $$;

-- Promises past their day that concern the person: given or recorded by them, or a matter of their desks.
CREATE FUNCTION today_commitments(p_person store.principal, p_today date, p_ours boolean, p_most int)
RETURNS SETOF store.commitment LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT m.* FROM store.commitment m
		LEFT JOIN store.contact b ON b.id = m.by_contact_id LEFT JOIN store.contact t ON t.id = m.to_contact_id
		LEFT JOIN store.engagement e ON e.id = m.engagement_id
		WHERE m.status = 'open' AND m.due_on < p_today AND greatest(e.sensitivity, b.sensitivity, t.sensitivity, 1) <= p_most
			AND e.voided_at IS NULL
			AND (m.by_principal_id IS NOT NULL OR coalesce(m.by_country, b.country) = 'KR') = p_ours
			AND (m.by_principal_id = p_person.id OR m.created_by = p_person.id OR p_person.desks
				&& ARRAY[coalesce(m.by_country, b.country), coalesce(m.to_country, t.country)])
		ORDER BY m.due_on, m.id LIMIT 1000;
END $$;

-- Planned events that concern the person and begin in [from, until); of past ones those without a readout.
CREATE FUNCTION today_events(p_person store.principal, p_from timestamptz, p_until timestamptz, p_past boolean, p_most int)
RETURNS SETOF store.engagement LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT e.* FROM store.engagement e
		WHERE e.status IN ('tentative', 'planned') AND e.voided_at IS NULL AND e.sensitivity <= p_most
			AND e.sort_at >= p_from AND e.sort_at < p_until AND (NOT p_past OR e.readout IS NULL)
			AND (p_person.id IN (e.owner_id, e.logged_by) OR p_person.desks && e.countries
				OR EXISTS (SELECT FROM store.engagement_participant p WHERE p.engagement_id = e.id AND p.principal_id = p_person.id))
		ORDER BY e.sort_at, e.id LIMIT 1000;
END $$;

-- Contacts and dialogues in the person's care that are past their cadence.
CREATE FUNCTION today_neglected(p_person store.principal, p_now timestamptz, p_most int)
RETURNS TABLE (contact_id uuid, dialogue_id uuid, name text, last_at timestamptz, due_at timestamptz, beyond text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT k.contact, k.dialogue, k.title, k.at, k.since + k.ideal,
			CASE WHEN k.since + k.maximum < p_now THEN 'maximum' ELSE 'ideal' END
		FROM (
			SELECT c.id AS contact, NULL::uuid AS dialogue, c.name AS title, l.at, coalesce(l.at, c.created_at) AS since,
				c.cadence_ideal AS ideal, c.cadence_maximum AS maximum
			FROM store.contact c, LATERAL (SELECT store.contact_last_held(c.id) AS at) AS l
			WHERE c.cadence_ideal IS NOT NULL AND c.status = 'active' AND c.sensitivity <= p_most
				AND coalesce(c.owner_id, c.created_by) = p_person.id
			UNION ALL
			SELECT NULL, d.id, d.title, l.at, coalesce(l.at, d.created_at), d.cadence_ideal, d.cadence_maximum
			FROM store.dialogue d, LATERAL (SELECT store.dialogue_last_held(d.id) AS at) AS l
			WHERE d.cadence_ideal IS NOT NULL AND d.status = 'active' AND (d.created_by = p_person.id OR p_person.desks && d.countries)
			) AS k
		WHERE k.since + k.ideal < p_now ORDER BY 5, 3, 1, 2 LIMIT 1000;
END $$;

-- Of a list the first items, and how many there are.
CREATE FUNCTION today_section(p_items jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('count', jsonb_array_length(coalesce(p_items, '[]')),
		'items', jsonb_path_query_array(coalesce(p_items, '[]'), '$[0 to 49]'));
END $$;

CREATE FUNCTION today_event_list(p_person store.principal, p_from timestamptz, p_until timestamptz, p_past boolean)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN today_section((SELECT jsonb_agg(jsonb_build_object('id', e.id, 'title', e.title, 'kind', e.kind, 'status', e.status,
			'starts_at', instant(e.starts_at), 'starts_on', e.starts_on, 'precision', e.precision, 'location', e.location,
			'countries', to_jsonb(e.countries)) ORDER BY e.sort_at, e.id)
		FROM today_events(p_person, p_from, p_until, p_past, 3) AS e));
END $$;

CREATE FUNCTION today_commitment_list(p_person store.principal, p_today date, p_ours boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN today_section((SELECT jsonb_agg(jsonb_build_object('id', m.id, 'due_on', m.due_on, 'days', p_today - m.due_on,
			'by', party_json(m.by_country, m.by_contact_id, m.by_principal_id),
			'to', party_json(m.to_country, m.to_contact_id, m.to_principal_id), 'text', m.body) ORDER BY m.due_on, m.id)
		FROM today_commitments(p_person, p_today, p_ours, 3) AS m));
END $$;

-- The caller's day and the days after it, where they work. One statement's moment for all of it.
CREATE FUNCTION report_today(p_caller uuid, p_days integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_me store.principal; v_today date; v_from timestamptz; v_tomorrow timestamptz; v_until timestamptz;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_me FROM store.principal WHERE id = p_caller;
	v_today := (v_now AT TIME ZONE v_me.timezone)::date;
	v_from := store.local_instant(v_today, '00:00', v_me.timezone);
	v_tomorrow := store.local_instant(v_today + 1, '00:00', v_me.timezone);
	v_until := store.local_instant(v_today + 1 + coalesce(p_days, 7), '00:00', v_me.timezone);
	RETURN jsonb_build_object('day', v_today, 'timezone', v_me.timezone, 'now', instant(v_now),
		'reminders', today_section((SELECT jsonb_agg(jsonb_build_object('id', r.id, 'due_at', instant(r.due_at),
				'overdue', r.due_at < v_now, 'status', r.status, 'note', r.note, 'about', (reminder_about(r)).title)
				ORDER BY r.due_at, r.id)
			FROM today_reminders(v_me, '-infinity', v_tomorrow, 3) AS r)),
		'we_owe', today_commitment_list(v_me, v_today, true),
		'they_owe', today_commitment_list(v_me, v_today, false),
		'readouts', today_event_list(v_me, '-infinity', v_from, true),
		'today', today_event_list(v_me, v_from, v_tomorrow, false),
		'next', today_event_list(v_me, v_tomorrow, v_until, false),
		'neglected', today_section((SELECT jsonb_agg(jsonb_build_object('contact_id', n.contact_id, 'dialogue_id', n.dialogue_id,
				'name', n.name, 'last_on', seoul_day(n.last_at), 'due_on', seoul_day(n.due_at), 'beyond', n.beyond)
				ORDER BY n.due_at, n.name)
			FROM today_neglected(v_me, v_now, 3) AS n)));
END $$;
