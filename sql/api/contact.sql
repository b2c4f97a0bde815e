-- Contacts: people, under all the names that they bear.

CREATE FUNCTION contact_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', c.id, 'version', c.version, 'name', c.name, 'names',
			(SELECT jsonb_agg(name_json(n.body, n.kind, n.language, n.system, n.is_primary) ORDER BY n.position)
				FROM store.contact_name n WHERE n.contact_id = c.id),
			'country', c.country, 'sector', c.sector, 'status', c.status, 'languages', to_jsonb(c.languages), 'affiliations',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'organization_id', a.organization_id,
					'organization', o.name, 'title', a.title, 'since', a.since, 'until', a.until)
					ORDER BY a.since DESC NULLS LAST, a.id), '[]')
				FROM store.contact_affiliation a JOIN store.organization o ON o.id = a.organization_id
				WHERE a.contact_id = c.id),
			'channels',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('kind', h.kind, 'value', h.value, 'preferred', h.preferred)
					ORDER BY h.position), '[]')
				FROM store.contact_channel h WHERE h.contact_id = c.id),
			'timezone', c.timezone, 'tags', to_jsonb(c.tags), 'influence', c.influence, 'interest', c.interest,
			'sensitivity', level_name(c.sensitivity), 'owner', c.owner_id,
			'cadence', cadence_json(c.cadence_ideal, c.cadence_maximum), 'notes', c.notes, 'created_by', c.created_by)
			|| jsonb_build_object('created_at', instant(c.created_at), 'updated_at', instant(c.updated_at))
		FROM store.contact c WHERE c.id = p_id);
END $$;

-- What a new contact refers to must exist: NULL, or the refusal. `p_path` stands before the fields' names.
CREATE FUNCTION contact_faults(p_contact jsonb, p_path text, p_list text DEFAULT 'affiliations') RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_position bigint;
BEGIN
	IF cadence_faults(p_contact->'cadence', p_path) IS NOT NULL THEN
		RETURN cadence_faults(p_contact->'cadence', p_path);
	ELSIF p_contact ? 'owner' AND NOT EXISTS (SELECT FROM store.principal WHERE id = (p_contact->>'owner')::uuid) THEN
		RETURN not_found('principal', p_path || 'owner');
	END IF;
	SELECT ordinality - 1 INTO v_position
		FROM jsonb_array_elements(p_contact->'affiliations') WITH ORDINALITY AS a
		WHERE a.value ? 'organization_id'
			AND NOT EXISTS (SELECT FROM store.organization o WHERE o.id = (a.value->>'organization_id')::uuid)
		LIMIT 1;
	IF FOUND THEN
		RETURN not_found('organization', format('%s%s[%s].organization_id', p_path, p_list, v_position));
	END IF;
	RETURN NULL;
END $$;

