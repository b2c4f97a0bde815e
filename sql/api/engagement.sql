-- Engagements: logging one with everything that belongs to it, and finding them again.

-- Who took part, resolved: [{id, contact_id | principal_id, create?, level, role, …}, …], or a refusal. Nothing is written,
-- but the names of new contacts are locked, so that two calls that log the same new person make one contact of it.
CREATE FUNCTION engagement_people(p_participants jsonb, p_sensitivity text, p_list text DEFAULT 'participants') RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_people jsonb := '[]';
	v_given jsonb; v_position bigint; v_name text; v_match text; v_candidates jsonb; v_path text; v_found uuid; v_level smallint;
	v_new text[] := '{}'; -- country and name of each that is to be made
BEGIN
	PERFORM organizations_lock(jsonb_path_query_array(p_participants, '$[*].contact'));
	-- In one order for all callers, so that two of them cannot wait for each other.
	PERFORM pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended('contact/' || (value #>> '{contact,country}')
			|| '/' || primary_name(names_of(value #>> '{contact,name}', value #> '{contact,names}')), 0) AS key
		FROM jsonb_array_elements(p_participants) WHERE value ? 'contact' ORDER BY key) AS keys;
	FOR v_given, v_position IN SELECT * FROM jsonb_array_elements(p_participants) WITH ORDINALITY LOOP
		v_path := format('%s[%s]', p_list, v_position - 1);
		v_found := (v_given->>'contact_id')::uuid;
		IF v_given ? 'contact' THEN
			v_match := coalesce(v_given->>'on_match', 'refuse');
			v_name := primary_name(names_of(v_given #>> '{contact,name}', v_given #> '{contact,names}'));
			IF v_match <> 'create' AND (v_given #>> '{contact,country}') || '/' || v_name = ANY (v_new) THEN
				RETURN invalid(v_path, 'stands in the list already; name each person once, or give on_match "create" for '
					'another person of that name');
			END IF;
			SELECT jsonb_agg(jsonb_build_object('contact_id', c.id, 'name', c.name, 'country', c.country, 'sector', c.sector)
					ORDER BY c.id) INTO v_candidates
				FROM store.contact c WHERE c.country = v_given #>> '{contact,country}'
					AND EXISTS (SELECT FROM store.contact_name n WHERE n.contact_id = c.id AND n.body = v_name);
			IF v_candidates IS NOT NULL
				AND (v_match = 'refuse' OR v_match = 'use' AND jsonb_array_length(v_candidates) > 1) THEN
				RETURN refused(409, 'duplicate', 'contacts of this name and country are known; give contact_id of the one '
					'that is meant, or on_match "create" for another person', jsonb_build_object('field',
					v_path || '.contact', 'candidates', v_candidates));
			END IF;
			IF v_match = 'use' AND v_candidates IS NOT NULL THEN
				v_found := (v_candidates #>> '{0,contact_id}')::uuid;
			END IF;
			v_given := v_given - 'contact' - 'on_match' || jsonb_build_object('contact_id', coalesce(v_found, store.uuid7()))
				|| CASE WHEN v_found IS NULL THEN jsonb_build_object('create', v_given->'contact') ELSE '{}' END;
			v_level := level_number(coalesce(v_given #>> '{create,sensitivity}', p_sensitivity, 'internal'));
		END IF;
		IF v_found IS NOT NULL THEN
			-- Locked, lest its sensitivity be raised by one who does not see yet that it takes part here.
			SELECT c.sensitivity INTO v_level FROM store.contact c WHERE c.id = v_found FOR KEY SHARE;
			IF NOT FOUND THEN
				RETURN not_found('contact', v_path || '.contact_id');
			END IF;
		ELSIF v_given ? 'create' THEN
			v_found := (v_given->>'contact_id')::uuid;
			v_new := v_new || ((v_given #>> '{create,country}') || '/' || v_name);
			v_candidates := contact_faults(v_given->'create', v_path || '.contact.');
			IF v_candidates IS NOT NULL THEN
				RETURN v_candidates;
			END IF;
		ELSE
			v_found := (v_given->>'principal_id')::uuid;
			v_level := 0;
			IF NOT EXISTS (SELECT FROM store.principal WHERE id = v_found) THEN
				RETURN not_found('principal', v_path || '.principal_id');
			END IF;
		END IF;
		IF jsonb_path_exists(v_people, '$[*] ? (@.contact_id == $id || @.principal_id == $id)',
			jsonb_build_object('id', v_found)) THEN
			RETURN invalid(v_path, 'stands in the list already; name each person once');
		END IF;
		v_people := v_people || (v_given || jsonb_build_object('id', store.uuid7(), 'level', v_level));
	END LOOP;
	RETURN v_people;
END $$;

-- [{by, to?, text, due_on?}, …] with the parties found, or a refusal.
CREATE FUNCTION commitment_parties(p_commitments jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_given jsonb; v_position bigint; v_side text;
	v_list jsonb := '[]';
BEGIN
	FOR v_given, v_position IN SELECT * FROM jsonb_array_elements(p_commitments) WITH ORDINALITY LOOP
		FOREACH v_side IN ARRAY ARRAY['by', 'to'] LOOP
			CONTINUE WHEN NOT v_given ? v_side;
			v_given := jsonb_set(v_given, ARRAY[v_side], coalesce(party_find(v_given->v_side), 'null'));
			IF v_given->v_side = 'null' THEN
				RETURN not_found('person', format('commitments[%s].%s', v_position - 1, v_side));
			END IF;
		END LOOP;
		v_list := v_list || (v_given || jsonb_build_object('id', store.uuid7()));
	END LOOP;
	RETURN v_list;
END $$;

CREATE FUNCTION commitments_insert(p_caller uuid, p_engagement uuid, p_list jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.commitment (id, engagement_id, by_country, by_contact_id, by_principal_id, to_country, to_contact_id,
			to_principal_id, body, due_on, created_by)
		SELECT (c->>'id')::uuid, p_engagement, c #>> '{by,country}', (c #>> '{by,contact_id}')::uuid,
			(c #>> '{by,principal_id}')::uuid, c #>> '{to,country}', (c #>> '{to,contact_id}')::uuid,
			(c #>> '{to,principal_id}')::uuid, c->>'text', (c->>'due_on')::date, p_caller
		FROM jsonb_array_elements(p_list) AS c;
END $$;

CREATE FUNCTION participants_insert(p_caller uuid, p_engagement uuid, p_people jsonb, p_sensitivity text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_last int := (SELECT coalesce(max(position), 0) FROM store.engagement_participant WHERE engagement_id = p_engagement);
BEGIN
	PERFORM contact_insert((p->>'contact_id')::uuid, p_caller, p->'create', p_sensitivity)
		FROM jsonb_array_elements(p_people) AS p WHERE p ? 'create';
	INSERT INTO store.engagement_participant (id, engagement_id, position, contact_id, principal_id, role, capacity,
			attendance, side)
		SELECT (p.value->>'id')::uuid, p_engagement, p.ordinality + v_last, (p.value->>'contact_id')::uuid,
			(p.value->>'principal_id')::uuid, coalesce(p.value->>'role', 'participant'), p.value->>'capacity',
			p.value->>'attendance', p.value->>'side'
		FROM jsonb_array_elements(p_people) WITH ORDINALITY AS p;
END $$;

CREATE FUNCTION engagement_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', e.id, 'version', e.version, 'title', e.title, 'kind', e.kind, 'track', e.track,
			'status', e.status, 'starts_at', instant(e.starts_at), 'ends_at', instant(e.ends_at), 'timezone', e.timezone,
			'starts_on', e.starts_on, 'ends_on', e.ends_on, 'precision', e.precision, 'location', e.location,
			'format', e.format, 'countries', to_jsonb(e.countries), 'workstreams', e.workstreams,
			'topics', to_jsonb(e.topics), 'audience', CASE WHEN num_nonnulls(e.headcount, e.audience_groups) > 0
				THEN jsonb_build_object('headcount', e.headcount, 'groups', to_jsonb(e.audience_groups)) END,
			'dialogue_id', e.dialogue_id, 'parent_id', e.parent_id, 'languages', to_jsonb(e.languages),
			'attribution', e.attribution, 'sensitivity', level_name(e.sensitivity))
		|| jsonb_build_object('agenda', e.agenda, 'readout', e.readout, 'outcomes', to_jsonb(e.outcomes),
			'sources', to_jsonb(e.sources), 'owner', e.owner_id, 'logged_by', e.logged_by,
			'logged_at', instant(e.logged_at), 'updated_at', instant(e.updated_at), 'voided_at', instant(e.voided_at),
			'void_reason', e.void_reason, 'participants',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'contact_id', p.contact_id,
					'principal_id', p.principal_id, 'name', coalesce(c.name, o.name), 'country', c.country, 'role', p.role,
					'capacity', p.capacity, 'attendance', p.attendance, 'side', p.side) ORDER BY p.position, p.id), '[]')
				FROM store.engagement_participant p
				LEFT JOIN store.contact c ON c.id = p.contact_id LEFT JOIN store.principal o ON o.id = p.principal_id
				WHERE p.engagement_id = e.id),
			'commitments',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'version', m.version,
					'by', party_json(m.by_country, m.by_contact_id, m.by_principal_id),
					'to', party_json(m.to_country, m.to_contact_id, m.to_principal_id), 'text', m.body,
					'due_on', m.due_on, 'status', m.status) ORDER BY m.due_on NULLS LAST, m.id), '[]')
				FROM store.commitment m WHERE m.engagement_id = e.id))
		FROM store.engagement e WHERE e.id = p_id);
END $$;

-- What an engagement refers to must exist: NULL, or the refusal.
CREATE FUNCTION engagement_faults(p_dialogue_id uuid, p_parent_id uuid, p_owner uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF p_dialogue_id IS NOT NULL AND NOT EXISTS (SELECT FROM store.dialogue WHERE id = p_dialogue_id) THEN
		RETURN not_found('dialogue', 'dialogue_id');
	ELSIF p_parent_id IS NOT NULL
		AND NOT EXISTS (SELECT FROM store.engagement WHERE id = p_parent_id AND voided_at IS NULL) THEN
		RETURN not_found('engagement', 'parent_id');
	ELSIF p_owner IS NOT NULL AND NOT EXISTS (SELECT FROM store.principal WHERE id = p_owner) THEN
		RETURN not_found('principal', 'owner');
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION engagement_log(p_caller uuid, p_request jsonb, p_id uuid, p_title text, p_kind text, p_track text,
	p_status text, p_starts_at timestamptz, p_ends_at timestamptz, p_timezone text, p_starts_on date, p_ends_on date,
	p_precision text, p_location text, p_format text, p_countries text[], p_workstreams jsonb, p_topics text[],
	p_participants jsonb, p_audience jsonb, p_dialogue_id uuid, p_parent_id uuid, p_languages text[], p_attribution text,
	p_sensitivity text, p_agenda jsonb, p_readout text, p_private_notes text, p_outcomes text[], p_sources text[],
	p_owner uuid, p_commitments jsonb, p_follow_up jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_people jsonb; v_commitments jsonb; v_dialogue store.dialogue; v_workstreams jsonb; v_floor smallint; v_note uuid;
	v_reminder uuid;
BEGIN
	SELECT * INTO v_dialogue FROM store.dialogue WHERE id = p_dialogue_id;
	v_workstreams := coalesce(p_workstreams, workstreams_now(v_dialogue.workstreams));
	v_answer := coalesce(v_answer, CASE WHEN EXISTS (SELECT FROM store.engagement WHERE id = p_id) THEN id_reused('id') END,
		engagement_faults(p_dialogue_id, p_parent_id, p_owner), follow_up_faults(p_caller, p_follow_up),
		retired_workstream(v_workstreams));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_people := engagement_people(p_participants, p_sensitivity);
	v_commitments := commitment_parties(p_commitments);
	IF v_people ? 'refused' OR v_commitments ? 'refused' THEN
		RETURN CASE WHEN v_people ? 'refused' THEN v_people ELSE v_commitments END;
	END IF;
	SELECT max((p->>'level')::smallint) INTO v_floor FROM jsonb_array_elements(v_people) AS p;
	IF level_number(p_sensitivity) < v_floor THEN
		RETURN rule('sensitivity_of_contacts', format('a participant is %s, so the engagement must be at least that; leave '
			'sensitivity out to have it raised', level_name(v_floor)), 'sensitivity');
	END IF;

	INSERT INTO store.topic (slug) SELECT unnest(p_topics) EXCEPT SELECT slug FROM store.topic ORDER BY 1
		ON CONFLICT DO NOTHING;
	INSERT INTO store.engagement (id, title, kind, track, status, starts_at, ends_at, timezone, starts_on, ends_on, precision,
			location, format, countries, workstreams, topics, headcount, audience_groups, dialogue_id, parent_id, languages,
			attribution, sensitivity, agenda, readout, outcomes, sources, owner_id, logged_by)
		VALUES (v_id, p_title, p_kind, coalesce(p_track, v_dialogue.track), coalesce(p_status, CASE
				WHEN coalesce(p_starts_at, p_starts_on::timestamp AT TIME ZONE 'Asia/Seoul') > clock_timestamp()
				THEN 'planned' ELSE 'held' END),
			p_starts_at, p_ends_at, p_timezone,
			date_trunc(coalesce(p_precision, 'day'), p_starts_on::timestamp)::date, p_ends_on,
			CASE WHEN p_starts_on IS NOT NULL THEN coalesce(p_precision, 'day') END, p_location, p_format,
			coalesce(p_countries, v_dialogue.countries), v_workstreams,
			coalesce(p_topics, '{}'), (p_audience->>'headcount')::int,
			CASE WHEN p_audience ? 'groups' THEN texts(p_audience->'groups') END, p_dialogue_id, p_parent_id,
			coalesce(p_languages, v_dialogue.languages, '{}'), coalesce(p_attribution, v_dialogue.attribution),
			coalesce(level_number(p_sensitivity), greatest(v_floor, 1::smallint)), coalesce(p_agenda, '[]'), p_readout,
			coalesce(p_outcomes, '{}'), coalesce(p_sources, '{}'), p_owner, p_caller);
	PERFORM participants_insert(p_caller, v_id, v_people, p_sensitivity);
	PERFORM commitments_insert(p_caller, v_id, v_commitments);
	IF p_private_notes IS NOT NULL THEN
		v_note := store.uuid7();
		INSERT INTO store.note (id, author_id, engagement_id, body) VALUES (v_note, p_caller, v_id, p_private_notes);
	END IF;
	IF p_follow_up IS NOT NULL THEN
		v_reminder := store.uuid7();
		PERFORM reminder_insert(v_reminder, p_caller, jsonb_build_object('engagement_id', v_id), p_follow_up);
	END IF;
	RETURN write_end(p_caller, p_request, v_id, 1, engagement_json(v_id) || jsonb_build_object('created', jsonb_build_object(
		'contacts', (SELECT coalesce(jsonb_agg(p->'contact_id'), '[]') FROM jsonb_array_elements(v_people) AS p
			WHERE p ? 'create'),
		'commitments', (SELECT coalesce(jsonb_agg(c->'id'), '[]') FROM jsonb_array_elements(v_commitments) AS c),
		'note_id', v_note, 'reminder_id', v_reminder)));
END $$;

CREATE FUNCTION engagement_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(engagement_json(p_id), not_found('engagement', 'id'));
END $$;

-- Cards of the given engagements, in that order: a list as text. Each card is rendered by itself, because a document of
-- fifty is copied at each level that it is built into.
CREATE FUNCTION engagement_cards(p_ids uuid[]) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT '[' || coalesce(string_agg(jsonb_build_object('id', e.id, 'title', e.title, 'kind', e.kind, 'track', e.track,
				'status', e.status, 'starts_at', instant(e.starts_at), 'starts_on', e.starts_on, 'precision', e.precision,
				'countries', to_jsonb(e.countries),
				'workstreams', (SELECT jsonb_agg(code ORDER BY place) FROM (SELECT l.value->>'code' AS code,
					min(l.ordinality) AS place FROM jsonb_array_elements(e.workstreams) WITH ORDINALITY AS l
					GROUP BY l.value->>'code') AS codes),
				'dialogue', CASE WHEN d.id IS NOT NULL THEN jsonb_build_object('id', d.id, 'title', d.title) END,
				'participants', coalesce(p.list, '[]'), 'readout', left(e.readout, 280),
				'open_commitments', (SELECT count(*) FROM store.commitment m
					WHERE m.engagement_id = e.id AND m.status = 'open'))::text, ', ' ORDER BY ids.ordinality), '') || ']'
		FROM unnest(p_ids) WITH ORDINALITY AS ids(id, ordinality)
		JOIN store.engagement e ON e.id = ids.id
		LEFT JOIN store.dialogue d ON d.id = e.dialogue_id
		LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('contact_id', p.contact_id, 'principal_id', p.principal_id,
					'name', coalesce(c.name, o.name), 'country', c.country, 'role', p.role) ORDER BY p.position, p.id) AS list
			FROM store.engagement_participant p
			LEFT JOIN store.contact c ON c.id = p.contact_id LEFT JOIN store.principal o ON o.id = p.principal_id
			WHERE p.engagement_id = e.id) AS p ON true);
END $$;

-- The keys of one page, by keyset on (sort_at, id). The statement holds only the filters that are there, and walks the
-- index of the narrowest one in the page's order: `walk` names its table, the rest are tested on each row passed. A text
-- that few engagements hold is looked up first (engagement_search.sql).
CREATE FUNCTION engagement_history(p_caller uuid, p_country text, p_countries_all text[], p_workstream text,
	p_objective text, p_phase integer, p_topic text, p_kind text, p_track text, p_status text, p_dialogue_id uuid,
	p_contact_id uuid, p_organization_id uuid, p_owner uuid, p_since text, p_until text, p_text text, p_order text,
	p_cursor text, p_limit integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_country text := coalesce(p_country, p_countries_all[1]);
	v_after jsonb := cursor_read(p_cursor);
	v_after_at timestamptz := CASE WHEN v_after IS NOT NULL THEN cursor_time(v_after) END;
	v_oldest boolean := coalesce(p_order = 'oldest', false);
	v_walk text := CASE WHEN p_contact_id IS NOT NULL THEN 'participant' WHEN p_objective IS NOT NULL THEN 'objective'
		WHEN p_dialogue_id IS NOT NULL OR p_owner IS NOT NULL THEN NULL WHEN p_topic IS NOT NULL THEN 'topic'
		WHEN v_country IS NOT NULL THEN 'country' WHEN p_workstream IS NOT NULL THEN 'workstream' END;
	v_sort text := CASE WHEN v_walk IS NULL THEN 'e.sort_at' ELSE 'w.sort_at' END;
	v_id text := CASE WHEN v_walk IS NULL THEN 'e.id' ELSE 'w.engagement_id' END;
	v_pieces text[]; v_found uuid[]; v_keys timestamptz[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after_at IS NULL THEN
		RETURN cursor_refused()::text;
	END IF;
	IF p_text IS NOT NULL THEN
		SELECT pieces, candidates INTO v_pieces, v_found FROM search_begin(p_text);
		IF v_pieces IS NULL THEN
			RETURN invalid('text', 'holds no word to look for')::text;
		END IF;
	END IF;
	EXECUTE 'SELECT array_agg(sort_at), array_agg(id) FROM (SELECT ' || v_sort || ' AS sort_at, ' || v_id || ' AS id FROM '
		|| CASE WHEN v_walk IS NULL THEN 'store.engagement e'
			ELSE format('store.engagement_%s w JOIN store.engagement e ON e.id = w.engagement_id', v_walk) END
		|| ' WHERE e.voided_at IS NULL'
		|| CASE WHEN p_contact_id IS NOT NULL THEN ' AND w.contact_id = $1' ELSE '' END
		|| history_link('objective', p_objective, v_walk, '$2') || history_link('topic', p_topic, v_walk, '$3')
		|| history_link('country', v_country, v_walk, '$4') || history_link('workstream', p_workstream, v_walk, '$5')
		|| coalesce((SELECT string_agg(format(' AND EXISTS (SELECT FROM store.engagement_country l
			WHERE l.engagement_id = e.id AND l.country = $6[%s])', place), '')
			FROM generate_series(1, cardinality(p_countries_all)) AS place), '')
		|| CASE WHEN p_phase IS NOT NULL THEN ' AND EXISTS (SELECT FROM store.engagement_workstream l
			WHERE l.engagement_id = e.id AND l.workstream = ANY ($7))' ELSE '' END
		|| CASE WHEN p_kind IS NOT NULL THEN ' AND e.kind = $8' ELSE '' END
		|| CASE WHEN p_track IS NOT NULL THEN ' AND e.track = $9' ELSE '' END
		|| CASE WHEN p_status IS NOT NULL THEN ' AND e.status = $10' ELSE '' END
		|| CASE WHEN p_dialogue_id IS NOT NULL THEN ' AND e.dialogue_id = $11' ELSE '' END
		|| CASE WHEN p_organization_id IS NOT NULL THEN ' AND EXISTS (SELECT FROM store.engagement_participant p
			JOIN store.contact_affiliation a ON a.contact_id = p.contact_id
			WHERE p.engagement_id = e.id AND a.organization_id = $12
				AND (p.sort_at AT TIME ZONE ''Asia/Seoul'')::date BETWEEN coalesce(a.since, ''-infinity'')
					AND coalesce(a.until, ''infinity''))' ELSE '' END
		|| CASE WHEN p_owner IS NOT NULL THEN ' AND e.owner_id = $13' ELSE '' END
		|| CASE WHEN p_since IS NOT NULL THEN format(' AND %s >= $14', v_sort) ELSE '' END
		|| CASE WHEN p_until IS NOT NULL THEN format(' AND %s < $15', v_sort) ELSE '' END
		|| CASE WHEN v_found IS NOT NULL THEN ' AND e.id = ANY ($19)' ELSE '' END
		|| search_tests(cardinality(v_pieces), '$20')
		|| CASE WHEN v_after IS NOT NULL
			THEN format(' AND (%s, %s) %s ($16, $17)', v_sort, v_id, CASE WHEN v_oldest THEN '>' ELSE '<' END) ELSE '' END
		|| format(' ORDER BY %s %s, %s %2$s LIMIT $18) AS page', v_sort, CASE WHEN v_oldest THEN 'ASC' ELSE 'DESC' END, v_id)
		INTO v_keys, v_ids
		USING p_contact_id, p_objective, p_topic, v_country, p_workstream, p_countries_all, phase_workstreams(p_phase), p_kind,
			p_track, p_status, p_dialogue_id, p_organization_id, p_owner, moment(p_since), moment(p_until),
			v_after_at, (v_after->>1)::uuid, v_limit + 1, v_found, v_pieces;
	RETURN '{"items": ' || engagement_cards(v_ids[1:v_limit]) || ', "next_cursor": ' || coalesce(to_jsonb(
		CASE WHEN cardinality(v_ids) > v_limit
			THEN cursor_make((v_keys[v_limit] AT TIME ZONE 'UTC')::text, v_ids[v_limit]) END)::text, 'null') || '}';
END $$;

-- The condition on one link table: on the one walked, or tested for each row.
CREATE FUNCTION history_link(p_link text, p_value text, p_walk text, p_parameter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_value IS NULL THEN ''
		WHEN p_link = p_walk THEN format(' AND w.%I = %s', p_link, p_parameter)
		ELSE format(' AND EXISTS (SELECT FROM store.%I l WHERE l.engagement_id = e.id AND l.%I = %s)',
			'engagement_' || p_link, p_link, p_parameter)
	END;
END $$;

CREATE FUNCTION phase_workstreams(p_phase int) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN ARRAY(SELECT n.code FROM store.workstream_edition e JOIN store.workstream_now n ON n.now = e.code
		WHERE e.phase = p_phase AND e.version = (SELECT max(version) FROM store.roadmap_version));
END $$;
