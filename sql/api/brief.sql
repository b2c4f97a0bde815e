-- The brief: one page before a meeting, on an engagement, a person or a country, in Korean or English.
--
-- It is put together once, as JSON, from sections of {items, more} that are cut to the page; the Markdown is written from
-- that and from one table of words, so that the two, and the two languages, cannot say different things.
--
-- Whose brief it is stands in a scope: {countries, contacts, sides, dialogue_id?}: what concerns any of these countries or
-- contacts belongs in; `sides` are the countries for which those in the room speak.

CREATE FUNCTION brief_words(p_language text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT jsonb_object_agg(key, CASE p_language WHEN 'ko' THEN ko ELSE en END) FROM (VALUES
		('brief', 'Brief', '브리핑'), ('as_of', 'as of', '기준일'), ('people', 'People', '인물'),
		('agenda', 'Agenda', '의제'), ('last', 'Last engagements', '최근 교류'), ('next', 'Next planned', '예정된 교류'),
		('they_owe', 'They owe', '상대측 약속'), ('we_owe', 'We owe', '우리측 약속'),
		('they_raised', 'Their concerns, open', '상대측의 미해결 우려'),
		('we_raised', 'Our concerns, open', '우리측의 미해결 우려'),
		('workstreams', 'Workstreams touched', '관련 과제'),
		('notes', 'Private notes: yours, not to be passed on', '개인 메모: 본인 전용, 전달 금지'),
		('none', 'none', '없음'), ('more', 'and %s more', '외 %s건'), ('overdue', 'overdue', '기한 경과'),
		('due', 'due', '기한'), ('raised', 'raised %s times, last on %s', '%s회 제기, 최근 %s'),
		('raised_once', 'raised once, on %2$s', '1회 제기, %2$s'), ('speaks', 'speaks', '구사 언어'),
		('cadence', 'Keep in touch', '연락 주기'), ('last_on', 'last on', '최근'), ('ours', 'our side', '우리측'),
		('native', 'native', '현지 표기'), ('hanja', 'hanja', '한자'), ('kana', 'kana', '가나'),
		('cyrillic', 'Cyrillic', '키릴 문자'), ('romanized', 'romanized', '로마자'), ('alias', 'alias', '별칭'),
		('chair', 'chair', '의장'), ('co-chair', 'co-chair', '공동의장'), ('participant', 'participant', '참석'),
		('observer', 'observer', '참관'), ('interpreter', 'interpreter', '통역'), ('host', 'host', '주최'),
		('convenor', 'convenor', '소집'), ('sponsor', 'sponsor', '후원'), ('intermediary', 'intermediary', '중개'),
		('meeting', 'meeting', '회동'), ('call', 'call', '통화'), ('message', 'message', '서신'), ('visit', 'visit', '방문'),
		('conference', 'conference', '회의'), ('workshop', 'workshop', '워크숍'),
		('track2-session', 'Track 2 session', '트랙 2 회의'), ('negotiation', 'negotiation', '협상'),
		('multilateral', 'multilateral', '다자회의'), ('cultural-exchange', 'cultural exchange', '문화 교류'),
		('people-to-people', 'people-to-people exchange', '인적 교류'), ('family-reunion', 'family reunion', '이산가족 상봉'),
		('humanitarian', 'humanitarian', '인도적 지원'), ('education', 'education', '교육'), ('research', 'research', '연구'),
		('public-diplomacy', 'public diplomacy', '공공외교'), ('media', 'media', '언론'), ('other', 'other', '기타'),
		('tentative', 'tentative', '잠정'), ('planned', 'planned', '예정'), ('postponed', 'postponed', '연기'),
		('held', 'held', '개최'), ('cancelled', 'cancelled', '취소')) AS words(key, en, ko));
END $$;

