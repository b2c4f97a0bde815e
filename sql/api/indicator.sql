-- Indicators: what was measured, beside what is aimed at.

CREATE FUNCTION indicator_value_json(p store.indicator_value) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('id', p.id, 'indicator', p.indicator, 'value', p.value, 'as_of', p.as_of, 'source', p.source,
		'sample_size', p.sample_size, 'margin', p.margin, 'question', p.question, 'recorded_by', p.recorded_by,
		'recorded_at', instant(p.recorded_at));
END $$;

CREATE FUNCTION indicator_record(p_caller uuid, p_request jsonb, p_id uuid, p_indicator text, p_value numeric,
	p_as_of date, p_source text, p_sample_size integer, p_margin numeric, p_question text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_indicator store.indicator;
	v_value store.indicator_value;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	ELSIF EXISTS (SELECT FROM store.indicator_value WHERE id = p_id) THEN
		RETURN id_reused('id');
	END IF;
	SELECT * INTO v_indicator FROM store.indicator WHERE code = p_indicator;
	IF NOT FOUND THEN
		RETURN not_found('indicator', 'indicator');
	ELSIF v_indicator.unit = 'percent' AND NOT p_value BETWEEN 0 AND 100 THEN
		RETURN rule('percent', 'this indicator is measured in percent, from 0 to 100', 'value');
	END IF;
	INSERT INTO store.indicator_value (id, indicator, value, as_of, source, sample_size, margin, question, recorded_by)
		VALUES (coalesce(p_id, store.uuid7()), p_indicator, p_value, p_as_of, p_source, p_sample_size, p_margin, p_question,
			p_caller)
		RETURNING * INTO v_value;
	RETURN write_end(p_caller, p_request, v_value.id, 1, indicator_value_json(v_value));
END $$;

CREATE FUNCTION indicator_series(p_caller uuid, p_indicator text, p_since date, p_until date, p_cursor text,
	p_limit integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_limit int := coalesce(p_limit, 50);
	v_after jsonb := cursor_read(p_cursor);
	v_items jsonb[]; v_keys text[]; v_ids uuid[];
BEGIN
	PERFORM set_caller(p_caller);
	IF p_cursor IS NOT NULL AND (v_after IS NULL OR day_key(v_after->>0) IS NULL) THEN
		RETURN cursor_refused();
	ELSIF NOT EXISTS (SELECT FROM store.indicator WHERE code = p_indicator) THEN
		RETURN not_found('indicator', 'indicator');
	END IF;
	SELECT array_agg(item), array_agg(as_of::text), array_agg(id) INTO v_items, v_keys, v_ids
		FROM (SELECT indicator_value_json(v) AS item, v.as_of, v.id FROM store.indicator_value v
			WHERE v.indicator = p_indicator AND (p_since IS NULL OR v.as_of >= p_since)
				AND (p_until IS NULL OR v.as_of < p_until)
				AND (v_after IS NULL OR (v.as_of, v.id) > (day_key(v_after->>0), (v_after->>1)::uuid))
			ORDER BY v.as_of, v.id LIMIT v_limit + 1) AS rows;
	RETURN page(v_items, v_keys, v_ids, v_limit);
END $$;
