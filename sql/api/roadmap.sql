-- The roadmap: what it says, its progress, and its revision.

-- What is measured stays on the roadmap: an indicator of a workstream that has gone stands where its successor does.
CREATE FUNCTION roadmap_workstream_json(p_version int, p_edition store.workstream_edition) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN jsonb_build_object('code', p_edition.code, 'title', p_edition.title, 'title_ko', p_edition.title_ko,
		'objectives', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', oe.code, 'text', oe.body, 'text_ko', oe.body_ko)
				ORDER BY string_to_array(oe.code, '.')::int[]), '[]')
			FROM store.objective o JOIN store.objective_edition oe ON oe.code = o.code AND oe.version = p_version
			WHERE o.workstream = p_edition.code),
		'indicators', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', i.code, 'title', i.title,
				'title_ko', i.title_ko, 'unit', i.unit, 'target', i.target, 'direction', i.direction) ORDER BY i.code), '[]')
			FROM store.indicator i WHERE i.workstream IN (WITH RECURSIVE were AS (SELECT p_edition.code
				UNION SELECT c.from_code FROM store.crosswalk c JOIN were ON c.to_code = were.code
					WHERE c.version <= p_version) SELECT code FROM were)));
END $$;

CREATE FUNCTION roadmap_get(p_caller uuid, p_version int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_version int := coalesce(p_version, (SELECT max(version) FROM store.roadmap_version));
BEGIN
	PERFORM set_caller(p_caller);
	IF NOT EXISTS (SELECT FROM store.roadmap_version WHERE version = v_version) THEN
		RETURN not_found('version of the roadmap', 'version');
	END IF;
	RETURN jsonb_build_object('version', v_version, 'phases', (
		SELECT jsonb_agg(jsonb_build_object('number', p.number, 'title', p.title, 'title_ko', p.title_ko,
				'estimate_years', jsonb_build_object('min', p.years_min, 'max', p.years_max),
				'workstreams', (SELECT coalesce(jsonb_agg(roadmap_workstream_json(v_version, w)
						ORDER BY string_to_array(w.code, '.')::int[]), '[]')
					FROM store.workstream_edition w WHERE w.version = v_version AND w.phase = p.number))
			ORDER BY p.number)
		FROM store.phase p WHERE p.version = v_version));
END $$;

-- Side by side: what was done, what is owed, what was measured. Never a percentage made of meetings.
CREATE FUNCTION roadmap_progress(p_caller uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_version int := (SELECT max(version) FROM store.roadmap_version);
BEGIN
	PERFORM set_caller(p_caller);
	RETURN jsonb_build_object('version', v_version, 'items', (
		SELECT jsonb_agg(jsonb_build_object('code', w.code, 'title', w.title, 'title_ko', w.title_ko, 'phase', w.phase,
				'engagements', coalesce(a.engagements, 0), 'last_on', seoul_day(a.last_at),
				'open_commitments', coalesce(a.open_commitments, 0), 'indicators', (
				SELECT coalesce(jsonb_agg(jsonb_build_object('code', i.code, 'title', i.title, 'unit', i.unit,
						'target', i.target, 'direction', i.direction, 'latest',
						(SELECT indicator_value_json(v) FROM store.indicator_value v WHERE v.indicator = i.code
							ORDER BY v.as_of DESC, v.id DESC LIMIT 1)) ORDER BY i.code), '[]')
					FROM store.indicator i JOIN store.workstream_now n ON n.code = i.workstream WHERE n.now = w.code))
				ORDER BY string_to_array(w.code, '.')::int[])
			FROM store.workstream_edition w
			LEFT JOIN (SELECT l.now, count(*) AS engagements, max(l.sort_at) AS last_at, sum(m.open) AS open_commitments
				FROM (SELECT DISTINCT n.now, e.id, e.sort_at FROM store.engagement e
					JOIN store.engagement_workstream ew ON ew.engagement_id = e.id
					JOIN store.workstream_now n ON n.code = ew.workstream
					WHERE e.voided_at IS NULL AND e.status = 'held') AS l
				LEFT JOIN (SELECT engagement_id, count(*) AS open FROM store.commitment
					WHERE status = 'open' GROUP BY engagement_id) AS m ON m.engagement_id = l.id
				GROUP BY l.now) AS a ON a.now = w.code
			WHERE w.version = v_version));
END $$;

-- What is wrong with the changes of a revision: NULL, or the refusal.
CREATE FUNCTION roadmap_faults(p_changes jsonb, p_version int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
	v_change jsonb; v_position bigint; v_known boolean; v_was boolean; v_path text; v_parent text;
BEGIN
	FOR v_change, v_position IN SELECT * FROM jsonb_array_elements(p_changes) WITH ORDINALITY LOOP
		v_path := format('changes[%s]', v_position - 1);
		IF v_change ? 'workstream' THEN
			v_known := EXISTS (SELECT FROM store.workstream_edition
				WHERE version = p_version AND code = v_change->>'workstream');
			v_was := EXISTS (SELECT FROM store.workstream WHERE code = v_change->>'workstream');
		ELSIF v_change ? 'objective' THEN
			v_known := EXISTS (SELECT FROM store.objective_edition
				WHERE version = p_version AND code = v_change->>'objective');
			v_was := EXISTS (SELECT FROM store.objective WHERE code = v_change->>'objective');
			v_parent := regexp_replace(v_change->>'objective', '\.\d+$', '');
		ELSE
			v_known := EXISTS (SELECT FROM store.phase WHERE version = p_version AND number = (v_change->>'phase')::int);
			v_was := v_known;
		END IF;
		IF EXISTS (SELECT FROM jsonb_array_elements(p_changes) WITH ORDINALITY AS c WHERE c.ordinality < v_position
			AND c.value @> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(v_change)
				WHERE key IN ('phase', 'workstream', 'objective'))) THEN
			RETURN invalid(v_path, 'stands in the list already; say all of one code in one place');
		ELSIF v_was AND NOT v_known THEN
			RETURN rule('code_reused', 'this code was used by an earlier roadmap; codes are never used again', v_path);
		ELSIF v_change @> '{"retire": true}' AND NOT v_known THEN
			RETURN not_found('code of the roadmap', v_path);
		ELSIF NOT v_known AND (v_change ?| ARRAY['workstream', 'phase'] AND NOT v_change ?& ARRAY['title', 'title_ko']
			OR v_change ? 'objective' AND NOT v_change ?& ARRAY['text', 'text_ko']
			OR v_change ? 'workstream' AND NOT v_change ? 'in_phase'
			OR NOT v_change ?| ARRAY['workstream', 'objective'] AND NOT v_change ? 'estimate_years') THEN
			RETURN rule('new_needs_all', 'something new needs all of its texts in English and Korean, a workstream also '
				'in_phase, a phase also estimate_years', v_path);
		ELSIF v_change ? 'objective' AND NOT v_change @> '{"retire": true}'
			AND (p_changes @> jsonb_build_array(jsonb_build_object('workstream', v_parent, 'retire', true))
				OR NOT EXISTS (SELECT FROM store.workstream_edition WHERE version = p_version AND code = v_parent)
					AND NOT p_changes @> jsonb_build_array(jsonb_build_object('workstream', v_parent))) THEN
			RETURN not_found('workstream', v_path || '.objective');
		ELSIF v_change ? 'in_phase' AND NOT p_changes @> jsonb_build_array(jsonb_build_object('phase', v_change->'in_phase'))
			AND NOT EXISTS (SELECT FROM store.phase WHERE version = p_version AND number = (v_change->>'in_phase')::int) THEN
			RETURN not_found('phase', v_path || '.in_phase');
		END IF;
	END LOOP;
	RETURN NULL;
END $$;

-- The edition as it was, then the changes on it.
CREATE FUNCTION roadmap_edit(p_from int, p_to int, p_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_change jsonb;
BEGIN
	INSERT INTO store.phase SELECT p_to, number, title, title_ko, years_min, years_max FROM store.phase
		WHERE version = p_from;
	FOR v_change IN SELECT * FROM jsonb_array_elements(p_changes) AS c WHERE NOT c ?| ARRAY['workstream', 'objective'] LOOP
		INSERT INTO store.phase AS p (version, number, title, title_ko, years_min, years_max)
			VALUES (p_to, (v_change->>'phase')::int, coalesce(v_change->>'title', ''), coalesce(v_change->>'title_ko', ''),
				coalesce((v_change #>> '{estimate_years,min}')::int, 0), (v_change #>> '{estimate_years,max}')::int)
			ON CONFLICT (version, number) DO UPDATE SET title = coalesce(v_change->>'title', p.title),
				title_ko = coalesce(v_change->>'title_ko', p.title_ko),
				years_min = CASE WHEN v_change ? 'estimate_years' THEN excluded.years_min ELSE p.years_min END,
				years_max = CASE WHEN v_change ? 'estimate_years' THEN excluded.years_max ELSE p.years_max END;
	END LOOP;
	INSERT INTO store.workstream_edition SELECT p_to, code, phase, title, title_ko FROM store.workstream_edition w
		WHERE version = p_from
			AND NOT p_changes @> jsonb_build_array(jsonb_build_object('workstream', w.code, 'retire', true));
	FOR v_change IN SELECT * FROM jsonb_array_elements(p_changes) AS c
		WHERE c ? 'workstream' AND NOT c @> '{"retire": true}' LOOP
		INSERT INTO store.workstream (code) VALUES (v_change->>'workstream') ON CONFLICT DO NOTHING;
		INSERT INTO store.workstream_edition AS w (version, code, phase, title, title_ko)
			VALUES (p_to, v_change->>'workstream', coalesce((v_change->>'in_phase')::int,
					(SELECT phase FROM store.workstream_edition
						WHERE version = p_from AND code = v_change->>'workstream')),
				coalesce(v_change->>'title', ''), coalesce(v_change->>'title_ko', ''))
			ON CONFLICT (version, code) DO UPDATE SET phase = excluded.phase,
				title = coalesce(v_change->>'title', w.title), title_ko = coalesce(v_change->>'title_ko', w.title_ko);
	END LOOP;
	INSERT INTO store.objective_edition SELECT p_to, oe.code, oe.body, oe.body_ko
		FROM store.objective_edition oe JOIN store.objective o ON o.code = oe.code
		JOIN store.workstream_edition w ON w.version = p_to AND w.code = o.workstream
		WHERE oe.version = p_from
			AND NOT p_changes @> jsonb_build_array(jsonb_build_object('objective', oe.code, 'retire', true));
	FOR v_change IN SELECT * FROM jsonb_array_elements(p_changes) AS c
		WHERE c ? 'objective' AND NOT c @> '{"retire": true}' LOOP
		INSERT INTO store.objective (code, workstream)
			VALUES (v_change->>'objective', regexp_replace(v_change->>'objective', '\.\d+$', '')) ON CONFLICT DO NOTHING;
		INSERT INTO store.objective_edition AS o (version, code, body, body_ko)
			VALUES (p_to, v_change->>'objective', coalesce(v_change->>'text', ''), coalesce(v_change->>'text_ko', ''))
			ON CONFLICT (version, code) DO UPDATE SET body = coalesce(v_change->>'text', o.body),
				body_ko = coalesce(v_change->>'text_ko', o.body_ko);
	END LOOP;
END $$;

-- A new version: codes are never reused, links stay as they are, and a workstream that goes says by the crosswalk what
-- stands for it now.
CREATE FUNCTION roadmap_revise(p_caller uuid, p_request jsonb, p_id uuid, p_based_on integer, p_changes jsonb,
	p_crosswalk jsonb, p_adopted_on date, p_note text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v_answer jsonb := write_begin(p_caller, p_request, p_id);
	v_version int;
	v_code text;
BEGIN
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	-- One revision at a time: the next is based on this one, or is stale.
	PERFORM pg_advisory_xact_lock(hashtextextended('roadmap', 0));
	v_version := (SELECT max(version) FROM store.roadmap_version);
	IF v_version <> p_based_on THEN
		RETURN stale(v_version);
	END IF;
	v_answer := roadmap_faults(p_changes, v_version);
	IF v_answer IS NOT NULL THEN
		RETURN v_answer;
	END IF;
	SELECT c->>'workstream' INTO v_code FROM jsonb_array_elements(p_changes) AS c
		WHERE c ? 'workstream' AND c @> '{"retire": true}'
			AND NOT coalesce(p_crosswalk @> jsonb_build_array(jsonb_build_object('from', c->>'workstream')), false) LIMIT 1;
	IF FOUND THEN
		RETURN rule('crosswalk_missing', format('workstream %s is to go; the crosswalk must say what stands for it', v_code),
			'crosswalk');
	END IF;
	SELECT c.value->>side INTO v_code FROM jsonb_array_elements(p_crosswalk) AS c(value), unnest(ARRAY['from', 'to']) AS side
		WHERE CASE side
			WHEN 'from' THEN NOT p_changes @> jsonb_build_array(jsonb_build_object('workstream', c.value->>'from', 'retire', true))
			ELSE p_changes @> jsonb_build_array(jsonb_build_object('workstream', c.value->>'to', 'retire', true))
				OR NOT (EXISTS (SELECT FROM store.workstream_edition WHERE version = v_version AND code = c.value->>'to')
					OR p_changes @> jsonb_build_array(jsonb_build_object('workstream', c.value->>'to'))) END LIMIT 1;
	IF FOUND THEN
		RETURN rule('crosswalk', format('%s cannot stand there: a crosswalk leads from a workstream that goes to one that is '
			'on the new roadmap', v_code), 'crosswalk');
	END IF;
	INSERT INTO store.roadmap_version (version, adopted_on, note) VALUES (v_version + 1, p_adopted_on, p_note);
	PERFORM roadmap_edit(v_version, v_version + 1, p_changes);
	INSERT INTO store.crosswalk (version, from_code, to_code)
		SELECT DISTINCT v_version + 1, c->>'from', c->>'to' FROM jsonb_array_elements(p_crosswalk) AS c;
	INSERT INTO store.workstream_now (code, now)
		SELECT n.code, c.to_code FROM store.workstream_now n
			JOIN store.crosswalk c ON c.version = v_version + 1 AND c.from_code = n.now
		UNION SELECT code, code FROM store.workstream_edition WHERE version = v_version + 1
		ON CONFLICT DO NOTHING;
	DELETE FROM store.workstream_now n
		WHERE NOT EXISTS (SELECT FROM store.workstream_edition w WHERE w.version = v_version + 1 AND w.code = n.now);
	PERFORM pg_notify('tracktwo', 'reference');
	RETURN write_end(p_caller, p_request, coalesce(p_id, store.uuid7()), 1, roadmap_get(p_caller, v_version + 1));
END $$;
