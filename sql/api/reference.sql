-- Countries and the roadmap.

CREATE FUNCTION country_list(p_caller uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN page((SELECT jsonb_agg(jsonb_build_object('code', c.code, 'standing', c.standing, 'names',
			jsonb_build_object('en', c.name_en, 'ko', c.name_ko, 'native', c.name_native))
			ORDER BY array_position(ARRAY['home', 'counterpart', 'other'], c.standing), c.code)
		FROM store.country c));
END $$;

CREATE FUNCTION roadmap_workstream_json(p_version int, p_edition store.workstream_edition) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('code', p_edition.code, 'title', p_edition.title, 'title_ko', p_edition.title_ko,
		'objectives', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', oe.code, 'text', oe.body, 'text_ko', oe.body_ko)
				ORDER BY string_to_array(oe.code, '.')::int[]), '[]')
			FROM store.objective o JOIN store.objective_edition oe ON oe.code = o.code AND oe.version = p_version
			WHERE o.workstream = p_edition.code),
		'indicators', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', i.code, 'title', i.title,
				'title_ko', i.title_ko, 'unit', i.unit, 'target', i.target, 'direction', i.direction) ORDER BY i.code), '[]')
			FROM store.indicator i WHERE i.workstream = p_edition.code));
END $$;

CREATE FUNCTION roadmap_get(p_caller uuid, p_version int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_version int := coalesce(p_version, (SELECT max(version) FROM store.roadmap_version));
BEGIN
	PERFORM set_caller(p_caller);
	IF NOT EXISTS (SELECT FROM store.roadmap_version WHERE version = v_version) THEN
		RETURN not_found('version of the roadmap', 'version');
	END IF;
	RETURN jsonb_build_object('version', v_version, 'phases', (
		SELECT jsonb_agg(jsonb_build_object('number', p.number, 'title', p.title, 'title_ko', p.title_ko,
				'estimate_years', jsonb_build_object('min', p.years_min, 'max', p.years_max),
				'workstreams', (SELECT jsonb_agg(roadmap_workstream_json(v_version, w)
						ORDER BY string_to_array(w.code, '.')::int[])
					FROM store.workstream_edition w WHERE w.version = v_version AND w.phase = p.number))
			ORDER BY p.number)
		FROM store.phase p WHERE p.version = v_version));
END $$;
