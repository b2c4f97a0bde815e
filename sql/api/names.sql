-- Names of people and organizations: [{text, kind, language?, system?, primary?}, …], of which one is primary.

CREATE FUNCTION name_json(p_body text, p_kind text, p_language text, p_system text, p_primary boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('text', p_body, 'kind', p_kind, 'language', p_language, 'system', p_system,
		'primary', p_primary);
END $$;

-- The list of names that a client meant: its list, or the one it gave for short, spelt in Latin or not.
CREATE FUNCTION names_of(p_name text, p_names jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN coalesce(p_names, jsonb_build_array(jsonb_build_object('text', p_name, 'kind',
		CASE WHEN p_name ~ '^[ -~À-ɏ‘’ʼʻ–]*$' THEN 'romanized' ELSE 'native' END)));
END $$;

-- The table's rows; the first is primary where none is marked, and only the first marked one is.
CREATE FUNCTION name_rows(p_names jsonb) RETURNS TABLE (place int, body text, kind text, language text, system text,
	is_primary boolean) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_primary bigint := coalesce((SELECT min(ordinality) FROM jsonb_array_elements(p_names) WITH ORDINALITY
		WHERE value @> '{"primary": true}'), 1);
BEGIN
	RETURN QUERY SELECT n.ordinality::int, n.value->>'text', n.value->>'kind', n.value->>'language', n.value->>'system',
			n.ordinality = v_primary
		FROM jsonb_array_elements(p_names) WITH ORDINALITY AS n;
END $$;

CREATE FUNCTION primary_name(p_names jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT body FROM name_rows(p_names) WHERE is_primary);
END $$;
