-- What may be shared of an engagement, with whom. The table in readout_rule() decides; what is left out is never built.
--
-- Where names may not go out (the Chatham House Rule: neither the identity nor the affiliation of anybody who took part),
-- they are taken out of the texts as well: every name on record, of people, of the organizations that they belonged to on
-- that day and of their posts there, and the place. Nicknames and misspellings are not on record: somebody reads it before it goes out.

-- For an audience and an attribution: how sensitive an engagement may be at most, and how much of it goes out: everything;
-- 'named', which leaves out what is ours alone; 'unnamed', without whatever tells who was there; or nothing.
CREATE FUNCTION readout_rule(p_audience text, p_attribution text, OUT most smallint, OUT extent text)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	SELECT r.most, r.extent INTO most, extent FROM (VALUES
			('public', 'on-record', 0, 'named'),
			('public', 'chatham-house', 0, 'unnamed'),
			('public', 'background', 0, 'unnamed'),
			('public', 'off-record', 0, 'nothing'),
			('partner', 'on-record', 1, 'named'),
			('partner', 'chatham-house', 1, 'unnamed'),
			('partner', 'background', 1, 'unnamed'),
			('partner', 'off-record', 1, 'nothing'),
			('internal', NULL, 3, 'everything')) AS r (audience, attribution, most, extent)
		WHERE r.audience = p_audience
			AND (r.attribution IS NULL OR r.attribution = coalesce(p_attribution, 'chatham-house'));
END $$;

