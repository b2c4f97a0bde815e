-- Commitments: what each side promised the other.

-- The country on whose side somebody stands; our own people stand on the home side.
CREATE FUNCTION party_side(p_country text, p_contact uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN coalesce(p_country, (SELECT country FROM store.contact WHERE id = p_contact),
		(SELECT code FROM store.country WHERE standing = 'home'));
END $$;

CREATE FUNCTION commitment_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', m.id, 'version', m.version,
			'by', party_json(m.by_country, m.by_contact_id, m.by_principal_id),
			'to', party_json(m.to_country, m.to_contact_id, m.to_principal_id),
			'side', party_side(m.by_country, m.by_contact_id), 'text', m.body, 'due_on', m.due_on,
			'status', m.status, 'overdue', m.status = 'open' AND coalesce(m.due_on < seoul_day(clock_timestamp()), false),
			'engagement_id', m.engagement_id, 'created_by', m.created_by, 'created_at', instant(m.created_at),
			'updated_at', instant(m.updated_at))
		FROM store.commitment m WHERE m.id = p_id);
END $$;

CREATE FUNCTION commitment_create(p_caller uuid, p_request jsonb, p_id uuid, p_engagement_id uuid, p_by jsonb, p_to jsonb,
	p_text text, p_due_on date) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_id uuid := coalesce(p_id, store.uuid7());
	v_by jsonb; v_to jsonb;
BEGIN
	v_answer := coalesce(v_answer,
		CASE WHEN EXISTS (SELECT FROM store.commitment WHERE id = p_id) THEN id_reused('id') END,
		about_faults(jsonb_strip_nulls(jsonb_build_object('engagement_id', p_engagement_id)), ''));
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	v_by := party_find(p_by);
	v_to := party_find(p_to);
	IF v_by IS NULL OR (v_to IS NULL AND p_to IS NOT NULL) THEN
		RETURN not_found('person', CASE WHEN v_by IS NULL THEN 'by' ELSE 'to' END);
	END IF;
	PERFORM commitments_insert(p_caller, p_engagement_id, jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('id', v_id,
		'by', v_by, 'to', v_to, 'text', p_text, 'due_on', p_due_on))));
	RETURN write_end(p_caller, p_request, v_id, 1, commitment_json(v_id));
END $$;

