-- Tokens: how a program is known where the kernel tells nothing of it. A token is shown once and never stored: what is
-- stored is its SHA-256, which is enough, as it has 256 random bits and cannot be guessed like a password.

CREATE FUNCTION token_json(p store.token) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'principal_id', p.principal_id, 'scopes', to_jsonb(p.scopes),
		'expires_at', instant(p.expires_at), 'revoked_at', instant(p.revoked_at), 'created_by', p.created_by,
		'created_at', instant(p.created_at));
END $$;

-- May the caller deal with tokens of this principal? An administrator may with all, everybody with their own.
CREATE FUNCTION token_keeper(p_caller uuid, p_principal uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN p_caller = p_principal OR EXISTS (SELECT FROM store.principal
		WHERE id = p_caller AND role = 'administrator' AND status = 'active');
END $$;

CREATE FUNCTION token_create(p_caller uuid, p_request jsonb, p_id uuid, p_principal_id uuid, p_expires_at timestamptz,
	p_scopes text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_token store.token;
	-- Three random UUIDs hold 366 random bits; their digest has 256.
	v_secret text := 'tt_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
		|| uuid_send(gen_random_uuid())), 'hex');
	v_scope bigint;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF NOT token_keeper(p_caller, p_principal_id) THEN
		RETURN refused(403, 'forbidden', 'only an administrator makes tokens for others; name your own principal_id',
			'{"field": "principal_id"}');
	ELSIF EXISTS (SELECT FROM store.token WHERE id = p_id) THEN
		RETURN id_reused('id');
	ELSIF NOT EXISTS (SELECT FROM store.principal WHERE id = p_principal_id) THEN
		RETURN not_found('principal', 'principal_id');
	ELSIF p_expires_at <= clock_timestamp() THEN
		RETURN rule('token_expired', 'this token would have expired already; name a later time, or none', 'expires_at');
	END IF;
	SELECT ordinality - 1 INTO v_scope FROM unnest(p_scopes) WITH ORDINALITY AS s(scope)
		WHERE scope !~ '^[a-z]+\.([a-z_]+|\*)$' ORDER BY ordinality LIMIT 1;
	IF FOUND THEN
		RETURN invalid(format('scopes[%s]', v_scope), 'must be the name of a method, or "noun.*"');
	END IF;
	INSERT INTO store.token (id, principal_id, hash, scopes, expires_at, created_by)
		VALUES (coalesce(p_id, store.uuid7()), p_principal_id, sha256(convert_to(v_secret, 'UTF8')), p_scopes, p_expires_at,
			p_caller)
		RETURNING * INTO v_token;
	-- What is kept for a repeat has no token in it.
	RETURN write_end(p_caller, p_request, v_token.id, 1, token_json(v_token) || '{"token": null}')
		|| jsonb_build_object('token', v_secret);
END $$;

CREATE FUNCTION token_revoke(p_caller uuid, p_request jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request);
	v_token store.token;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_token FROM store.token WHERE id = p_id FOR UPDATE;
	IF NOT FOUND OR NOT token_keeper(p_caller, v_token.principal_id) THEN
		RETURN not_found('token', 'id');
	END IF;
	UPDATE store.token SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = p_id RETURNING * INTO v_token;
	PERFORM pg_notify('tracktwo', 'principal');
	RETURN write_end(p_caller, p_request, p_id, 2, token_json(v_token));
END $$;

CREATE FUNCTION token_list(p_caller uuid, p_principal_id uuid, p_cursor text, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_after_at timestamptz := CASE WHEN v_after IS NOT NULL THEN cursor_time(v_after) END;
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND v_after_at IS NULL THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(item), array_agg((created_at AT TIME ZONE 'UTC')::text), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT token_json(t) AS item, t.created_at, t.id FROM store.token t
			WHERE (t.principal_id = p_caller OR token_keeper(p_caller, NULL))
				AND (p_principal_id IS NULL OR t.principal_id = p_principal_id)
				AND (v_after_at IS NULL OR (t.created_at, t.id) > (v_after_at, (v_after->>1)::uuid))
			ORDER BY t.created_at, t.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;

-- What session.whoami shows, and for how long that holds: {session, expires_in_ms}.
CREATE FUNCTION access_json(p store.principal, p_by text, t store.token) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('expires_in_ms', ceil(extract(epoch FROM t.expires_at - clock_timestamp()) * 1000), 'session',
		jsonb_build_object('principal_id', p.id, 'name', p.name, 'role', p.role, 'desks', to_jsonb(p.desks),
			'clearance', level_name(p.clearance), 'timezone', p.timezone, 'identified_by', p_by, 'token_id', t.id,
			'scopes', to_jsonb(t.scopes), 'expires_at', instant(t.expires_at)));
END $$;

-- The principal behind a token, by the token's SHA-256 in hexadecimal; NULL when it is unknown, revoked or expired.
CREATE FUNCTION access_token(p_caller uuid, p_hash text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_token store.token;
	v_principal store.principal;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_token FROM store.token
		WHERE hash = decode(p_hash, 'hex') AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());
	SELECT * INTO v_principal FROM store.principal WHERE id = v_token.principal_id AND status = 'active';
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	RETURN access_json(v_principal, 'token', v_token);
END $$;
