-- Answers about the roadmap.

-- Country by workstream, of what was held. Bilateral: besides Korea one country at most; multilateral: more.
CREATE FUNCTION report_coverage(p_caller uuid, p_since date, p_until date) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_since timestamptz := coalesce(p_since::timestamp AT TIME ZONE 'Asia/Seoul', '-infinity');
	v_until timestamptz := coalesce(p_until::timestamp AT TIME ZONE 'Asia/Seoul', 'infinity');
	v_items jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT jsonb_agg(jsonb_build_object('country', country, 'workstream', workstream, 'bilateral', bilateral,
			'multilateral', multilateral, 'last_on', least((last_at AT TIME ZONE 'Asia/Seoul')::date, '9999-12-31'))
			ORDER BY country, string_to_array(workstream, '.')::int[]) INTO v_items
		FROM (SELECT c.country, w.workstream,
				count(*) FILTER (WHERE cardinality(array_remove(e.countries, 'KR')) <= 1) AS bilateral,
				count(*) FILTER (WHERE cardinality(array_remove(e.countries, 'KR')) > 1) AS multilateral,
				max(e.sort_at) AS last_at
			FROM store.engagement e
			JOIN store.engagement_country c ON c.engagement_id = e.id
			JOIN store.engagement_workstream w ON w.engagement_id = e.id
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