-- On one line, and no longer than that.
CREATE FUNCTION brief_cut(p_text text, p_length int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	v_text text := btrim(regexp_replace(p_text, '\s+', ' ', 'g'));
BEGIN
	RETURN CASE WHEN length(v_text) > p_length THEN left(v_text, p_length - 1) || '…' ELSE v_text END;
END $$;

-- Up to a limit of items in their order, of so many.
CREATE FUNCTION brief_section(p_items jsonb, p_limit int) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('items', jsonb_path_query_array(coalesce(p_items, '[]'), '$[0 to $last]',
			jsonb_build_object('last', p_limit - 1)),
		'more', greatest(jsonb_array_length(coalesce(p_items, '[]')) - p_limit, 0));
END $$;

CREATE FUNCTION country_name(p_code text, p_language text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT CASE p_language WHEN 'ko' THEN name_ko ELSE name_en END FROM store.country WHERE code = p_code);
END $$;

-- The posts that a contact held on a day, the latest first: [{title, organization}], by the organization's name in that
-- language.
CREATE FUNCTION brief_titles(p_contact uuid, p_day date, p_language text, p_limit int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('title', brief_cut(title, 60), 'organization', brief_cut(name, 60))
			ORDER BY since DESC NULLS LAST, id), '[]') FROM (
		SELECT a.id, a.since, a.title, coalesce((SELECT n.body FROM store.organization_name n
				WHERE n.organization_id = o.id AND n.language ~ ('^' || p_language || '(-|$)')
				ORDER BY n.position LIMIT 1), o.name) AS name
			FROM store.contact_affiliation a JOIN store.organization o ON o.id = a.organization_id
			WHERE a.contact_id = p_contact AND p_day BETWEEN coalesce(a.since, '-infinity') AND coalesce(a.until, 'infinity')
			ORDER BY a.since DESC NULLS LAST, a.id LIMIT p_limit) AS posts);
END $$;

-- A person of either kind, with all ways to write and say the name, and the posts held on that day.
CREATE FUNCTION brief_person(p_contact uuid, p_principal uuid, p_role text, p_day date, p_language text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF p_principal IS NOT NULL THEN
		RETURN (SELECT jsonb_build_object('contact_id', NULL, 'principal_id', id, 'name', brief_cut(name, 80), 'names', '[]'::jsonb,
				'country', NULL, 'role', p_role, 'titles', '[]'::jsonb, 'languages', '[]'::jsonb, 'status', 'active', 'notes', NULL,
				'last_met_on', NULL)
			FROM store.principal WHERE id = p_principal);
	END IF;
	RETURN (SELECT jsonb_build_object('contact_id', c.id, 'principal_id', NULL, 'name', brief_cut(c.name, 80), 'names',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('text', brief_cut(n.body, 60), 'kind', n.kind, 'language', n.language,
					'system', brief_cut(n.system, 20)) ORDER BY n.is_primary DESC, n.position), '[]')
				FROM (SELECT * FROM store.contact_name n WHERE n.contact_id = c.id AND n.kind <> 'former'
					ORDER BY n.is_primary DESC, n.position LIMIT 4) AS n),
			'country', c.country, 'role', p_role, 'titles', brief_titles(c.id, p_day, p_language, 2),
			'languages', to_jsonb(c.languages[1:6]), 'status', c.status, 'notes', brief_cut(c.notes, 160), 'last_met_on',
			seoul_day(store.contact_last_held(c.id)))
		FROM store.contact c WHERE c.id = p_contact);
END $$;

