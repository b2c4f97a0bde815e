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
