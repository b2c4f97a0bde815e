-- Finding a record by what a person has of it: the first digits of its id, or a name. Each noun is asked for no more rows
-- than are shown, by its primary key's range or by its search keys, and shows only what its own methods would.

-- All whose ids lie in a range. What has been voided is not found.
CREATE FUNCTION record_by_id(p_caller uuid, p_low uuid, p_high uuid, p_nouns text[], p_most int)
RETURNS TABLE (noun text, id uuid) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY
	SELECT * FROM (SELECT 'contact', c.id FROM store.contact c
		WHERE c.id BETWEEN p_low AND p_high AND 'contact' = ANY (p_nouns) ORDER BY c.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'principal', p.id FROM store.principal p
		WHERE p.id BETWEEN p_low AND p_high AND 'principal' = ANY (p_nouns) ORDER BY p.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'organization', o.id FROM store.organization o
		WHERE o.id BETWEEN p_low AND p_high AND 'organization' = ANY (p_nouns) ORDER BY o.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'dialogue', d.id FROM store.dialogue d
		WHERE d.id BETWEEN p_low AND p_high AND 'dialogue' = ANY (p_nouns) ORDER BY d.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'engagement', e.id FROM store.engagement e
		WHERE e.id BETWEEN p_low AND p_high AND e.voided_at IS NULL AND 'engagement' = ANY (p_nouns)
		ORDER BY e.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'commitment', m.id FROM store.commitment m
		WHERE m.id BETWEEN p_low AND p_high AND 'commitment' = ANY (p_nouns)
			AND (SELECT e.voided_at FROM store.engagement e WHERE e.id = m.engagement_id) IS NULL
		ORDER BY m.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'concern', c.id FROM store.concern c
		WHERE c.id BETWEEN p_low AND p_high AND 'concern' = ANY (p_nouns) ORDER BY c.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'reminder', r.id FROM store.reminder r
		WHERE r.id BETWEEN p_low AND p_high AND 'reminder' = ANY (p_nouns) ORDER BY r.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'note', n.id FROM store.note n
		WHERE n.id BETWEEN p_low AND p_high AND 'note' = ANY (p_nouns) ORDER BY n.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'token', t.id FROM store.token t
		WHERE t.id BETWEEN p_low AND p_high AND 'token' = ANY (p_nouns) AND token_keeper(p_caller, t.principal_id)
		ORDER BY t.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'webhook', w.id FROM store.webhook w
		WHERE w.id BETWEEN p_low AND p_high AND 'webhook' = ANY (p_nouns) AND token_keeper(p_caller, w.principal_id)
		ORDER BY w.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'calendar', c.id FROM store.calendar c
		WHERE c.id BETWEEN p_low AND p_high AND 'calendar' = ANY (p_nouns)
			AND (c.principal_id = p_caller OR c.created_by = p_caller OR calendar_keeper(p_caller))
		ORDER BY c.id LIMIT p_most) AS hits;
END $$;