CREATE FUNCTION commitment_get(p_caller uuid, p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_caller(p_caller);
	RETURN coalesce(commitment_json(p_id), not_found('commitment', 'id'));
END $$;

CREATE FUNCTION commitment_update(p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := coalesce(write_begin(p_caller, p_request), record_lock('commitment', p_id, p_version));
	v_commitment store.commitment;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT * INTO v_commitment FROM store.commitment WHERE id = p_id;
	v_commitment := jsonb_populate_record(v_commitment, p_patch - 'text');
	UPDATE store.commitment SET body = coalesce(p_patch->>'text', body), due_on = v_commitment.due_on,
		status = v_commitment.status, version = version + 1, updated_at = clock_timestamp() WHERE id = p_id;
	RETURN write_end(p_caller, p_request, p_id, p_version + 1, commitment_json(p_id));
END $$;

-- The condition on one party of commitment m, `p_side` being by or to: a country, and all who stand on its side; or one
-- person. `p_parameter` holds the party as party_find() shows it.
CREATE FUNCTION commitment_party(p_side text, p_party jsonb, p_parameter text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE
		WHEN p_party IS NULL THEN ''
		WHEN p_party ? 'country' THEN format(' AND (m.%1$s_country = %2$s->>''country''
			OR m.%1$s_contact_id IN (SELECT c.id FROM store.contact c WHERE c.country = %2$s->>''country'')
			OR m.%1$s_principal_id IS NOT NULL AND EXISTS (SELECT FROM store.country h
				WHERE h.code = %2$s->>''country'' AND h.standing = ''home''))', p_side, p_parameter)
		WHEN p_party ? 'contact_id' THEN format(' AND m.%s_contact_id = (%s->>''contact_id'')::uuid', p_side, p_parameter)
		ELSE format(' AND m.%s_principal_id = (%s->>''principal_id'')::uuid', p_side, p_parameter)
	END;
END $$;

-- What is open first, by its day, so that what is overdue leads; then what has ended. What was promised at an engagement
-- that is void is no promise. With the first page comes what each side owes, of all pages.
CREATE FUNCTION commitment_list(p_caller uuid, p_by jsonb, p_to jsonb, p_status text, p_overdue boolean,
	p_engagement_id uuid, p_due_before date, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_after_day date := CASE WHEN v_after->>0 ~ '^(open|ended) ' THEN day_key(split_part(v_after->>0, ' ', 2)) END;
	v_today date := seoul_day(clock_timestamp());
	v_by jsonb; v_to jsonb; v_from text; v_items jsonb[]; v_keys text[]; v_ids uuid[]; v_sides jsonb;
BEGIN
	PERFORM set_caller(p_caller);
	v_by := party_find(p_by);
	v_to := party_find(p_to);
	IF p_cursor IS NOT NULL AND v_after_day IS NULL THEN
		RETURN cursor_refused();
	ELSIF p_by IS NOT NULL AND v_by IS NULL OR p_to IS NOT NULL AND v_to IS NULL THEN
		RETURN not_found('person', CASE WHEN p_by IS NOT NULL AND v_by IS NULL THEN 'by' ELSE 'to' END);
	END IF;
	v_from := ' FROM store.commitment m
			WHERE (SELECT e.voided_at FROM store.engagement e WHERE e.id = m.engagement_id) IS NULL'
		|| commitment_party('by', v_by, '$1') || commitment_party('to', v_to, '$2')
		|| CASE WHEN p_status IS NOT NULL THEN ' AND m.status = $3' ELSE '' END
		|| CASE p_overdue WHEN true THEN ' AND m.status = ''open'' AND m.due_on < $4'
			WHEN false THEN ' AND (m.status <> ''open'' OR m.due_on IS NULL OR m.due_on >= $4)' ELSE '' END
		|| CASE WHEN p_engagement_id IS NOT NULL THEN ' AND m.engagement_id = $5' ELSE '' END
		|| CASE WHEN p_due_before IS NOT NULL THEN ' AND m.due_on < $6' ELSE '' END;
	EXECUTE 'SELECT array_agg(commitment_json(id)), array_agg(CASE WHEN ended THEN ''ended '' ELSE ''open '' END || due),
			array_agg(id) FROM (SELECT m.id, m.status <> ''open'' AS ended, coalesce(m.due_on, ''infinity''::date) AS due'
		|| v_from || CASE WHEN v_after_day IS NOT NULL
			THEN ' AND (m.status <> ''open'', coalesce(m.due_on, ''infinity''::date), m.id) > ($7, $8, $9)' ELSE '' END
		|| ' ORDER BY m.status <> ''open'', coalesce(m.due_on, ''infinity''::date), m.id LIMIT $10) AS rows'
		INTO v_items, v_keys, v_ids USING v_by, v_to, p_status, v_today, p_engagement_id, p_due_before,
			v_after->>0 LIKE 'ended %', v_after_day, (v_after->>1)::uuid, v_limit + 1;
	IF p_cursor IS NULL THEN
		EXECUTE 'SELECT coalesce(jsonb_agg(jsonb_build_object(''side'', side, ''owes'', owes, ''overdue'', overdue)
				ORDER BY overdue DESC, owes DESC, side), ''[]'') FROM (
				SELECT party_side(m.by_country, m.by_contact_id) AS side, count(*) AS owes,
					count(*) FILTER (WHERE m.due_on < $4) AS overdue' || v_from || ' AND m.status = ''open'' GROUP BY 1) AS sides'
			INTO v_sides USING v_by, v_to, p_status, v_today, p_engagement_id, p_due_before;
	END IF;
	RETURN page(v_items, v_keys, v_ids, v_limit) || jsonb_build_object('sides', v_sides);
END $$;
