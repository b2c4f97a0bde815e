-- Dialogues: series of engagements with one purpose.

CREATE FUNCTION dialogue_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', d.id, 'version', d.version, 'title', d.title, 'track', d.track,
			'status', d.status, 'countries', to_jsonb(d.countries), 'workstreams', d.workstreams,
			'languages', to_jsonb(d.languages), 'attribution', d.attribution, 'convenor_id', d.convenor_id, 'members',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'contact_id', m.contact_id,
					'principal_id', m.principal_id, 'name', coalesce(c.name, p.name), 'role', m.role, 'since', m.since,
					'until', m.until) ORDER BY m.id), '[]')
				FROM store.dialogue_member m
				LEFT JOIN store.contact c ON c.id = m.contact_id LEFT JOIN store.principal p ON p.id = m.principal_id
				WHERE m.dialogue_id = d.id),
			'description', d.description, 'created_by', d.created_by, 'created_at', instant(d.created_at),
			'updated_at', instant(d.updated_at))
		FROM store.dialogue d WHERE d.id = p_id);
END $$;

CREATE FUNCTION dialogue_create(p_caller uuid, p_request jsonb, p_id uuid, p_title text, p_track text, p_countries text[],
	p_workstreams jsonb, p_status text, p_attribution text, p_languages text[], p_members jsonb, p_convenor_id uuid,
	p_description text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_position bigint;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.dialogue WHERE id = p_id) THEN
		RETURN id_reused('id');
	ELSIF p_convenor_id IS NOT NULL AND NOT EXISTS (SELECT FROM store.organization WHERE id = p_convenor_id) THEN
		RETURN not_found('organization', 'convenor_id');
	END IF;
	v_position := unknown_person(p_members);
	IF v_position IS NOT NULL THEN
		RETURN not_found('person', format('members[%s]', v_position));
	END IF;
	INSERT INTO store.dialogue (id, title, track, status, countries, workstreams, languages, attribution, convenor_id,
			description, created_by)
		VALUES (v_id, p_title, p_track, coalesce(p_status, 'active'), p_countries, p_workstreams, coalesce(p_languages, '{}'),
			p_attribution, p_convenor_id, p_description, p_caller);
	INSERT INTO store.dialogue_member (id, dialogue_id, contact_id, principal_id, role, since, until)
		SELECT store.uuid7(), v_id, (m->>'contact_id')::uuid, (m->>'principal_id')::uuid, m->>'role', (m->>'since')::date,
			(m->>'until')::date
		FROM jsonb_array_elements(p_members) AS m;
	RETURN write_end(p_caller, p_request, v_id, 1, dialogue_json(v_id));
END $$;

CREATE FUNCTION dialogue_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(dialogue_json(p_id), not_found('dialogue', 'id'));
END $$;
