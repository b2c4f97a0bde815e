-- Organizations.

CREATE FUNCTION organization_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', o.id, 'version', o.version, 'name', o.name, 'names',
			(SELECT jsonb_agg(name_json(n.body, n.kind, n.language, n.system, n.is_primary) ORDER BY n.position)
				FROM store.organization_name n WHERE n.organization_id = o.id),
			'country', o.country, 'kind', o.kind, 'parent_id', o.parent_id, 'website', o.website,
			'description', o.description, 'created_by', o.created_by, 'created_at', instant(o.created_at),
			'updated_at', instant(o.updated_at))
		FROM store.organization o WHERE o.id = p_id);
END $$;

CREATE FUNCTION organization_insert(p_id uuid, p_caller uuid, p_names jsonb, p_country text, p_kind text, p_parent_id uuid,
	p_website text, p_description text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO store.organization (id, name, country, kind, parent_id, website, description, created_by)
		VALUES (p_id, primary_name(p_names), p_country, p_kind, p_parent_id, p_website, p_description, p_caller);
	INSERT INTO store.organization_name (organization_id, position, body, kind, language, system, is_primary)
		SELECT p_id, r.place, r.body, r.kind, r.language, r.system, r.is_primary FROM name_rows(p_names) AS r;
END $$;

CREATE FUNCTION organization_create(p_caller uuid, p_request jsonb, p_id uuid, p_name text, p_names jsonb, p_country text,
	p_kind text, p_parent_id uuid, p_website text, p_description text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.organization WHERE id = p_id) THEN
		RETURN id_reused('id');
	ELSIF p_parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM store.organization WHERE id = p_parent_id) THEN
		RETURN not_found('organization', 'parent_id');
	END IF;
	PERFORM organization_insert(v_id, p_caller, names_of(p_name, p_names), p_country, p_kind, p_parent_id, p_website,
		p_description);
	RETURN write_end(p_caller, p_request, v_id, 1, organization_json(v_id));
END $$;

CREATE FUNCTION organization_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(organization_json(p_id), not_found('organization', 'id'));
END $$;

CREATE FUNCTION organization_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('organization', p_id, p_version));
	v_organization store.organization;
	v_names jsonb;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF p_patch->>'parent_id' IS NOT NULL
		AND NOT EXISTS (SELECT FROM store.organization WHERE id = (p_patch->>'parent_id')::uuid) THEN
		RETURN not_found('organization', 'parent_id');
	ELSIF EXISTS (WITH RECURSIVE above AS (
			SELECT id, parent_id FROM store.organization WHERE id = (p_patch->>'parent_id')::uuid
			UNION SELECT o.id, o.parent_id FROM store.organization o JOIN above ON o.id = above.parent_id)
		SELECT FROM above WHERE id = p_id) THEN
		RETURN rule('parent_below', 'an organization cannot be part of what is part of it', 'parent_id');
	END IF;
	IF p_patch ?| ARRAY['name', 'names'] THEN
		v_names := names_of(p_patch->>'name', p_patch->'names');
		DELETE FROM store.organization_name WHERE organization_id = p_id;
		INSERT INTO store.organization_name (organization_id, position, body, kind, language, system, is_primary)
			SELECT p_id, r.place, r.body, r.kind, r.language, r.system, r.is_primary FROM name_rows(v_names) AS r;
	END IF;
	SELECT * INTO v_organization FROM store.organization WHERE id = p_id;
	v_organization := jsonb_populate_record(v_organization, p_patch - 'name');
	UPDATE store.organization SET name = coalesce(primary_name(v_names), name), country = v_organization.country,
		kind = v_organization.kind, parent_id = v_organization.parent_id, website = v_organization.website,
		description = v_organization.description, version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, organization_json(p_id));
END $$;

CREATE FUNCTION organization_search(p_caller uuid, p_text text, p_country text, p_kind text, p_cursor text,
	p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
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
	SELECT array_agg(organization_json(id)), array_agg(name), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT o.id, o.name FROM store.organization o
			WHERE (v_key IS NULL OR EXISTS (SELECT FROM store.organization_name n
					WHERE n.organization_id = o.id AND strpos(store.fold(n.body), v_key) > 0))
				AND (p_country IS NULL OR o.country = p_country) AND (p_kind IS NULL OR o.kind = p_kind)
				AND (v_after IS NULL OR (o.name, o.id) > (v_after->>0, (v_after->>1)::uuid))
			ORDER BY o.name, o.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
