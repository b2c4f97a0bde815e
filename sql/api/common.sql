-- What every function of the api stands on: the caller's identity, refusals, the way of a write, and how values are shown.
--
-- The way of a write: write_begin() answers a repeat from what the first run left; else the function checks all that can
-- be refused, returning refused(…) before anything is written; then it writes, and write_end() leaves the trail's row in
-- the same transaction. Two runs of one request at the same time: the second waits in write_begin() for the first to end,
-- lest it find the records but not yet the trail's row, and be refused as a duplicate of itself; then it finds the first
-- one's answer. The unique key of store.change stands behind that: what it stops the daemon runs again.

CREATE FUNCTION schema_version() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT max(version) FROM store.migration);
END $$;

-- The identity that row-level security tests, for this transaction only. First in every function.
CREATE FUNCTION set_caller(p_caller uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('tracktwo.caller', coalesce(p_caller::text, ''), true);
END $$;

CREATE FUNCTION refused(p_code int, p_name text, p_message text, p_extra jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('refused', jsonb_build_object('code', p_code, 'message', p_message,
		'data', jsonb_build_object('code', p_name, 'retryable', false) || p_extra));
END $$;

CREATE FUNCTION not_found(p_what text, p_field text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(404, 'not_found', format('no such %s; look its id up and try again', p_what),
		CASE WHEN p_field IS NULL THEN '{}' ELSE jsonb_build_object('field', p_field) END);
END $$;

CREATE FUNCTION invalid(p_field text, p_message text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(-32602, 'invalid_params', format('%s %s', p_field, p_message), jsonb_build_object(
		'field', p_field, 'errors', jsonb_build_array(jsonb_build_object('field', p_field, 'message', p_message))));
END $$;

-- A rule that depends on what is stored.
CREATE FUNCTION rule(p_rule text, p_message text, p_field text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(422, 'rule', p_message,
		jsonb_build_object('rule', p_rule) || CASE WHEN p_field IS NULL THEN '{}' ELSE jsonb_build_object('field', p_field) END);
END $$;

CREATE FUNCTION stale(p_version int) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(409, 'stale_version', 'the record has changed since it was read; read it again and repeat the change',
		jsonb_build_object('version', p_version));
END $$;

CREATE FUNCTION id_reused(p_field text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN refused(409, 'id_reused', format('this %s was used before with other content; take a new one', p_field),
		jsonb_build_object('field', p_field));
END $$;

-- Keyed, so that the trail does not tell what short texts were.
CREATE FUNCTION content_hash(p_request jsonb) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN sha256((SELECT value FROM store.secret WHERE name = 'content') || decode(p_request->>'digest', 'hex'));
END $$;

-- NULL: go on. Else the answer: the first run's, or that the id was used for something else.
-- `p_create` is the id of the record that is to be made, NULL when the call makes none or the client named none.
CREATE FUNCTION write_begin(p_caller uuid, p_request jsonb, p_create uuid DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_change store.change;
	v_field text := 'request_id';
	v_answer jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	PERFORM pg_advisory_xact_lock(hashtextextended('request/' || p_caller || '/' || ((p_request->>'request_id')::uuid), 0));
	PERFORM pg_advisory_xact_lock(hashtextextended('create/' || p_create, 0)) WHERE p_create IS NOT NULL;
	SELECT * INTO v_change FROM store.change c
		WHERE c.principal_id = p_caller AND c.request_id = (p_request->>'request_id')::uuid;
	IF NOT FOUND AND p_create IS NOT NULL THEN
		v_field := 'id';
		SELECT * INTO v_change FROM store.change c WHERE c.record_id = p_create ORDER BY c.id LIMIT 1;
	END IF;
	IF v_change.id IS NULL THEN
		RETURN NULL;
	END IF;
	IF v_change.principal_id <> p_caller OR v_change.content <> content_hash(p_request) THEN
		RETURN id_reused(v_field);
	END IF;
	SELECT body INTO v_answer FROM store.answer WHERE change_id = v_change.id;
	IF v_answer IS NULL THEN
		RETURN rule('answer_erased', 'this request was carried out before, and its answer has been erased since');
	END IF;
	RETURN v_answer;
END $$;

-- A record as its noun's methods show it.
CREATE FUNCTION record_image(p_noun text, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_record jsonb;
BEGIN
	EXECUTE format('SELECT %I($1)', p_noun || '_json') INTO v_record USING p_id;
	RETURN v_record;
END $$;

-- What a record was like is kept for change.undo by whoever locks it for a change, before anything is written: it waits in
-- the transaction for write_end(), so that a refusal leaves nothing behind.
CREATE FUNCTION before_keep(p_noun text, p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('tracktwo.before', jsonb_build_object('noun', p_noun, 'record', record_image(p_noun, p_id)
		-- Which occurrence of a rule it is at, no client is shown.
		|| CASE WHEN p_noun = 'reminder' THEN (SELECT jsonb_build_object('occurrence_at', occurrence_at) FROM store.reminder
			WHERE id = p_id) ELSE '{}' END)::text, true);
END $$;

CREATE FUNCTION write_end(p_caller uuid, p_request jsonb, p_record uuid, p_version int, p_answer jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_change bigint;
	v_before jsonb := nullif(current_setting('tracktwo.before', true), '')::jsonb;
BEGIN
	INSERT INTO store.change (principal_id, request_id, method, record_id, record_version, content, undoes)
		VALUES (p_caller, (p_request->>'request_id')::uuid, p_request->>'method', p_record, p_version,
			content_hash(p_request), (p_request->>'undoes')::bigint)
		RETURNING id INTO v_change;
	-- Another call of the same transaction may have kept another record, and been refused.
	IF v_before #>> '{record,id}' = p_record::text AND (v_before #>> '{record,version}')::int < p_version THEN
		INSERT INTO store.answer (change_id, body, noun, before)
			VALUES (v_change, p_answer, v_before->>'noun', v_before->'record');
		PERFORM set_config('tracktwo.before', '', true);
	ELSE
		INSERT INTO store.answer (change_id, body) VALUES (v_change, p_answer);
	END IF;
	RETURN p_answer;
END $$;

-- Showing

CREATE FUNCTION instant(p_at timestamptz) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN to_char(p_at AT TIME ZONE 'UTC', CASE WHEN date_trunc('second', p_at) = p_at
		THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END);
END $$;

-- The day of an instant in Seoul, as four digits can write it.
CREATE FUNCTION seoul_day(p_at timestamptz) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN p_at IS NOT NULL THEN least((p_at AT TIME ZONE 'Asia/Seoul')::date, '9999-12-31'::date) END;
END $$;

-- A moment as people give it: a day begins in Seoul.
CREATE FUNCTION moment(p_text text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN length(p_text) = 10 THEN p_text::date::timestamp AT TIME ZONE 'Asia/Seoul' ELSE p_text::timestamptz END;
END $$;

CREATE FUNCTION level_name(p_level smallint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (ARRAY['open', 'internal', 'restricted', 'secret'])[p_level + 1];
END $$;

CREATE FUNCTION level_number(p_name text) RETURNS smallint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN array_position(ARRAY['open', 'internal', 'restricted', 'secret'], p_name) - 1;
END $$;

-- Pages

-- A cursor is the key of the last item of a page, [sort key, id], in URL-safe letters; opaque to clients.
CREATE FUNCTION cursor_make(p_key text, p_id uuid) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN translate(encode(convert_to(jsonb_build_array(p_key, p_id)::text, 'UTF8'), 'base64'), E'+/=\n', '-_');
END $$;

-- NULL when it is none of ours, or none.
CREATE FUNCTION cursor_read(p_cursor text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_base64 text := translate(p_cursor, '-_', '+/');
	v_key jsonb;
BEGIN
	v_key := convert_from(decode(rpad(v_base64, ((length(v_base64) + 3) / 4) * 4, '='), 'base64'), 'UTF8')::jsonb;
	IF jsonb_typeof(v_key) = 'array' AND jsonb_array_length(v_key) = 2 AND jsonb_typeof(v_key->0) = 'string'
		AND (v_key->>1)::uuid IS NOT NULL THEN
		RETURN v_key;
	END IF;
	RETURN NULL;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;

-- The sort key of a cursor as a time, written in UTC as text; NULL when it is none.
CREATE FUNCTION cursor_time(p_key jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF p_key->>0 ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?( BC)?$' THEN
		RETURN (p_key->>0)::timestamp AT TIME ZONE 'UTC';
	END IF;
	RETURN NULL;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;

CREATE FUNCTION cursor_refused() RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN invalid('cursor', 'is not one of ours; give next_cursor of the page before as it came');
END $$;

-- Of up to limit + 1 items in order, with the sort key and id of each: the page, and where the next one begins.
CREATE FUNCTION page(p_items jsonb[], p_keys text[], p_ids uuid[], p_limit int) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('items', coalesce(to_jsonb(p_items[1:p_limit]), '[]'), 'next_cursor',
		CASE WHEN cardinality(p_items) > p_limit THEN cursor_make(p_keys[p_limit], p_ids[p_limit]) END);
END $$;

-- A list that comes whole.
CREATE FUNCTION page(p_items jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN jsonb_build_object('items', coalesce(p_items, '[]'), 'next_cursor', NULL);
END $$;

-- A country, a contact or one of our own people, as commitments name them: {country | contact_id | principal_id, name}.
CREATE FUNCTION party_json(p_country text, p_contact uuid, p_principal uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_country IS NOT NULL THEN jsonb_build_object('country', p_country)
		WHEN p_contact IS NOT NULL THEN jsonb_build_object('contact_id', p_contact,
			'name', (SELECT name FROM store.contact WHERE id = p_contact))
		WHEN p_principal IS NOT NULL THEN jsonb_build_object('principal_id', p_principal,
			'name', (SELECT name FROM store.principal WHERE id = p_principal))
	END;
END $$;

-- The other way: {country?, contact_id?, principal_id?} from what a client gave; {party} may be a contact or one of our own.
-- NULL when there is nobody of that id.
CREATE FUNCTION party_find(p_party jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_id uuid := coalesce(p_party->>'party', p_party->>'contact_id', p_party->>'principal_id')::uuid;
BEGIN
	IF p_party ? 'country' THEN
		RETURN p_party;
	ELSIF NOT p_party ? 'principal_id' AND EXISTS (SELECT FROM store.contact WHERE id = v_id) THEN
		RETURN jsonb_build_object('contact_id', v_id);
	ELSIF NOT p_party ? 'contact_id' AND EXISTS (SELECT FROM store.principal WHERE id = v_id) THEN
		RETURN jsonb_build_object('principal_id', v_id);
	END IF;
	RETURN NULL;
END $$;

-- The first of [{contact_id | principal_id, …}, …] whose person does not exist, counted from 0; NULL when all do.
CREATE FUNCTION unknown_person(p_people jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT ordinality - 1 FROM jsonb_array_elements(p_people) WITH ORDINALITY AS r
		WHERE (r.value ? 'contact_id' AND NOT EXISTS (SELECT FROM store.contact WHERE id = (r.value->>'contact_id')::uuid))
			OR (r.value ? 'principal_id'
				AND NOT EXISTS (SELECT FROM store.principal WHERE id = (r.value->>'principal_id')::uuid))
		ORDER BY ordinality LIMIT 1);
END $$;

-- ["a", "b"] as text[]; NULL as none.
CREATE FUNCTION texts(p_list jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ARRAY(SELECT jsonb_array_elements_text(p_list));
END $$;

-- A list of words after additions and removals, in its old order, then as added.
CREATE FUNCTION words_changed(p_old text[], p_add jsonb, p_remove jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN ARRAY(SELECT word FROM (SELECT word, min(place) AS place FROM unnest(p_old || texts(p_add)) WITH ORDINALITY
			AS words(word, place) GROUP BY word) AS kept
		WHERE NOT coalesce(p_remove ? word, false) ORDER BY place);
END $$;

-- A list of workstreams after changes (by code), removals (of codes) and additions.
CREATE FUNCTION workstreams_changed(p_old jsonb, p_add jsonb, p_change jsonb, p_remove jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT coalesce(jsonb_agg(link ORDER BY place), '[]') FROM (
		SELECT DISTINCT ON (link) link, place FROM (
			SELECT coalesce((SELECT c FROM jsonb_array_elements(p_change) AS c WHERE c->>'code' = o.value->>'code' LIMIT 1),
					o.value) AS link, o.ordinality AS place
				FROM jsonb_array_elements(p_old) WITH ORDINALITY AS o
				WHERE NOT coalesce(p_remove ? (o.value->>'code'), false)
			UNION ALL
			SELECT a.value, 1000 + a.ordinality FROM jsonb_array_elements(p_add) WITH ORDINALITY AS a) AS links
		ORDER BY link, place) AS distinct_links);
END $$;

-- Workstreams that a revision has retired cannot be given to anything anew: NULL, or the refusal.
CREATE FUNCTION retired_workstream(p_workstreams jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_code text;
BEGIN
	SELECT w->>'code' INTO v_code FROM jsonb_array_elements(p_workstreams) AS w
		WHERE NOT EXISTS (SELECT FROM store.workstream_edition e WHERE e.code = w->>'code'
			AND e.version = (SELECT max(version) FROM store.roadmap_version)) LIMIT 1;
	IF FOUND THEN
		RETURN rule('workstream_retired', format('workstream %s is no longer on the roadmap; use %s', v_code,
			(SELECT coalesce(string_agg(now, ' or ' ORDER BY now), 'another one') FROM store.workstream_now
				WHERE code = v_code)), 'workstreams');
	END IF;
	RETURN NULL;
END $$;

-- Links to workstreams as the roadmap in force has them: one that has gone becomes what stands for it, without the objective,
-- which was the old one's. Where several do, it stays, for retired_workstream() to refuse: somebody has to choose.
CREATE FUNCTION workstreams_now(p_workstreams jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_agg(link ORDER BY place) FROM (
		SELECT DISTINCT ON (link) link, place FROM (
			SELECT CASE WHEN n.now = w.value->>'code' OR n.now IS NULL THEN w.value
					ELSE w.value - 'objective' || jsonb_build_object('code', n.now) END AS link, w.ordinality AS place
				FROM jsonb_array_elements(p_workstreams) WITH ORDINALITY AS w
				LEFT JOIN (SELECT code, min(now) AS now FROM store.workstream_now GROUP BY code HAVING count(*) = 1) AS n
					ON n.code = w.value->>'code') AS links
		ORDER BY link, place) AS distinct_links);
END $$;

-- What {engagement_id | contact_id | organization_id | dialogue_id | commitment_id} names must exist: NULL, or the refusal.
CREATE FUNCTION about_faults(p_about jsonb, p_path text DEFAULT 'about.') RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_about ? 'engagement_id' AND NOT EXISTS (SELECT FROM store.engagement
			WHERE id = (p_about->>'engagement_id')::uuid AND voided_at IS NULL)
			THEN not_found('engagement', p_path || 'engagement_id')
		WHEN p_about ? 'contact_id' AND NOT EXISTS (SELECT FROM store.contact WHERE id = (p_about->>'contact_id')::uuid)
			THEN not_found('contact', p_path || 'contact_id')
		WHEN p_about ? 'organization_id'
			AND NOT EXISTS (SELECT FROM store.organization WHERE id = (p_about->>'organization_id')::uuid)
			THEN not_found('organization', p_path || 'organization_id')
		WHEN p_about ? 'dialogue_id' AND NOT EXISTS (SELECT FROM store.dialogue WHERE id = (p_about->>'dialogue_id')::uuid)
			THEN not_found('dialogue', p_path || 'dialogue_id')
		WHEN p_about ? 'commitment_id'
			AND NOT EXISTS (SELECT FROM store.commitment m LEFT JOIN store.engagement e ON e.id = m.engagement_id
				WHERE m.id = (p_about->>'commitment_id')::uuid AND e.voided_at IS NULL)
			THEN not_found('commitment', p_path || 'commitment_id')
	END;
END $$;

-- A cadence as it is shown, and what is wrong with one that is given: NULL, or the refusal.
CREATE FUNCTION cadence_json(p_ideal interval, p_maximum interval) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN p_ideal IS NOT NULL THEN jsonb_build_object('ideal', p_ideal::text, 'maximum', p_maximum::text) END;
END $$;

CREATE FUNCTION cadence_faults(p_cadence jsonb, p_path text DEFAULT '') RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN (p_cadence->>'maximum')::interval < (p_cadence->>'ideal')::interval
		THEN invalid(p_path || 'cadence.maximum', 'must not be shorter than ideal') END;
END $$;

-- A sort key that is a day, as cursors hold it; NULL when it is none.
CREATE FUNCTION day_key(p_text text) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN p_text::date;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END $$;

-- Locks a record for a change, when it still is of the version that the caller read: NULL, or the refusal. `p_noun` names
-- its table.
CREATE FUNCTION record_lock(p_noun text, p_id uuid, p_version int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_version int;
BEGIN
	EXECUTE format('SELECT version FROM store.%I WHERE id = $1 FOR UPDATE', p_noun) INTO v_version USING p_id;
	IF v_version = p_version AND p_noun = ANY (undoable_nouns()) THEN
		PERFORM before_keep(p_noun, p_id);
	END IF;
	RETURN CASE WHEN v_version IS NULL THEN not_found(p_noun, 'id') WHEN v_version <> p_version THEN stale(v_version) END;
END $$;

-- The lists <entry>s_change and <entry>s_remove of a patch, by the entries' ids: contacts have affiliations, dialogues have
-- members, in the table <noun>_<entry>, from a day until a day, each with one more word that may change. NULL, or the
-- refusal, and then nothing is written.
CREATE FUNCTION entries_change(p_noun text, p_id uuid, p_entry text, p_word text, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_list text := p_entry || 's_change';
	v_known jsonb; v_given jsonb; v_position bigint;
BEGIN
	EXECUTE format('SELECT coalesce(jsonb_object_agg(e.id, to_jsonb(e)), ''{}'') FROM store.%I e WHERE e.%I = $1',
		p_noun || '_' || p_entry, p_noun || '_id') INTO v_known USING p_id;
	SELECT place - 1 INTO v_position
		FROM jsonb_array_elements_text(p_patch->(p_entry || 's_remove')) WITH ORDINALITY AS gone(id, place)
		WHERE NOT v_known ? gone.id ORDER BY place LIMIT 1;
	IF FOUND THEN
		RETURN not_found(p_entry, format('%ss_remove[%s]', p_entry, v_position));
	END IF;
	FOR v_given, v_position IN SELECT value, ordinality - 1 FROM jsonb_array_elements(p_patch->v_list) WITH ORDINALITY LOOP
		IF NOT v_known ? (v_given->>'id') THEN
			RETURN not_found(p_entry, format('%s[%s].id', v_list, v_position));
		END IF;
		v_given := v_known->(v_given->>'id') || v_given;
		IF (v_given->>'until')::date < (v_given->>'since')::date THEN
			RETURN rule('ends_before_start', 'it must not end before it begins', format('%s[%s].until', v_list, v_position));
		END IF;
		v_known := v_known || jsonb_build_object(v_given->>'id', v_given);
	END LOOP;
	EXECUTE format('UPDATE store.%1$I e SET %2$I = n.%2$I, since = n.since, until = n.until
		FROM jsonb_populate_recordset(NULL::store.%1$I, $1) AS n WHERE e.id = n.id AND e IS DISTINCT FROM n',
		p_noun || '_' || p_entry, p_word) USING (SELECT jsonb_agg(value) FROM jsonb_each(v_known));
	EXECUTE format('DELETE FROM store.%I WHERE %I = $1 AND id::text IN (SELECT jsonb_array_elements_text($2))',
		p_noun || '_' || p_entry, p_noun || '_id') USING p_id, p_patch->(p_entry || 's_remove');
	RETURN NULL;
END $$;
