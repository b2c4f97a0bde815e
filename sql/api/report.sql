-- Answers about the roadmap in force: what was done for a workstream of an earlier one counts where the crosswalk says.

-- Country by workstream, of what was held. Bilateral: besides Korea one country at most; multilateral: more.
CREATE FUNCTION report_coverage(p_caller uuid, p_since date, p_until date) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_since timestamptz := coalesce(p_since::timestamp AT TIME ZONE 'Asia/Seoul', '-infinity');
	v_until timestamptz := coalesce(p_until::timestamp AT TIME ZONE 'Asia/Seoul', 'infinity');
	v_items jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT jsonb_agg(jsonb_build_object('country', country, 'workstream', workstream, 'bilateral', bilateral,
			'multilateral', multilateral, 'last_on', seoul_day(last_at))
			ORDER BY country, string_to_array(workstream, '.')::int[]) INTO v_items
		FROM (SELECT c.country, w.workstream,
				count(*) FILTER (WHERE cardinality(array_remove(e.countries, 'KR')) <= 1) AS bilateral,
				count(*) FILTER (WHERE cardinality(array_remove(e.countries, 'KR')) > 1) AS multilateral,
				max(e.sort_at) AS last_at
			FROM store.engagement e
			JOIN store.engagement_country c ON c.engagement_id = e.id
			JOIN LATERAL (SELECT DISTINCT n.now AS workstream FROM store.engagement_workstream l
				JOIN store.workstream_now n ON n.code = l.workstream WHERE l.engagement_id = e.id) AS w ON true
			WHERE e.voided_at IS NULL AND e.status = 'held' AND e.sort_at >= v_since AND e.sort_at < v_until
			GROUP BY c.country, w.workstream) AS counts;
	RETURN jsonb_build_object('items', coalesce(v_items, '[]'), 'untouched', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('country', c.code, 'workstream', w.code)
				ORDER BY c.code, string_to_array(w.code, '.')::int[]), '[]')
			FROM store.country c CROSS JOIN store.workstream_edition w
			WHERE c.standing <> 'other' AND w.version = (SELECT max(version) FROM store.roadmap_version)
				AND NOT coalesce(v_items, '[]') @> jsonb_build_array(
					jsonb_build_object('country', c.code, 'workstream', w.code))));
END $$;

-- Where nothing was held for so many days: country by workstream, and dialogues that are active. Contacts and dialogues
-- that have a cadence are measured by that instead: `beyond` says which of its two intervals has passed.
CREATE FUNCTION report_neglected(p_caller uuid, p_days integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_before timestamptz := v_now - make_interval(days => p_days);
BEGIN
	PERFORM set_caller(p_caller);
	RETURN jsonb_build_object('items', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('country', c.code, 'workstream', w.code, 'last_on',
				seoul_day(l.last_at), 'days', extract(day FROM v_now - l.last_at)::int)
				ORDER BY l.last_at NULLS FIRST, c.code, string_to_array(w.code, '.')::int[]), '[]')
			FROM store.country c
			JOIN store.workstream_edition w ON w.version = (SELECT max(version) FROM store.roadmap_version)
			LEFT JOIN LATERAL (SELECT max(e.sort_at) AS last_at FROM store.workstream_now n
				JOIN store.engagement_workstream ew ON ew.workstream = n.code
				JOIN store.engagement_country ec ON ec.engagement_id = ew.engagement_id AND ec.country = c.code
				JOIN store.engagement e ON e.id = ew.engagement_id AND e.status = 'held' AND e.voided_at IS NULL
				WHERE n.now = w.code) AS l ON true
			WHERE c.standing <> 'other' AND (l.last_at IS NULL OR l.last_at < v_before)),
		'dialogues', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'title', d.title, 'last_on',
				seoul_day(l.last_at), 'days', extract(day FROM v_now - l.last_at)::int)
				ORDER BY l.last_at NULLS FIRST, d.title, d.id), '[]')
			FROM store.dialogue d
			LEFT JOIN LATERAL (SELECT max(e.sort_at) AS last_at FROM store.engagement e
				WHERE e.dialogue_id = d.id AND e.status = 'held' AND e.voided_at IS NULL) AS l ON true
			WHERE d.status = 'active' AND d.cadence_ideal IS NULL AND (l.last_at IS NULL OR l.last_at < v_before)),
		'cadences', (
		SELECT coalesce(jsonb_agg(jsonb_build_object('contact_id', contact_id, 'dialogue_id', dialogue_id, 'name', name,
				'owner', owner, 'last_on', seoul_day(last_at), 'due_on', seoul_day(since + ideal),
				'beyond', CASE WHEN since + maximum < v_now THEN 'maximum' ELSE 'ideal' END) ORDER BY since + ideal, name), '[]')
			FROM (
				SELECT c.id AS contact_id, NULL::uuid AS dialogue_id, c.name, coalesce(c.owner_id, c.created_by) AS owner,
					c.cadence_ideal AS ideal, c.cadence_maximum AS maximum, l.at AS last_at, coalesce(l.at, c.created_at) AS since
				FROM store.contact c, LATERAL (SELECT store.contact_last_held(c.id) AS at) AS l
				WHERE c.cadence_ideal IS NOT NULL AND c.status = 'active'
				UNION ALL
				SELECT NULL, d.id, d.title, d.created_by, d.cadence_ideal, d.cadence_maximum, l.at, coalesce(l.at, d.created_at)
				FROM store.dialogue d, LATERAL (SELECT store.dialogue_last_held(d.id) AS at) AS l
				WHERE d.cadence_ideal IS NOT NULL AND d.status = 'active') AS kept
			WHERE since + ideal < v_now));
