-- A store of :size engagements, as the api would have left it, without going through the api.
--
-- Set by set, by the superuser, with session_replication_role = replica: no trigger fires and no foreign key is looked up,
-- so what the triggers would have written (the link tables, participants' sort_at, search keys) is written here in the
-- same way, and the end of the file compares it with the rows it follows from. Checks and generated columns hold as ever.
-- Each engagement has its row in the trail; the answers for repeats, which may be erased at any time, are left out.
-- The daemon's cluster runs on its own settings, which are durable.
--
-- Ids are counted: 019b0000-0000-7000-8000-… engagements, …-9000-… contacts, …-a000-… participants.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET session_replication_role = replica;
SET tracktwo.caller = '00000000-0000-0000-0000-000000000000';
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
SET work_mem = '64MB';
SELECT '00000000-0000-7000-8000-000000000001' AS caller \gset
SELECT :size / 10 AS contacts \gset

CREATE FUNCTION pg_temp.counted(p_family text, p_number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT ('019b0000-0000-7000-' || p_family || '-' || lpad(to_hex(p_number), 12, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.country(p_number bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT (ARRAY['US', 'CN', 'RU', 'JP', 'KP'])[p_number % 5 + 1]
$$;

BEGIN;
INSERT INTO store.contact (id, name, country, sector, created_by)
	SELECT pg_temp.counted('9000', n), 'Counterpart ' || n, pg_temp.country(n), 'think-tank', :'caller'
	FROM generate_series(1, :contacts) AS n;
INSERT INTO store.contact_name (contact_id, position, body, kind, is_primary)
	SELECT id, 1, name, 'romanized', true FROM store.contact;
INSERT INTO store.contact_key (contact_id, key) SELECT contact_id, store.fold(body) FROM store.contact_name;

-- Evenly over the twenty years before 2026, in their order.
INSERT INTO store.engagement (id, title, kind, track, status, starts_at, timezone, countries, workstreams, topics,
		sensitivity, readout, logged_by)
	SELECT pg_temp.counted('8000', n), 'Round ' || n || ' of the working group',
		(ARRAY['meeting', 'call', 'visit', 'track2-session'])[n % 4 + 1], (ARRAY['1', '1.5', '2'])[n % 3 + 1], 'held',
		'2006-01-01 10:00+09'::timestamptz + n * (interval '20 years' / :size), 'Asia/Seoul',
		CASE WHEN n % 3 = 0 THEN ARRAY[pg_temp.country(n), 'KR'] ELSE ARRAY[pg_temp.country(n)] END,
		jsonb_build_array(jsonb_build_object('code', (ARRAY['1.1', '1.2', '1.3'])[n % 3 + 1]),
			jsonb_build_object('code', (ARRAY['2.1', '2.2', '2.3'])[n / 3 % 3 + 1])),
		'{}', 1, 'Both sides went through the annex, line by line; the counterpart asked for the paper on monitoring before '
			'the next round, and offered to host it.', :'caller'
	FROM generate_series(1, :size) AS n;
INSERT INTO store.engagement_participant (id, engagement_id, position, contact_id, role, sort_at)
	SELECT pg_temp.counted('a000', n * 3 + p), pg_temp.counted('8000', n), p,
		pg_temp.counted('9000', (n * 7919 + p) % :contacts + 1), CASE WHEN p = 1 THEN 'chair' ELSE 'participant' END,
		'2006-01-01 10:00+09'::timestamptz + n * (interval '20 years' / :size)
	FROM generate_series(1, :size) AS n, generate_series(1, 3) AS p;
INSERT INTO store.engagement_country (engagement_id, country, sort_at)
	SELECT id, unnest(countries), sort_at FROM store.engagement;
INSERT INTO store.engagement_workstream (engagement_id, workstream, sort_at)
	SELECT DISTINCT id, w->>'code', sort_at FROM store.engagement, jsonb_array_elements(workstreams) AS w;
INSERT INTO store.engagement_key (engagement_id, key) SELECT e.id, store.engagement_text(e) FROM store.engagement e;
INSERT INTO store.change (principal_id, request_id, method, record_id, record_version, content)
	SELECT logged_by, gen_random_uuid(), 'engagement.log', id, 1, sha256(uuid_send(id)) FROM store.engagement;

-- What the triggers and the foreign keys would have refused.
SELECT 1 / (NOT EXISTS (SELECT FROM store.engagement_participant p
			LEFT JOIN store.engagement e ON e.id = p.engagement_id AND e.sort_at = p.sort_at
			LEFT JOIN store.contact c ON c.id = p.contact_id WHERE e.id IS NULL OR c.id IS NULL)
		AND (SELECT count(*) FROM store.engagement_participant) = 3 * :size
		AND NOT EXISTS (SELECT country FROM store.engagement_country EXCEPT SELECT code FROM store.country)
		AND NOT EXISTS (SELECT workstream FROM store.engagement_workstream EXCEPT SELECT code FROM store.workstream)
		AND (SELECT count(*) FROM store.engagement_country) = (SELECT sum(cardinality(countries)) FROM store.engagement)
	)::int AS consistent \gset
COMMIT;
VACUUM (ANALYZE);
CHECKPOINT;