-- Organizations may be named by several contacts of one call: all names are locked first, in one order for everybody, so that
-- two calls cannot wait for each other. `p_contacts` is a list of contacts.
CREATE FUNCTION organizations_lock(p_contacts jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended('organization/' || (name #>> '{}'), 0) AS key
		FROM jsonb_path_query(p_contacts, '$[*].affiliations[*].organization') AS name ORDER BY key) AS keys;
END $$;

-- An affiliation may name its organization: the one that bears exactly this name, else a new one.
CREATE FUNCTION organization_named(p_caller uuid, p_name text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	v_id uuid;
BEGIN
	SELECT n.organization_id INTO v_id FROM store.organization_name n WHERE n.body = p_name
		ORDER BY n.organization_id LIMIT 1;
	IF v_id IS NULL THEN
		v_id := store.uuid7();
		PERFORM organization_insert(v_id, p_caller, names_of(p_name, NULL), NULL, NULL, NULL, NULL, NULL);
	END IF;
	RETURN v_id;
END $$;

CREATE FUNCTION affiliations_insert(p_caller uuid, p_contact uuid, p_affiliations jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_affiliation jsonb;
BEGIN
	FOR v_affiliation IN SELECT * FROM jsonb_array_elements(p_affiliations) LOOP
		INSERT INTO store.contact_affiliation (id, contact_id, organization_id, title, since, until)
			VALUES (store.uuid7(), p_contact, coalesce((v_affiliation->>'organization_id')::uuid,
					organization_named(p_caller, v_affiliation->>'organization')),
				v_affiliation->>'title', (v_affiliation->>'since')::date, (v_affiliation->>'until')::date);
	END LOOP;
END $$;

CREATE FUNCTION channels_insert(p_contact uuid, p_channels jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.contact_channel (contact_id, position, kind, value, preferred)
		SELECT p_contact, h.ordinality, h.value->>'kind', h.value->>'value', coalesce((h.value->>'preferred')::boolean, false)
		FROM jsonb_array_elements(p_channels) WITH ORDINALITY AS h;
END $$;

-- `p_contact` as contact.create takes it, checked before.
CREATE FUNCTION contact_insert(p_id uuid, p_caller uuid, p_contact jsonb, p_sensitivity text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	v_names jsonb := names_of(p_contact->>'name', p_contact->'names');
BEGIN
	INSERT INTO store.contact (id, name, country, sector, status, languages, timezone, tags, influence, interest, sensitivity,
			owner_id, cadence_ideal, cadence_maximum, notes, created_by)
		VALUES (p_id, primary_name(v_names), p_contact->>'country', p_contact->>'sector',
			coalesce(p_contact->>'status', 'active'), texts(p_contact->'languages'), p_contact->>'timezone',
			texts(p_contact->'tags'), (p_contact->>'influence')::smallint, (p_contact->>'interest')::smallint,
			level_number(coalesce(p_contact->>'sensitivity', p_sensitivity, 'internal')), (p_contact->>'owner')::uuid,
			(p_contact #>> '{cadence,ideal}')::interval, (p_contact #>> '{cadence,maximum}')::interval, p_contact->>'notes',
			p_caller);
	INSERT INTO store.contact_name (contact_id, position, body, kind, language, system, is_primary)
		SELECT p_id, r.place, r.body, r.kind, r.language, r.system, r.is_primary FROM name_rows(v_names) AS r;
	PERFORM channels_insert(p_id, p_contact->'channels');
	PERFORM affiliations_insert(p_caller, p_id, p_contact->'affiliations');
END $$;

CREATE FUNCTION contact_create(p_caller uuid, p_request jsonb, p_id uuid, p_name text, p_names jsonb, p_country text,
	p_sector text, p_status text, p_affiliations jsonb, p_languages text[], p_channels jsonb, p_timezone text, p_tags text[],
	p_influence integer, p_interest integer, p_sensitivity text, p_owner uuid, p_cadence jsonb, p_notes text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_contact jsonb := jsonb_strip_nulls(jsonb_build_object('name', p_name, 'names', p_names, 'country', p_country,
		'sector', p_sector, 'status', p_status, 'affiliations', p_affiliations, 'languages', p_languages,
		'channels', p_channels, 'timezone', p_timezone, 'tags', p_tags, 'influence', p_influence, 'interest', p_interest,
		'sensitivity', p_sensitivity, 'owner', p_owner, 'cadence', p_cadence, 'notes', p_notes));
BEGIN
	v_answer := coalesce(v_answer, CASE WHEN EXISTS (SELECT FROM store.contact WHERE id = p_id) THEN id_reused('id') END,
		contact_faults(v_contact, ''));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM organizations_lock(jsonb_build_array(v_contact));
	PERFORM contact_insert(v_id, p_caller, v_contact, NULL);
	RETURN write_end(p_caller, p_request, v_id, 1, contact_json(v_id));
END $$;

CREATE FUNCTION contact_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(contact_json(p_id), not_found('contact', 'id'));
END $$;

-- Filters that are absent are not in the statement, so that each combination gets a plan of its own.
CREATE FUNCTION contact_search(p_caller uuid, p_text text, p_country text, p_sector text, p_organization_id uuid, p_tag text,
	p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_key text := store.fold(p_text);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after IS NULL THEN
		RETURN cursor_refused();
	END IF;
	EXECUTE 'SELECT array_agg(contact_json(id)), array_agg(sort_key), array_agg(id) FROM (
			SELECT c.id, c.sort_key FROM store.contact c WHERE true'
		|| CASE WHEN length(v_key) > 1 THEN ' AND c.id IN (SELECT k.contact_id FROM store.contact_key k
			WHERE k.bigrams @> store.bigrams($1) AND strpos(k.key, $1) > 0)'
			WHEN v_key IS NOT NULL THEN ' AND c.id IN (SELECT k.contact_id FROM store.contact_key k
			WHERE strpos(k.key, $1) > 0)' ELSE '' END
		|| CASE WHEN p_country IS NOT NULL THEN ' AND c.country = $2' ELSE '' END
		|| CASE WHEN p_sector IS NOT NULL THEN ' AND c.sector = $3' ELSE '' END
		|| CASE WHEN p_organization_id IS NOT NULL THEN ' AND EXISTS (SELECT FROM store.contact_affiliation a
			WHERE a.organization_id = $4 AND a.contact_id = c.id)' ELSE '' END
		|| CASE WHEN p_tag IS NOT NULL THEN ' AND c.tags @> ARRAY[$5]' ELSE '' END
		|| CASE WHEN v_after IS NOT NULL THEN ' AND (c.sort_key, c.id) > ($6, $7)' ELSE '' END
		|| ' ORDER BY c.sort_key, c.id LIMIT $8) AS rows'
		INTO v_items, v_keys, v_ids
		USING v_key, p_country, p_sector, p_organization_id, p_tag, v_after->>0, (v_after->>1)::uuid, v_limit + 1;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

CREATE FUNCTION contact_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('contact', p_id, p_version));
	v_contact store.contact;
	v_names jsonb;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_answer := coalesce(contact_faults(jsonb_strip_nulls(jsonb_build_object('owner', p_patch->'owner',
			'cadence', p_patch->'cadence', 'affiliations',
			p_patch->'affiliations_add')), '', 'affiliations_add'),
		entries_change('contact', p_id, 'affiliation', 'title', p_patch));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	PERFORM organizations_lock(jsonb_build_array(jsonb_build_object('affiliations', p_patch->'affiliations_add')));
	PERFORM affiliations_insert(p_caller, p_id, p_patch->'affiliations_add');
	IF p_patch ?| ARRAY['name', 'names'] THEN
		v_names := names_of(p_patch->>'name', p_patch->'names');
		DELETE FROM store.contact_name WHERE contact_id = p_id;
		INSERT INTO store.contact_name (contact_id, position, body, kind, language, system, is_primary)
			SELECT p_id, r.place, r.body, r.kind, r.language, r.system, r.is_primary FROM name_rows(v_names) AS r;
	END IF;
	IF p_patch ? 'channels' THEN
		DELETE FROM store.contact_channel WHERE contact_id = p_id;
		PERFORM channels_insert(p_id, p_patch->'channels');
	END IF;
	SELECT * INTO v_contact FROM store.contact WHERE id = p_id;
	v_contact := jsonb_populate_record(v_contact, p_patch - 'name' - 'sensitivity'
		|| CASE WHEN p_patch ? 'owner' THEN jsonb_build_object('owner_id', p_patch->'owner') ELSE '{}' END
		|| CASE WHEN p_patch ? 'cadence' THEN jsonb_build_object('cadence_ideal', p_patch #> '{cadence,ideal}',
			'cadence_maximum', p_patch #> '{cadence,maximum}') ELSE '{}' END
		|| CASE WHEN p_patch ? 'sensitivity'
			THEN jsonb_build_object('sensitivity', level_number(p_patch->>'sensitivity')) ELSE '{}' END);
	UPDATE store.contact SET name = coalesce(primary_name(v_names), name), country = v_contact.country,
		sector = v_contact.sector, status = v_contact.status, languages = v_contact.languages,
		timezone = v_contact.timezone, tags = v_contact.tags, influence = v_contact.influence,
		interest = v_contact.interest, sensitivity = v_contact.sensitivity, owner_id = v_contact.owner_id,
		cadence_ideal = v_contact.cadence_ideal, cadence_maximum = v_contact.cadence_maximum, notes = v_contact.notes,
		version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	-- An engagement is at least as sensitive as its contacts.
	UPDATE store.engagement e SET sensitivity = v_contact.sensitivity, version = e.version + 1,
		updated_at = clock_timestamp()
		FROM store.engagement_participant p
		WHERE p.contact_id = p_id AND e.id = p.engagement_id AND e.sensitivity < v_contact.sensitivity;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, contact_json(p_id));
END $$;

CREATE FUNCTION contact_history(p_caller uuid, p_id uuid, p_since text, p_until text, p_order text, p_cursor text,
	p_limit integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	IF NOT EXISTS (SELECT FROM store.contact WHERE id = p_id) THEN
		RETURN not_found('contact', 'id')::text;
	END IF;
	RETURN engagement_history(p_caller => p_caller, p_country => NULL, p_countries_all => NULL, p_workstream => NULL,
		p_objective => NULL, p_phase => NULL, p_topic => NULL, p_kind => NULL, p_track => NULL, p_status => NULL,
		p_dialogue_id => NULL, p_contact_id => p_id, p_organization_id => NULL, p_owner => NULL, p_since => p_since,
		p_until => p_until, p_text => NULL, p_order => p_order, p_cursor => p_cursor, p_limit => p_limit);
END $$;
