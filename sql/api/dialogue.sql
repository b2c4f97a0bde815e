-- Dialogues: series of engagements with one purpose.

CREATE FUNCTION dialogue_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', d.id, 'version', d.version, 'title', d.title, 'track', d.track,
			'status', d.status, 'countries', to_jsonb(d.countries), 'workstreams', d.workstreams,
			'languages', to_jsonb(d.languages), 'attribution', d.attribution, 'convenor_id', d.convenor_id, 'members',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'contact_id', m.contact_id,
					'principal_id', m.principal_id, 'name', coalesce(c.name, p.name), 'role', m.role, 'since', m.since,
					'until', m.until) ORDER BY m.place), '[]')
				FROM store.dialogue_member m
				LEFT JOIN store.contact c ON c.id = m.contact_id LEFT JOIN store.principal p ON p.id = m.principal_id
				WHERE m.dialogue_id = d.id),
			'cadence', cadence_json(d.cadence_ideal, d.cadence_maximum), 'description', d.description, 'created_by', d.created_by, 'created_at', instant(d.created_at),
			'updated_at', instant(d.updated_at))
		FROM store.dialogue d WHERE d.id = p_id);
END $$;

CREATE FUNCTION members_insert(p_dialogue uuid, p_members jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.dialogue_member (id, dialogue_id, contact_id, principal_id, role, since, until)
		SELECT store.uuid7(), p_dialogue, (m->>'contact_id')::uuid, (m->>'principal_id')::uuid, m->>'role',
			(m->>'since')::date, (m->>'until')::date
		FROM jsonb_array_elements(p_members) WITH ORDINALITY AS list(m, position) ORDER BY position;
END $$;

CREATE FUNCTION dialogue_create(p_caller uuid, p_request jsonb, p_id uuid, p_title text, p_track text, p_countries text[],
	p_workstreams jsonb, p_status text, p_attribution text, p_languages text[], p_members jsonb, p_convenor_id uuid,
	p_cadence jsonb, p_description text) RETURNS jsonb LANGUAGE plpgsql AS $$
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
	v_answer := coalesce(retired_workstream(p_workstreams), cadence_faults(p_cadence));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.dialogue (id, title, track, status, countries, workstreams, languages, attribution, convenor_id,
			cadence_ideal, cadence_maximum, description, created_by)
		VALUES (v_id, p_title, p_track, coalesce(p_status, 'active'), p_countries, p_workstreams, coalesce(p_languages, '{}'),
			p_attribution, p_convenor_id, (p_cadence->>'ideal')::interval, (p_cadence->>'maximum')::interval, p_description,
			p_caller);
	PERFORM members_insert(v_id, p_members);
	RETURN write_end(p_caller, p_request, v_id, 1, dialogue_json(v_id));
END $$;

CREATE FUNCTION dialogue_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(dialogue_json(p_id), not_found('dialogue', 'id'));
END $$;

CREATE FUNCTION dialogue_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('dialogue', p_id, p_version));
	v_dialogue store.dialogue;
	v_position bigint;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF p_patch->>'convenor_id' IS NOT NULL
		AND NOT EXISTS (SELECT FROM store.organization WHERE id = (p_patch->>'convenor_id')::uuid) THEN
		RETURN not_found('organization', 'convenor_id');
	END IF;
	SELECT * INTO v_dialogue FROM store.dialogue WHERE id = p_id;
	v_dialogue := jsonb_populate_record(v_dialogue, p_patch || CASE WHEN p_patch ? 'cadence' THEN jsonb_build_object(
		'cadence_ideal', p_patch #> '{cadence,ideal}', 'cadence_maximum', p_patch #> '{cadence,maximum}') ELSE '{}' END);
	v_dialogue.countries := words_changed(v_dialogue.countries, p_patch->'countries_add', p_patch->'countries_remove');
	v_dialogue.workstreams := workstreams_changed(v_dialogue.workstreams, p_patch->'workstreams_add',
		p_patch->'workstreams_change', p_patch->'workstreams_remove');
	v_position := unknown_person(p_patch->'members_add');
	v_answer := coalesce(cadence_faults(p_patch->'cadence'),
		CASE WHEN cardinality(v_dialogue.countries) = 0
			THEN rule('at_least_one_country', 'a dialogue keeps one country at least', 'countries_remove') END,
		CASE WHEN jsonb_array_length(v_dialogue.workstreams) = 0
			THEN rule('at_least_one_workstream', 'a dialogue keeps one workstream at least', 'workstreams_remove') END,
		CASE WHEN v_position IS NOT NULL THEN not_found('person', format('members_add[%s]', v_position)) END,
		retired_workstream(coalesce(p_patch->'workstreams_add', '[]') || coalesce(p_patch->'workstreams_change', '[]')),
		entries_change('dialogue', p_id, 'member', 'role', p_patch));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM members_insert(p_id, p_patch->'members_add');
	UPDATE store.dialogue SET title = v_dialogue.title, track = v_dialogue.track, status = v_dialogue.status,
		countries = v_dialogue.countries, workstreams = v_dialogue.workstreams, languages = v_dialogue.languages,
		attribution = v_dialogue.attribution, convenor_id = v_dialogue.convenor_id,
		cadence_ideal = v_dialogue.cadence_ideal, cadence_maximum = v_dialogue.cadence_maximum,
		description = v_dialogue.description, version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, dialogue_json(p_id));
END $$;

CREATE FUNCTION dialogue_list(p_caller uuid, p_country text, p_workstream text, p_status text, p_track text,
	p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after IS NULL THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(dialogue_json(id)), array_agg(title), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT d.id, d.title FROM store.dialogue d
			WHERE (p_country IS NULL OR d.countries @> ARRAY[p_country])
				AND (p_workstream IS NULL OR EXISTS (SELECT FROM store.dialogue_workstream w
					WHERE w.dialogue_id = d.id AND w.workstream = p_workstream))
				AND (p_status IS NULL OR d.status = p_status) AND (p_track IS NULL OR d.track = p_track)
				AND (v_after IS NULL OR (d.title, d.id) > (v_after->>0, (v_after->>1)::uuid))
			ORDER BY d.title, d.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
