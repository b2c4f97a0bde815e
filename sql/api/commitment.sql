-- Commitments: what each side promised the other.

CREATE FUNCTION commitment_json(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT jsonb_build_object('id', m.id, 'version', m.version,
			'by', party_json(m.by_country, m.by_contact_id, m.by_principal_id),
			'to', party_json(m.to_country, m.to_contact_id, m.to_principal_id), 'text', m.body, 'due_on', m.due_on,
			'status', m.status, 'overdue', m.status = 'open' AND coalesce(m.due_on <
				(clock_timestamp() AT TIME ZONE 'Asia/Seoul')::date, false),
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

-- Due first; those without a day last; none of a void engagement. A side is a country's own promises and those of its contacts.
CREATE FUNCTION commitment_list(p_caller uuid, p_by text, p_to text, p_status text, p_engagement_id uuid,
	p_due_before date, p_cursor text, p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND (v_after IS NULL OR day_key(v_after->>0) IS NULL) THEN
		RETURN cursor_refused();
	END IF;
	SELECT array_agg(commitment_json(id)), array_agg(due::text), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT m.id, coalesce(m.due_on, 'infinity'::date) AS due FROM store.commitment m
			WHERE (p_by IS NULL OR m.by_country = p_by
					OR EXISTS (SELECT FROM store.contact c WHERE c.id = m.by_contact_id AND c.country = p_by))
				AND (p_to IS NULL OR m.to_country = p_to
					OR EXISTS (SELECT FROM store.contact c WHERE c.id = m.to_contact_id AND c.country = p_to))
				AND (p_status IS NULL OR m.status = p_status)
				AND (p_engagement_id IS NULL OR m.engagement_id = p_engagement_id)
				AND NOT EXISTS (SELECT FROM store.engagement e WHERE e.id = m.engagement_id AND e.voided_at IS NOT NULL)
				AND (p_due_before IS NULL OR m.due_on < p_due_before)
				AND (v_after IS NULL OR (coalesce(m.due_on, 'infinity'::date), m.id) >
					(day_key(v_after->>0), (v_after->>1)::uuid))
			ORDER BY coalesce(m.due_on, 'infinity'::date), m.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
