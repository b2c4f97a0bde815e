-- Our own people.

CREATE FUNCTION principal_json(p store.principal) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'version', p.version, 'name', p.name, 'role', p.role, 'desks', to_jsonb(p.desks),
		'clearance', level_name(p.clearance), 'contact_id', p.contact_id, 'language', p.language, 'timezone', p.timezone,
		'email', p.email, 'unix_user', p.unix_user, 'status', p.status, 'created_at', instant(p.created_at),
		'updated_at', instant(p.updated_at));
END $$;

CREATE FUNCTION principal_create(p_caller uuid, p_request jsonb, p_id uuid, p_name text, p_role text, p_desks text[],
	p_clearance text, p_contact_id uuid, p_language text, p_timezone text, p_email text, p_unix_user text)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_principal store.principal;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.principal WHERE id = p_id) THEN
		RETURN id_reused('id');
	ELSIF p_contact_id IS NOT NULL AND NOT EXISTS (SELECT FROM store.contact WHERE id = p_contact_id) THEN
		RETURN not_found('contact', 'contact_id');
	END IF;
	-- One name, one row, whoever asks at the same time.
	PERFORM pg_advisory_xact_lock(hashtextextended('principal/' || p_unix_user, 0)) WHERE p_unix_user IS NOT NULL;
	IF EXISTS (SELECT FROM store.principal WHERE unix_user = p_unix_user) THEN
		RETURN rule('unix_user_taken', 'another principal bears this Unix user; name another one, or none', 'unix_user');
	END IF;
	INSERT INTO store.principal (id, name, role, desks, clearance, contact_id, language, timezone, email, unix_user)
		VALUES (coalesce(p_id, store.uuid7()), p_name, p_role, coalesce(p_desks, '{}'),
			coalesce(level_number(p_clearance), 1::smallint), p_contact_id, p_language, coalesce(p_timezone, 'Asia/Seoul'),
			p_email, p_unix_user)
		RETURNING * INTO v_principal;
	RETURN write_end(p_caller, p_request, v_principal.id, v_principal.version, principal_json(v_principal));
END $$;

CREATE FUNCTION principal_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_principal store.principal;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_principal FROM store.principal WHERE id = coalesce(p_id, p_caller);
	IF NOT FOUND THEN
		RETURN not_found('principal', 'id');
	END IF;
	RETURN principal_json(v_principal);
END $$;

CREATE FUNCTION principal_list(p_caller uuid, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after IS NULL THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(item), array_agg(name), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT principal_json(p) AS item, p.name, p.id FROM store.principal p
			WHERE v_after IS NULL OR (p.name, p.id) > (v_after->>0, (v_after->>1)::uuid)
			ORDER BY p.name, p.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

-- The last administrator stays one: NULL, or the refusal.
CREATE FUNCTION last_administrator(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN (SELECT array_agg(id) FROM store.principal WHERE role = 'administrator' AND status = 'active') = ARRAY[p_id]
		THEN rule('last_administrator', 'this is the last administrator; make another one first', 'id') END;
END $$;

CREATE FUNCTION principal_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_principal store.principal;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- One at a time, lest the last two administrators end each other; and one name, one row.
	PERFORM pg_advisory_xact_lock(hashtextextended('administrators', 0)) WHERE p_patch ?| ARRAY['role', 'status'];
	PERFORM pg_advisory_xact_lock(hashtextextended('principal/' || (p_patch->>'unix_user'), 0))
		WHERE p_patch->>'unix_user' IS NOT NULL;
	v_answer := record_lock('principal', p_id, p_version);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF p_patch->>'contact_id' IS NOT NULL
		AND NOT EXISTS (SELECT FROM store.contact WHERE id = (p_patch->>'contact_id')::uuid) THEN
		RETURN not_found('contact', 'contact_id');
	ELSIF EXISTS (SELECT FROM store.principal WHERE unix_user = p_patch->>'unix_user' AND id <> p_id) THEN
		RETURN rule('unix_user_taken', 'another principal bears this Unix user; name another one, or none', 'unix_user');
	ELSIF p_patch->>'role' <> 'administrator' OR p_patch->>'status' = 'retired' THEN
		v_answer := last_administrator(p_id);
		IF v_answer IS NOT NULL THEN
			RETURN v_answer;
		END IF;
	END IF;
	SELECT * INTO v_principal FROM store.principal WHERE id = p_id;
	v_principal := jsonb_populate_record(v_principal, p_patch - 'clearance' || CASE WHEN p_patch ? 'clearance'
		THEN jsonb_build_object('clearance', level_number(p_patch->>'clearance')) ELSE '{}' END);
	UPDATE store.principal SET (name, role, desks, clearance, contact_id, language, timezone, email, unix_user, status,
			version, updated_at) =
		(v_principal.name, v_principal.role, v_principal.desks, v_principal.clearance, v_principal.contact_id,
			v_principal.language, v_principal.timezone, v_principal.email, v_principal.unix_user, v_principal.status,
			version + 1, clock_timestamp())
		WHERE id = p_id RETURNING * INTO v_principal;
	PERFORM pg_notify('tracktwo', 'principal');
	RETURN write_end(p_caller, p_request, p_id, v_principal.version, principal_json(v_principal));
END $$;