-- A name as a pattern: with or without blanks and hyphens between its words and its syllables, and no letters of its script
-- around it, lest "Li" be found in "Libya". Hangul, Han and kana need no such edge, and Cyrillic names grow endings.
CREATE FUNCTION name_pattern(p_name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_words text := (SELECT string_agg(CASE WHEN word ~ '[A-Za-zÀ-ɏЀ-ӿ]' THEN regexp_replace(word, '([^[:alnum:]])', '\\\1', 'g')
				ELSE array_to_string(ARRAY(SELECT regexp_replace(letter, '([^[:alnum:]])', '\\\1')
					FROM unnest(string_to_array(word, NULL)) AS letter), '\s*') END, '[\s–‐·・-]*' ORDER BY place)
		FROM regexp_split_to_table(p_name, '[\s–‐·・-]+') WITH ORDINALITY AS words(word, place) WHERE word <> '');
BEGIN
	RETURN CASE WHEN p_name ~ '^[A-Za-zÀ-ɏ]' THEN '(?<![A-Za-zÀ-ɏ])' WHEN p_name ~ '^[Ѐ-ӿ]' THEN '(?<![Ѐ-ӿ])' ELSE '' END
		|| v_words || CASE WHEN p_name ~ '[A-Za-zÀ-ɏ]$' THEN '(?![A-Za-zÀ-ɏ])' ELSE '' END;
END $$;

-- Folded, without blanks and hyphens: a name that is not in this is not in the text.
CREATE FUNCTION name_squeezed(p_text text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN regexp_replace(store.fold_whole(p_text), '[\s–‐·・-]+', '', 'g');
END $$;

-- What an engagement's text must not hold when it goes out unnamed, the longest first: [{name, part}]. Parts are the words
-- of names of people in Latin or Cyrillic letters, by which people are called ("Petrov said").
CREATE FUNCTION readout_names(p_id uuid) RETURNS TABLE (name text, part boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY WITH people AS (
			SELECT coalesce(p.contact_id, o.contact_id) AS contact_id, p.principal_id,
				(p.sort_at AT TIME ZONE 'Asia/Seoul')::date AS day
			FROM store.engagement_participant p LEFT JOIN store.principal o ON o.id = p.principal_id
			WHERE p.engagement_id = p_id),
		posts AS (
			SELECT a.organization_id, a.title FROM people JOIN store.contact_affiliation a ON a.contact_id = people.contact_id
			WHERE people.day BETWEEN coalesce(a.since, '-infinity') AND coalesce(a.until, 'infinity')),
		persons AS (
			SELECT n.body FROM people JOIN store.contact_name n ON n.contact_id = people.contact_id
			UNION SELECT o.name FROM people JOIN store.principal o ON o.id = people.principal_id),
		bodies AS (
			SELECT body, false AS part FROM persons
			UNION SELECT n.body, false FROM posts JOIN store.organization_name n ON n.organization_id = posts.organization_id
			UNION SELECT title, false FROM posts WHERE title IS NOT NULL
			UNION SELECT btrim(place), false FROM store.engagement e, regexp_split_to_table(e.location, '[,;(/)]') AS place
				WHERE e.id = p_id AND length(btrim(place)) > 1
			UNION SELECT word, true FROM persons, regexp_split_to_table(persons.body, '[\s,.]+') AS word
				WHERE word ~ '^[A-Za-zÀ-ɏЀ-ӿ].')
		SELECT normalize(b.body, NFKC), b.part FROM bodies b ORDER BY b.part, length(b.body) DESC, b.body;
END $$;

-- These texts without these names, in one go. Several names in a row become one mark, which does not tell how many they
-- were. Whole names are found in any case, words of names only as names are written. Where no name stood, a text is as it was.
CREATE FUNCTION texts_without(p_texts text[], p_names text[], p_parts text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	c_mark CONSTANT text := E'\uE000';
	c_between CONSTANT text := E'\x1f';
	c_unseen CONSTANT text := E'\u200B\u200C\u200D\u2060\uFEFF'; -- of no width: they would part a name
	v_text text := (SELECT string_agg(normalize(translate(body, c_mark || c_between || c_unseen, ''), NFKC), c_between ORDER BY place)
		FROM unnest(p_texts) WITH ORDINALITY AS list(body, place));
	v_squeezed text := name_squeezed(v_text);
	v_name text; v_clean text[];
BEGIN
	FOREACH v_name IN ARRAY p_names LOOP
		CONTINUE WHEN strpos(v_squeezed, name_squeezed(v_name)) = 0 OR name_pattern(v_name) IS NULL;
		v_text := regexp_replace(v_text, name_pattern(v_name), c_mark, 'gi');
	END LOOP;
	FOREACH v_name IN ARRAY p_parts LOOP
		CONTINUE WHEN strpos(v_squeezed, name_squeezed(v_name)) = 0;
		v_text := regexp_replace(v_text, name_pattern(v_name), c_mark, 'g');
		v_text := regexp_replace(v_text, name_pattern(upper(v_name)), c_mark, 'g');
	END LOOP;
	v_clean := string_to_array(regexp_replace(v_text,
		c_mark || '(?:[\s,、·・/-]*(?:and|und|и|및|와|과|和|と|&)?\s*' || c_mark || ')+', c_mark, 'g'), c_between);
	RETURN ARRAY(SELECT CASE WHEN strpos(clean, c_mark) > 0 THEN replace(clean, c_mark, '[withheld]') ELSE body END
		FROM unnest(p_texts, v_clean) WITH ORDINALITY AS list(body, clean, place) ORDER BY place);
END $$;

-- {title, readout, agenda, outcomes} as they go out.
CREATE FUNCTION readout_texts(p_engagement store.engagement, p_extent text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_count int := cardinality(p_engagement.outcomes);
	v_texts text[] := ARRAY[p_engagement.title, coalesce(p_engagement.readout, '')] || p_engagement.outcomes
		|| ARRAY(SELECT a.value->>'text' FROM jsonb_array_elements(p_engagement.agenda) WITH ORDINALITY AS a ORDER BY a.ordinality);
	v_names text[]; v_parts text[];
BEGIN
	IF p_extent = 'unnamed' THEN
		SELECT coalesce(array_agg(name) FILTER (WHERE NOT part), '{}'), coalesce(array_agg(name) FILTER (WHERE part), '{}')
			INTO v_names, v_parts FROM readout_names(p_engagement.id);
		v_texts := texts_without(v_texts, v_names, v_parts);
	END IF;
	RETURN jsonb_build_object('title', v_texts[1], 'readout', nullif(v_texts[2], ''),
		'outcomes', to_jsonb(v_texts[3:2 + v_count]), 'agenda',
		(SELECT coalesce(jsonb_agg(a.value || jsonb_build_object('text', v_texts[2 + v_count + a.ordinality]) ORDER BY a.ordinality),
			'[]') FROM jsonb_array_elements(p_engagement.agenda) WITH ORDINALITY AS a));
END $$;

-- The members of a readout that go out with the most of it; `p_extent` as readout_rule() names it.
CREATE FUNCTION readout_members(p_engagement store.engagement, p_extent text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_whole jsonb := engagement_json(p_engagement.id);
	v_members jsonb;
BEGIN
	v_members := jsonb_build_object('starts_at', v_whole->'starts_at', 'ends_at', v_whole->'ends_at',
		'timezone', v_whole->'timezone', 'starts_on', v_whole->'starts_on', 'ends_on', v_whole->'ends_on',
		'precision', v_whole->'precision', 'location', v_whole->'location', 'participants', (
			SELECT jsonb_agg(jsonb_build_object('name', p->'name', 'country', p->'country', 'role', p->'role',
				'capacity', p->'capacity', 'attendance', p->'attendance', 'side', p->'side', 'posts', readout_posts(
					(p->>'contact_id')::uuid, p_engagement.sort_at)) ORDER BY place)
			FROM jsonb_array_elements(v_whole->'participants') WITH ORDINALITY AS list(p, place)),
		'listeners', v_whole->'audience', 'sources', nullif(v_whole->'sources', '[]'));
	IF p_extent = 'unnamed' AND p_engagement.starts_at IS NOT NULL THEN
		v_members := v_members || jsonb_build_object('starts_on', readout_day(p_engagement.starts_at, p_engagement.timezone),
			'ends_on', readout_day(p_engagement.ends_at, p_engagement.timezone), 'precision', 'day');
	END IF;
	RETURN v_members || jsonb_build_object('workstreams', v_whole->'workstreams', 'commitments',
		nullif(v_whole->'commitments', '[]'), 'dialogue', (SELECT jsonb_build_object('id', d.id, 'title', d.title)
			FROM store.dialogue d WHERE d.id = p_engagement.dialogue_id));
END $$;

-- The day of an instant where it was.
CREATE FUNCTION readout_day(p_at timestamptz, p_timezone text) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN p_at IS NOT NULL
		THEN least((p_at AT TIME ZONE coalesce(p_timezone, 'Asia/Seoul'))::date, '9999-12-31'::date) END;
END $$;

-- "Post, organization" of what a contact was on that day.
CREATE FUNCTION readout_posts(p_contact uuid, p_at timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(concat_ws(', ', a.title, o.name) ORDER BY a.since DESC NULLS LAST, a.id), '[]')
		FROM store.contact_affiliation a JOIN store.organization o ON o.id = a.organization_id
		WHERE a.contact_id = p_contact AND seoul_day(p_at) BETWEEN coalesce(a.since, '-infinity')
			AND coalesce(a.until, 'infinity'));
END $$;

-- A list in Markdown; further lines of an item are set in. NULL when it is empty.
CREATE FUNCTION markdown_list(p_heading text, p_items text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT '## ' || p_heading || E'\n\n' || string_agg('- ' || regexp_replace(item, '\n', E'\n  ', 'g'), E'\n'
		ORDER BY place) FROM unnest(p_items) WITH ORDINALITY AS items(item, place) WHERE item <> '');
END $$;

-- Of a readout as it goes out.
CREATE FUNCTION readout_markdown(p jsonb, p_extent text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN concat_ws(E'\n\n', '# ' || (p->>'title'),
		concat_ws(' · ', CASE WHEN p->>'starts_at' IS NOT NULL
				THEN to_char((p->>'starts_at')::timestamptz AT TIME ZONE coalesce(p->>'timezone', 'Asia/Seoul'),
					'YYYY-MM-DD HH24:MI') || ' (' || coalesce(p->>'timezone', 'Asia/Seoul') || ')'
			ELSE left(p->>'starts_on', CASE p->>'precision' WHEN 'year' THEN 4 WHEN 'month' THEN 7 ELSE 10 END)
				|| coalesce('/' || nullif(p->>'ends_on', p->>'starts_on'), '') END,
			p->>'location', p->>'kind', nullif(p->>'status', 'held'),
			(SELECT string_agg(c, ', ') FROM jsonb_array_elements_text(p->'countries') AS c)),
		markdown_list('Participants', ARRAY(SELECT concat_ws(', ', w->>'name', w->>'country',
				(SELECT string_agg(post, '; ') FROM jsonb_array_elements_text(w->'posts') AS post), w->>'role')
			FROM jsonb_array_elements(nullif(p->'participants', 'null')) AS w)),
		markdown_list('Agenda', ARRAY(SELECT (a->>'text') || coalesce(' (' || (a->>'status') || ')', '')
			FROM jsonb_array_elements(p->'agenda') AS a)),
		'## Readout' || E'\n\n' || (p->>'readout'),
		markdown_list('Outcomes', texts(p->'outcomes')),
		markdown_list('Commitments', ARRAY(SELECT concat_ws(', ', coalesce(m #>> '{by,name}', m #>> '{by,country}') || ': '
				|| (m->>'text'), m->>'due_on', m->>'status')
			FROM jsonb_array_elements(nullif(p->'commitments', 'null')) AS m)),
		markdown_list('Sources', texts(nullif(p->'sources', 'null'))),
		CASE p_extent WHEN 'unnamed' THEN '*What was said may be used; who took part, and for whom, may not be told.*'
			WHEN 'everything' THEN '*For internal use.*' END);
END $$;

-- Which members are kept back, by the kind that is told: {member: kind}.
CREATE FUNCTION readout_withheld(p_members jsonb, p_extent text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_object_agg(member, kind), '{}')
		FROM (VALUES ('workstreams', 'workstreams', 'everything'), ('commitments', 'commitments', 'everything'),
			('dialogue', 'dialogue', 'everything'), ('participants', 'participants', 'named'),
			('location', 'location', 'named'), ('starts_at', 'time', 'named'), ('ends_at', 'time', 'named'),
			('timezone', 'time', 'named'), ('listeners', 'listeners', 'named'), ('sources', 'sources', 'named'))
			AS r (member, kind, least)
		WHERE p_extent NOT IN (r.least, 'everything') AND p_members->>member IS NOT NULL);
END $$;

CREATE FUNCTION engagement_readout(p_caller uuid, p_id uuid, p_audience text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_engagement store.engagement;
	v_most smallint; v_extent text; v_answer jsonb; v_members jsonb; v_withheld jsonb; v_texts jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_engagement FROM store.engagement WHERE id = p_id;
	IF NOT FOUND THEN
		RETURN not_found('engagement', 'id');
	END IF;
	SELECT most, extent INTO v_most, v_extent FROM readout_rule(p_audience, v_engagement.attribution);
	v_answer := CASE
		WHEN v_engagement.voided_at IS NOT NULL THEN rule('void', 'this engagement is void; nothing of it is shared', 'id')
		WHEN v_extent = 'nothing' THEN rule('readout_off_record',
			'this engagement was off the record; nothing of it goes outside the house', 'audience')
		WHEN v_engagement.sensitivity > v_most THEN rule('readout_sensitivity',
			format('this engagement is %s, and what goes to this audience is %s at most',
				level_name(v_engagement.sensitivity), level_name(v_most)), 'audience')
	END;
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_members := readout_members(v_engagement, v_extent);
	v_withheld := readout_withheld(v_members, v_extent);
	v_texts := readout_texts(v_engagement, v_extent);
	-- Of what is kept back, null goes out.
	v_answer := jsonb_build_object('id', p_id, 'version', v_engagement.version, 'audience', p_audience,
			'attribution', v_engagement.attribution, 'sensitivity', level_name(v_engagement.sensitivity),
			'kind', v_engagement.kind, 'track', v_engagement.track, 'status', v_engagement.status,
			'format', v_engagement.format, 'countries', to_jsonb(v_engagement.countries),
			'topics', to_jsonb(v_engagement.topics), 'withheld',
			(SELECT coalesce(jsonb_agg(DISTINCT kind ORDER BY kind), '[]') FROM (
				SELECT value AS kind FROM jsonb_each_text(v_withheld)
				UNION SELECT 'names' WHERE strpos(v_texts::text, '[withheld]') > 0) AS kinds))
		|| v_texts || v_members
		|| (SELECT coalesce(jsonb_object_agg(member, NULL), '{}') FROM jsonb_object_keys(v_withheld) AS member);
	RETURN v_answer || jsonb_build_object('markdown', readout_markdown(v_answer, v_extent));
END $$;
