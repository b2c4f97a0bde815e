-- Notes: their author's and the named readers', by a policy of the table; nobody else learns that they exist.

CREATE FUNCTION note_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', n.id, 'version', n.version, 'about', jsonb_strip_nulls(jsonb_build_object(
				'contact_id', n.contact_id, 'organization_id', n.organization_id, 'dialogue_id', n.dialogue_id,
				'engagement_id', n.engagement_id)),
			'text', n.body, 'author', n.author_id, 'readers', (SELECT coalesce(jsonb_agg(r.principal_id
				ORDER BY r.principal_id), '[]') FROM store.note_reader r WHERE r.note_id = n.id),
			'created_at', instant(n.created_at), 'updated_at', instant(n.updated_at))
		FROM store.note n WHERE n.id = p_id);
END $$;

-- The first of these who is no principal, counted from 0; NULL when all are.
CREATE FUNCTION unknown_reader(p_readers uuid[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT ordinality - 1 FROM unnest(p_readers) WITH ORDINALITY AS r(id, ordinality)
		WHERE NOT EXISTS (SELECT FROM store.principal p WHERE p.id = r.id) ORDER BY ordinality LIMIT 1);
END $$;

CREATE FUNCTION note_add(p_caller uuid, p_request jsonb, p_id uuid, p_about jsonb, p_text text, p_readers uuid[])
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
BEGIN
	v_answer := coalesce(v_answer, CASE WHEN EXISTS (SELECT FROM store.note WHERE id = p_id) THEN id_reused('id') END,
		about_faults(p_about),
		CASE WHEN unknown_reader(p_readers) IS NOT NULL
			THEN not_found('principal', format('readers[%s]', unknown_reader(p_readers))) END);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	INSERT INTO store.note (id, author_id, contact_id, organization_id, dialogue_id, engagement_id, body)
		VALUES (v_id, p_caller, (p_about->>'contact_id')::uuid, (p_about->>'organization_id')::uuid,
			(p_about->>'dialogue_id')::uuid, (p_about->>'engagement_id')::uuid, p_text);
	INSERT INTO store.note_reader (note_id, principal_id) SELECT v_id, unnest(p_readers) EXCEPT SELECT v_id, p_caller;
	RETURN write_end(p_caller, p_request, v_id, 1, note_json(v_id));
END $$;

CREATE FUNCTION note_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request),
		CASE WHEN EXISTS (SELECT FROM store.note WHERE id = p_id AND author_id <> p_caller)
			THEN refused(403, 'forbidden', 'only its author changes a note; add one of your own') END,
		record_lock('note', p_id, p_version));
	v_add uuid[] := texts(p_patch->'readers_add')::uuid[];
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF unknown_reader(v_add) IS NOT NULL THEN
		RETURN not_found('principal', format('readers_add[%s]', unknown_reader(v_add)));
	END IF;
	UPDATE store.note SET body = coalesce(p_patch->>'text', body), version = version + 1, updated_at = clock_timestamp()
		WHERE id = p_id;
	DELETE FROM store.note_reader WHERE note_id = p_id
		AND principal_id::text IN (SELECT jsonb_array_elements_text(p_patch->'readers_remove'));
	INSERT INTO store.note_reader (note_id, principal_id) SELECT p_id, unnest(v_add) EXCEPT SELECT p_id, p_caller
		ON CONFLICT DO NOTHING;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, note_json(p_id));
END $$;

CREATE FUNCTION note_list(p_caller uuid, p_about jsonb, p_cursor text, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_about uuid := (SELECT value::uuid FROM jsonb_each_text(p_about) LIMIT 1);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND (v_after IS NULL OR cursor_time(v_after) IS NULL) THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(note_json(id)), array_agg((created_at AT TIME ZONE 'UTC')::text), array_agg(id)
		INTO v_items, v_keys, v_ids
		FROM (SELECT n.id, n.created_at FROM store.note n
			WHERE (v_about IS NULL OR v_about IN (n.contact_id, n.organization_id, n.dialogue_id, n.engagement_id))
				AND (v_after IS NULL
					OR (n.created_at, n.id) < (cursor_time(v_after), (v_after->>1)::uuid))
			ORDER BY n.created_at DESC, n.id DESC LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