-- All whose names hold the key; `whole` tells that one of them is it. People who have left are nobody to be named.
CREATE FUNCTION record_by_name(p_key text, p_nouns text[], p_most int)
RETURNS TABLE (noun text, id uuid, whole boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_pairs text[] := store.bigrams(p_key);
BEGIN
	RETURN QUERY
	SELECT * FROM (SELECT 'contact', c.id, true FROM store.contact c WHERE 'contact' = ANY (p_nouns)
			AND c.id IN (SELECT k.contact_id FROM store.contact_key k WHERE k.key = p_key)
		ORDER BY c.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'contact', c.id, false FROM store.contact c WHERE 'contact' = ANY (p_nouns)
			AND c.id IN (SELECT k.contact_id FROM store.contact_key k
				WHERE k.bigrams @> v_pairs AND strpos(k.key, p_key) > 0 AND k.key <> p_key)
		ORDER BY c.sort_key, c.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'principal', p.id, store.fold(p.name) = p_key FROM store.principal p
		WHERE 'principal' = ANY (p_nouns) AND strpos(store.fold(p.name), p_key) > 0 AND p.status = 'active'
		ORDER BY 3 DESC, p.name, p.id LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'organization', n.organization_id, bool_or(store.fold(n.body) = p_key)
		FROM store.organization_name n WHERE 'organization' = ANY (p_nouns) AND strpos(store.fold(n.body), p_key) > 0
		GROUP BY n.organization_id ORDER BY 3 DESC, 2 LIMIT p_most) AS hits
	UNION ALL SELECT * FROM (SELECT 'dialogue', k.dialogue_id, k.key = p_key FROM store.dialogue_key k
			JOIN store.dialogue d ON d.id = k.dialogue_id
		WHERE 'dialogue' = ANY (p_nouns) AND store.bigrams(k.key) @> v_pairs AND strpos(k.key, p_key) > 0
		ORDER BY 3 DESC, d.title, d.id LIMIT p_most) AS hits;
END $$;

-- A person's latest post that lasts.
CREATE FUNCTION contact_post(p_contact uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT concat_ws(', ', a.title, o.name)
		FROM store.contact_affiliation a JOIN store.organization o ON o.id = a.organization_id
		WHERE a.contact_id = p_contact AND coalesce(a.until >= seoul_day(now()), true)
		ORDER BY a.since DESC NULLS LAST, a.id LIMIT 1);
END $$;

-- How a candidate is shown: what it is called, its country where it has one, and what tells it from its namesakes.
CREATE FUNCTION record_json(p_noun text, p_id uuid, p_match text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_name text; v_country text; v_about text;
BEGIN
	CASE p_noun
		WHEN 'contact' THEN
			SELECT name, country, contact_post(id) INTO v_name, v_country, v_about FROM store.contact WHERE id = p_id;
		WHEN 'principal' THEN
			SELECT name, NULL, role INTO v_name, v_country, v_about FROM store.principal WHERE id = p_id;
		WHEN 'organization' THEN
			SELECT name, country, kind INTO v_name, v_country, v_about FROM store.organization WHERE id = p_id;
		WHEN 'dialogue' THEN
			SELECT title, NULL, array_to_string(countries, ', ') INTO v_name, v_country, v_about
				FROM store.dialogue WHERE id = p_id;
		WHEN 'engagement' THEN
			SELECT title, NULL, concat_ws(', ', coalesce(starts_on, seoul_day(starts_at)), array_to_string(countries, ', '))
				INTO v_name, v_country, v_about FROM store.engagement WHERE id = p_id;
		WHEN 'commitment' THEN
			SELECT body, by_country, concat_ws(', ', status, due_on) INTO v_name, v_country, v_about
				FROM store.commitment WHERE id = p_id;
		WHEN 'concern' THEN
			SELECT body, country, topic INTO v_name, v_country, v_about FROM store.concern WHERE id = p_id;
		WHEN 'reminder' THEN
			SELECT note, NULL, concat_ws(', ', status, instant(due_at)) INTO v_name, v_country, v_about
				FROM store.reminder WHERE id = p_id;
		WHEN 'note' THEN
			SELECT body, NULL, instant(created_at) INTO v_name, v_country, v_about FROM store.note WHERE id = p_id;
		WHEN 'calendar' THEN
			SELECT name, country, scope INTO v_name, v_country, v_about FROM store.calendar WHERE id = p_id;
		WHEN 'token' THEN
			SELECT p.name, NULL, instant(t.created_at) INTO v_name, v_country, v_about
				FROM store.token t JOIN store.principal p ON p.id = t.principal_id WHERE t.id = p_id;
		WHEN 'webhook' THEN
			SELECT p.name, NULL, w.status INTO v_name, v_country, v_about
				FROM store.webhook w JOIN store.principal p ON p.id = w.principal_id WHERE w.id = p_id;
	END CASE;
	RETURN jsonb_build_object('noun', p_noun, 'id', p_id, 'name', left(regexp_replace(v_name, '\s+', ' ', 'g'), 200),
		'country', v_country, 'about', nullif(v_about, ''), 'match', p_match);
END $$;

-- Digits of an id may stand with hyphens or without; a word that could be both a name and digits is taken for both.
CREATE FUNCTION record_find(p_caller uuid, p_text text, p_nouns text[], p_limit integer) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 10);
	v_digits text := lower(replace(p_text, '-', ''));
	v_key text := store.fold(p_text);
	v_nouns text[] := coalesce(p_nouns, ARRAY['contact', 'principal', 'organization', 'dialogue', 'engagement', 'commitment',
		'concern', 'reminder', 'note', 'token', 'webhook', 'calendar']);
	v_low uuid; v_high uuid;
	v_items jsonb[];
BEGIN
	PERFORM set_caller(p_caller);
	IF v_digits ~ '^[0-9a-f]{4,32}$' THEN
		v_low := rpad(v_digits, 32, '0')::uuid;
		v_high := rpad(v_digits, 32, 'f')::uuid;
	END IF;
	SELECT array_agg(record_json(noun, id, match) ORDER BY place, array_position(v_nouns, noun), id) INTO v_items FROM (
		SELECT noun, id, min(match) AS match, min(place) AS place FROM (
			SELECT r.noun, r.id, 'id' AS match, 1 AS place
				FROM record_by_id(p_caller, v_low, v_high, v_nouns, v_limit + 1) AS r WHERE v_low IS NOT NULL
			UNION ALL
			SELECT n.noun, n.id, CASE WHEN n.whole THEN 'exact' ELSE 'part' END, CASE WHEN n.whole THEN 0 ELSE 2 END
				FROM record_by_name(v_key, v_nouns, v_limit + 1) AS n WHERE v_key <> '') AS hits
		GROUP BY noun, id
		ORDER BY min(place), array_position(v_nouns, noun), id LIMIT v_limit + 1) AS found;
	RETURN jsonb_build_object('candidates', coalesce(to_jsonb(v_items[1:v_limit]), '[]'),
		'more', coalesce(cardinality(v_items) > v_limit, false));
END $$;