-- Whom it is about. Of a country: whom we met there last, then those of most influence.
CREATE FUNCTION brief_people(p_engagement uuid, p_contact uuid, p_country text, p_day date, p_language text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit constant int := 8;
	v_people jsonb; v_count bigint;
BEGIN
	SELECT jsonb_agg(brief_person(contact_id, principal_id, role, p_day, p_language) ORDER BY place), max(count)
		INTO v_people, v_count FROM (
		SELECT *, count(*) OVER () FROM (
			SELECT p.contact_id, p.principal_id, p.role, row_number() OVER (ORDER BY p.position, p.id) AS place
				FROM store.engagement_participant p
				WHERE p.engagement_id = p_engagement AND coalesce(p.attendance, '') <> 'declined'
			UNION ALL SELECT p_contact, NULL, NULL, 1 WHERE p_contact IS NOT NULL
			UNION ALL
			SELECT c.id, NULL, NULL, row_number() OVER (ORDER BY l.sort_at DESC NULLS LAST, c.influence DESC NULLS LAST, c.id)
				FROM store.contact c LEFT JOIN LATERAL (SELECT p.sort_at FROM store.engagement_participant p
					WHERE p.contact_id = c.id ORDER BY p.sort_at DESC LIMIT 1) AS l ON true
				WHERE c.country = p_country AND c.status = 'active') AS found
		ORDER BY place LIMIT v_limit) AS people;
	RETURN jsonb_build_object('items', coalesce(v_people, '[]'), 'more', greatest(coalesce(v_count, 0) - v_limit, 0));
END $$;

-- Engagements of a scope: held before a moment, the last first; or planned from then on, the next first.
CREATE FUNCTION brief_events(p_scope jsonb, p_next boolean, p_at timestamptz, p_limit int) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_found uuid[];
BEGIN
	EXECUTE (SELECT format('SELECT array_agg(id ORDER BY sort_at %1$s, id) FROM (SELECT DISTINCT id, sort_at FROM ('
			|| string_agg(format('SELECT l.* FROM unnest($%s) AS s(value) CROSS JOIN LATERAL (SELECT e.id, e.sort_at
				FROM store.%s w JOIN store.engagement e ON e.id = w.%s WHERE w.%s = s.value AND %%2$s
				ORDER BY w.sort_at %%1$s LIMIT $6) AS l', place, walk, id, link), ' UNION ALL ')
			|| ') AS found ORDER BY sort_at %1$s, id LIMIT $6) AS page', CASE WHEN p_next THEN 'ASC' ELSE 'DESC' END,
			'e.voided_at IS NULL AND e.id IS DISTINCT FROM $5 AND ' || CASE WHEN p_next
				THEN 'e.status IN (''tentative'', ''planned'', ''postponed'') AND w.sort_at >= $4'
				ELSE 'e.status = ''held'' AND w.sort_at < $4' END)
		FROM (VALUES (1, 'engagement_country', 'engagement_id', 'country'),
			(2, 'engagement_participant', 'engagement_id', 'contact_id'),
			(3, 'engagement', 'id', 'dialogue_id')) AS sources(place, walk, id, link))
		INTO v_found USING texts(p_scope->'countries'), texts(p_scope->'contacts')::uuid[],
			texts(jsonb_path_query_array(p_scope, '$.dialogue_id'))::uuid[], p_at, (p_scope->>'engagement_id')::uuid, p_limit;
	RETURN v_found;
END $$;

-- Engagements in the given order, with the posts that their people held then.
CREATE FUNCTION brief_event_list(p_ids uuid[], p_timezone text, p_language text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_agg(jsonb_build_object('id', e.id, 'title', brief_cut(e.title, 120), 'kind', e.kind,
			'status', e.status, 'when', CASE WHEN e.starts_at IS NOT NULL
				THEN to_char(e.starts_at AT TIME ZONE coalesce(e.timezone, p_timezone), 'YYYY-MM-DD HH24:MI ')
					|| coalesce(e.timezone, p_timezone)
				ELSE left(e.starts_on::text, CASE e.precision WHEN 'year' THEN 4 WHEN 'month' THEN 7 ELSE 10 END) END,
			'location', brief_cut(e.location, 80), 'countries', to_jsonb(e.countries[1:12]),
			'readout', brief_cut(e.readout, 160), 'participants',
			(SELECT coalesce(jsonb_agg(jsonb_build_object('contact_id', p.contact_id, 'principal_id', p.principal_id,
					'name', brief_cut(coalesce(c.name, o.name), 40), 'titles',
					CASE WHEN p.contact_id IS NULL THEN '[]' ELSE brief_titles(c.id, seoul_day(e.sort_at), p_language, 1) END)
					ORDER BY p.position, p.id), '[]')
				FROM (SELECT * FROM store.engagement_participant p WHERE p.engagement_id = e.id
					ORDER BY p.contact_id IS NULL, p.position, p.id LIMIT 4) AS p
				LEFT JOIN store.contact c ON c.id = p.contact_id LEFT JOIN store.principal o ON o.id = p.principal_id))
			ORDER BY ids.place)
		FROM unnest(p_ids) WITH ORDINALITY AS ids(id, place) JOIN store.engagement e ON e.id = ids.id);
END $$;

-- Open commitments and concerns of a scope, both ways. Theirs is what somebody of the scope said, or the country of theirs in
-- the scope's presence; ours what our own side said to them, or there without naming to whom. What a third side said to them
-- is neither.
CREATE FUNCTION brief_open(p_scope jsonb) RETURNS TABLE (kind text, id uuid, theirs boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_countries text[] := texts(p_scope->'countries');
	v_contacts uuid[] := texts(p_scope->'contacts');
	v_sides text[] := texts(p_scope->'sides');
	v_home text := (SELECT code FROM store.country WHERE standing = 'home');
BEGIN
	RETURN QUERY SELECT * FROM (
		SELECT s.kind, s.id, CASE
			WHEN b.country = ANY (v_countries) OR s.by_contact = ANY (v_contacts)
				OR s.by_country = ANY (v_sides) AND brief_there(s.concern, s.engagement, v_countries, v_contacts) THEN true
			WHEN (s.by_principal IS NOT NULL OR b.country = v_home) AND (t.country = ANY (v_countries)
				OR s.to_contact = ANY (v_contacts) OR (s.nobody OR s.to_country = ANY (v_sides))
					AND brief_there(s.concern, s.engagement, v_countries, v_contacts)) THEN false
			END AS theirs
		FROM (
			SELECT 'commitment' AS kind, m.id, m.by_country, m.by_contact_id AS by_contact, m.by_principal_id AS by_principal,
					m.to_country, m.to_contact_id AS to_contact,
					num_nonnulls(m.to_country, m.to_contact_id, m.to_principal_id) = 0 AS nobody,
					NULL::uuid AS concern, m.engagement_id AS engagement
				FROM store.commitment m WHERE m.status = 'open'
					AND (SELECT e.voided_at FROM store.engagement e WHERE e.id = m.engagement_id) IS NULL
			UNION ALL
			SELECT 'concern', c.id, c.country, c.contact_id, NULL, c.to_country, c.to_contact_id,
					num_nonnulls(c.to_country, c.to_contact_id, c.to_principal_id) = 0, c.id, NULL
				FROM store.concern c WHERE c.withdrawn_at IS NULL) AS s
		LEFT JOIN store.contact bc ON bc.id = s.by_contact LEFT JOIN store.contact tc ON tc.id = s.to_contact
		CROSS JOIN LATERAL (SELECT coalesce(s.by_country, bc.country) AS country) AS b
		CROSS JOIN LATERAL (SELECT coalesce(s.to_country, tc.country) AS country) AS t) AS said
		WHERE said.theirs IS NOT NULL;
END $$;

-- Was anybody of the scope at this engagement, or at one at which this concern was raised?
CREATE FUNCTION brief_there(p_concern uuid, p_engagement uuid, p_countries text[], p_contacts uuid[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_engagements uuid[] := CASE WHEN p_concern IS NULL THEN ARRAY[p_engagement] ELSE ARRAY(SELECT r.engagement_id
		FROM store.concern_raised r WHERE r.concern_id = p_concern AND r.withdrawn_at IS NULL) END;
BEGIN
	RETURN EXISTS (SELECT FROM store.engagement_country l
			WHERE l.engagement_id = ANY (v_engagements) AND l.country = ANY (p_countries))
		OR EXISTS (SELECT FROM store.engagement_participant p
			WHERE p.engagement_id = ANY (v_engagements) AND p.contact_id = ANY (p_contacts));
END $$;

-- → {commitments: {theirs, ours}, concerns: {theirs, ours}}
CREATE FUNCTION brief_both_ways(p_scope jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit constant int := 5;
	v_today date := seoul_day(clock_timestamp());
	v_commitments jsonb; v_concerns jsonb;
BEGIN
	WITH said AS MATERIALIZED (SELECT * FROM brief_open(p_scope))
	SELECT (SELECT jsonb_object_agg(way, section) FROM (
			SELECT CASE WHEN w.theirs THEN 'theirs' ELSE 'ours' END AS way, brief_section(jsonb_agg(jsonb_build_object(
					'id', m.id, 'by', party_json(m.by_country, m.by_contact_id, m.by_principal_id),
					'to', party_json(m.to_country, m.to_contact_id, m.to_principal_id), 'text', brief_cut(m.body, 160),
					'due_on', m.due_on, 'overdue', coalesce(m.due_on < v_today, false))
					ORDER BY m.due_on NULLS LAST, m.id) FILTER (WHERE m.id IS NOT NULL), v_limit) AS section
				FROM (VALUES (true), (false)) AS w(theirs)
				LEFT JOIN said s ON s.kind = 'commitment' AND s.theirs = w.theirs
				LEFT JOIN store.commitment m ON m.id = s.id GROUP BY w.theirs) AS ways),
		(SELECT jsonb_object_agg(way, section) FROM (
			SELECT CASE WHEN w.theirs THEN 'theirs' ELSE 'ours' END AS way, brief_section(jsonb_agg(jsonb_build_object(
					'id', c.id, 'by', party_json(c.country, c.contact_id, NULL), 'topic', c.topic,
					'text', brief_cut(c.body, 160), 'times_raised', o.times, 'last_raised_on', o.last_on,
					'times_answered', o.answers) ORDER BY o.times DESC, o.first_on, c.id)
					FILTER (WHERE c.id IS NOT NULL), v_limit) AS section
				FROM (VALUES (true), (false)) AS w(theirs)
				LEFT JOIN (said s JOIN concern_states(ARRAY(SELECT said.id FROM said WHERE said.kind = 'concern'),
					'infinity') AS o ON o.id = s.id AND o.status = 'open' AND s.kind = 'concern') ON s.theirs = w.theirs
				LEFT JOIN store.concern c ON c.id = o.id GROUP BY w.theirs) AS ways)
		INTO v_commitments, v_concerns;
	RETURN jsonb_build_object('commitments', v_commitments, 'concerns', v_concerns);
END $$;

-- What the last 2,000 engagements of a scope touched, by the roadmap in force.
CREATE FUNCTION brief_workstreams(p_scope jsonb, p_at timestamptz, p_language text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN brief_section((SELECT jsonb_agg(jsonb_build_object('code', w.code,
			'title', CASE p_language WHEN 'ko' THEN w.title_ko ELSE w.title END, 'last_on', seoul_day(l.last_at))
			ORDER BY l.last_at DESC, string_to_array(w.code, '.')::int[])
		FROM (SELECT n.now, max(ew.sort_at) AS last_at FROM store.engagement_workstream ew
			JOIN store.workstream_now n ON n.code = ew.workstream
			WHERE ew.engagement_id = ANY (brief_events(p_scope, false, p_at, 2000)) GROUP BY n.now) AS l
		JOIN store.workstream_edition w ON w.code = l.now
			AND w.version = (SELECT max(version) FROM store.roadmap_version)), 6);
END $$;

-- The caller's notes, and those the caller may read: row-level security hides all others.
CREATE FUNCTION brief_notes(p_engagement uuid, p_contacts uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN brief_section((SELECT jsonb_agg(jsonb_build_object('id', n.id, 'text', brief_cut(n.body, 160), 'private', true,
			'created_at', instant(n.created_at)) ORDER BY n.created_at DESC, n.id DESC)
		FROM store.note n WHERE n.engagement_id = p_engagement OR n.contact_id = ANY (p_contacts)), 3);
END $$;

CREATE FUNCTION brief_scope(p_engagement store.engagement, p_contact store.contact, p_country text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_home text := (SELECT code FROM store.country WHERE standing = 'home');
	-- Those on the other side; among ourselves, ourselves.
	v_others jsonb := to_jsonb(CASE WHEN p_engagement.countries <@ ARRAY[v_home] THEN p_engagement.countries
		ELSE array_remove(p_engagement.countries, v_home) END);
	v_contacts jsonb := coalesce((SELECT jsonb_agg(p.contact_id) FROM store.engagement_participant p
		JOIN store.contact c ON c.id = p.contact_id WHERE p.engagement_id = p_engagement.id AND v_others ? c.country), '[]');
BEGIN
	RETURN CASE
		WHEN p_engagement.id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('countries', v_others,
			'contacts', v_contacts, 'sides', v_others, 'engagement_id', p_engagement.id,
			'dialogue_id', p_engagement.dialogue_id))
		WHEN p_contact.id IS NOT NULL THEN jsonb_build_object('countries', '[]'::jsonb, 'contacts', jsonb_build_array(p_contact.id),
			'sides', jsonb_build_array(p_contact.country))
		ELSE jsonb_build_object('countries', jsonb_build_array(p_country), 'contacts', '[]'::jsonb,
			'sides', jsonb_build_array(p_country))
	END;
END $$;

CREATE FUNCTION brief_get(p_caller uuid, p_engagement_id uuid, p_contact_id uuid, p_country text, p_language text)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_now timestamptz := clock_timestamp();
	v_me store.principal; v_engagement store.engagement; v_contact store.contact;
	v_language text; v_scope jsonb; v_past timestamptz; v_brief jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	SELECT * INTO v_me FROM store.principal WHERE id = p_caller;
	SELECT * INTO v_engagement FROM store.engagement WHERE id = p_engagement_id AND voided_at IS NULL;
	SELECT * INTO v_contact FROM store.contact WHERE id = p_contact_id;
	IF p_engagement_id IS NOT NULL AND v_engagement.id IS NULL THEN
		RETURN not_found('engagement', 'engagement_id');
	ELSIF p_contact_id IS NOT NULL AND v_contact.id IS NULL THEN
		RETURN not_found('contact', 'contact_id');
	END IF;
	v_language := CASE coalesce(p_language, split_part(v_me.language, '-', 1)) WHEN 'ko' THEN 'ko' ELSE 'en' END;
	v_scope := brief_scope(v_engagement, v_contact, p_country);
	v_past := least(v_engagement.sort_at, v_now);
	v_brief := jsonb_build_object('subject', jsonb_build_object('engagement_id', p_engagement_id, 'contact_id', p_contact_id,
			'country', p_country, 'title', brief_cut(coalesce(v_engagement.title, v_contact.name,
				country_name(p_country, v_language)), 120)),
		'language', v_language, 'as_of', seoul_day(v_now),
		'engagement', brief_event_list(ARRAY[v_engagement.id], v_me.timezone, v_language)->0, 'agenda', brief_section((
			SELECT jsonb_agg(brief_cut(a->>'text', 120)) FROM jsonb_array_elements(v_engagement.agenda) AS a), 6),
		'people', brief_people(v_engagement.id, v_contact.id, p_country,
			seoul_day(coalesce(v_engagement.sort_at, v_now)), v_language),
		'cadence', contact_json(v_contact.id)->'cadence',
		'last', coalesce(brief_event_list(brief_events(v_scope, false, v_past, 5), v_me.timezone, v_language), '[]'),
		'next', coalesce(brief_event_list(brief_events(v_scope, true, v_now, 3), v_me.timezone, v_language), '[]'),
		'workstreams', brief_workstreams(v_scope, v_past, v_language),
		'notes', brief_notes(v_engagement.id, texts(v_scope->'contacts')::uuid[])) || brief_both_ways(v_scope);
	RETURN v_brief || jsonb_build_object('markdown', brief_markdown(v_brief, brief_words(v_language)));
END $$;
