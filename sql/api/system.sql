-- What the daemon asks for itself: reference tables, and who stands at the other end of a socket.

-- NULL when the tables called p_stamp are the newest. Zones change with the server's own files only.
CREATE FUNCTION reference_load(p_caller uuid, p_stamp text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_stamp text := md5((SELECT string_agg(code, ' ' ORDER BY code) FROM (SELECT code FROM store.country
		UNION ALL SELECT code FROM store.workstream UNION ALL SELECT code FROM store.objective
		UNION ALL SELECT version::text FROM store.roadmap_version) AS codes));
BEGIN
	PERFORM set_caller(p_caller);
	IF v_stamp = p_stamp THEN
		RETURN NULL;
	END IF;
	RETURN jsonb_build_object(
		'countries', (SELECT jsonb_agg(code ORDER BY code) FROM store.country),
		'zones', (SELECT jsonb_agg(name ORDER BY name) FROM pg_timezone_names WHERE name !~ '^(posix|right)/'),
		'workstreams', (SELECT jsonb_agg(code ORDER BY code) FROM store.workstream),
		'objectives', (SELECT jsonb_agg(code ORDER BY code) FROM store.objective),
		'roadmap_version', (SELECT max(version) FROM store.roadmap_version),
		'schema_version', schema_version(), 'stamp', v_stamp);
END $$;

-- The principal behind a Unix user's name; `p_privileged` (root, or the daemon's own user) is the administrator of the
-- first hour where no principal, retired ones included, bears the name. NULL when nobody is known by it.
CREATE FUNCTION access_unix_user(p_caller uuid, p_user text, p_privileged boolean) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_principal store.principal;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_principal FROM store.principal WHERE unix_user = p_user;
	IF NOT FOUND AND p_privileged THEN
		SELECT * INTO v_principal FROM store.principal WHERE bootstrap;
	END IF;
	IF v_principal.status IS DISTINCT FROM 'active' THEN
		RETURN NULL;
	END IF;
	-- Nobody locks the last administrator out: a privileged user is one as long as there is no other.
	IF p_privileged AND NOT EXISTS (SELECT FROM store.principal
		WHERE role = 'administrator' AND status = 'active' AND NOT bootstrap) THEN
		v_principal.role := 'administrator';
	END IF;
	RETURN access_json(v_principal, 'unix_user', NULL);
END $$;

-- {id: role} of those of these principals who are active.
CREATE FUNCTION access_roles(p_caller uuid, p_principals uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN (SELECT coalesce(jsonb_object_agg(id, role), '{}') FROM store.principal
		WHERE id = ANY (p_principals) AND status = 'active');
END $$;