END $$;

-- Where the values of a group come from, for engagement e: a row source with the column `value`.
CREATE FUNCTION activity_source(p_group text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE p_group
		WHEN 'month' THEN 'SELECT to_char(e.sort_at AT TIME ZONE ''Asia/Seoul'', ''YYYY-MM'') AS value'
		WHEN 'country' THEN 'SELECT unnest(e.countries) AS value'
		WHEN 'kind' THEN 'SELECT e.kind AS value'
		WHEN 'track' THEN 'SELECT e.track AS value'
		WHEN 'topic' THEN 'SELECT unnest(e.topics) AS value'
		WHEN 'sector' THEN 'SELECT DISTINCT c.sector AS value FROM store.engagement_participant p
			JOIN store.contact c ON c.id = p.contact_id WHERE p.engagement_id = e.id AND c.sector IS NOT NULL'
	END;
END $$;

-- Engagements held, counted by the groups together; one that has several values of a group counts in each.
CREATE FUNCTION report_activity(p_caller uuid, p_group_by text[], p_since date, p_until date, p_country text,
	p_workstream text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_sources text; v_columns text; v_members text; v_items jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT string_agg(format(' CROSS JOIN LATERAL (%s) AS %I', activity_source(name), name), '' ORDER BY place),
			string_agg(format('%I.value', name), ', ' ORDER BY place),
			string_agg(format('%L, %I.value', name, name), ', ' ORDER BY place)
		INTO v_sources, v_columns, v_members FROM unnest(p_group_by) WITH ORDINALITY AS g(name, place);
	EXECUTE format('SELECT coalesce(jsonb_agg(item ORDER BY key), ''[]'') FROM (
			SELECT jsonb_build_object(%s, ''count'', count(*)) AS item, ARRAY[%s] AS key FROM store.engagement e %s
			WHERE e.voided_at IS NULL AND e.status = ''held''
				AND ($1 IS NULL OR e.sort_at >= $1::timestamp AT TIME ZONE ''Asia/Seoul'')
				AND ($2 IS NULL OR e.sort_at < $2::timestamp AT TIME ZONE ''Asia/Seoul'')
				AND ($3 IS NULL OR $3 = ANY (e.countries))
				AND ($4 IS NULL OR EXISTS (SELECT FROM store.engagement_workstream l
					JOIN store.workstream_now n ON n.code = l.workstream WHERE l.engagement_id = e.id AND n.now = $4))
			GROUP BY %s) AS counts', v_members, v_columns, v_sources, v_columns)
		INTO v_items USING p_since, p_until, p_country, p_workstream;
	RETURN jsonb_build_object('items', v_items);
END $$;
